/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Holds what a guest sends until it has told where its kernel is, which names its
 * functions: a stage between a reader of events and their handler.
 */
#ifndef HYPERGRAPH_HOLD_H
#define HYPERGRAPH_HOLD_H

#include "graph/symbols.h"
#include "input/event.h"

struct hold;

/*
 * @handler gets all events in the order in which they come. @syms learns from each hello
 * before that is handed on. Both outlive the hold.
 */
struct hold *hold_new(struct symbols *syms, event_handler_t handler, void *ctx);

/* Is an event_handler_t whose context is a struct hold. */
void hold_event(void *hold, const struct event *ev);

/* Hands on what is held, as no hello will come. */
void hold_end(struct hold *h);
void hold_free(struct hold *h);

#endif /* HYPERGRAPH_HOLD_H */
