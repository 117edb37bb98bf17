/* SPDX-License-Identifier: GPL-2.0 */
/* The events of event.h from records that do not come from a file */
#ifndef HYPERGRAPH_JOIN_H
#define HYPERGRAPH_JOIN_H

#include <traceevent/event-parse.h>

#include "input/trace.h"

/*
 * For records of the events that @tep knows, of what is called @name in messages. NULL
 * after one. @tep is the caller's, and outlives the trace.
 */
struct trace *trace_of_tep(struct tep_handle *tep, const char *name, event_handler_t handler,
			   void *ctx);

/* Hands what @record tells to the handler. */
void trace_record(struct trace *trace, struct tep_record *record);

#endif /* HYPERGRAPH_JOIN_H */
