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
#include <linux/hypergraph.h>

#include "callgraph.h"
#include "util.h"

/*
 * Deeper than any kernel stack is, since it has no room for as many return
 * addresses: a guest that says so is broken, and must not cost us memory.
 */
#define MAX_DEPTH	1024

/* PID_MAX_LIMIT of the kernel, for the same reason */
#define MAX_PID		(4 * 1024 * 1024)

#define NOT_SEEN	(~0U)

static void task_init(struct callgraph *cg, struct task *task, __u32 vm, int pid)
{
	task->vm = vm;
	task->pid = pid;
	task->lowest = NOT_SEEN;
	*cg->last_task = task;
	cg->last_task = &task->next;
}

static struct vcpu *vcpu_new(struct callgraph *cg, __u32 vm, __u32 id)
{
	struct vcpu *v = xcalloc(1, sizeof(*v));

	v->vm = vm;
	v->id = id;
	task_init(cg, &v->idle, vm, 0);
	snprintf(v->idle.comm, sizeof(v->idle.comm), "swapper/%u", id);
	task_init(cg, &v->unknown, vm, TASK_UNKNOWN);
	v->current = &v->unknown;

	*cg->last_vcpu = v;
	cg->last_vcpu = &v->next;
	map_add(&cg->vcpu_map, map_key(vm, id), v);
	cg->ops->vcpu_new(cg->ctx, v);
	return v;
}

static struct vcpu *vcpu_get(struct callgraph *cg, __u32 vm, __u32 id)
{
	struct vcpu *v = map_get(&cg->vcpu_map, map_key(vm, id));

	return v ? v : vcpu_new(cg, vm, id);
}

static struct task *task_get(struct callgraph *cg, struct vcpu *v, int pid)
{
	struct task *task;

	if (!pid)
		return &v->idle;
	task = map_get(&cg->task_map, map_key(v->vm, pid));
	if (task)
		return task;
	task = xcalloc(1, sizeof(*task));
	task_init(cg, task, v->vm, pid);
	map_add(&cg->task_map, map_key(v->vm, pid), task);
	return task;
}

/* @first and @second are bytes 0..7 and 8..15 of the comm, little-endian. */
static void set_comm(struct task *task, __u64 first, __u64 second)
{
	int i;

	for (i = 0; i < TASK_COMM_LEN; i++) {
		char c = i < 8 ? first >> 8 * i : second >> 8 * (i - 8);

		/* From a guest: nothing that a terminal would obey */
		task->comm[i] = !c || (c >= ' ' && c <= '~') ? c : '?';
	}
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
		cg->ops->no_return(cg->ctx, v, f);
		task->nr_frames--;
	}
}

static void handle_entry(struct callgraph *cg, struct vcpu *v, const struct frame *f)
{
	end_frames(cg, v, f->depth);
	push_frame(v->current, f);
	set_level(v->current, f->depth, f->depth + 1);
	cg->ops->entry(cg->ctx, v, f);
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
	cg->ops->ret(cg->ctx, v, f, entered, duration);
}

static void reset_unknown(struct task *unknown)
{
	unknown->nr_frames = 0;
	unknown->level = 0;
	unknown->lowest = NOT_SEEN;
}

/* The unknown task of @v turns out to be @pid: that one gets what it did. */
static void identify(struct callgraph *cg, struct vcpu *v, int pid)
{
	struct task *unknown = &v->unknown, *task = task_get(cg, v, pid);
	struct frame *f;
	unsigned int i;

	if (unknown->lowest != NOT_SEEN) {
		while ((f = top_frame(task)) && f->depth >= unknown->lowest)
			task->nr_frames--;
		for (i = 0; i < unknown->nr_frames; i++)
			push_frame(task, &unknown->frames[i]);
		task->level = unknown->level;
	}
	reset_unknown(unknown);
	v->current = task;
	cg->ops->identified(cg->ctx, v);
}

static void handle_switch(struct callgraph *cg, struct vcpu *v, const __u64 *a)
{
	struct task *next = task_get(cg, v, a[1]);

	if (v->current == &v->unknown)
		identify(cg, v, a[0]);
	v->announced = next;
	set_comm(next, a[3], a[2]);
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
static bool is_before_switch(struct vcpu *v, const struct trace_event *ev)
{
	const __u64 *a = ev->call.a;

	if (ev->type != TRACE_HYPERCALL)
		return false;
	if (ev->call.nr == HYPERGRAPH_NR_ENTRY)
		return a[1] == v->current->level && a[1] != v->announced->level;
	return ev->call.nr == HYPERGRAPH_NR_RETURN &&
	       is_top(v->current, a[0], a[2]) && !is_top(v->announced, a[0], a[2]);
}

static void finish_switch(struct callgraph *cg, struct vcpu *v)
{
	cg->ops->switching(cg->ctx, v);
	v->current = v->announced;
	v->announced = NULL;
}

static void handle_lost(struct callgraph *cg, struct vcpu *v, const struct trace_event *ev)
{
	cg->ops->lost(cg->ctx, v, ev);
	/* A switch may be among what was lost. */
	if (v->current != &v->unknown)
		cg->ops->switching(cg->ctx, v);
	reset_unknown(&v->unknown);
	v->current = &v->unknown;
}

static void handle_hypercall(struct callgraph *cg, struct vcpu *v, const struct trace_event *ev)
{
	const __u64 *a = ev->call.a;

	if (ev->call.nr == HYPERGRAPH_NR_ENTRY && a[1] <= MAX_DEPTH)
		handle_entry(cg, v, &(struct frame){ .addr = a[0], .depth = a[1] });
	else if (ev->call.nr == HYPERGRAPH_NR_RETURN && a[2] <= MAX_DEPTH)
		handle_return(cg, v, &(struct frame){ .addr = a[0], .depth = a[2] }, a[1]);
	else if (ev->call.nr == HYPERGRAPH_NR_SCHED_SWITCH && a[0] <= MAX_PID && a[1] <= MAX_PID)
		handle_switch(cg, v, a);
	else
		cg->ops->other(cg->ctx, v, ev);
}

void callgraph_event(struct callgraph *cg, const struct trace_event *ev)
{
	struct vcpu *v = vcpu_get(cg, ev->vm, ev->vcpu);

	if (v->announced && !is_before_switch(v, ev))
		finish_switch(cg, v);

	if (ev->type == TRACE_HYPERCALL)
		handle_hypercall(cg, v, ev);
	else if (ev->type == TRACE_EXIT)
		cg->ops->exit(cg->ctx, v, ev);
	else
		handle_lost(cg, v, ev);
}

void callgraph_init(struct callgraph *cg, const struct callgraph_ops *ops, void *ctx)
{
	memset(cg, 0, sizeof(*cg));
	cg->ops = ops;
	cg->ctx = ctx;
	cg->last_vcpu = &cg->vcpus;
	cg->last_task = &cg->tasks;
}

static void free_task(struct task *task)
{
	free(task->frames);
	if (task->pid > 0)
		free(task);
}

void callgraph_free(struct callgraph *cg)
{
	struct task *task;
	struct vcpu *v;

	while ((task = cg->tasks)) {
		cg->tasks = task->next;
		free_task(task);
	}
	while ((v = cg->vcpus)) {
		cg->vcpus = v->next;
		free(v);
	}
	map_free(&cg->vcpu_map);
	map_free(&cg->task_map);
}
