// SPDX-License-Identifier: GPL-2.0
/*
 * Joins the records of a host with the vCPU each belongs to.
 *
 * A hypergraph_exit says all that. A kvm_exit does not say which VM it is of. But
 * a vCPU is one thread of its VMM, so the hypergraph_host events of that thread say
 * it for its exits too. They do not say whether the vCPU ran a nested guest then,
 * nor does kvm_nested_vmexit say which one: such an exit stays with the vCPU.
 */
#include <stdlib.h>

#include "input/decode.h"
#include "input/exit_reason.h"
#include "input/join.h"
#include "util/map.h"
#include "util/util.h"

/* More calls of the host for one exit are not a call graph that one reads. */
#define MAX_HOST_CALLS	4096

/*
 * What the host called since a kvm_exit waits here until it is known whose exit that was.
 * Times do not tell this from what the VM entry before called: the event of an exit is
 * written some time after the exit's duration ended.
 */
struct host_calls {
	struct event *list;
	unsigned int nr;
	unsigned int alloc;
};

/* A thread of the host which runs a vCPU, and whatever that runs nested */
struct thread {
	bool known;		/* a guest was heard from here: vm and vcpu are valid */
	bool held;		/* a kvm_exit waits for what ends it */
	int host_cpu;		/* where it was seen last */
	__u32 vm;
	__u32 vcpu;
	struct event exit;	/* if held */
	struct track *track;	/* which it ran last */
	struct host_calls calls;
};

/* A vCPU of which there were events, or a nested one */
struct track {
	struct thread *thread;	/* which ran it last */
	__u32 vm;
	__u32 vcpu;
	bool nested;
	bool lost;		/* nothing was seen of it since events were lost */
	void *priv;
};

struct join {
	event_handler_t handler;
	void *ctx;
	struct map threads;	/* by pid */
	struct map tracks;	/* by vcpu_key() */
	struct map nested;	/* a nested track of each VM that has any */
	bool joined_seen;
	bool exit_seen;
	bool host_call_seen;
	struct totals totals;
};

static struct thread *get_thread(struct join *j, __u32 pid)
{
	struct thread *th = map_get(&j->threads, pid);

	if (th)
		return th;
	th = xcalloc(1, sizeof(*th));
	map_add(&j->threads, pid, th);
	return th;
}

static struct track *new_track(struct join *j, __u32 vm, __u32 vcpu, bool nested)
{
	struct track *track = xcalloc(1, sizeof(*track));

	track->vm = vm;
	track->vcpu = vcpu;
	track->nested = nested;
	map_add(&j->tracks, vcpu_key(vm, vcpu, nested), track);
	if (nested && !map_get(&j->nested, vm))
		map_add(&j->nested, vm, track);
	return track;
}

/* Notes what @th runs now. */
static struct track *run_track(struct join *j, struct thread *th, __u32 vm, __u32 vcpu,
			       bool nested)
{
	struct track *track = th->track;

	if (track && track->vm == vm && track->vcpu == vcpu && track->nested == nested &&
	    track->thread == th)
		return track;
	track = map_get(&j->tracks, vcpu_key(vm, vcpu, nested));
	if (!track)
		track = new_track(j, vm, vcpu, nested);
	track->thread = th;
	th->track = track;
	return track;
}

/* @r is of an event of hypergraph, which says what ran. */
static struct track *record_track(struct join *j, struct thread *th, const struct host_record *r)
{
	return run_track(j, th, r->vm, r->nested ? r->nested_vcpu : r->vcpu, r->nested);
}

static void deliver(struct join *j, struct track *track, struct event *ev)
{
	bool lost = ev->type == EVENT_LOST;

	/* The handler's thread reads priv beside it: a write would cost both a cache miss. */
	if (track->lost != lost)
		track->lost = lost;
	ev->vm = track->vm;
	ev->vcpu = track->vcpu;
	ev->nested = track->nested;
	ev->priv = &track->priv;
	j->handler(j->ctx, ev);
}

/* What the host called for a hypercall served no exit that is shown. */
static void drop_host_calls(struct thread *th)
{
	th->calls.nr = 0;
}

