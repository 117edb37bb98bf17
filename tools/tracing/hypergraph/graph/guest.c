// SPDX-License-Identifier: GPL-2.0
/* The nouns of the call graph: how guests, boots, vCPUs and tasks begin, end, and are called */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/guest.h"
#include "util/util.h"

static const char untraced_name[] = "[untraced]";

struct guest *guest_new(const struct event *ev, unsigned int nested_nr, __u32 key_nr)
{
	struct guest *guest = xcalloc(1, sizeof(*guest));

	guest->vm = ev->vm;
	guest->vm_id = ev->vm_id;
	guest->vcpu = ev->vcpu;
	guest->nested = ev->nested;
	guest->nested_nr = nested_nr;
	guest->unknown = boot_new(guest, NULL, key_nr);
	guest->boot = guest->unknown;
	return guest;
}

static void task_free(struct task *task)
{
	free(task->frames);
	free(task);
}

static void boot_free(struct boot *boot)
{
	struct task *task;

	map_for_each(task, &boot->tasks)
		task_free(task);
	map_free(&boot->tasks);
	free(boot);
}

void guest_free(struct guest *guest)
{
	struct boot *boot;

	map_for_each(boot, &guest->boots)
		boot_free(boot);
	map_free(&guest->boots);
	map_free(&guest->vcpus);
	free(guest);
}

struct boot *boot_new(struct guest *guest, const __u64 *number, __u32 key_nr)
{
	struct boot *boot = xcalloc(1, sizeof(*boot));

	boot->guest = guest;
	boot->nr = number ? ++guest->nr_told : 0;
	boot->number = number ? *number : 0;
	boot->key = guest_key(guest->vm, key_nr, guest->nested);
	map_add(&guest->boots, guest->boots.nr, boot);
	return boot;
}

struct task *boot_task(const struct boot *boot, int pid, __u32 cpu)
{
	struct task *task = map_get(&boot->tasks, task_key(pid, cpu));

	return task && !task->gone ? task : NULL;
}

static struct task *make_task(struct vcpu *v, int pid)
{
	struct task *task = xcalloc(1, sizeof(*task));

	task->vcpu = v;
	task->boot = v->boot;
	task->pid = pid;
	task->lowest = NOT_SEEN;
	task->wanted = NOT_SEEN;
	task->session = v->boot->session;
	return task;
}

void task_end(struct task *task)
{
	task->gone = true;
	free(task->frames);
	task->frames = NULL;
	task->nr_frames = 0;
	task->alloc = 0;
}

static void name_idle(const struct vcpu *v, struct task *idle)
{
	/* Nothing tells which of its guest's CPUs a nested vCPU is. */
	if (v->guest->nested)
		snprintf(idle->comm, sizeof(idle->comm), "swapper/?");
	else
		snprintf(idle->comm, sizeof(idle->comm), "swapper/%u", v->id);
}

struct task *task_new(struct vcpu *v, int pid)
{
	struct task *task = make_task(v, pid);

	if (!pid)
		name_idle(v, task);
	map_add(&v->boot->tasks, task_key(pid, v->id), task);
	return task;
}

struct vcpu *vcpu_new(struct guest *guest, __u32 id)
{
	struct vcpu *v = xcalloc(1, sizeof(*v));

	v->guest = guest;
	v->boot = guest->boot;
	v->id = id;
	v->unknown = make_task(v, TASK_UNKNOWN);
	v->untraced = make_task(v, TASK_UNTRACED);
	memcpy(v->untraced->comm, untraced_name, sizeof(untraced_name));
	v->current = v->unknown;
	v->silent = true;
	map_add(&guest->vcpus, guest->vcpus.nr, v);
	return v;
}

void vcpu_free(struct vcpu *v)
{
	task_free(v->unknown);
	task_free(v->untraced);
	free(v);
}

void vcpu_set_boot(struct vcpu *v, struct boot *boot)
{
	v->boot = boot;
	v->unknown->boot = boot;
	v->untraced->boot = boot;
	v->said_hello = false;
}

void guest_print_vm(const struct guest *guest, FILE *out)
{
	fprintf(out, "%u", guest->vm);
	if (guest->several)
		fprintf(out, ".%u", guest->vm_id);
}

void guest_print(const struct guest *guest, FILE *out)
{
	fputs("VM ", out);
	guest_print_vm(guest, out);
	if (guest->nested)
		fprintf(out, ", nested vCPU n%u (nested_vcpu=0x%x)", guest->nested_nr,
			guest->vcpu);
}

void vcpu_print(const struct vcpu *v, FILE *out)
{
	fprintf(out, v->guest->nested ? "n%u" : "%u", vcpu_number(v));
}

void task_print(const struct task *task, FILE *out)
{
	if (task_is_known(task)) {
		print_word(*task->comm ? task->comm : "<...>", out);
		fprintf(out, "-%d", task->pid);
	} else {
		fputs(task->pid == TASK_UNKNOWN ? "<...>-?" : task->comm, out);
	}
}
