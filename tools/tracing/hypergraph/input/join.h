/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Joins a host's records: what guests sent, and their VM exits, each with the vCPU it
 * belongs to and with the time until the next VM entry.
 */
#ifndef HYPERGRAPH_JOIN_H
#define HYPERGRAPH_JOIN_H

#include "input/event.h"
#include "input/fields.h"

struct join;
struct lookahead;
struct threads;

/*
 * Begins a join of records of @fields, which ends with join_free(). join_record() and
 * join_end() call @handler, with the events of one vCPU in their order, of all together in the
 * order in which they end.
 */
struct join *join_new(const struct fields *fields, event_handler_t handler, void *ctx);

/*
 * Lets @threads tell whose processes' threads are vCPUs, where no event tells their VM. They
 * are to be there as long as the join is.
 */
void join_set_processes(struct join *j, const struct threads *threads);

/*
 * Lets @later tell whose the exits of threads are that have not told it yet, where hypergraph's
 * events do. It is to be there as long as the join is.
 */
void join_set_later(struct join *j, struct lookahead *later);

/* Takes the next record of the trace, in order of time. */
void join_record(struct join *j, const struct host_record *r);

/* No record comes any more: exits that wait for their entry end without it. */
void join_end(struct join *j);

/* Were there functions of the host, but no exits that they could have served? */
bool join_lacks_exits(const struct join *j);

const struct totals *join_totals(const struct join *j);

/* What the priv of events points to goes with it. */
void join_free(struct join *j);

#endif /* HYPERGRAPH_JOIN_H */
