// SPDX-License-Identifier: GPL-2.0
/*
 * Joins the records of a host with the vCPU each belongs to.
 *
 * A hypergraph_exit says all that. A kvm_exit does not say which VM it is of. But
 * a vCPU is one thread of its VMM, so the hypergraph_host events of that thread say
 * it for its exits too. They do not say whether the vCPU ran a nested guest then,
 * nor does kvm_nested_vmexit say which one: such an exit stays with the vCPU.
 *
 * A host without hypergraph_host has kvm_hypercall, which tells only what was sent. Whose it
 * is, the thread tells, and the kvm_exit before it or the kvm_entry after it. The VM is the
 * thread's process, if the recording tells that, or else the thread. A process with several VMs
 * shows by two threads that run the same vCPU: which others are of one VM is not known then.
 */
#include <stdlib.h>
#include <sys/param.h>

#include "input/decode.h"
#include "input/exit_reason.h"
#include "input/join.h"
#include "input/lookahead.h"
#include "input/threads.h"
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

struct vm {
	__u32 pid;		/* of the VMM, or of the thread if nothing tells more */
	__u16 id;
	bool has_nested;	/* guests */
	bool nests;		/* has run one, as KVM's own events tell */
	bool of_process;	/* that is all that tells which threads run it */
	__u16 nr_others;	/* if so: VMs of that process which are but a thread */
	struct thread *shut_down;	/* those that may have, the first one of them */
	struct map tracks;	/* by track_key() */
};

/* A thread of the host which runs a vCPU, and whatever that runs nested */
struct thread {
	__u32 pid;
	bool held;		/* a kvm_exit waits for what ends it */
	bool calling;		/* a kvm_hypercall does */
	bool shut_down;		/* if held: a triple fault that was not told yet */
	bool listed;		/* It is one of its VM's shut_down. */
	struct thread *next;	/* of these */
	int host_cpu;		/* where it was seen last */
	struct vm *vm;		/* whose, NULL: nothing was told of it yet */
	__u32 vcpu;		/* VCPU_UNKNOWN: it is called by its thread's pid */
	struct event exit;	/* if held */
	struct host_record call;	/* if calling */
	__u64 call_begin;	/* the time of its own kvm_exit, 0 if that was not recorded */
	struct track *track;	/* which it ran last */
	struct host_calls calls;
};

/* A vCPU of which there were events, or a nested one */
struct track {
	struct thread *thread;	/* which ran it last */
	struct vm *vm;
	__u32 vcpu;
	bool nested;
	bool lost;		/* nothing was seen of it since events were lost */
	struct hello hello;	/* of which parts are missing */
	void *priv;
};

struct join {
	event_handler_t handler;
	void *ctx;
	struct map threads;	/* by pid */
	struct map vms;		/* by pid and id */
	struct map tracks;	/* of all VMs, by number */
	const struct threads *processes;	/* NULL: nothing tells them */
	struct lookahead *later;	/* NULL: nothing tells what comes */
	bool stock;		/* The trace has no hypergraph_host. */
	bool has_entries;	/* It has what is recorded at VM entries. */
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
	th->pid = pid;
	th->vcpu = VCPU_UNKNOWN;
	map_add(&j->threads, pid, th);
	return th;
}

static struct vm *get_vm(struct join *j, __u32 pid, __u16 id)
{
	__u64 key = map_key(pid, id);
	struct vm *vm = map_get(&j->vms, key);

	if (vm)
		return vm;
	vm = xcalloc(1, sizeof(*vm));
	vm->pid = pid;
	vm->id = id;
	map_add(&j->vms, key, vm);
	return vm;
}

/* Returns a VM of its own for a thread of the process that has @vm, and others. */
static struct vm *add_vm(struct join *j, struct vm *vm)
{
	if (!vm->nr_others)
		j->totals.shared_processes++;
	j->totals.thread_vms++;
	return get_vm(j, vm->pid, ++vm->nr_others);
}

/* Returns that of a thread of which only its process tells it, or not even that. */
static struct vm *guess_vm(struct join *j, struct thread *th)
{
	__u32 process = threads_process(j->processes, th->pid);
	unsigned int nr = j->vms.nr;
	struct vm *vm = get_vm(j, process ?: th->pid, 0);

