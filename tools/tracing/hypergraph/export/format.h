/* SPDX-License-Identifier: GPL-2.0 */
/* The formats of hypergraph export, one each in a file of its name */
#ifndef HYPERGRAPH_FORMAT_H
#define HYPERGRAPH_FORMAT_H

#include <stdio.h>

#include "cmds/session.h"

struct export;

struct format {
	const char *name;
	bool directory;		/* that is what it makes, at output */
	const struct callgraph_ops *ops;
	/* Both negative after an error message. */
	int (*begin)(struct export *e);
	int (*end)(struct export *e);
	void (*free)(struct export *e);
};

struct export {
	struct session s;
	const struct format *format;
	const char *output;	/* NULL: stdout */
	FILE *out;
	void *priv;		/* the format's own */
};

extern const struct format format_folded;
extern const struct format format_speedscope;
extern const struct format format_perfetto;
extern const struct format format_trace_dat;
extern const struct format format_ctf;

#endif /* HYPERGRAPH_FORMAT_H */
