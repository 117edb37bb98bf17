/* SPDX-License-Identifier: GPL-2.0 */
/* Events on their way from the thread that reads a trace to the one that shows it */
#ifndef HYPERGRAPH_QUEUE_H
#define HYPERGRAPH_QUEUE_H

#include "input/event.h"

struct queue;

/*
 * Runs @read in a thread of its own, and hands what that adds to the queue to @handle in
 * this one, in that order. Returns what @read returned, after the last event was handled.
 */
int queue_run(int (*read)(void *ctx, struct queue *queue), event_handler_t handle, void *ctx);

/* Of use as a event_handler_t, @queue is a struct queue. Waits when that is full. */
void queue_add(void *queue, const struct event *ev);

#endif /* HYPERGRAPH_QUEUE_H */
