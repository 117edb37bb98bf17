/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a host's trace.dat: what guests sent, and their VM exits, each joined
 * with the vCPU it belongs to and with the time until the next VM entry.
 */
#ifndef HYPERGRAPH_TRACE_H
#define HYPERGRAPH_TRACE_H

#include "input/event.h"

struct trace;

/* NULL after saying on stderr what is wrong with the file at @path, which is called @file. */
struct trace *trace_open(const char *file, const char *path);

/*
 * Hands all events to @handler: those of one vCPU in their order, of all
 * together in the order in which they end. Negative after an error message.
 */
int trace_read(struct trace *trace, event_handler_t handler, void *ctx);

/* The name of a function of the host, NULL: none covers @addr. */
const char *trace_host_function(const struct trace *trace, __u64 addr);

const struct totals *trace_totals(const struct trace *trace);
void trace_close(struct trace *trace);

#endif /* HYPERGRAPH_TRACE_H */
