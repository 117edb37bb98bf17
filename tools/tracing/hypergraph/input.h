/* SPDX-License-Identifier: GPL-2.0 */
/* What all commands are given: a trace, and a file of the guest's symbols. */
#ifndef HYPERGRAPH_INPUT_H
#define HYPERGRAPH_INPUT_H

#include <stdio.h>

#include "symbols.h"
#include "trace.h"

struct input {
	const char *file;	/* the trace */
	struct symbols *syms;	/* NULL: not given */
	struct trace_totals totals;
};

/* The text of the options that input_parse() knows */
#define INPUT_OPTIONS_HELP \
	"  --kallsyms FILE  the guest's /proc/kallsyms, read as root, in any boot of the\n" \
	"                   same kernel, or its System.map: names functions\n" \
	"  -h, --help       this text\n"

/* True if there is something to read, else the command ends with @status. */
bool input_parse(struct input *in, int argc, char **argv, void (*print_help)(FILE *out),
		 int *status);

/*
 * The symbols fit the guest from the first event on, but a nested one perhaps only
 * from its hello on. Returns an exit status.
 */
int input_read(struct input *in, trace_handler_t handler, void *ctx);

void input_free(struct input *in);

/* Returns an exit status. */
int flush_output(void);

#endif /* HYPERGRAPH_INPUT_H */
