/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command that reads a trace: its options, the guests' symbols, and the call graph
 * that it watches.
 */
#ifndef HYPERGRAPH_SESSION_H
#define HYPERGRAPH_SESSION_H

#include <getopt.h>
#include <stdbool.h>

#include "graph/callgraph.h"
#include "graph/filter.h"
#include "graph/symbols.h"
#include "input/trace.h"

struct delay;

struct session {
	const struct view *view;
	const char *file;		/* the trace, "-": stdin */
	char *path;			/* where that can be read as a file */
	struct symbols *syms;
	struct filter filter;
	struct trace *trace;		/* while it is read */
	struct totals totals;	/* after it was read */
	struct callgraph cg;
	struct delay *delay;
};

/* What a command does with a trace. Its own data begins with the struct session. */
struct view {
	const char *help;		/* what precedes the text of the common options */
	bool filtered;			/* it has the options of struct filter */
	const struct option *options;	/* its own, whose values are letters */
	/* False after saying on stderr what is wrong with @arg. */
	bool (*option)(struct session *s, int opt, const char *arg);
	const struct callgraph_ops *ops;
	/* What is needed before the first event. Negative after an error message. */
	int (*begin)(struct session *s);
	/* Instead of callgraph_event() */
	void (*event)(struct session *s, const struct event *ev);
	/* After the last event. Negative after an error message. */
	int (*end)(struct session *s);
	/* In any case */
	void (*free)(struct session *s);
};

/* Returns the command's exit status. */
int session_run(struct session *s, const struct view *view, int argc, char **argv);

#endif /* HYPERGRAPH_SESSION_H */
