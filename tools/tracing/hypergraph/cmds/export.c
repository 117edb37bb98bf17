// SPDX-License-Identifier: GPL-2.0
/* hypergraph export: a trace in the formats of other programs */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "export/format.h"
#include "hypergraph.h"
#include "util/util.h"

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

static bool set_format(struct export *e, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i]->name, name))
			e->format = formats[i];
	}
	if (!e->format)
		warnx("--to %s: no such format", name);
	return e->format;
}

static bool export_option(struct session *s, int opt, const char *arg)
{
	struct export *e = (struct export *)s;

	if (opt == 't')
		return set_format(e, arg);
	e->output = strcmp(arg, "-") ? arg : NULL;
	return true;
}

static int open_output(struct export *e)
{
	e->out = e->output ? fopen(e->output, "w") : stdout;
	if (!e->out) {
		warn("%s", e->output);
		return -1;
	}
	if (isatty(fileno(e->out)) && e->format != &format_folded) {
		warnx("will not write %s to a terminal: give --output FILE", e->format->name);
		return -1;
	}
	return 0;
}

static int export_begin(struct session *s)
{
	struct export *e = (struct export *)s;

	if (!e->format) {
		warnx("--to FORMAT is missing");
		return -1;
	}
	if (e->format->directory && !e->output) {
		warnx("%s is a directory: give --output DIR", e->format->name);
		return -1;
	}
	if (!e->format->directory && open_output(e))
		return -1;
	s->cg.ops = e->format->ops;
	return e->format->begin ? e->format->begin(e) : 0;
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
	struct export *e = (struct export *)s;
	int ret = e->format->end ? e->format->end(e) : 0;

	return e->out && close_output(e) ? -1 : ret;
}

static void export_free(struct session *s)
{
	struct export *e = (struct export *)s;

	if (e->format && e->format->free)
		e->format->free(e);
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
	struct export e = { 0 };

	return session_run(&e.s, &export_view, argc, argv);
}
