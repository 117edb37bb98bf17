// SPDX-License-Identifier: GPL-2.0
/*
 * The call stacks of traced guests: which task runs on each vCPU, and which
 * functions it is in.
 *
 * A stack belongs to a task: it stays as it is while the task is switched out,
 * and an interrupt's functions are just deeper ones. What was not seen is never
 * made up: the depth in every entry and return says which frames are over.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/callgraph.h"
#include "util/util.h"

#define notify(handler, ...) do {				\
	__auto_type __handler = (handler);			\
								\
	if (__handler)						\
		__handler(__VA_ARGS__);				\
} while (0)

static bool is_wanted(const struct callgraph *cg, struct vcpu *v)
{
	return filter_wants(cg->filter, v, v->current, cg->ts);
}

/* Calls @handler unless the filter leaves out what happens on the vCPU now. */
#define notify_wanted(handler, graph, of, what) do {			\
	struct callgraph *__cg = (graph);					\
	struct vcpu *__v = (of);						\
										\
	if (is_wanted(__cg, __v))						\
		notify(handler, __cg->ctx, __v, what);				\
} while (0)

static bool is_call_wanted(const struct callgraph *cg, struct vcpu *v, __u32 depth)
{
	return filter_wants_call(cg->filter, v, v->current, cg->ts, depth);
}

/* A VM and those that are nested in it */
struct vm {
	__u32 pid;		/* of the VMM */
	struct map guests;	/* by map_key() of nested and, if so, vCPU */
};

/* Which VM of its VMM a guest is counts only where there are several. */
static void note_several(const struct vm *vm)
{
	struct guest *guest;

	map_for_each(guest, &vm->guests)
		guest->several = true;
}

static struct vm *get_vm(struct callgraph *cg, const struct event *ev)
{
	__u64 key = map_key(ev->vm, ev->vm_id);
	struct vm *vm = map_get(&cg->vms, key);

	if (vm)
		return vm;
	vm = xcalloc(1, sizeof(*vm));
	vm->pid = ev->vm;
	map_add(&cg->vms, key, vm);
	return vm;
}

static void add_guest(struct callgraph *cg, struct vm *vm, __u64 key, struct guest *guest)
{
	const struct vm *other;

	map_add(&vm->guests, key, guest);
	map_add(&cg->guests, cg->guests.nr, guest);
	map_for_each(other, &cg->vms) {
		if (other->pid != vm->pid || other == vm)
			continue;
		note_several(other);
		guest->several = true;
	}
}

static struct guest *get_guest(struct callgraph *cg, const struct event *ev)
{
	struct vm *vm = get_vm(cg, ev);
	__u64 key = map_key(ev->nested, ev->nested ? ev->vcpu : 0);
	struct guest *guest = map_get(&vm->guests, key);

	if (guest)
		return guest;
	guest = guest_new(ev, ev->nested ? cg->nr_nested++ : 0, cg->nr_boots++);
	add_guest(cg, vm, key, guest);
	return guest;
}

static struct task *add_task(struct callgraph *cg, struct task *task)
{
	map_add(&cg->tasks, cg->tasks.nr, task);
	return task;
}

static struct task *get_task(struct callgraph *cg, struct vcpu *v, int pid)
{
	return boot_task(v->boot, pid, v->id) ?: add_task(cg, task_new(v, pid));
}

static struct vcpu *add_vcpu(struct callgraph *cg, const struct event *ev)
{
	struct vcpu *v = vcpu_new(get_guest(cg, ev), ev->vcpu);

	map_add(&cg->vcpus, cg->vcpus.nr, v);
	add_task(cg, v->unknown);
	*ev->priv = v;
	notify(cg->ops->vcpu_new, cg->ctx, v);
	return v;
}

static void push_frame(struct task *task, const struct frame *f)
{
	if (task->nr_frames == task->alloc) {
		task->alloc = task->alloc ? 2 * task->alloc : 16;
		task->frames = xrealloc(task->frames, task->alloc * sizeof(*task->frames));
	}
	task->frames[task->nr_frames++] = *f;
}

static struct frame *top_frame(struct task *task)
{
	return task->nr_frames ? &task->frames[task->nr_frames - 1] : NULL;
}

static void set_level(struct task *task, __u32 depth, __u32 level)
{
	task->level = level;
	if (depth < task->lowest)
		task->lowest = depth;
}

