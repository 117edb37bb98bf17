// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "graph/guest.h"
#include "tests/unit/unit.h"
#include "util/util.h"

static struct guest *new_guest(__u32 vm, __u32 vcpu, bool nested, unsigned int nested_nr)
{
	const struct event ev = { .vm = vm, .vcpu = vcpu, .nested = nested };

	return guest_new(&ev, nested_nr);
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
		check_printed("", print_to_string(task_print, v->idle), rows[i].idle);
		check_printed("", print_to_string(task_print, v->current), rows[i].unknown);
		free(v);
		guest_free(guest);
	}
}

static void test_tasks(void)
{
	struct guest *guest = new_guest(100, 0, false, 0), *other = new_guest(200, 0, false, 0);
	struct vcpu *v0 = vcpu_new(guest, 0), *v1 = vcpu_new(guest, 1);
	struct vcpu *v2 = vcpu_new(other, 0);
	struct task *task = task_new(v0, 57);

	memcpy(task->comm, "dd", sizeof("dd"));
	check_printed("", print_to_string(task_print, task), "dd-57");
	check("of the guest", guest_task(guest, 57, 0) == task && guest_task(guest, 57, 1) == task);
	check("of no other guest", !guest_task(other, 57, 0));
	check("not seen", !guest_task(guest, 58, 0));
	check("idle", guest_task(guest, 0, 0) == v0->idle && guest_task(guest, 0, 1) == v1->idle);
	check("unknown", guest_task(guest, TASK_UNKNOWN, 1) == v1->unknown);
	check("no such CPU", !guest_task(guest, 0, 2));
	free(v0);
	free(v1);
	free(v2);
	guest_free(guest);
	guest_free(other);
}

static void test_keys(void)
{
	struct guest *vm = new_guest(100, 1, false, 0), *nested = new_guest(100, 1, true, 0);
	struct guest *other = new_guest(100, 2, true, 1);

	check("all vCPUs are one guest's", vm->key == guest_key(100, 0, false));
	check("each nested one is a guest", nested->key != other->key && nested->key != vm->key);
	check("nested", guest_is_nested(nested->key) && !guest_is_nested(vm->key));
	check("in that VM", guest_vm(nested->key) == 100 && guest_vm(vm->key) == 100);
	guest_free(vm);
	guest_free(nested);
	guest_free(other);
}

const struct unit_test guest_tests[] = {
	{ "guests, vCPUs and tasks have names", test_names },
	{ "tasks are a guest's, idle ones a vCPU's", test_tasks },
	{ "a nested vCPU is a guest of its own", test_keys },
	{ NULL, NULL },
};
