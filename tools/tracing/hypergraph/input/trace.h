/* SPDX-License-Identifier: GPL-2.0 */
/* Reads a host's trace.dat. */
#ifndef HYPERGRAPH_TRACE_H
#define HYPERGRAPH_TRACE_H

#include "input/event.h"

struct trace;

/* NULL after saying on stderr what is wrong with the file at @path, which is called @file. */
struct trace *trace_open(const char *file, const char *path);

/*
 * Hands all events to @handler, in the order that join_new() tells. May be called once.
 * Negative after an error message.
 */
int trace_read(struct trace *trace, event_handler_t handler, void *ctx);

/* The name of a function of the host, NULL: none covers @addr. */
const char *trace_host_function(const struct trace *trace, __u64 addr);

/* What was read: zeroes until trace_read() has returned */
const struct totals *trace_totals(const struct trace *trace);
/* What the priv of events points to is no longer there. */
void trace_close(struct trace *trace);

#endif /* HYPERGRAPH_TRACE_H */
