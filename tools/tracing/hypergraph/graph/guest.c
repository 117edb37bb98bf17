// SPDX-License-Identifier: GPL-2.0
/* The nouns of the call graph: how guests, vCPUs and tasks begin, end, and are called */
#include <stdio.h>
#include <stdlib.h>

#include "graph/guest.h"
#include "util/util.h"

struct guest *guest_new(const struct event *ev, unsigned int nested_nr)
{
	struct guest *guest = xcalloc(1, sizeof(*guest));

	guest->key = event_guest(ev);
	guest->vm = ev->vm;
	guest->nested = ev->nested;
	guest->nested_nr = nested_nr;
	return guest;
}

void guest_free(struct guest *guest)
{
	struct task *task;

	map_for_each(task, &guest->tasks) {
		free(task->frames);
		free(task);
	}
	map_free(&guest->tasks);
	free(guest);
}

struct task *guest_task(const struct guest *guest, int pid, __u32 cpu)
{
	return map_get(&guest->tasks, task_key(pid, cpu));
}

struct task *task_new(const struct vcpu *v, int pid)
{
	struct task *task = xcalloc(1, sizeof(*task));

	task->vcpu = v;
	task->pid = pid;
	task->lowest = NOT_SEEN;
	task->wanted = NOT_SEEN;
	map_add(&v->guest->tasks, task_key(pid, v->id), task);
	return task;
}

static void name_idle(const struct vcpu *v)
{
	struct task *idle = v->idle;

	/* Nothing tells which of its guest's CPUs a nested vCPU is. */
	if (v->guest->nested)
		snprintf(idle->comm, sizeof(idle->comm), "swapper/?");
	else
		snprintf(idle->comm, sizeof(idle->comm), "swapper/%u", v->id);
}

struct vcpu *vcpu_new(struct guest *guest, __u32 id)
{
	struct vcpu *v = xcalloc(1, sizeof(*v));

	v->guest = guest;
	v->id = id;
	v->idle = task_new(v, 0);
	name_idle(v);
	v->unknown = task_new(v, TASK_UNKNOWN);
	v->current = v->unknown;
	return v;
}

void guest_print(const struct guest *guest, FILE *out)
{
	fprintf(out, "VM %u", guest->vm);
	if (guest->nested)
		fprintf(out, ", nested vCPU n%u (nested_vcpu=0x%x)", guest->nested_nr,
			(__u32)guest->key);
}

void vcpu_print(const struct vcpu *v, FILE *out)
{
	fprintf(out, v->guest->nested ? "n%u" : "%u", vcpu_number(v));
}

void task_print(const struct task *task, FILE *out)
{
	fputs(*task->comm ? task->comm : "<...>", out);
	if (task->pid == TASK_UNKNOWN)
		fputs("-?", out);
	else
		fprintf(out, "-%d", task->pid);
}
