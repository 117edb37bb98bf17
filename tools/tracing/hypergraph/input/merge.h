/* SPDX-License-Identifier: GPL-2.0 */
/* The records of all CPUs in the order of their times */
#ifndef HYPERGRAPH_MERGE_H
#define HYPERGRAPH_MERGE_H

#include "input/stream.h"

struct merge;

/* Begins to read all parts of @d. */
struct merge *merge_new(struct dat *d);

/* Returns the next record, which is there until the next call, or NULL at the end. */
const struct raw_record *merge_next(struct merge *m);
void merge_free(struct merge *m);

#endif /* HYPERGRAPH_MERGE_H */