	if (vm->nr_others)
		return add_vm(j, vm);
	if (process)
		vm->of_process = j->stock;
	else if (j->vms.nr > nr)
		j->totals.thread_vms++;
	return vm;
}

/* Finds it for a thread of which no event has told it yet. */
static void find_vm(struct join *j, struct thread *th)
{
	const struct told *told = j->stock ? NULL : lookahead_find(j->later, th->pid);

	if (told) {
		th->vm = get_vm(j, told->vm, told->vm_id);
		th->vcpu = told->vcpu;
	} else {
		th->vm = guess_vm(j, th);
	}
}

static __u64 track_key(__u32 vcpu, bool nested)
{
	return map_key(nested, vcpu);
}

static struct track *new_track(struct join *j, struct vm *vm, __u32 vcpu, bool nested)
{
	struct track *track = xcalloc(1, sizeof(*track));

	track->vm = vm;
	track->vcpu = vcpu;
	track->nested = nested;
	vm->has_nested |= nested;
	map_add(&vm->tracks, track_key(vcpu, nested), track);
	map_add(&j->tracks, j->tracks.nr, track);
	return track;
}

/* Notes what @th runs now. */
static struct track *run_track(struct join *j, struct thread *th, __u32 vcpu, bool nested)
{
	struct track *track = th->track;

	if (track && track->vm == th->vm && track->vcpu == vcpu && track->nested == nested &&
	    track->thread == th)
		return track;
	track = map_get(&th->vm->tracks, track_key(vcpu, nested));
	if (!track)
		track = new_track(j, th->vm, vcpu, nested);
	track->thread = th;
	th->track = track;
	return track;
}

/* Does another thread run @vcpu of what is thought to be the VM of @th? */
static bool is_taken(const struct thread *th, __u32 vcpu)
{
	const struct track *track = th->track;

	if (!th->vm->of_process || (track && track->vm == th->vm && track->vcpu == vcpu))
		return false;
	track = map_get(&th->vm->tracks, track_key(vcpu, false));
	return track && track->thread != th;
}

/* What @th runs, as far as others than the events of hypergraph tell */
static struct track *own_track(struct join *j, struct thread *th)
{
	__u32 vcpu;

	if (!th->vm)
		find_vm(j, th);
	vcpu = th->vcpu == VCPU_UNKNOWN ? th->pid : th->vcpu;
	if (is_taken(th, vcpu))
		th->vm = add_vm(j, th->vm);
	return run_track(j, th, vcpu, false);
}

static void learn_vcpu(struct thread *th, const struct host_record *r)
{
	if (r->vcpu != VCPU_UNKNOWN)
		th->vcpu = r->vcpu;
}

/* @r is of an event of hypergraph, which says what ran. */
static struct track *record_track(struct join *j, struct thread *th, const struct host_record *r)
{
	if (!th->vm || th->vm->pid != r->vm || th->vm->id != r->vm_id)
		th->vm = get_vm(j, r->vm, r->vm_id);
	th->vcpu = r->vcpu;
	return run_track(j, th, r->nested ? r->nested_vcpu : r->vcpu, r->nested);
}

