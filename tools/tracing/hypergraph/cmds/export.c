// SPDX-License-Identifier: GPL-2.0
/* hypergraph export: a trace in the formats of other programs */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "cmds/session.h"
#include "export/format.h"
#include "hypergraph.h"
#include "util/output.h"
#include "util/util.h"

struct exporter {
	struct session s;
	const struct format *format;
	struct export e;
	struct output output;
};

static const struct format * const formats[] = {
	&format_perfetto,
	&format_trace_dat,
	&format_speedscope,
	&format_folded,
	&format_ctf,
};

static const struct argp_option export_rows[] = {
	{ "to", 't', "FORMAT", 0, "one of the above", 0 },
	{ "output", 'o', "FILE", 0, "instead of stdout", 0 },
	{ 0 }
};

static bool set_format(struct exporter *x, const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(formats[i]->name, name)) {
			x->format = formats[i];
			return true;
		}
	}
	warnx("--to %s: no such format", name);
	return false;
}

static error_t parse_export(int key, char *arg, struct argp_state *state)
{
	struct exporter *x = state->input;

	switch (key) {
	case 't':
		return set_format(x, arg) ? 0 : EINVAL;
	case 'o':
		x->e.output = strcmp(arg, "-") ? arg : NULL;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The list of formats follows the text that says what the command does. */
static char *list_formats(int key, const char *text, void *input)
{
	FILE *out;
	char *list;
	size_t i, size;

	(void)input;
	if (key != ARGP_KEY_HELP_PRE_DOC)
		return (char *)text;
	out = xmemstream(&list, &size);
	fprintf(out, "%s\n\nFORMAT is one of:\n", text);
	for (i = 0; i < ARRAY_SIZE(formats); i++)
		fprintf(out, "  %-12s %s\n", formats[i]->name, formats[i]->help);
	xclose(out);
	return list;
}

static int open_output(struct exporter *x)
{
	struct export *e = &x->e;

	if (output_open(&x->output, e->output))
		return -1;
	e->out = x->output.file;
	if (isatty(fileno(e->out)) && !x->format->text) {
		warnx("will not write %s to a terminal: give --output FILE", x->format->name);
		return -1;
	}
	return 0;
}

static int check_output(const struct exporter *x)
{
	struct stat st;

	if (!x->format) {
		warnx("--to FORMAT is missing");
		return -1;
	}
	if (x->format->directory && !x->e.output) {
		warnx("%s is a directory: give --output DIR", x->format->name);
		return -1;
	}
	if (x->format->directory && !lstat(x->e.output, &st)) {
		warnx("%s: exists: --output is to be a new directory", x->e.output);
		return -1;
	}
	if (x->e.output && !stat(x->e.output, &st) && session_reads(&x->s, &st)) {
		warnx("%s: is what is read: give another --output", x->e.output);
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
	if (check_output(x) || (!x->format->directory && open_output(x)))
		return -1;
	s->cg.ops = x->format->ops;
	s->cg.ctx = e;
	return x->format->begin(e);
}

static int export_end(struct session *s)
{
	struct exporter *x = (struct exporter *)s;

	callgraph_end_outdated(&s->cg);
	if (x->format->end(&x->e))
		return -1;
	return x->output.file ? output_finish(&x->output) : 0;
}

static void export_free(struct session *s)
{
	struct exporter *x = (struct exporter *)s;

	if (x->format)
		x->format->free(&x->e);
	output_drop(&x->output);
}

static const struct view export_view = {
	.argp = {
		.options = export_rows,
		.parser = parse_export,
		.args_doc = "--to FORMAT [TRACE]",
		.doc =
			"Writes the guests' call graph in TRACE (trace.dat) for other programs.",
		.help_filter = list_formats,
	},
	.filtered = true,
	.begin = export_begin,
	.end = export_end,
	.free = export_free,
};

int cmd_export(int argc, char **argv)
{
	struct exporter x = { 0 };

	return session_run(&x.s, &export_view, argc, argv);
}
