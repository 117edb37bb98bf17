/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command that reads a trace: it finds the file, loads the guests' symbols, and shows its
 * view of the call graph.
 */
#ifndef HYPERGRAPH_SESSION_H
#define HYPERGRAPH_SESSION_H

#include <argp.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "graph/callgraph.h"
#include "graph/filter.h"
#include "graph/symbols.h"
#include "input/trace.h"

struct session {
	const struct view *view;
	const char *file;		/* how messages call the trace */
	int fd;				/* of it, while it is read */
	struct symbols *syms;
	struct filter filter;
	struct trace *trace;		/* while it is read */
	struct totals totals;		/* after it was read */
	struct callgraph cg;
};

/* What a command does with a trace. Its own data begins with the struct session. */
struct view {
	struct argp argp;		/* its help and own options, whose input is the session */
	bool filtered;			/* It has the options of struct filter, too. */
	const struct callgraph_ops *ops;
	/* It is called before the first event. Negative after an error message. */
	int (*begin)(struct session *s);
	/* It is called after the last event. Negative after an error message. */
	int (*end)(struct session *s);
	/* It is called at last, whatever failed since begin() or in it. */
	void (*free)(struct session *s);
};

/* Is @st of a file that is read: the trace, or one of symbols? */
bool session_reads(const struct session *s, const struct stat *st);

/* Parses the options and reads the trace. Returns the command's exit status. */
int session_run(struct session *s, const struct view *view, int argc, char **argv);

#endif /* HYPERGRAPH_SESSION_H */
