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

/* Stands for the CPU that a nested vCPU is, as nothing tells its number. */
#define THIS_VCPU	(~0U)

struct stack {
	unsigned int nr;	/* in order of appearance */
	bool running;
	bool outdated;		/* It may have left that unseen. */
	bool told;		/* its frames are from the guest's crash path */
	__u32 cpu;		/* of the guest */
	struct task task;	/* a copy */
};

/* How a kernel of a guest ended */
struct ending {
	struct ending *before;	/* of a kernel that crashed before */
	bool crashed;
	__u64 ts;		/* of the capture */
	struct kernel kernel;	/* then */
	struct map stacks;	/* by task_key() */
};

struct crash {
	struct session s;
	bool printed;		/* something, so an empty line comes next */
};

static void crash_guest_new(void *ctx, struct guest *guest)
{
	(void)ctx;
	guest->priv = xcalloc(1, sizeof(struct ending));
}

static void crash_boot_new(void *ctx, struct boot *boot)
{
	struct ending *end = boot->guest->priv, *next;

	(void)ctx;
	if (!end->crashed)
		return;
	next = xcalloc(1, sizeof(*next));
	next->before = end;
	boot->guest->priv = next;
}

static struct stack *get_stack(struct ending *end, int pid, __u32 cpu)
{
	struct stack *s = map_get(&end->stacks, task_key(pid, cpu));

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->nr = end->stacks.nr;
	s->cpu = cpu;
	s->task.pid = pid;
	map_add(&end->stacks, task_key(pid, cpu), s);
	return s;
}

/* @v is where it ran last. */
static void capture_task(struct ending *end, const struct task *task, const struct vcpu *v,
			 bool running)
{
	__u32 cpu = v->guest->nested ? THIS_VCPU : v->id;
	struct stack *s = get_stack(end, task->pid, cpu);
	size_t size = task->nr_frames * sizeof(*task->frames);

	s->running = running;
	s->outdated = task_is_outdated(task);
	s->cpu = cpu;
	memcpy(s->task.comm, task->comm, sizeof(s->task.comm));
	if (!task->nr_frames)
		return;
	s->told = false;
	s->task.nr_frames = task->nr_frames;
	s->task.frames = xrealloc(s->task.frames, size);
	memcpy(s->task.frames, task->frames, size);
}

/* A vCPU that announced a switch and sent nothing since is through with it. */
static const struct task *running_task(const struct vcpu *v)
{
	return v->announced ? v->announced : v->current;
}

static bool is_running(const struct crash *c, const struct task *task)
{
	const struct vcpu *v;

	map_for_each(v, &c->s.cg.vcpus) {
		if (running_task(v) == task)
			return true;
	}
	return false;
}

static void capture(const struct crash *c, const struct boot *boot, __u64 ts)
{
	struct ending *end = boot->guest->priv;
	const struct task *task;
	const struct vcpu *v;

	end->ts = ts;
	end->kernel = symbols_kernel(c->s.syms, boot->key);
	map_for_each(v, &c->s.cg.vcpus) {
		if (v->boot == boot)
			capture_task(end, running_task(v), v, true);
	}
	map_for_each(task, &boot->tasks) {
		if (task->nr_frames && task_is_of_now(task) && !is_running(c, task))
			capture_task(end, task, task->vcpu, false);
	}
}

static void crash_mark_begin(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct ending *end = v->guest->priv;

	/* What is called from here on is the crash path. */
	if (end->crashed || !mark_is_crash(m))
		return;
	end->crashed = true;
	capture(ctx, v->boot, m->ts);
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
	fputs(", VM ", stdout);
	guest_print_vm(v->guest, stdout);
	fputs(", vCPU ", stdout);
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
	struct stack *s = get_stack(v->guest->priv, call->pid, call->vcpu);
	const struct task *task = boot_task(v->boot, call->pid, call->vcpu);

	(void)ctx;
	if (s->task.nr_frames && !s->told)
		return;
	if (task)
		memcpy(s->task.comm, task->comm, sizeof(s->task.comm));
	else if (!call->pid)
		snprintf(s->task.comm, sizeof(s->task.comm), "swapper/%u", call->vcpu);
	s->told = true;
	insert_frame(&s->task, &call->frame);
}