/* Something happened at @depth: whatever was there or deeper is over. */
static void end_frames(struct callgraph *cg, struct vcpu *v, __u32 depth)
{
	struct task *task = v->current;
	struct frame *f;

	while ((f = top_frame(task)) && f->depth >= depth) {
		if (is_call_wanted(cg, v, f->depth))
			notify(cg->ops->no_return, cg->ctx, v, f);
		filter_leave(task, f->depth);
		task->nr_frames--;
	}
}

static void handle_entry(struct callgraph *cg, struct vcpu *v, const struct frame *f)
{
	symbols_note_call(cg->syms, v->boot->key, f->addr);
	end_frames(cg, v, f->depth);
	push_frame(v->current, f);
	set_level(v->current, f->depth, f->depth + 1);
	filter_enter(cg->filter, v, v->current, f);
	if (is_call_wanted(cg, v, f->depth))
		notify(cg->ops->entry, cg->ctx, v, f);
}

static void handle_return(struct callgraph *cg, struct vcpu *v, const struct frame *f,
			  __u64 duration)
{
	struct task *task = v->current;
	struct frame *top;
	bool entered;

	end_frames(cg, v, f->depth + 1);
	top = top_frame(task);
	entered = top && top->depth == f->depth && top->addr == f->addr;
	if (entered)
		task->nr_frames--;
	else
		end_frames(cg, v, f->depth);
	set_level(task, f->depth, f->depth);
	filter_enter(cg->filter, v, v->current, f);
	if (is_call_wanted(cg, v, f->depth))
		notify(cg->ops->ret, cg->ctx, v, f, entered, duration);
	filter_leave(task, f->depth);
}

static void end_mark(struct callgraph *cg, struct vcpu *v)
{
	if (v->mark.kind)
		notify_wanted(cg->ops->mark, cg, v, &v->mark);
	v->mark.kind = 0;
}

/* What the unknown task of @v was in is no other task's, unless that got it. */
static void reset_unknown(struct callgraph *cg, struct vcpu *v)
{
	struct task *unknown = v->unknown;

	if (v->current == unknown)
		end_frames(cg, v, 0);
	unknown->session = unknown->boot->session;
	unknown->since = cg->ts;
	unknown->nr_frames = 0;
	unknown->level = 0;
	unknown->lowest = NOT_SEEN;
	unknown->wanted = NOT_SEEN;
}

/* What @v is in is no longer known to be open. */
static void drop_calls(struct callgraph *cg, struct vcpu *v)
{
	end_frames(cg, v, 0);
	v->current->level = 0;
	v->current->stale = false;
	v->current->session = v->current->boot->session;
}

/* They were known until @ts. */
static void drop_calls_at(struct callgraph *cg, struct vcpu *v, __u64 ts)
{
	__u64 now = cg->ts;

	cg->ts = ts;
	drop_calls(cg, v);
	cg->ts = now;
}

static void set_current(struct callgraph *cg, struct vcpu *v, struct task *task)
{
	bool stale;

	if (v->current != task) {
		task->since = cg->ts;
		task->lowest = NOT_SEEN;
	}
	stale = task_is_stale(task);
	v->current = task;
	task->vcpu = v;
	if (stale)
		drop_calls_at(cg, v, task->until);
}

static void switch_task(struct callgraph *cg, struct vcpu *v, struct task *next)
{
	if (v->current == next)
		return;
	notify(cg->ops->switching, cg->ctx, v, next);
	v->current->until = cg->ts;
	set_current(cg, v, next);
}

/* @v has switched to @next at @ts, though that is told only now. */
static void switch_task_at(struct callgraph *cg, struct vcpu *v, struct task *next, __u64 ts)
{
	__u64 now = cg->ts;

	cg->ts = ts;
	switch_task(cg, v, next);
	cg->ts = now;
}

/* The switch that was announced on @v, if any, was over before the event that is handled. */
static void finish_switch(struct callgraph *cg, struct vcpu *v)
{
	struct task *prev = v->current, *next = v->announced;
	__u64 now = cg->ts;

	if (!next)
		return;
	cg->ts = v->announced_ts;
	if ((v->gone || prev->gone) && prev->pid > 0) {
		drop_calls(cg, v);
		task_end(prev);
	} else if (prev == v->unknown) {
		reset_unknown(cg, v);
	}
	v->gone = false;
	v->announced = NULL;
	switch_task(cg, v, next);
	cg->ts = now;
}

