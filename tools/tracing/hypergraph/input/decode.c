// SPDX-License-Identifier: GPL-2.0
/*
 * Makes typed events of hypercalls. linux/hypergraph.h says what their arguments hold.
 *
 * A guest says what it likes: what cannot be becomes an EVENT_OTHER, which holds the
 * arguments as they came.
 */
#include <string.h>

#include "input/decode.h"
#include "util/util.h"

/* No kernel has more: a guest that claims to is broken. */
#define MAX_CPUS	8192

static enum event_type decode_entry(struct event *ev, const __u64 *a)
{
	if (a[1] > MAX_DEPTH)
		return EVENT_OTHER;
	ev->entry.addr = a[0];
	ev->entry.depth = a[1];
	return EVENT_ENTRY;
}

static enum event_type decode_return(struct event *ev, const __u64 *a)
{
	if (a[2] > MAX_DEPTH)
		return EVENT_OTHER;
	ev->ret.addr = a[0];
	ev->ret.duration = a[1];
	ev->ret.depth = a[2];
	return EVENT_RETURN;
}

static enum event_type decode_switch(struct event *ev, const __u64 *a)
{
	char *comm = ev->sched_switch.comm;

	if (a[0] > MAX_PID || a[1] > MAX_PID)
		return EVENT_OTHER;
	ev->sched_switch.prev = a[0];
	ev->sched_switch.next = a[1];
	memcpy(comm, &a[3], sizeof(a[3]));
	memcpy(comm + sizeof(a[3]), &a[2], sizeof(a[2]));
	comm[TASK_COMM_LEN] = '\0';
	make_printable(comm);
	return EVENT_SWITCH;
}

static enum event_type decode_hello(struct event *ev, const __u64 *a)
{
	ev->hello.version = a[0];
	ev->hello.cpus = a[0] >> 32;
	ev->hello.stext = a[1];
	memcpy(ev->hello.build_id, &a[2], sizeof(ev->hello.build_id));
	return EVENT_HELLO;
}

static enum event_type decode_mark_part(struct event *ev, const __u64 *a)
{
	struct mark_part *part = &ev->part;
	__u32 length = (__u32)a[0] >> 8, offset = a[0] >> 32, left = length - offset;
	__u8 kind = a[0];

	if (kind < HYPERGRAPH_MARK_USER || kind > HYPERGRAPH_MARK_TRIPLE_FAULT)
		return EVENT_OTHER;
	/* Only a mark without text has a part without any. */
	if (length > HYPERGRAPH_MARK_MAX || offset > length || (!left && length))
		return EVENT_OTHER;
	part->kind = kind;
	part->length = length;
	part->offset = offset;
	part->nr = left < HYPERGRAPH_MARK_BYTES ? left : HYPERGRAPH_MARK_BYTES;
	memcpy(part->bytes, &a[1], HYPERGRAPH_MARK_BYTES);
	return EVENT_MARK_PART;
}

static enum event_type decode_open_call(struct event *ev, const __u64 *a)
{
	__u32 pid = a[3], cpu = a[3] >> 32;

	if (a[2] > MAX_DEPTH || pid > MAX_PID || cpu >= MAX_CPUS)
		return EVENT_OTHER;
	ev->open_call.addr = a[1];
	ev->open_call.depth = a[2];
	ev->open_call.pid = pid;
	ev->open_call.cpu = cpu;
	return EVENT_OPEN_CALL;
}

static enum event_type decode_mark(struct event *ev, const __u64 *a)
{
	if ((__u8)a[0] == HYPERGRAPH_MARK_FRAME)
		return decode_open_call(ev, a);
	return decode_mark_part(ev, a);
}

static enum event_type decode_known(struct event *ev, __u64 nr, const __u64 *a)
{
	switch (nr) {
	case HYPERGRAPH_NR_ENTRY:
		return decode_entry(ev, a);
	case HYPERGRAPH_NR_RETURN:
		return decode_return(ev, a);
	case HYPERGRAPH_NR_SCHED_SWITCH:
		return decode_switch(ev, a);
	case HYPERGRAPH_NR_HELLO:
		return decode_hello(ev, a);
	case HYPERGRAPH_NR_MARK:
		return decode_mark(ev, a);
	default:
		return EVENT_OTHER;
	}
}

static void set_other(struct event *ev, __u64 nr, const __u64 *a)
{
	ev->other.nr = nr;
	memcpy(ev->other.a, a, sizeof(ev->other.a));
}

void decode_hypercall(struct event *ev, __u64 nr, const __u64 a[4])
{
	ev->type = decode_known(ev, nr, a);
	if (ev->type == EVENT_OTHER)
		set_other(ev, nr, a);
}
