/* SPDX-License-Identifier: GPL-2.0 */
/* What a recording tells further on: which vCPUs its threads run */
#ifndef HYPERGRAPH_LOOKAHEAD_H
#define HYPERGRAPH_LOOKAHEAD_H

#include "input/dat.h"
#include "input/fields.h"

struct lookahead;

/* What a thread runs, as the first event of hypergraph tells that it has in the recording */
struct told {
	__u32 vm;
	__u16 vm_id;
	__u32 vcpu;
};

/* Begins at the begin of @d, and reads it with @fields when it is asked: both are to stay. */
struct lookahead *lookahead_new(const struct dat *d, const struct fields *fields);

/*
 * Reads on until thread @pid tells, or if it never does to the end: once, whoever is asked for.
 * Returns NULL then, or if @l is NULL. Damage is left out without a word.
 */
const struct told *lookahead_find(struct lookahead *l, __u32 pid);

/* NULL is allowed. */
void lookahead_free(struct lookahead *l);

#endif /* HYPERGRAPH_LOOKAHEAD_H */
