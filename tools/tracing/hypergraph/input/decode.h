/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one door from the wire of linux/hypergraph.h to typed events: nothing else that
 * reads traces knows the hypercalls' numbers, nor what is in their arguments.
 */
#ifndef HYPERGRAPH_DECODE_H
#define HYPERGRAPH_DECODE_H

#include "input/event.h"

/* Is @nr a hypercall that a guest's tracer sends? */
bool decode_knows(__u64 nr);

/*
 * Sets the type of @ev, and what belongs to that, to what hypercall @nr with arguments @a
 * says, or what the host says if it is @by_host; all else of @ev stays. A guest may send
 * anything: what is out of the ranges that struct event promises becomes an EVENT_OTHER.
 */
void decode_hypercall(struct event *ev, bool by_host, __u64 nr, const __u64 a[4]);

/*
 * Joins the EVENT_HELLO_PART @ev, which was made of @a, with those before it of its vCPU.
 * With the last one it becomes an EVENT_HELLO, and an EVENT_OTHER if the one before it is
 * missing. @begun is the vCPU's own, all zeroes at first.
 */
void decode_join_hello(struct hello *begun, struct event *ev, const __u64 a[4]);

#endif /* HYPERGRAPH_DECODE_H */