static void deliver(struct join *j, struct track *track, struct event *ev)
{
	bool lost = ev->type == EVENT_LOST;

	/* The handler's thread reads priv beside it: a write would cost both a cache miss. */
	if (track->lost != lost)
		track->lost = lost;
	ev->vm = track->vm->pid;
	ev->vm_id = track->vm->id;
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

/* There is nobody else to tell of it. That of a nested guest is not the vCPU's. */
static void tell_triple_fault(struct join *j, struct thread *th)
{
	struct event ev = { .type = EVENT_TRIPLE_FAULT, .ts = th->exit.ts };

	if (!th->held || !th->shut_down)
		return;
	th->shut_down = false;
	if (!th->exit.exit.maybe_nested)
		deliver(j, own_track(j, th), &ev);
}

/* A kernel that says hello has booted after what ended the one before. */
static void tell_triple_faults(struct join *j, struct vm *vm)
{
	struct thread *th;

	while ((th = vm->shut_down)) {
		vm->shut_down = th->next;
		th->listed = false;
		tell_triple_fault(j, th);
	}
}

static void list_shut_down(struct thread *th, struct vm *vm)
{
	if (th->listed)
		return;
	th->listed = true;
	th->next = vm->shut_down;
	vm->shut_down = th;
}

/*
 * Ends a kvm_exit that no hypergraph_exit followed. If those are recorded, its one was
 * filtered out or lost. @duration is 0 when the entry was not recorded.
 */
static void end_exit(struct join *j, struct thread *th, __u64 duration)
{
	struct event *ev = &th->exit;
	struct track *track;

	if (!th->held)
		return;
	tell_triple_fault(j, th);
	th->held = false;
	if (j->joined_seen) {
		drop_host_calls(th);
		return;
	}
	track = own_track(j, th);
	ev->exit.duration = duration;
	ev->exit.maybe_nested |= th->vm->has_nested;
	j->totals.exits++;
	deliver(j, track, ev);
	deliver_host_calls(j, th, track);
}

static void count_hypercall(struct join *j, const struct event *ev)
{
	j->totals.overhead += ev->overhead;
	if (!j->totals.hypercalls++)
		j->totals.first_ts = ev->ts;
	j->totals.last_ts = ev->ts;
}

static void handle_hypercall(struct join *j, struct track *track, const struct host_record *r)
{
	struct event ev = { .ts = r->ts, .overhead = r->call.overhead };

	decode_hypercall(&ev, r->call.by_host, r->call.nr, r->call.a);
	if (ev.type == EVENT_HELLO_PART)
		decode_join_hello(&track->hello, &ev, r->call.a);
	if (event_is_sent(&ev))
		count_hypercall(j, &ev);
	if (ev.type == EVENT_HELLO_PART || ev.type == EVENT_HELLO)
		tell_triple_faults(j, track->vm);
	deliver(j, track, &ev);
}

/* Ends a kvm_hypercall. As a hypergraph_host is, it is of the time of the entry after it. */
static void end_call(struct join *j, struct thread *th, __u64 ts, __u64 overhead)
{
	if (!th->calling)
		return;
	th->calling = false;
	th->call.call.overhead = overhead;
	th->call.ts = ts;
	handle_hypercall(j, own_track(j, th), &th->call);
}

/* Ends what waits for an entry of @th: that was not recorded. */
static void end_without_entry(struct join *j, struct thread *th)
{
	end_call(j, th, th->call.ts, 0);
	end_exit(j, th, 0);
}

static void handle_entry(struct join *j, struct thread *th, const struct host_record *r)
{
	learn_vcpu(th, r);
	end_call(j, th, r->ts, th->call_begin ? r->ts - th->call_begin : 0);
	end_exit(j, th, r->ts - th->exit.ts);
}

static void note_nesting(struct join *j, struct thread *th)
{
	own_track(j, th)->vm->nests = true;
}

/*
 * What follows on the thread tells whether a nested guest has shut down. A vCPU that has may do
 * nothing for long, as another one boots first: that is not waited for where nothing nests.
 */
static void note_shutdown(struct join *j, struct thread *th)
{
	const struct event *ev = &th->exit;
	struct vm *vm;

	if (exit_enters_nested(ev->exit.isa, ev->exit.reason))
		note_nesting(j, th);
	th->shut_down = exit_is_shutdown(ev->exit.isa, ev->exit.reason);
	if (!th->shut_down)
		return;
	vm = own_track(j, th)->vm;
	if (vm->nests)
		list_shut_down(th, vm);
	else
		tell_triple_fault(j, th);
}

static void handle_exit(struct join *j, struct thread *th, const struct host_record *r)
{
	struct event *ev = &th->exit;

	/* What waits is of the vCPU that this tells, unless another one is known. */
	if (th->vcpu == VCPU_UNKNOWN)
		learn_vcpu(th, r);
	end_without_entry(j, th);
	learn_vcpu(th, r);
	j->exit_seen = true;
	ev->type = EVENT_EXIT;
	ev->exit.reason = r->exit.reason;
	ev->exit.isa = r->exit.isa;
	ev->exit.rip = r->exit.rip;
	ev->exit.maybe_nested = false;
	ev->ts = r->ts;
	th->held = true;
	if (j->stock)
		note_shutdown(j, th);
}

/* Is the last exit of @th that of a hypercall? A recording of all exits shows those as well. */
static bool holds_own_exit(const struct thread *th)
{
	return th->held && exit_is_hypercall(th->exit.exit.isa, th->exit.exit.reason);
}

/* Ends what @th did before a hypercall. */
static void end_before_call(struct join *j, struct thread *th)
{
	if (holds_own_exit(th))
		th->held = false;
	end_without_entry(j, th);
	drop_host_calls(th);
}

/* KVM refuses what user space of the guest tries: it has not sent that. */
static void handle_kvm_hypercall(struct join *j, struct thread *th, const struct host_record *r)
{
	bool own = holds_own_exit(th);

	if (!decode_knows(r->call.nr) || (own && th->exit.exit.rip < KERNEL_ADDRESS))
		return;
	end_before_call(j, th);
	th->calling = true;
	th->call = *r;
	th->call_begin = own ? th->exit.ts : 0;
	if (!j->has_entries)
		end_call(j, th, r->ts, 0);
}

static void handle_joined(struct join *j, struct thread *th, struct track *track,
			  const struct host_record *r)
{
	struct event ev = { .type = EVENT_EXIT };

	if (th->calling) {
		end_call(j, th, r->ts, r->exit.duration);
		return;
	}
	j->totals.exits++;
	/* No exit was before the clock began. */
	ev.ts = th->held ? th->exit.ts : r->ts - MIN(r->ts, r->exit.duration);
	th->held = false;
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
	end_before_call(j, th);
	return record_track(j, th, r);
}

static struct track *begin_joined(struct join *j, struct thread *th, const struct host_record *r)
{
	j->joined_seen = true;
	return record_track(j, th, r);
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
		end_without_entry(j, th);
		lose_tracks(j, th, &ev);
	}
}