/* No task is known to run on @v: @none says why. */
static void leave_task(struct callgraph *cg, struct vcpu *v, struct task *none)
{
	end_mark(cg, v);
	finish_switch(cg, v);
	v->told = NULL;
	v->silent = true;
	v->boot->gaps++;
	reset_unknown(cg, v);
	switch_task(cg, v, none);
}

/* How long a task went on after the latest event of @v is not known: it is not told to have. */
static void lose_task(struct callgraph *cg, struct vcpu *v)
{
	end_mark(cg, v);
	finish_switch(cg, v);
	drop_calls_at(cg, v, v->ts);
	switch_task_at(cg, v, v->unknown, v->ts);
	leave_task(cg, v, v->unknown);
}

/* The unknown task of @v turns out to be @task: that one gets what it did. */
static void identify(struct callgraph *cg, struct vcpu *v, struct task *task)
{
	struct task *unknown = v->unknown;
	bool unseen = task_was_unseen(task);
	struct frame *f;
	unsigned int i;

	v->current = task;
	task->vcpu = v;
	if (unseen)
		drop_calls_at(cg, v, task->until);
	if (unknown->lowest != NOT_SEEN) {
		while ((f = top_frame(task)) && f->depth >= unknown->lowest)
			task->nr_frames--;
		for (i = 0; i < unknown->nr_frames; i++)
			push_frame(task, &unknown->frames[i]);
		task->level = unknown->level;
		task->wanted = unknown->wanted;
	}
	task->since = unknown->since;
	task->lowest = unknown->lowest;
	reset_unknown(cg, v);
	notify(cg->ops->identified, cg->ctx, v);
	if (task->stale)
		drop_calls(cg, v);
}

static void handle_mark(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	struct mark *m = &v->mark;

	if (!mark_continues(m, &ev->part)) {
		end_mark(cg, v);
		mark_begin(m, &ev->part, ev->ts);
		notify_wanted(cg->ops->mark_begin, cg, v, m);
	}
	mark_append(m, &ev->part);
	if (mark_ended(m))
		end_mark(cg, v);
}

static void handle_open_call(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	struct open_call call = {
		.frame = { .addr = ev->open_call.addr, .depth = ev->open_call.depth },
		.pid = ev->open_call.pid,
		.vcpu = ev->open_call.vcpu,
	};

	notify_wanted(cg->ops->open_call, cg, v, &call);
}

/* What runs on @v now is no kernel that is known, nor another one that was not. */
static void leave_boot(struct callgraph *cg, struct vcpu *v)
{
	struct guest *guest = v->guest;
	bool used = v->boot == guest->unknown && !v->silent;

	leave_task(cg, v, v->untraced);
	if (!guest->unknown || used)
		guest->unknown = boot_new(guest, NULL, cg->nr_boots++);
	if (!guest->boot->nr)
		guest->boot = guest->unknown;
	vcpu_set_boot(v, guest->unknown);
}

/*
 * What the host saw is told as a mark without text. What runs on the vCPU after that is no
 * kernel that is known.
 */
static void handle_by_host(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	struct mark m = {
		.kind = ev->type == EVENT_RESET ? MARK_RESET : MARK_TRIPLE_FAULT,
		.ts = ev->ts,
	};

	end_mark(cg, v);
	if (v->guest->known) {
		notify_wanted(cg->ops->mark_begin, cg, v, &m);
		notify_wanted(cg->ops->mark, cg, v, &m);
	}
	drop_calls(cg, v);
	leave_boot(cg, v);
}

/* A kernel that was not running before has said hello: what the guest's vCPUs did is over. */
static void begin_boot(struct callgraph *cg, struct guest *guest, __u64 number)
{
	struct vcpu *v;

	guest->boot = boot_new(guest, &number, cg->nr_boots++);
	guest->unknown = NULL;
	map_for_each(v, &guest->vcpus) {
		lose_task(cg, v);
		vcpu_set_boot(v, guest->boot);
	}
}

static bool is_latest_boot(const struct guest *guest, __u64 number)
{
	return guest->boot->nr && guest->boot->number == number;
}

