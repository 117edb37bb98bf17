// SPDX-License-Identifier: GPL-2.0
/*
 * A guest tells where its kernel is after the first event of each vCPU, so what comes
 * before its first hello waits for that.
 */
#include <stdlib.h>

#include "graph/hold.h"
#include "util/map.h"
#include "util/util.h"

/* No more events are held than this, as the hello of a guest may be lost. */
#define MAX_HELD	4096

struct hold {
	struct symbols *syms;
	event_handler_t handler;
	void *ctx;
	struct event events[MAX_HELD];
	unsigned int nr;
	unsigned int waiting;	/* guests whose hello has not come yet */
	struct map guests;	/* that were seen, by guest_key() */
};

static void hand_on(struct hold *h, const struct event *ev)
{
	if (ev->type == EVENT_HELLO)
		symbols_set_stext(h->syms, event_guest(ev), ev->hello.stext);
	h->handler(h->ctx, ev);
}

void hold_end(struct hold *h)
{
	unsigned int i;

	h->waiting = 0;
	for (i = 0; i < h->nr; i++)
		hand_on(h, &h->events[i]);
	h->nr = 0;
}

static void begin_waiting(struct hold *h, const struct event *ev)
{
	__u64 guest = event_guest(ev);

	if (!event_is_sent(ev) || map_get(&h->guests, guest))
		return;
	map_add(&h->guests, guest, h);
	h->waiting += symbols_want_stext(h->syms, guest);
}

/* The first hello of a guest tells what the events before it mean. */
static void end_waiting(struct hold *h, const struct event *ev)
{
	__u64 guest = event_guest(ev);

	if (ev->type != EVENT_HELLO || !symbols_want_stext(h->syms, guest))
		return;
	symbols_set_stext(h->syms, guest, ev->hello.stext);
	h->waiting--;
}

void hold_event(void *hold, const struct event *ev)
{
	struct hold *h = hold;

	begin_waiting(h, ev);
	if (!h->waiting) {
		hand_on(h, ev);
		return;
	}
	h->events[h->nr++] = *ev;
	end_waiting(h, ev);
	if (!h->waiting || h->nr == MAX_HELD)
		hold_end(h);
}

struct hold *hold_new(struct symbols *syms, event_handler_t handler, void *ctx)
{
	struct hold *h = xcalloc(1, sizeof(*h));

	h->syms = syms;
	h->handler = handler;
	h->ctx = ctx;
	return h;
}

void hold_free(struct hold *h)
{
	map_free(&h->guests);
	free(h);
}
