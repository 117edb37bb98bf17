// SPDX-License-Identifier: GPL-2.0
/*
 * hypergraph crash: the call stacks that were open when the guests crashed, or
 * when the trace ended, after the marks that say how it ended.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/callgraph.h"
#include "hypergraph.h"
#include "cmds/session.h"
#include "util/util.h"

/* In place of the number of a nested guest's CPU: that which the vCPU is, as none tells it */
#define THIS_VCPU	(~0U)

struct stack {
	unsigned int nr;	/* in order of appearance */
	bool running;
	bool told;		/* its frames are from the guest's crash path */
	__u32 cpu;		/* of the guest */
	struct task task;	/* a copy */
};

struct guest {
	struct guest *next;	/* in order of appearance */
	const struct vcpu *vcpu;	/* the first one heard of it */
	bool crashed;
	__u64 ts;		/* of the capture */
	struct kernel kernel;	/* then */
	struct map stacks;	/* by pid, and by CPU where a pid is of several tasks */
};

struct crash {
	struct session s;
	struct map guest_map;	/* by guest_key() */
	struct guest *guests;
	struct guest **last_guest;
	bool printed;		/* something, so an empty line comes next */
};

static void add_guest(struct crash *c, const struct vcpu *v)
{
	struct guest *guest;

	if (map_get(&c->guest_map, v->guest))
		return;
	guest = xcalloc(1, sizeof(*guest));
	guest->vcpu = v;
	map_add(&c->guest_map, v->guest, guest);
	*c->last_guest = guest;
	c->last_guest = &guest->next;
}

/* Idle and unknown tasks exist once a CPU, others once a guest. */
static struct stack *get_stack(struct guest *guest, int pid, __u32 cpu)
{
	__u64 key = map_key(pid, pid > 0 ? 0 : cpu);
	struct stack *s = map_get(&guest->stacks, key);

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->nr = guest->stacks.nr;
	s->cpu = cpu;
	s->task.pid = pid;
	map_add(&guest->stacks, key, s);
	return s;
}

/* @v is where it ran last. */
static void capture_task(struct guest *guest, const struct task *task, const struct vcpu *v,
			 bool running)
{
	__u32 cpu = v->nested ? THIS_VCPU : v->id;
	struct stack *s = get_stack(guest, task->pid, cpu);
	size_t size = task->nr_frames * sizeof(*task->frames);

	s->running = running;
	s->cpu = cpu;
	memcpy(s->task.comm, task->comm, sizeof(s->task.comm));
	if (!task->nr_frames)
		return;
	s->told = false;
	s->task.nr_frames = task->nr_frames;
	s->task.frames = xrealloc(s->task.frames, size);
	memcpy(s->task.frames, task->frames, size);
}

/* What announced a switch and sent nothing since is through with it. */
static const struct task *running_task(const struct vcpu *v)
{
	return v->announced ? v->announced : v->current;
}

static bool is_running(const struct crash *c, const struct task *task)
{
	const struct vcpu *v;

	for (v = c->s.cg.vcpus; v; v = v->next) {
		if (running_task(v) == task)
			return true;
	}
	return false;
}

static void capture(const struct crash *c, struct guest *guest, __u64 ts)
{
	const struct task *task;
	const struct vcpu *v;

	guest->ts = ts;
	guest->kernel = symbols_kernel(c->s.syms, guest->vcpu->guest);
	for (v = c->s.cg.vcpus; v; v = v->next) {
		if (v->guest == guest->vcpu->guest)
			capture_task(guest, running_task(v), v, true);
	}
	for (task = c->s.cg.tasks; task; task = task->next) {
		v = task->vcpu;
		if (v->guest == guest->vcpu->guest && task->nr_frames && !is_running(c, task))
			capture_task(guest, task, v, false);
	}
}

static void crash_mark_begin(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct crash *c = ctx;
	struct guest *guest = map_get(&c->guest_map, v->guest);

	/* What is called from here on is the crash path. */
	if (guest->crashed || !mark_is_crash(m))
		return;
	guest->crashed = true;
	capture(c, guest, m->ts);
}

static void put_time(__u64 ns)
{
	printf("%llu.%06llu s", ns / 1000000000, ns / 1000 % 1000000);
}

static void crash_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct crash *c = ctx;

	if (!mark_is_crash(m) && m->kind != HYPERGRAPH_MARK_REBOOT)
		return;
	c->printed = true;
	put_time(m->ts);
	printf(", VM %u, vCPU ", v->vm);
	vcpu_print(v, stdout);
	fputs(": ", stdout);
	mark_print(m, stdout);
	putchar('\n');
}

/* Outermost first. One that is known already stays as it is. */
static void insert_frame(struct task *task, const struct frame *f)
{
	unsigned int i = task->nr_frames;

	while (i && task->frames[i - 1].depth >= f->depth) {
		if (task->frames[--i].depth == f->depth)
			return;
	}
	task->frames = xrealloc(task->frames, (task->nr_frames + 1) * sizeof(*f));
	memmove(&task->frames[i + 1], &task->frames[i], (task->nr_frames - i) * sizeof(*f));
	task->frames[i] = *f;
	task->nr_frames++;
}

