/* SPDX-License-Identifier: GPL-2.0 */
/* Events on their way from the thread that reads a trace to the one that shows it */
#ifndef HYPERGRAPH_QUEUE_H
#define HYPERGRAPH_QUEUE_H

#include "input/event.h"

struct queue;

/*
 * Runs @read in a thread of its own, which adds events to the queue, and hands those to
 * @handle in this one, in that order. Returns what @read returned, after the last event was
 * handled, or negative after an error message.
 */
int queue_run(int (*read)(void *ctx, struct queue *queue), void *read_ctx,
	      event_handler_t handle, void *handle_ctx);

/* Is an event_handler_t whose context is a struct queue. It waits while that is full. */
void queue_add(void *queue, const struct event *ev);

#endif /* HYPERGRAPH_QUEUE_H */