static void handle_hello(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	struct guest *guest = v->guest;
	bool is_new = !is_latest_boot(guest, ev->hello.boot);

	if (is_new)
		begin_boot(cg, guest, ev->hello.boot);
	if (v->boot != guest->boot) {
		leave_task(cg, v, v->unknown);
		vcpu_set_boot(v, guest->boot);
	}
	if (is_new) {
		symbols_set_stext(cg->syms, guest->boot->key, ev->hello.stext);
		symbols_set_build_id(cg->syms, guest->boot->key, ev->hello.build_id);
		notify(cg->ops->boot_new, cg->ctx, guest->boot);
	}
	/* Each of its vCPUs is a guest. */
	guest->boot->scattered |= guest->nested && ev->hello.cpus > 1;
	/* It says so again from time to time. */
	if (!v->said_hello)
		notify_wanted(cg->ops->note, cg, v, ev);
	v->said_hello = true;
}

/* None of the calls that are open in @boot will be seen to return. */
static void end_session(struct callgraph *cg, struct boot *boot)
{
	struct vcpu *v;

	boot->session++;
	map_for_each(v, &boot->guest->vcpus) {
		if (v->boot == boot)
			leave_task(cg, v, v->untraced);
	}
}

/* It also tells by its number if another kernel runs there than was thought. */
static void handle_off(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	notify_wanted(cg->ops->note, cg, v, ev);
	if (v->boot->nr && v->boot->number != ev->off.boot)
		leave_boot(cg, v);
	else if (ev->off.all)
		end_session(cg, v->boot);
	else
		leave_task(cg, v, v->untraced);
}

/* @task is known by its pid alone: that may be another's by now, or an exec have renamed it. */
static void forget_name(struct task *task)
{
	if (task->pid > 0)
		task->comm[0] = '\0';
}

/* Task @prev ran on @v until now, which may be news. */
static void correct_task(struct callgraph *cg, struct vcpu *v, struct task *prev)
{
	if (v->current == prev)
		return;
	if (task_is_known(v->current))
		notify_wanted(cg->ops->mistaken, cg, v, prev);
	forget_name(prev);
	if (v->current == v->unknown && !v->told) {
		identify(cg, v, prev);
		return;
	}
	if (task_is_known(v->current))
		drop_calls(cg, v);
	prev->stale = true;
	switch_task(cg, v, prev);
}

/* Has @task another name than @ev tells since a gap? Then that is another one. */
static bool is_renamed(const struct task *task, const struct event *ev)
{
	return (task->gaps != task->boot->gaps || task->boot->scattered) && task->pid &&
	       *task->comm && strcmp(task->comm, ev->sched_switch.comm);
}

/*
 * Does @task run on another vCPU than @v? The one that is told of @v has got its pid then:
 * that of a task that has ended is free before the last switch away from it.
 */
static bool runs_elsewhere(const struct vcpu *v, const struct task *task)
{
	const struct vcpu *on = task->vcpu;

	return on != v && on->current == task && !on->told && (!on->announced || on->gone);
}

/* Returns the task that @ev names. */
static struct task *named_task(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	int pid = ev->sched_switch.next;
	struct task *task;

	if (v->current->pid == pid)
		return v->current;
	task = get_task(cg, v, pid);
	if (!runs_elsewhere(v, task)) {
		if (!is_renamed(task, ev))
			return task;
		task->stale = true;
	}
	task->gone = true;
	return get_task(cg, v, pid);
}

static void name_task(struct task *task, const struct event *ev)
{
	task->gaps = task->boot->gaps;
	memcpy(task->comm, ev->sched_switch.comm, sizeof(task->comm));
	task->stale |= ev->sched_switch.stale;
}

/* Has the pid of the task that ends on @v been seen elsewhere? It is another one's by now. */
static bool is_pid_used_again(const struct vcpu *v, const struct event *ev)
{
	const struct task *task = boot_task(v->boot, ev->sched_switch.prev, v->id);

	return ev->sched_switch.gone && task && task->vcpu != v;
}

/* @ev tells which task ran on @v until now. */
static void end_running(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	int pid = ev->sched_switch.prev;

	if (v->current->pid == pid)
		return;
	if (!is_pid_used_again(v, ev)) {
		correct_task(cg, v, get_task(cg, v, pid));
	} else if (task_is_known(v->current)) {
		drop_calls(cg, v);
		switch_task(cg, v, v->unknown);
	}
}

