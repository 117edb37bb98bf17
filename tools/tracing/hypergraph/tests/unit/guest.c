// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "graph/guest.h"
#include "tests/unit/unit.h"
#include "util/util.h"

static struct guest *new_guest(__u32 vm, __u32 vcpu, bool nested, unsigned int nested_nr)
{
	const struct event ev = { .vm = vm, .vcpu = vcpu, .nested = nested };

	return guest_new(&ev, nested_nr, 7);
}

static void test_names(void)
{
	static const struct {
		__u32 vm, vcpu;
		bool nested;
		unsigned int nested_nr;
		const char *guest, *vcpu_name, *idle, *unknown;
	} rows[] = {
		{ 100, 0, false, 0, "VM 100", "0", "swapper/0-0", "<...>-?" },
		{ 100, 12, false, 0, "VM 100", "12", "swapper/12-0", "<...>-?" },
		{ 100, 0x1a2b, true, 3, "VM 100, nested vCPU n3 (nested_vcpu=0x1a2b)", "n3",
		  "swapper/?-0", "<...>-?" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct guest *guest = new_guest(rows[i].vm, rows[i].vcpu, rows[i].nested,
						rows[i].nested_nr);
		struct vcpu *v = vcpu_new(guest, rows[i].vcpu);

		check_printed("", print_to_string(guest_print, guest), rows[i].guest);
		check_printed("", print_to_string(vcpu_print, v), rows[i].vcpu_name);
		check_printed("", print_to_string(task_print, task_new(v, 0)), rows[i].idle);
		check_printed("", print_to_string(task_print, v->current), rows[i].unknown);
		vcpu_free(v);
		guest_free(guest);
	}
}

static void test_tasks(void)
{
	struct guest *guest = new_guest(100, 0, false, 0), *other = new_guest(200, 0, false, 0);
	struct vcpu *v0 = vcpu_new(guest, 0), *v1 = vcpu_new(guest, 1);
	struct vcpu *v2 = vcpu_new(other, 0);
	struct task *task = task_new(v0, 57), *idle;

	memcpy(task->comm, "dd", sizeof("dd"));
	check_printed("", print_to_string(task_print, task), "dd-57");
	check("of the guest",
	      boot_task(guest->boot, 57, 0) == task && boot_task(guest->boot, 57, 1) == task);
	check("of no other guest", !boot_task(other->boot, 57, 0));
	check("not seen", !boot_task(guest->boot, 58, 0));
	idle = task_new(v1, 0);
	check("idle", boot_task(guest->boot, 0, 1) == idle && !boot_task(guest->boot, 0, 0));
	check("no such CPU", !boot_task(guest->boot, 0, 2));
	vcpu_free(v0);
	vcpu_free(v1);
	vcpu_free(v2);
	guest_free(guest);
	guest_free(other);
}

/* A pid is used again by another task, and by another kernel. */
static void test_again(void)
{
	struct guest *guest = new_guest(100, 0, false, 0);
	struct vcpu *v = vcpu_new(guest, 0);
	struct task *first = task_new(v, 57), *second, *third;
	__u64 number = 5;

	first->frames = xcalloc(16, sizeof(*first->frames));
	first->alloc = 16;
	task_end(first);
	check("gone", !boot_task(guest->boot, 57, 0) && !first->frames && !first->alloc);
	second = task_new(v, 57);
	check("again", boot_task(guest->boot, 57, 0) == second);
	vcpu_set_boot(v, boot_new(guest, &number, 8));
	check("another kernel", !boot_task(v->boot, 57, 0));
	third = task_new(v, 57);
	check("its own", boot_task(v->boot, 57, 0) == third && task_is_of_now(third) &&
	      !task_is_of_now(second));
	check("of its boot", third->boot->nr == 1 && second->boot->nr == 0 &&
	      third->boot->key != second->boot->key);
	vcpu_free(v);
	guest_free(guest);
}

static void test_several(void)
{
	const struct event ev = { .vm = 100, .vm_id = 7 }, in_it = { .vm = 100, .nested = true };
	struct guest *vm = guest_new(&ev, 0, 0), *nested = guest_new(&in_it, 0, 1);

	check("keys", guest_is_nested(nested->boot->key) && !guest_is_nested(vm->boot->key) &&
	      guest_vm(nested->boot->key) == 100 && guest_vm(vm->boot->key) == 100);
	check_printed("", print_to_string(guest_print, vm), "VM 100");
	vm->several = true;
	check_printed("", print_to_string(guest_print, vm), "VM 100.7");
	guest_free(vm);
	guest_free(nested);
}

const struct unit_test guest_tests[] = {
	{ "guests, vCPUs and tasks have names", test_names },
	{ "tasks are a guest's, idle ones a vCPU's", test_tasks },
	{ "a pid is used again", test_again },
	{ "which VM of its process a guest is", test_several },
	{ NULL, NULL },
};
