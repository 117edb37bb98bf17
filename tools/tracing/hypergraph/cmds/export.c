// SPDX-License-Identifier: GPL-2.0
/* hypergraph export: a trace in the formats of other programs */
#include <err.h>
#include <string.h>
#include <unistd.h>

#include "cmds/session.h"
#include "export/format.h"
#include "hypergraph.h"
#include "util/util.h"

struct exporter {
	struct session s;
	const struct format *format;
	struct export e;
};

static const struct format * const formats[] = {
	&format_perfetto,
	&format_trace_dat,
	&format_speedscope,
	&format_folded,
	&format_ctf,
};

static const struct option export_options[] = {
	{ "to", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static bool set_format(struct exporter *x, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i]->name, name))
			x->format = formats[i];
	}
	if (!x->format)
		warnx("--to %s: no such format", name);
	return x->format;
}

static bool export_option(struct session *s, int opt, const char *arg)
{
	struct exporter *x = (struct exporter *)s;

	if (opt == 't')
		return set_format(x, arg);
	x->e.output = strcmp(arg, "-") ? arg : NULL;
	return true;
}

static int open_output(struct export *e, const struct format *format)
{
	e->out = e->output ? fopen(e->output, "w") : stdout;
	if (!e->out) {
		warn("%s", e->output);
		return -1;
	}
	if (isatty(fileno(e->out)) && !format->text) {
		warnx("will not write %s to a terminal: give --output FILE", format->name);
		return -1;
	}
	return 0;
}

static int check_output(const struct exporter *x)
{
	if (!x->format) {
		warnx("--to FORMAT is missing");
		return -1;
	}
	if (x->format->directory && !x->e.output) {
		warnx("%s is a directory: give --output DIR", x->format->name);
		return -1;
	}
	return 0;
}

/* The format's callbacks take the place of the command's, and are given its struct. */
static int export_begin(struct session *s)
{
	struct exporter *x = (struct exporter *)s;
	struct export *e = &x->e;

	e->file = s->file;
	e->trace = s->trace;
	e->syms = s->syms;
	e->cg = &s->cg;
	if (check_output(x) || (!x->format->directory && open_output(e, x->format)))
		return -1;
	s->cg.ops = x->format->ops;
	s->cg.ctx = e;
	return x->format->begin(e);
}

static int close_output(struct export *e)
{
	bool failed = fflush(e->out) || ferror(e->out);

	if (e->out != stdout && fclose(e->out))
		failed = true;
	e->out = NULL;
	if (failed)
		warn("writing %s", e->output ? e->output : "the output");
	return failed ? -1 : 0;
}

static int export_end(struct session *s)
{
	struct exporter *x = (struct exporter *)s;
	int ret = x->format->end(&x->e);

	return x->e.out && close_output(&x->e) ? -1 : ret;
}

static void export_free(struct session *s)
{
	struct exporter *x = (struct exporter *)s;
	struct export *e = &x->e;

	if (x->format)
		x->format->free(e);
	if (e->out && e->out != stdout)
		fclose(e->out);
}

static const struct view export_view = {
	.help =
		"usage: hypergraph export --to FORMAT [-o FILE] [OPTIONS] [TRACE]\n"
		"\n"
		"Writes the guests' call graph in TRACE (trace.dat) for other programs. FORMAT is:\n"
		"\n"
		"  perfetto         Perfetto's protobuf: a machine for each VM\n"
		"  trace-dat        trace.dat of one guest: trace-cmd, KernelShark, Trace Compass\n"
		"  speedscope       speedscope's JSON: a profile for each task\n"
		"  folded           a line for each stack, with ns in it alone: flame graphs\n"
		"  ctf              Common Trace Format, a directory: babeltrace2, Trace Compass\n"
		"\n"
		"  --output FILE    instead of stdout\n",
	.filtered = true,
	.options = export_options,
	.option = export_option,
	.begin = export_begin,
	.end = export_end,
	.free = export_free,
};

int cmd_export(int argc, char **argv)
{
	struct exporter x = { 0 };

	return session_run(&x.s, &export_view, argc, argv);
}
