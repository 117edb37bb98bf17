/* SPDX-License-Identifier: GPL-2.0 */
/* Reads a host's trace.dat. */
#ifndef HYPERGRAPH_TRACE_H
#define HYPERGRAPH_TRACE_H

#include "input/event.h"

struct trace;

/*
 * Opens the regular file at @fd, which messages call @file: its offset is not used. Returns
 * NULL after saying on stderr what is wrong with it.
 */
struct trace *trace_open(const char *file, int fd);

/*
 * Hands all events to @handler, in the order that join_new() tells. May be called once.
 * Returns a negative number after an error message.
 */
int trace_read(struct trace *trace, event_handler_t handler, void *ctx);

/*
 * Returns the name of a function of the host, or NULL if none covers @addr. One thread may
 * ask, also while another one is in trace_read().
 */
const char *trace_host_function(struct trace *trace, __u64 addr);

/* Was nothing of the file found to be damaged so far, but what trace_read() told? */
bool trace_host_is_whole(const struct trace *trace);

/*
 * Returns the name, as in tracing/trace_clock, of the clock that its events' times are of,
 * or "local" if reading makes ns of those.
 */
const char *trace_clock(const struct trace *trace);

/* Returns what was read: zeroes until trace_read() has returned. */
const struct totals *trace_totals(const struct trace *trace);
/* What the priv of events points to goes with it. */
void trace_close(struct trace *trace);

#endif /* HYPERGRAPH_TRACE_H */