static const struct callgraph_ops crash_ops = {
	.guest_new	= crash_guest_new,
	.boot_new	= crash_boot_new,
	.mark_begin	= crash_mark_begin,
	.mark		= crash_mark,
	.open_call	= crash_open_call,
};

/* They go by CPU, THIS_VCPU before all others, and on each the running one is first. */
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
	if (s->outdated)
		return "when last seen";
	if (s->running)
		return "running";
	/* It may be this one that runs there, or on another of a nested guest's vCPUs. */
	if (!first->running || !task_is_known(&first->task) || guest->nested)
		return "running or sleeping";
	return "sleeping";
}

static void put_cpu(const struct guest *guest, const struct stack *s)
{
	if (s->cpu == THIS_VCPU)
		printf("vCPU n%u", guest->nested_nr);
	else
		printf("%s %u", guest->nested ? "CPU" : "vCPU", s->cpu);
}

static void put_stack(const struct guest *guest, const struct ending *end,
		      const struct stack *first, const struct stack *s)
{
	unsigned int i = s->task.nr_frames;

	if (!i && !task_is_known(&s->task))
		return;
	putchar('\n');
	put_cpu(guest, s);
	fputs(", ", stdout);
	task_print(&s->task, stdout);
	printf(" (%s):%s\n", state(guest, first, s), i ? "" : " no open call");
	while (i--) {
		fputs("  ", stdout);
		kernel_print_function(&end->kernel, s->task.frames[i].addr, stdout);
		putchar('\n');
	}
}

static bool is_any_open(const struct ending *end)
{
	const struct stack *s;

	map_for_each(s, &end->stacks) {
		if (s->task.nr_frames)
			return true;
	}
	return false;
}

static void put_stacks(const struct guest *guest, const struct ending *end)
{
	const struct map *stacks = &end->stacks;
	struct stack **sorted = map_sort(stacks, compare_stacks);
	const struct stack *first = sorted[0];
	unsigned int i;

	for (i = 0; i < stacks->nr; i++) {
		if (sorted[i]->cpu != first->cpu)
			first = sorted[i];
		put_stack(guest, end, first, sorted[i]);
	}
	free(sorted);
}

static void put_ending(struct crash *c, const struct guest *guest, const struct ending *end)
{
	bool open = is_any_open(end);

	if (end->before)
		put_ending(c, guest, end->before);
	if (c->printed)
		putchar('\n');
	c->printed = true;
	guest_print(guest, stdout);
	printf(": %s when ", open ? "calls open" : "no call was open");
	fputs(end->crashed ? "it crashed at " : "the trace ended at ", stdout);
	put_time(end->ts);
	puts(end->crashed ? "" : ", no crash was seen");
	if (open)
		put_stacks(guest, end);
}

static int crash_end(struct session *s)
{
	struct crash *c = (struct crash *)s;
	const struct guest *guest;

	map_for_each(guest, &s->cg.guests) {
		const struct ending *end = guest->priv;

		if (!guest->known || !filter_wants_vm(&s->filter, guest->vm, guest->vm_id))
			continue;
		if (!end->crashed)
			capture(c, guest->boot, s->totals.last_ts);
		put_ending(c, guest, end);
	}
	return 0;
}

static void free_ending(struct ending *end)
{
	struct stack *s;

	map_for_each(s, &end->stacks) {
		free(s->task.frames);
		free(s);
	}
	map_free(&end->stacks);
	if (end->before)
		free_ending(end->before);
	free(end);
}

static void crash_free(struct session *s)
{
	const struct guest *guest;

	map_for_each(guest, &s->cg.guests) {
		if (guest->known)
			free_ending(guest->priv);
	}
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
	.end = crash_end,
	.free = crash_free,
};

int cmd_crash(int argc, char **argv)
{
	struct crash c = { 0 };

	return session_run(&c.s, &crash_view, argc, argv);
}
