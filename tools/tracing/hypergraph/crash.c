// SPDX-License-Identifier: GPL-2.0
/*
 * hypergraph crash: the call stacks that were open when the guests crashed, or
 * when the trace ended, after the marks that say how it ended.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgraph.h"
#include "hypergraph.h"
#include "input.h"
#include "util.h"

struct stack {
	struct stack *next;
	unsigned int nr;	/* in order of appearance */
	bool running;
	bool told;		/* its frames are from the guest's crash path */
	struct task task;	/* a copy */
};

struct vm {
	struct vm *next;	/* in order of appearance */
	__u32 id;
	bool crashed;
	__u64 ts;		/* of the capture */
	__u64 shift;		/* of the kernel then */
	struct map stack_map;
	struct stack *stacks;
	unsigned int nr_stacks;
};

struct crash {
	struct input in;
	struct callgraph cg;
	struct map vm_map;
	struct vm *vms;
	struct vm **last_vm;
	bool printed;		/* something, so an empty line comes next */
};

static void crash_vcpu_new(void *ctx, struct vcpu *v)
{
	struct crash *c = ctx;
	struct vm *vm;

	if (map_get(&c->vm_map, v->vm))
		return;
	vm = xcalloc(1, sizeof(*vm));
	vm->id = v->vm;
	map_add(&c->vm_map, v->vm, vm);
	*c->last_vm = vm;
	c->last_vm = &vm->next;
}

/* Idle and unknown tasks exist once a vCPU, others once a VM. */
static struct stack *get_stack(struct vm *vm, int pid, __u32 vcpu)
{
	__u64 key = map_key(pid, pid > 0 ? 0 : vcpu);
	struct stack *s = map_get(&vm->stack_map, key);

	if (s)
		return s;
	s = xcalloc(1, sizeof(*s));
	s->nr = vm->nr_stacks++;
	s->task.vm = vm->id;
	s->task.pid = pid;
	s->task.vcpu = vcpu;
	s->next = vm->stacks;
	vm->stacks = s;
	map_add(&vm->stack_map, key, s);
	return s;
}

static void capture_task(struct vm *vm, const struct task *task, __u32 vcpu, bool running)
{
	struct stack *s = get_stack(vm, task->pid, vcpu);
	size_t size = task->nr_frames * sizeof(*task->frames);

	s->running = running;
	s->task.vcpu = vcpu;
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

	for (v = c->cg.vcpus; v; v = v->next) {
		if (running_task(v) == task)
			return true;
	}
	return false;
}

static void capture(const struct crash *c, struct vm *vm, __u64 ts)
{
	const struct task *task;
	const struct vcpu *v;

	vm->ts = ts;
	vm->shift = symbols_shift(c->in.syms, vm->id);
	for (v = c->cg.vcpus; v; v = v->next) {
		if (v->vm == vm->id)
			capture_task(vm, running_task(v), v->id, true);
	}
	for (task = c->cg.tasks; task; task = task->next) {
		if (task->vm == vm->id && task->nr_frames && !is_running(c, task))
			capture_task(vm, task, task->vcpu, false);
	}
}

static void crash_mark_begin(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct crash *c = ctx;
	struct vm *vm = map_get(&c->vm_map, v->vm);

	/* What is called from here on is the crash path. */
	if (vm->crashed || !mark_is_crash(m))
		return;
	vm->crashed = true;
	capture(c, vm, m->ts);
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
	printf(", VM %u, vCPU %u: ", v->vm, v->id);
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
	struct vm *vm = map_get(&c->vm_map, v->vm);
	struct stack *s = get_stack(vm, call->pid, call->cpu);
	const struct task *task = callgraph_task(&c->cg, v->vm, call->pid);

	if (s->task.nr_frames && !s->told)
		return;
	if (task)
		memcpy(s->task.comm, task->comm, sizeof(s->task.comm));
	else if (!call->pid)
		snprintf(s->task.comm, sizeof(s->task.comm), "swapper/%u", call->cpu);
	s->told = true;
	insert_frame(&s->task, &call->frame);
}

static void crash_hello(void *ctx, struct vcpu *v, const struct trace_event *ev)
{
	struct crash *c = ctx;

	symbols_set_stext(c->in.syms, v->vm, ev->call.a[1]);
}

static const struct callgraph_ops crash_ops = {
	.vcpu_new	= crash_vcpu_new,
	.hello		= crash_hello,
	.mark_begin	= crash_mark_begin,
	.mark		= crash_mark,
	.open_call	= crash_open_call,
};

static void crash_event(void *ctx, const struct trace_event *ev)
{
	struct crash *c = ctx;

	callgraph_event(&c->cg, ev);
}