static void deliver_host_calls(struct join *j, struct thread *th, struct track *track)
{
	struct host_calls *calls = &th->calls;
	__u32 base = ~0U;
	unsigned int i;

	for (i = 0; i < calls->nr; i++) {
		if (calls->list[i].host.depth < base)
			base = calls->list[i].host.depth;
	}
	for (i = 0; i < calls->nr; i++) {
		calls->list[i].host.depth -= base;
		deliver(j, track, &calls->list[i]);
	}
	drop_host_calls(th);
}

static struct event *add_host_call(struct thread *th, enum event_type type,
				   const struct host_record *r)
{
	struct host_calls *calls = &th->calls;
	struct event *ev;

	if (calls->nr == calls->alloc) {
		calls->alloc = calls->alloc ? 2 * calls->alloc : 64;
		calls->list = xrealloc(calls->list, calls->alloc * sizeof(*calls->list));
	}
	ev = &calls->list[calls->nr++];
	*ev = (struct event){ .type = type, .ts = r->ts };
	ev->host.addr = r->host.addr;
	ev->host.depth = r->host.depth;
	return ev;
}

static void handle_host_entry(struct join *j, struct thread *th, const struct host_record *r)
{
	j->host_call_seen = true;
	if (!th->held)
		return;
	/* Returns may go beyond it, as there are no more of them than of entries. */
	if (th->calls.nr >= MAX_HOST_CALLS) {
		j->totals.host_calls_left_out++;
		return;
	}
	add_host_call(th, EVENT_HOST_ENTRY, r)->host.open = true;
}

/* Returns the innermost call that has not returned yet if it is @addr's at @depth, else NULL. */
static struct event *find_open(const struct host_calls *calls, __u64 addr, __u32 depth)
{
	unsigned int i = calls->nr;

	while (i--) {
		struct event *ev = &calls->list[i];

		if (ev->type == EVENT_HOST_ENTRY && ev->host.open && ev->host.depth <= depth)
			return ev->host.depth == depth && ev->host.addr == addr ? ev : NULL;
	}
	return NULL;
}

/* A function that was entered before the guest was did not serve this exit alone. */
static void handle_host_return(struct thread *th, const struct host_record *r)
{
	struct event *entry = find_open(&th->calls, r->host.addr, r->host.depth);

	if (!entry)
		return;
	entry->host.open = false;
	add_host_call(th, EVENT_HOST_RETURN, r)->host.duration = r->host.returned - r->host.called;
}

/*
 * Ends a kvm_exit that no hypergraph_exit followed. If those are recorded, the exit was
 * another VM's, or its hypergraph_exit was lost. @duration is 0 when the entry was not
 * recorded.
 */
static void end_exit(struct join *j, struct thread *th, __u64 duration)
{
	if (!th->held)
		return;
	th->held = false;
	if (j->joined_seen) {
		drop_host_calls(th);
		return;
	}
	if (!th->known) {
		j->totals.foreign_exits++;
		drop_host_calls(th);
		return;
	}
	th->exit.exit.duration = duration;
	th->exit.exit.maybe_nested = map_get(&j->nested, th->vm);
	deliver(j, run_track(j, th, th->vm, th->vcpu, false), &th->exit);
	deliver_host_calls(j, th, th->track);
}

static void handle_exit(struct join *j, struct thread *th, const struct host_record *r)
{
	struct event *ev = &th->exit;

	end_exit(j, th, 0);
	j->exit_seen = true;
	ev->type = EVENT_EXIT;
	ev->exit.reason = r->exit.reason;
	ev->exit.isa = r->exit.isa;
	ev->exit.rip = r->exit.rip;
	ev->ts = r->ts;
	th->held = true;
}

static void handle_hypercall(struct join *j, struct track *track, const struct host_record *r)
{
	struct event ev = { .ts = r->ts, .overhead = r->call.overhead };

	decode_hypercall(&ev, r->call.nr, r->call.a);
	j->totals.overhead += ev.overhead;
	if (!j->totals.hypercalls++)
		j->totals.first_ts = r->ts;
	j->totals.last_ts = r->ts;
	deliver(j, track, &ev);
}

static void handle_joined(struct join *j, struct thread *th, struct track *track,
			  const struct host_record *r)
{
	struct event ev = { .type = EVENT_EXIT };

	ev.ts = th->held ? th->exit.ts : r->ts - r->exit.duration;
	th->held = false;
	if (!track) {
		j->totals.foreign_exits++;
		drop_host_calls(th);
		return;
	}
	ev.exit.duration = r->exit.duration;
	ev.exit.reason = r->exit.reason;
	ev.exit.isa = r->exit.isa;
	ev.exit.rip = r->exit.rip;
	deliver(j, track, &ev);
	deliver_host_calls(j, th, track);
}