static void handle_switch(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	end_mark(cg, v);
	end_running(cg, v, ev);
	v->told = NULL;
	v->announced = named_task(cg, v, ev);
	v->announced_ts = cg->ts;
	v->gone = ev->sched_switch.gone;
	name_task(v->announced, ev);
}

/*
 * Which task runs there is told after a gap, in which it may have taken another's place, or
 * where a switch was announced but has not happened: it is announced again then.
 */
static void handle_running(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	struct task *task = named_task(cg, v, ev);

	name_task(task, ev);
	v->announced = NULL;
	v->gone = false;
	if (v->current == v->unknown && ev->sched_switch.untold)
		reset_unknown(cg, v);
	if (v->unknown->lowest != NOT_SEEN)
		identify(cg, v, task);
	else if (v->current == task)
		set_current(cg, v, task);
	else
		switch_task(cg, v, task);
	v->told = ev->sched_switch.untold ? task : NULL;
}

/* A guest also tells what runs where it does not switch. */
static bool tells_running(const struct event *ev)
{
	return ev->sched_switch.prev == ev->sched_switch.next;
}

static bool is_top(struct task *task, __u64 addr, __u64 depth)
{
	struct frame *top = top_frame(task);

	return top && top->addr == addr && top->depth == depth;
}

/*
 * A guest announces a switch from within the scheduler: the functions that the
 * old task is in then still return, and it may call others. Is @ev of these? A
 * kernel that says hello tells it first. Of others, what could be the new
 * task's as well is that one's.
 */
static bool is_before_switch(struct vcpu *v, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_SWITCH:
		return tells_running(ev) && ev->sched_switch.next == v->current->pid;
	case EVENT_HELLO:
	case EVENT_HELLO_PART:
		/* It may follow any event. A mark is made outside of the scheduler. */
		return true;
	case EVENT_ENTRY:
		return !v->boot->nr && ev->entry.depth == v->current->level &&
		       ev->entry.depth != v->announced->level;
	case EVENT_RETURN:
		return !v->boot->nr && is_top(v->current, ev->ret.addr, ev->ret.depth) &&
		       !is_top(v->announced, ev->ret.addr, ev->ret.depth);
	default:
		return false;
	}
}

/* Has the switch that was announced on @v happened before @ev? */
static void follow_switch(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	if (!is_before_switch(v, ev))
		finish_switch(cg, v);
	else if (ev->type == EVENT_ENTRY || ev->type == EVENT_RETURN)
		v->announced_ts = ev->ts;
}

/* It is known still what @task is in. */
static void keep_calls(struct task *task)
{
	if (task && task->session + 1 == task->boot->session)
		task->session++;
}

/* Any task may have run where events were lost since @begin, but one that ran on @v. */
static void doubt_running(struct callgraph *cg, struct vcpu *v, __u64 begin)
{
	struct task *task = v->current;

	keep_calls(boot_task(v->boot, 0, v->id));
	if (v->announced) {
		if (v->ts <= begin)
			keep_calls(v->announced);
	} else if (task->since <= begin || !task->nr_frames ||
		   task->frames[0].depth >= task->lowest) {
		keep_calls(task);
	} else {
		drop_calls(cg, v);
	}
}

static void doubt_tasks(struct callgraph *cg, struct vcpu *v)
{
	struct vcpu *other;

	v->boot->session++;
	map_for_each(other, &v->guest->vcpus) {
		if (other != v && other->boot == v->boot)
			doubt_running(cg, other, v->ts);
	}
}

static void handle_lost(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	end_mark(cg, v);
	if (v->told)
		switch_task_at(cg, v, v->told, v->ts);
	drop_calls_at(cg, v, v->ts);
	doubt_tasks(cg, v);
	notify_wanted(cg->ops->lost, cg, v, ev);
	/* A switch may be among what was lost. */
	lose_task(cg, v);
	v->silent = false;
}

/* Nothing says what runs where nothing is sent, and where switches are not. */
static void handle_exit(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	if (v->told)
		switch_task_at(cg, v, v->unknown, v->ts);
	else if (v->silent)
		switch_task(cg, v, v->untraced);
	notify_wanted(cg->ops->exit, cg, v, ev);
}