/* By vCPU, and there the running one first */
static int compare_stacks(const void *pa, const void *pb)
{
	const struct stack *a = *(struct stack **)pa, *b = *(struct stack **)pb;

	if (a->task.vcpu != b->task.vcpu)
		return a->task.vcpu < b->task.vcpu ? -1 : 1;
	if (a->running != b->running)
		return a->running ? -1 : 1;
	return a->nr < b->nr ? -1 : 1;
}

static struct stack **sort_stacks(const struct vm *vm)
{
	struct stack **sorted = xcalloc(vm->nr_stacks, sizeof(*sorted));
	struct stack *s;
	size_t i = 0;

	for (s = vm->stacks; s; s = s->next)
		sorted[i++] = s;
	qsort(sorted, vm->nr_stacks, sizeof(*sorted), compare_stacks);
	return sorted;
}

/* @first is that of the same vCPU which is printed first. */
static const char *state(const struct stack *first, const struct stack *s)
{
	if (s->running)
		return "running";
	/* It may be this one that runs there. */
	if (!first->running || first->task.pid == TASK_UNKNOWN)
		return "running or sleeping";
	return "sleeping";
}

static void put_stack(const struct crash *c, const struct vm *vm, const struct stack *first,
		      const struct stack *s)
{
	unsigned int i = s->task.nr_frames;

	if (!i && s->task.pid == TASK_UNKNOWN)
		return;
	printf("\nvCPU %u, ", s->task.vcpu);
	task_print(&s->task, stdout);
	printf(" (%s):%s\n", state(first, s), i ? "" : " no open call");
	while (i--) {
		fputs("  ", stdout);
		symbols_print_function(c->in.syms, vm->shift, s->task.frames[i].addr, stdout);
		putchar('\n');
	}
}

static bool is_any_open(const struct vm *vm)
{
	const struct stack *s;

	for (s = vm->stacks; s; s = s->next) {
		if (s->task.nr_frames)
			return true;
	}
	return false;
}

static void put_stacks(const struct crash *c, const struct vm *vm)
{
	struct stack **sorted = sort_stacks(vm);
	const struct stack *first = sorted[0];
	unsigned int i;

	for (i = 0; i < vm->nr_stacks; i++) {
		if (sorted[i]->task.vcpu != first->task.vcpu)
			first = sorted[i];
		put_stack(c, vm, first, sorted[i]);
	}
	free(sorted);
}

static void put_vm(struct crash *c, const struct vm *vm)
{
	bool open = is_any_open(vm);

	if (c->printed)
		putchar('\n');
	c->printed = true;
	printf("VM %u: %s when ", vm->id, open ? "calls open" : "no call was open");
	fputs(vm->crashed ? "it crashed at " : "the trace ended at ", stdout);
	put_time(vm->ts);
	puts(vm->crashed ? "" : ", no crash was seen");
	if (open)
		put_stacks(c, vm);
}

static void put_end(struct crash *c)
{
	struct vm *vm;

	callgraph_end(&c->cg);
	for (vm = c->vms; vm; vm = vm->next) {
		if (!vm->crashed)
			capture(c, vm, c->in.totals.last_ts);
		put_vm(c, vm);
	}
}

static void free_vm(struct vm *vm)
{
	struct stack *s;

	while ((s = vm->stacks)) {
		vm->stacks = s->next;
		free(s->task.frames);
		free(s);
	}
	map_free(&vm->stack_map);
	free(vm);
}

static int crash_trace(struct crash *c)
{
	struct vm *vm;
	int ret;

	c->last_vm = &c->vms;
	callgraph_init(&c->cg, &crash_ops, c);
	ret = input_read(&c->in, crash_event, c);
	if (!ret)
		put_end(c);
	while ((vm = c->vms)) {
		c->vms = vm->next;
		free_vm(vm);
	}
	map_free(&c->vm_map);
	callgraph_free(&c->cg);
	return flush_output() ? EXIT_ERROR : ret;
}

static void print_help(FILE *out)
{
	fputs("usage: hypergraph crash [--kallsyms FILE] [TRACE]\n"
	      "\n"
	      "Prints how the guests traced in TRACE (trace.dat) ended: oopses, panics, reboots\n"
	      "and triple faults with their time on the host, then the calls that were open at\n"
	      "a guest's first crash, or when the trace ended: innermost first, of each vCPU\n"
	      "the running task, then those which ran there last and sleep.\n"
	      "\n"
	      INPUT_OPTIONS_HELP, out);
}

int cmd_crash(int argc, char **argv)
{
	struct crash c = { 0 };
	int status;

	if (!input_parse(&c.in, argc, argv, print_help, &status))
		return status;
	status = crash_trace(&c);
	input_free(&c.in);
	return status;
}
