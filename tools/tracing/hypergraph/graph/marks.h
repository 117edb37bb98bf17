/* SPDX-License-Identifier: GPL-2.0 */
/* The marks of a guest, each put together from the hypercalls of one vCPU. */
#ifndef HYPERGRAPH_MARKS_H
#define HYPERGRAPH_MARKS_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/hypergraph.h>
#include <linux/types.h>

#include "input/event.h"

/* The kind of what the host saw, as if it were a mark */
#define MARK_TRIPLE_FAULT	254
#define MARK_RESET		255

/* What came of a mark so far. Parts may be missing before it and behind it. */
struct mark {
	__u8 kind;		/* HYPERGRAPH_MARK_... or one of these, 0: nothing came */
	__u64 ts;		/* of its first part, ns */
	__u32 length;		/* of the whole text */
	__u32 offset;		/* in it, of what came */
	__u32 nr;		/* bytes that came */
	char text[HYPERGRAPH_MARK_MAX];
};

/* Is @part the next one of @m? */
bool mark_continues(const struct mark *m, const struct mark_part *part);

/* Begins the mark that @part is the first known part of: it is appended next. */
void mark_begin(struct mark *m, const struct mark_part *part, __u64 ts);
void mark_append(struct mark *m, const struct mark_part *part);

/* Did its last part come? */
bool mark_ended(const struct mark *m);

/* Does it tell that the guest's kernel is at its end? */
bool mark_is_crash(const struct mark *m);

/* Returns what it is, as "panic". */
const char *mark_kind(const struct mark *m);

/* Returns what mark_print() prints; to be freed. */
char *mark_name(const struct mark *m);

/* Returns its text, safe to print, and what of it is missing; to be freed. */
char *mark_text(const struct mark *m);

/* Prints "panic: text". */
void mark_print(const struct mark *m, FILE *out);

#endif /* HYPERGRAPH_MARKS_H */