static void handle_of_thread(struct join *j, struct thread *th, const struct host_record *r)
{
	switch (r->type) {
	case RECORD_EXIT:
		handle_exit(j, th, r);
		break;
	case RECORD_ENTRY:
		handle_entry(j, th, r);
		break;
	case RECORD_KVM_HYPERCALL:
		handle_kvm_hypercall(j, th, r);
		break;
	case RECORD_NESTED_EXIT:
		th->exit.exit.maybe_nested = true;
		if (j->stock)
			note_nesting(j, th);
		break;
	case RECORD_HOST_ENTRY:
		handle_host_entry(j, th, r);
		break;
	default:
		handle_host_return(th, r);
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
	else
		handle_of_thread(j, th, r);
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
		end_without_entry(j, th);
}

bool join_lacks_exits(const struct join *j)
{
	return j->host_call_seen && !j->exit_seen;
}

const struct totals *join_totals(const struct join *j)
{
	return &j->totals;
}

void join_set_processes(struct join *j, const struct threads *threads)
{
	j->processes = threads;
}

void join_set_later(struct join *j, struct lookahead *later)
{
	j->later = later;
}

struct join *join_new(const struct fields *fields, event_handler_t handler, void *ctx)
{
	struct join *j = xcalloc(1, sizeof(*j));

	j->handler = handler;
	j->ctx = ctx;
	j->stock = !fields_have(fields, RECORD_HYPERCALL);
	j->has_entries = fields_have(fields, RECORD_ENTRY) || fields_have(fields, RECORD_JOINED);
	return j;
}

void join_free(struct join *j)
{
	struct thread *th;
	struct track *track;
	struct vm *vm;

	if (!j)
		return;
	map_for_each(th, &j->threads) {
		free(th->calls.list);
		free(th);
	}
	map_for_each(track, &j->tracks)
		free(track);
	map_for_each(vm, &j->vms) {
		map_free(&vm->tracks);
		free(vm);
	}
	map_free(&j->threads);
	map_free(&j->tracks);
	map_free(&j->vms);
	free(j);
}
