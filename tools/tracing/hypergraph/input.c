// SPDX-License-Identifier: GPL-2.0
/* What all commands are given: a trace, and a file of the guest's symbols. */
#include <err.h>
#include <getopt.h>
#include <linux/hypergraph.h>

#include "hypergraph.h"
#include "input.h"

#define OUTPUT_BUFFER	(1024 * 1024)

enum parsed { PARSED, PARSED_HELP, PARSED_WRONG };

static enum parsed parse(struct input *in, int argc, char **argv, const char **kallsyms)
{
	static const struct option options[] = {
		{ "kallsyms", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'h')
			return PARSED_HELP;
		if (opt != 'k')
			return PARSED_WRONG;
		*kallsyms = optarg;
	}
	in->file = optind < argc ? argv[optind] : "trace.dat";
	return argc - optind > 1 ? PARSED_WRONG : PARSED;
}

bool input_parse(struct input *in, int argc, char **argv, void (*print_help)(FILE *out),
		 int *status)
{
	const char *kallsyms = NULL;
	enum parsed parsed = parse(in, argc, argv, &kallsyms);

	if (parsed != PARSED) {
		print_help(parsed == PARSED_HELP ? stdout : stderr);
		*status = parsed == PARSED_HELP ? 0 : EXIT_USAGE;
		return false;
	}
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
	*status = EXIT_ERROR;
	if (kallsyms)
		in->syms = symbols_read(kallsyms);
	return !kallsyms || in->syms;
}

struct search {
	struct trace *trace;
	struct symbols *syms;
};

static void find_hello(void *ctx, const struct trace_event *ev)
{
	struct search *s = ctx;
	__u64 guest;

	if (ev->type != TRACE_HYPERCALL || ev->call.nr != HYPERGRAPH_NR_HELLO)
		return;
	guest = guest_key(ev->vm, ev->vcpu, ev->nested);
	if (!symbols_know(s->syms, guest))
		symbols_set_stext(s->syms, guest, ev->call.a[1]);
	if (!ev->nested)
		trace_stop(s->trace);
}

/*
 * A guest may send events before its first hello: that is looked for beforehand.
 * Not that of each nested guest, as the whole trace would be read for it: what these
 * send before it has no names.
 */
static int find_first_hello(struct input *in)
{
	struct search s = { .syms = in->syms };
	int ret;

	if (!symbols_have_stext(in->syms))
		return 0;
	s.trace = trace_open(in->file);
	if (!s.trace)
		return EXIT_ERROR;
	ret = trace_read(s.trace, find_hello, &s) ? EXIT_ERROR : 0;
	trace_close(s.trace);
	return ret;
}

int input_read(struct input *in, trace_handler_t handler, void *ctx)
{
	struct trace *trace;
	int ret = find_first_hello(in);

	if (ret)
		return ret;
	trace = trace_open(in->file);
	if (!trace)
		return EXIT_ERROR;
	ret = trace_read(trace, handler, ctx) ? EXIT_ERROR : 0;
	in->totals = *trace_totals(trace);
	trace_close(trace);
	return ret;
}

void input_free(struct input *in)
{
	symbols_free(in->syms);
}

int flush_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	warn("writing the output");
	return EXIT_ERROR;
}
