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

/* The host's events have room for no higher id of a vCPU. */
#define MAX_VCPU	0xffff

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

#define SWITCH_FLAGS_A0	(HYPERGRAPH_SCHED_GONE | HYPERGRAPH_SCHED_UNTOLD)
#define SWITCH_FLAGS_A1	HYPERGRAPH_SCHED_STALE

static enum event_type decode_switch(struct event *ev, const __u64 *a)
{
	__u64 prev = a[0] & ~SWITCH_FLAGS_A0, next = a[1] & ~SWITCH_FLAGS_A1;
	char *comm = ev->sched_switch.comm;

	if (prev > MAX_PID || next > MAX_PID)
		return EVENT_OTHER;
	ev->sched_switch.prev = prev;
	ev->sched_switch.next = next;
	ev->sched_switch.gone = a[0] & HYPERGRAPH_SCHED_GONE;
	ev->sched_switch.untold = a[0] & HYPERGRAPH_SCHED_UNTOLD;
	ev->sched_switch.stale = a[1] & HYPERGRAPH_SCHED_STALE;
	memcpy(comm, &a[3], sizeof(a[3]));
	memcpy(comm + sizeof(a[3]), &a[2], sizeof(a[2]));
	comm[TASK_COMM_LEN] = '\0';
	make_printable(comm);
	return EVENT_SWITCH;
}

static enum event_type decode_hello_part(struct event *ev, const __u64 *a)
{
	struct hello *hello = &ev->hello;
	__u32 high = a[0] >> 32;

	*hello = (struct hello){ .boot = a[3], .version = a[0], .part = a[0] >> 16 };
	if (!hello->part && high <= MAX_CPUS) {
		hello->cpus = high;
		hello->stext = a[1];
		hello->tsc_khz = a[2];
		hello->channels = a[2] >> 32;
		return EVENT_HELLO_PART;
	}
	if (hello->part != HYPERGRAPH_HELLO_PARTS - 1)
		return EVENT_OTHER;
	memcpy(hello->build_id, &a[1], 16);
	memcpy(hello->build_id + 16, &high, sizeof(high));
	return EVENT_HELLO_PART;
}

static enum event_type decode_off(struct event *ev, const __u64 *a)
{
	if (a[0] > HYPERGRAPH_OFF_ALL)
		return EVENT_OTHER;
	ev->off.all = a[0];
	ev->off.boot = a[1];
	return EVENT_OFF;
}

static enum event_type decode_mark_part(struct event *ev, const __u64 *a)
{
	struct mark_part *part = &ev->part;
	__u32 length = (__u32)a[0] >> 8, offset = a[0] >> 32, left = length - offset;
	__u8 kind = a[0];

	if (kind < HYPERGRAPH_MARK_USER || kind > HYPERGRAPH_MARK_REBOOT)
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
	__u32 pid = a[3], vcpu = a[3] >> 32;

	if (a[2] > MAX_DEPTH || pid > MAX_PID || vcpu > MAX_VCPU)
		return EVENT_OTHER;
	ev->open_call.addr = a[1];
	ev->open_call.depth = a[2];
	ev->open_call.pid = pid;
	ev->open_call.vcpu = vcpu;
	return EVENT_OPEN_CALL;
}

static enum event_type decode_mark(struct event *ev, const __u64 *a)
{
	if ((__u8)a[0] == HYPERGRAPH_MARK_FRAME)
		return decode_open_call(ev, a);
	return decode_mark_part(ev, a);
}

static enum event_type decode_sent(struct event *ev, __u64 nr, const __u64 *a)
{
	switch (nr) {
	case HYPERGRAPH_NR_ENTRY:
		return decode_entry(ev, a);
	case HYPERGRAPH_NR_RETURN:
		return decode_return(ev, a);
	case HYPERGRAPH_NR_SCHED_SWITCH:
		return decode_switch(ev, a);
	case HYPERGRAPH_NR_HELLO:
		return decode_hello_part(ev, a);
	case HYPERGRAPH_NR_MARK:
		return decode_mark(ev, a);
	case HYPERGRAPH_NR_OFF:
		return decode_off(ev, a);
	default:
		return EVENT_OTHER;
	}
}

bool decode_knows(__u64 nr)
{
	switch (nr) {
	case HYPERGRAPH_NR_ENTRY:
	case HYPERGRAPH_NR_RETURN:
	case HYPERGRAPH_NR_SCHED_SWITCH:
	case HYPERGRAPH_NR_HELLO:
	case HYPERGRAPH_NR_MARK:
	case HYPERGRAPH_NR_OFF:
		return true;
	default:
		return false;
	}
}

static enum event_type decode_by_host(__u64 nr)
{
	switch (nr) {
	case HYPERGRAPH_NR_TRIPLE_FAULT:
		return EVENT_TRIPLE_FAULT;
	case HYPERGRAPH_NR_RESET:
		return EVENT_RESET;
	default:
		return EVENT_OTHER;
	}
}

static void set_other(struct event *ev, __u64 nr, const __u64 *a)
{
	ev->other.nr = nr;
	memcpy(ev->other.a, a, sizeof(ev->other.a));
}

void decode_hypercall(struct event *ev, bool by_host, __u64 nr, const __u64 a[4])
{
	ev->type = by_host ? decode_by_host(nr) : decode_sent(ev, nr, a);
	if (ev->type == EVENT_OTHER)
		set_other(ev, nr, a);
}

static bool is_broken(const struct hello *begun, const struct hello *part)
{
	return part->part && (!begun->version || begun->boot != part->boot);
}

void decode_join_hello(struct hello *begun, struct event *ev, const __u64 a[4])
{
	struct hello *part = &ev->hello;
	struct hello whole = *begun;

	if (is_broken(begun, part)) {
		ev->type = EVENT_OTHER;
		set_other(ev, HYPERGRAPH_NR_HELLO, a);
	} else if (part->part) {
		memcpy(whole.build_id, part->build_id, sizeof(whole.build_id));
		whole.part = part->part;
		ev->type = EVENT_HELLO;
		ev->hello = whole;
		begun->version = 0;
	} else {
		*begun = *part;
	}
}
