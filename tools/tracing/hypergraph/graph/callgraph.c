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

static bool is_wanted(const struct callgraph *cg, const struct vcpu *v)
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

static bool is_call_wanted(const struct callgraph *cg, const struct vcpu *v, __u32 depth)
{
	return filter_wants_call(cg->filter, v, v->current, cg->ts, depth);
}

static struct guest *get_guest(struct callgraph *cg, const struct event *ev)
{
	struct guest *guest = map_get(&cg->guests, event_guest(ev));

	if (guest)
		return guest;
	guest = guest_new(ev, ev->nested ? cg->nr_nested++ : 0);
	map_add(&cg->guests, guest->key, guest);
	return guest;
}

static struct task *add_task(struct callgraph *cg, struct task *task)
{
	map_add(&cg->tasks, cg->tasks.nr, task);
	return task;
}

static struct task *get_task(struct callgraph *cg, const struct vcpu *v, int pid)
{
	return guest_task(v->guest, pid, v->id) ?: add_task(cg, task_new(v, pid));
}

static struct vcpu *add_vcpu(struct callgraph *cg, const struct event *ev)
{
	struct vcpu *v = vcpu_new(get_guest(cg, ev), ev->vcpu);

	map_add(&cg->vcpus, vcpu_key(ev->vm, ev->vcpu, ev->nested), v);
	add_task(cg, v->idle);
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

static void reset_unknown(struct task *unknown)
{
	unknown->nr_frames = 0;
	unknown->level = 0;
	unknown->lowest = NOT_SEEN;
	unknown->wanted = NOT_SEEN;
}

static void set_current(struct vcpu *v, struct task *task)
{
	v->current = task;
	task->vcpu = v;
}

/* The unknown task of @v turns out to be @pid: that one gets what it did. */
static void identify(struct callgraph *cg, struct vcpu *v, int pid)
{
	struct task *unknown = v->unknown, *task = get_task(cg, v, pid);
	struct frame *f;
	unsigned int i;

	if (unknown->lowest != NOT_SEEN) {
		while ((f = top_frame(task)) && f->depth >= unknown->lowest)
			task->nr_frames--;
		for (i = 0; i < unknown->nr_frames; i++)
			push_frame(task, &unknown->frames[i]);
		task->level = unknown->level;
		task->wanted = unknown->wanted;
	}
	reset_unknown(unknown);
	set_current(v, task);
	notify(cg->ops->identified, cg->ctx, v);
}

static void end_mark(struct callgraph *cg, struct vcpu *v)
{
	if (v->mark.kind)
		notify_wanted(cg->ops->mark, cg, v, &v->mark);
	v->mark.kind = 0;
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
		.cpu = ev->open_call.cpu,
	};

	notify_wanted(cg->ops->open_call, cg, v, &call);
}

static void handle_switch(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	struct task *next = get_task(cg, v, ev->sched_switch.next);

	end_mark(cg, v);
	if (v->current == v->unknown)
		identify(cg, v, ev->sched_switch.prev);
	v->announced = next;
	memcpy(next->comm, ev->sched_switch.comm, sizeof(next->comm));
}

static bool is_top(struct task *task, __u64 addr, __u64 depth)
{
	struct frame *top = top_frame(task);

	return top && top->addr == addr && top->depth == depth;
}

/*
 * A guest announces a switch from within the scheduler: the functions that the
 * old task is in then still return, and it may call others. Is @ev of these? If
 * it could be the new task's as well, it is.
 */
static bool is_before_switch(struct vcpu *v, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_HELLO:
		/* It may follow any event. A mark is made outside of the scheduler. */
		return true;
	case EVENT_ENTRY:
		return ev->entry.depth == v->current->level &&
		       ev->entry.depth != v->announced->level;
	case EVENT_RETURN:
		return is_top(v->current, ev->ret.addr, ev->ret.depth) &&
		       !is_top(v->announced, ev->ret.addr, ev->ret.depth);
	default:
		return false;
	}
}

static void finish_switch(struct callgraph *cg, struct vcpu *v)
{
	notify(cg->ops->switching, cg->ctx, v, v->announced);
	set_current(v, v->announced);
	v->announced = NULL;
}

static void handle_lost(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	end_mark(cg, v);
	notify_wanted(cg->ops->lost, cg, v, ev);
	/* A switch may be among what was lost. */
	if (v->current != v->unknown)
		notify(cg->ops->switching, cg->ctx, v, v->unknown);
	reset_unknown(v->unknown);
	v->current = v->unknown;
}

static void dispatch(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_ENTRY:
		handle_entry(cg, v, &(struct frame){ ev->entry.addr, ev->entry.depth });
		break;
	case EVENT_RETURN:
		handle_return(cg, v, &(struct frame){ ev->ret.addr, ev->ret.depth },
			      ev->ret.duration);
		break;
	case EVENT_SWITCH:
		handle_switch(cg, v, ev);
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

static void handle_sent(struct callgraph *cg, struct vcpu *v, const struct event *ev)
{
	if (!v->guest->known)
		notify(cg->ops->guest_new, cg->ctx, v->guest);
	v->guest->known = true;
	dispatch(cg, v, ev);
	notify(cg->ops->sent, cg->ctx, v);
}

void callgraph_event(struct callgraph *cg, const struct event *ev)
{
	struct vcpu *v = *ev->priv ?: add_vcpu(cg, ev);

	cg->ts = ev->ts;
	if (v->announced && !is_before_switch(v, ev))
		finish_switch(cg, v);

	if (event_is_sent(ev))
		handle_sent(cg, v, ev);
	else if (ev->type == EVENT_EXIT)
		notify_wanted(cg->ops->exit, cg, v, ev);
	else if (ev->type == EVENT_HOST_ENTRY || ev->type == EVENT_HOST_RETURN)
		notify_wanted(cg->ops->host, cg, v, ev);
	else
		handle_lost(cg, v, ev);
}

void callgraph_end(struct callgraph *cg)
{
	struct vcpu *v;

	map_for_each(v, &cg->vcpus)
		end_mark(cg, v);
}

void callgraph_init(struct callgraph *cg, const struct callgraph_ops *ops, void *ctx,
		    struct filter *filter)
{
	memset(cg, 0, sizeof(*cg));
	cg->filter = filter;
	cg->ops = ops;
	cg->ctx = ctx;
}

void callgraph_free(struct callgraph *cg)
{
	struct guest *guest;
	struct vcpu *v;

	map_for_each(v, &cg->vcpus)
		free(v);
	map_free(&cg->vcpus);
	map_free(&cg->tasks);
	map_for_each(guest, &cg->guests)
		guest_free(guest);
	map_free(&cg->guests);
}
