/* SPDX-License-Identifier: GPL-2.0 */
/* What the guests of this host send now, as events of event.h */
#ifndef HYPERGRAPH_LIVE_H
#define HYPERGRAPH_LIVE_H

#include <stdbool.h>

#include "input/event.h"

struct live;

/*
 * Begins to record into an instance of its own, until live_close(). Returns NULL after an
 * error message.
 */
struct live *live_open(event_handler_t handler, void *ctx);

/* Hands what came since the last call to the handler. False if an error is in errno. */
bool live_read(struct live *live);

/* Returns how many events were lost since live_open(). */
__u64 live_lost(const struct live *live);

void live_close(struct live *live);

#endif /* HYPERGRAPH_LIVE_H */