static void crash_open_call(void *ctx, struct vcpu *v, const struct open_call *call)
{
	struct crash *c = ctx;
	struct guest *guest = map_get(&c->guest_map, v->guest);
	struct stack *s = get_stack(guest, call->pid, call->cpu);
	const struct task *task = callgraph_task(&c->s.cg, v, call->pid);

	if (s->task.nr_frames && !s->told)
		return;
	if (task)
		memcpy(s->task.comm, task->comm, sizeof(s->task.comm));
	else if (!call->pid)
		snprintf(s->task.comm, sizeof(s->task.comm), "swapper/%u", call->cpu);
	s->told = true;
	insert_frame(&s->task, &call->frame);
}

static const struct callgraph_ops crash_ops = {
	.mark_begin	= crash_mark_begin,
	.mark		= crash_mark,
	.open_call	= crash_open_call,
};

static void crash_event(struct session *s, const struct event *ev)
{
	struct crash *c = (struct crash *)s;

	if (event_is_sent(ev))
		add_guest(c, callgraph_vcpu(&c->s.cg, ev));
	callgraph_event(&c->s.cg, ev);
}

/* By CPU, after THIS_VCPU, and there the running one first */
static int compare_stacks(const void *pa, const void *pb)
{
	const struct stack *a = *(struct stack **)pa, *b = *(struct stack **)pb;

	if (a->cpu != b->cpu)
		return a->cpu + 1 < b->cpu + 1 ? -1 : 1;
	if (a->running != b->running)
		return a->running ? -1 : 1;
	return a->nr < b->nr ? -1 : 1;
}

/* @first is that of the same CPU which is printed first. */
static const char *state(const struct guest *guest, const struct stack *first,
			 const struct stack *s)
{
	if (s->running)
		return "running";
	/* It may be this one that runs there, or on another of a nested guest's vCPUs. */
	if (!first->running || first->task.pid == TASK_UNKNOWN || guest->vcpu->nested)
		return "running or sleeping";
	return "sleeping";
}

static void put_cpu(const struct guest *guest, const struct stack *s)
{
	if (s->cpu == THIS_VCPU) {
		fputs("vCPU ", stdout);
		vcpu_print(guest->vcpu, stdout);
	} else {
		printf("%s %u", guest->vcpu->nested ? "CPU" : "vCPU", s->cpu);
	}
}

static void put_stack(const struct guest *guest, const struct stack *first,
		      const struct stack *s)
{
	unsigned int i = s->task.nr_frames;

	if (!i && s->task.pid == TASK_UNKNOWN)
		return;
	putchar('\n');
	put_cpu(guest, s);
	fputs(", ", stdout);
	task_print(&s->task, stdout);
	printf(" (%s):%s\n", state(guest, first, s), i ? "" : " no open call");
	while (i--) {
		fputs("  ", stdout);
		kernel_print_function(&guest->kernel, s->task.frames[i].addr, stdout);
		putchar('\n');
	}
}

static bool is_any_open(const struct guest *guest)
{
	const struct stack *s;

	map_for_each(s, &guest->stacks) {
		if (s->task.nr_frames)
			return true;
	}
	return false;
}

static void put_stacks(const struct guest *guest)
{
	struct stack **sorted = map_sort(&guest->stacks, compare_stacks);
	const struct stack *first = sorted[0];
	unsigned int i;

	for (i = 0; i < guest->stacks.nr; i++) {
		if (sorted[i]->cpu != first->cpu)
			first = sorted[i];
		put_stack(guest, first, sorted[i]);
	}
	free(sorted);
}

static void put_guest(struct crash *c, const struct guest *guest)
{
	bool open = is_any_open(guest);

	if (c->printed)
		putchar('\n');
	c->printed = true;
	guest_print(guest->vcpu, stdout);
	printf(": %s when ", open ? "calls open" : "no call was open");
	fputs(guest->crashed ? "it crashed at " : "the trace ended at ", stdout);
	put_time(guest->ts);
	puts(guest->crashed ? "" : ", no crash was seen");
	if (open)
		put_stacks(guest);
}

static int crash_begin(struct session *s)
{
	struct crash *c = (struct crash *)s;

	c->last_guest = &c->guests;
	return 0;
}

static int crash_end(struct session *s)
{
	struct crash *c = (struct crash *)s;
	struct guest *guest;

	for (guest = c->guests; guest; guest = guest->next) {
		if (!guest->crashed)
			capture(c, guest, s->totals.last_ts);
		put_guest(c, guest);
	}
	return 0;
}

static void free_guest(struct guest *guest)
{
	struct stack *s;

	map_for_each(s, &guest->stacks) {
		free(s->task.frames);
		free(s);
	}
	map_free(&guest->stacks);
	free(guest);
}

static void crash_free(struct session *s)
{
	struct crash *c = (struct crash *)s;
	struct guest *guest;

	while ((guest = c->guests)) {
		c->guests = guest->next;
		free_guest(guest);
	}
	map_free(&c->guest_map);
}

static const struct view crash_view = {
	.argp = {
		.args_doc = "[TRACE]",
		.doc =
			"Prints how the guests traced in TRACE (trace.dat) ended: oopses, panics,\n"
			"reboots and triple faults with their time on the host, then the calls that\n"
			"were open at a guest's first crash, or when the trace ended: innermost first,\n"
			"of each vCPU the running task, then those which ran there last and sleep.",
	},
	.ops = &crash_ops,
	.begin = crash_begin,
	.event = crash_event,
	.end = crash_end,
	.free = crash_free,
};

int cmd_crash(int argc, char **argv)
{
	struct crash c = { 0 };

	return session_run(&c.s, &crash_view, argc, argv);
}