/* Ends what the thread did before a hypercall, and learns its vCPU from that. */
static struct track *begin_hypercall(struct join *j, struct thread *th,
				     const struct host_record *r)
{
	/* An unfiltered kvm_exit shows this very hypercall's exit as well. */
	if (th->held && exit_is_hypercall(th->exit.exit.isa, th->exit.exit.reason))
		th->held = false;
	end_exit(j, th, 0);
	drop_host_calls(th);

	th->vm = r->vm;
	th->vcpu = r->vcpu;
	th->known = true;
	return record_track(j, th, r);
}

/* Returns NULL if the exit is of a thread that had sent nothing yet. */
static struct track *begin_joined(struct join *j, struct thread *th, const struct host_record *r)
{
	j->joined_seen = true;
	return th->known ? record_track(j, th, r) : NULL;
}

/*
 * All that @th was the last to run is hit: any of that may have run in between.
 * A nested guest may be long gone, though: it is told once until it is seen again.
 */
static void lose_tracks(struct join *j, const struct thread *th, struct event *ev)
{
	struct track *track;

	map_for_each(track, &j->tracks) {
		if (track->thread == th && !(track->nested && track->lost))
			deliver(j, track, ev);
	}
}

/*
 * The buffer of a host CPU lost events. That hits the vCPUs which ran there before,
 * and the one that runs there now. A vCPU that came and went in between shows
 * only by its depths, which is why those are never taken on trust.
 */
static void handle_lost(struct join *j, struct thread *current, const struct host_record *r)
{
	struct event ev = {
		.type = EVENT_LOST,
		.ts = r->ts,
		.lost = { .count = r->missed, .host_cpu = r->cpu },
	};
	struct thread *th;

	if (r->missed > 0)
		j->totals.lost += r->missed;
	else
		j->totals.lost_uncounted = true;

	map_for_each(th, &j->threads) {
		if (th != current && th->host_cpu != r->cpu)
			continue;
		end_exit(j, th, 0);
		lose_tracks(j, th, &ev);
	}
}

static void handle_thread(struct join *j, struct thread *th, const struct host_record *r)
{
	struct track *track = NULL;

	if (r->type == RECORD_HYPERCALL)
		track = begin_hypercall(j, th, r);
	else if (r->type == RECORD_JOINED)
		track = begin_joined(j, th, r);
	if (r->missed)
		handle_lost(j, th, r);

	th->host_cpu = r->cpu;
	if (r->type == RECORD_HYPERCALL)
		handle_hypercall(j, track, r);
	else if (r->type == RECORD_JOINED)
		handle_joined(j, th, track, r);
	else if (r->type == RECORD_ENTRY)
		end_exit(j, th, r->ts - th->exit.ts);
	else if (r->type == RECORD_HOST_ENTRY)
		handle_host_entry(j, th, r);
	else if (r->type == RECORD_HOST_RETURN)
		handle_host_return(th, r);
	else
		handle_exit(j, th, r);
}

void join_record(struct join *j, const struct host_record *r)
{
	j->totals.events++;
	if (r->type != RECORD_OTHER)
		handle_thread(j, get_thread(j, r->pid), r);
	else if (r->missed)
		handle_lost(j, NULL, r);
}

void join_end(struct join *j)
{
	struct thread *th;

	map_for_each(th, &j->threads)
		end_exit(j, th, 0);
}

bool join_lacks_exits(const struct join *j)
{
	return j->host_call_seen && !j->exit_seen;
}

const struct totals *join_totals(const struct join *j)
{
	return &j->totals;
}

struct join *join_new(event_handler_t handler, void *ctx)
{
	struct join *j = xcalloc(1, sizeof(*j));

	j->handler = handler;
	j->ctx = ctx;
	return j;
}

void join_free(struct join *j)
{
	struct thread *th;
	struct track *track;

	if (!j)
		return;
	map_for_each(th, &j->threads) {
		free(th->calls.list);
		free(th);
	}
	map_for_each(track, &j->tracks)
		free(track);
	map_free(&j->threads);
	map_free(&j->tracks);
	map_free(&j->nested);
	free(j);
}