/* @v sends what is of a task. */
static void wake_task(struct callgraph *cg, struct vcpu *v)
{
	v->silent = false;
	if (v->told)
		switch_task(cg, v, v->told);
	else if (v->current == v->untraced)
		switch_task(cg, v, v->unknown);
}

static void handle_of_task(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	wake_task(cg, v);
	switch (ev->type) {
	case EVENT_ENTRY:
		handle_entry(cg, v, &(struct frame){
			.addr = ev->entry.addr, .depth = ev->entry.depth });
		break;
	case EVENT_RETURN:
		handle_return(cg, v, &(struct frame){
			.addr = ev->ret.addr, .depth = ev->ret.depth }, ev->ret.duration);
		break;
	case EVENT_MARK_PART:
		handle_mark(cg, v, ev);
		break;
	case EVENT_OPEN_CALL:
		handle_open_call(cg, v, ev);
		break;
	default:
		notify_wanted(cg->ops->note, cg, v, ev);
	}
}

static void dispatch(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_HELLO:
		handle_hello(cg, v, ev);
		break;
	case EVENT_OFF:
		handle_off(cg, v, ev);
		break;
	case EVENT_SWITCH:
		v->silent = false;
		if (tells_running(ev))
			handle_running(cg, v, ev);
		else
			handle_switch(cg, v, ev);
		break;
	default:
		handle_of_task(cg, v, ev);
	}
}

static void handle_sent(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	if (!v->guest->known)
		notify(cg->ops->guest_new, cg->ctx, v->guest);
	v->guest->known = true;
	/* It is counted with the part that is the last. */
	if (ev->type == EVENT_HELLO_PART)
		return;
	dispatch(cg, v, ev);
	notify(cg->ops->sent, cg->ctx, v);
}

void callgraph_event(struct callgraph *cg, const struct event *ev)
{
	struct vcpu *v = *ev->priv ?: add_vcpu(cg, ev);

	cg->ts = ev->ts;
	if (v->announced)
		follow_switch(cg, v, ev);
	if (event_is_sent(ev))
		handle_sent(cg, v, ev);
	else if (ev->type == EVENT_TRIPLE_FAULT || ev->type == EVENT_RESET)
		handle_by_host(cg, v, ev);
	else if (ev->type == EVENT_EXIT)
		handle_exit(cg, v, ev);
	else if (ev->type == EVENT_HOST_ENTRY || ev->type == EVENT_HOST_RETURN)
		notify_wanted(cg->ops->host, cg, v, ev);
	else
		handle_lost(cg, v, ev);
	v->ts = ev->ts;
}

void callgraph_end(struct callgraph *cg)
{
	struct vcpu *v;

	map_for_each(v, &cg->vcpus)
		end_mark(cg, v);
}

static void end_outdated(struct callgraph *cg, struct task *task)
{
	struct vcpu *v = task->vcpu;
	struct task *current = v->current;
	struct boot *boot = v->boot;

	v->current = task;
	v->boot = task->boot;
	drop_calls_at(cg, v, task == current ? v->ts : task->until);
	v->current = current;
	v->boot = boot;
}

void callgraph_end_outdated(struct callgraph *cg)
{
	struct task *task;
	struct vcpu *v;

	map_for_each(v, &cg->vcpus)
		finish_switch(cg, v);
	map_for_each(task, &cg->tasks) {
		if (task->nr_frames && (task_is_outdated(task) || !task_is_of_now(task)))
			end_outdated(cg, task);
	}
}

void callgraph_init(struct callgraph *cg, const struct callgraph_ops *ops, void *ctx,
		    struct filter *filter, struct symbols *syms)
{
	memset(cg, 0, sizeof(*cg));
	cg->syms = syms;
	cg->filter = filter;
	cg->ops = ops;
	cg->ctx = ctx;
}

void callgraph_free(struct callgraph *cg)
{
	struct guest *guest;
	struct vcpu *v;
	struct vm *vm;

	map_for_each(vm, &cg->vms) {
		map_free(&vm->guests);
		free(vm);
	}
	map_free(&cg->vms);
	map_for_each(v, &cg->vcpus)
		vcpu_free(v);
	map_free(&cg->vcpus);
	map_free(&cg->tasks);
	map_for_each(guest, &cg->guests)
		guest_free(guest);
	map_free(&cg->guests);
}
