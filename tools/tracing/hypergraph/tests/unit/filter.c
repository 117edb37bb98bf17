// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "graph/filter.h"
#include "graph/guest.h"
#include "tests/unit/unit.h"
#include "util/util.h"

typedef bool parse_t(struct filter *f, const char *arg);

struct argument {
	const char *arg;
	bool ok;
	struct filter wanted;	/* if ok */
};

static bool is_same(const struct filter *a, const struct filter *b)
{
	return a->vm == b->vm && a->one_vm_id == b->one_vm_id && a->vm_id == b->vm_id &&
	       a->one_vcpu == b->one_vcpu && a->nested == b->nested &&
	       a->vcpu == b->vcpu && a->one_task == b->one_task && a->pid == b->pid &&
	       !a->comm == !b->comm && (!a->comm || !strcmp(a->comm, b->comm)) &&
	       a->from == b->from && a->to == b->to && a->depth == b->depth;
}

static void try(parse_t *parse, const struct argument *rows, size_t nr)
{
	for (; nr--; rows++) {
		struct filter f = { 0 };
		bool ok = parse(&f, rows->arg);

		check(rows->arg, ok == rows->ok);
		check(rows->arg, !ok || is_same(&f, &rows->wanted));
	}
}

static void test_vm(void)
{
	static const struct argument rows[] = {
		{ "1", true, { .vm = 1 } },
		{ "4194304", true, { .vm = MAX_PID } },
		{ "100.7", true, { .vm = 100, .one_vm_id = true, .vm_id = 7 } },
		{ "100.0", true, { .vm = 100, .one_vm_id = true } },
		{ "100.65536", false, { 0 } },
		{ "100.", false, { 0 } },
		{ "100.7.1", false, { 0 } },
		{ ".7", false, { 0 } },
		{ "4194305", false, { 0 } },
		{ "0", false, { 0 } },
		{ "", false, { 0 } },
		{ "-1", false, { 0 } },
		{ "+1", false, { 0 } },
		{ " 1", false, { 0 } },
		{ "1 ", false, { 0 } },
		{ "0x10", false, { 0 } },
		{ "18446744073709551617", false, { 0 } },
	};

	try(filter_parse_vm, rows, ARRAY_SIZE(rows));
}

static void test_vcpu(void)
{
	static const struct argument rows[] = {
		{ "0", true, { .one_vcpu = true } },
		{ "12", true, { .one_vcpu = true, .vcpu = 12 } },
		{ "n0", true, { .one_vcpu = true, .nested = true } },
		{ "n3", true, { .one_vcpu = true, .nested = true, .vcpu = 3 } },
		{ "4294967295", true, { .one_vcpu = true, .vcpu = ~0U } },
		{ "4294967296", false, { 0 } },
		{ "n", false, { 0 } },
		{ "nn1", false, { 0 } },
		{ "1n", false, { 0 } },
		{ "", false, { 0 } },
		{ "first", false, { 0 } },
	};

	try(filter_parse_vcpu, rows, ARRAY_SIZE(rows));
}

static void test_task(void)
{
	static const struct argument rows[] = {
		{ "0", true, { .one_task = true } },
		{ "57", true, { .one_task = true, .pid = 57 } },
		{ "dd", true, { .one_task = true, .comm = "dd" } },
		{ "k*", true, { .one_task = true, .comm = "k*" } },
		{ "57a", true, { .one_task = true, .comm = "57a" } },
		{ "-1", true, { .one_task = true, .comm = "-1" } },
		{ "4194305", true, { .one_task = true, .comm = "4194305" } },
		{ "", false, { 0 } },
	};

	try(filter_parse_task, rows, ARRAY_SIZE(rows));
}

static void test_depth(void)
{
	static const struct argument rows[] = {
		{ "1", true, { .depth = 1 } },
		{ "1024", true, { .depth = MAX_DEPTH } },
		{ "1025", false, { 0 } },
		{ "0", false, { 0 } },
		{ "", false, { 0 } },
		{ "two", false, { 0 } },
	};

	try(filter_parse_depth, rows, ARRAY_SIZE(rows));
}

static void test_time(void)
{
	static const struct argument rows[] = {
		{ "..", true, { 0 } },
		{ "1..", true, { .from = 1000000000 } },
		{ "..1", true, { .to = 1000000000 } },
		{ "1..2", true, { .from = 1000000000, .to = 2000000000 } },
		{ "0.5..0.75", true, { .from = 500000000, .to = 750000000 } },
		{ "1.000000001..2", true, { .from = 1000000001, .to = 2000000000 } },
		{ "1.0000000009..2", true, { .from = 1000000000, .to = 2000000000 } },
		{ "1...5", false, { 0 } },
		{ "1..1", true, { .from = 1000000000, .to = 1000000000 } },
		{ "2..1", false, { 0 } },
		{ "1", false, { 0 } },
		{ "1.5", false, { 0 } },
		{ "", false, { 0 } },
		{ "a..b", false, { 0 } },
		{ "1..2..3", false, { 0 } },
		{ "1s..2s", false, { 0 } },
		{ "-1..2", false, { 0 } },
	};

	try(filter_parse_time, rows, ARRAY_SIZE(rows));
}

/* At 5 ns, something happens in task dd-57 on the VM's vCPU 1, and in ls-58 on nested n2. */
static const struct {
	const char *name;
	struct filter f;
	bool vm, nested;
} wants[] = {
	{ "all", { 0 }, true, true },
	{ "this VM", { .vm = 100 }, true, true },
	{ "another VM", { .vm = 101 }, false, false },
	{ "the VM of that id", { .vm = 100, .one_vm_id = true }, true, true },
	{ "one of another id", { .vm = 100, .one_vm_id = true, .vm_id = 7 }, false, false },
	{ "vCPU 1", { .one_vcpu = true, .vcpu = 1 }, true, false },
	{ "vCPU 2", { .one_vcpu = true, .vcpu = 2 }, false, false },
	{ "vCPU n1", { .one_vcpu = true, .nested = true, .vcpu = 1 }, false, false },
	{ "vCPU n2", { .one_vcpu = true, .nested = true, .vcpu = 2 }, false, true },
	{ "pid", { .one_task = true, .pid = 57 }, true, false },
	{ "idle", { .one_task = true, .pid = 0 }, false, false },
	{ "comm", { .one_task = true, .comm = "dd" }, true, false },
	{ "wildcards", { .one_task = true, .comm = "?[ds]" }, true, true },
	{ "other comm", { .one_task = true, .comm = "d" }, false, false },
	{ "from now", { .from = 5 }, true, true },
	{ "from later", { .from = 6 }, false, false },
	{ "until now", { .to = 5 }, true, true },
	{ "until before", { .to = 4 }, false, false },
	{ "both", { .one_vcpu = true, .vcpu = 1, .one_task = true, .pid = 58 }, false, false },
};

static struct task *new_task(struct vcpu *v, int pid, const char *comm)
{
	struct task *task = task_new(v, pid);

	snprintf(task->comm, sizeof(task->comm), "%s", comm);
	return task;
}

static void test_wants(void)
{
	struct guest *vm = guest_new(&(struct event){ .vm = 100, .vcpu = 1 }, 0, 0);
	struct guest *nested = guest_new(&(struct event){ .vm = 100, .vcpu = 0x1a2b,
							  .nested = true }, 2, 1);
	struct vcpu *v = vcpu_new(vm, 1), *n = vcpu_new(nested, 0x1a2b);
	struct task *dd = new_task(v, 57, "dd"), *ls = new_task(n, 58, "ls");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wants); i++) {
		struct filter f = wants[i].f;

		check(wants[i].name, filter_wants(&f, v, dd, 5) == wants[i].vm);
		check(wants[i].name, filter_wants(&f, n, ls, 5) == wants[i].nested);
		check(wants[i].name, f.matched == (wants[i].vm || wants[i].nested));
	}
	vcpu_free(v);
	vcpu_free(n);
	guest_free(vm);
	guest_free(nested);
}

static const char kallsyms[] = "ffffffff81000000 T vfs_read\n"
			       "ffffffff81000000 T _stext\n"
			       "ffffffff81000100 T vfs_write\n"
			       "ffffffff81000200 T ksys_write\n";

static void test_function(void)
{
	static const struct {
		const char *function;
		__u64 addr;
		bool wanted;
	} rows[] = {
		{ "vfs_write", 0xffffffff81000100, true },
		{ "vfs_write", 0xffffffff81000000, false },
		{ "*_write", 0xffffffff81000200, true },
		{ "*", 0xffffffff80000000, false },	/* It has no name. */
	};
	struct guest *guest = guest_new(&(struct event){ .vm = 100 }, 0, 0);
	struct vcpu *v = vcpu_new(guest, 0);
	struct symbols *syms = symbols_new();
	char *file = unit_file(kallsyms, sizeof(kallsyms) - 1);
	size_t i;

	check("", symbols_add_file(syms, 0, file));
	symbols_set_stext(syms, guest->boot->key, 0xffffffff81000000);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct filter f = { .function = rows[i].function, .syms = syms };
		const struct frame call = { .addr = rows[i].addr, .depth = 3 };
		int times;

		/* The second time it remembers. */
		for (times = 0; times < 2; times++) {
			filter_enter(&f, v, v->current, &call);
			check(f.function, filter_wants(&f, v, v->current, 0) == rows[i].wanted);
			filter_leave(v->current, 3);
			check(f.function, !filter_wants(&f, v, v->current, 0));
		}
		filter_free(&f);
	}
	symbols_free(syms);
	free(file);
	vcpu_free(v);
	guest_free(guest);
}

/* Calls from depth 2 on, of which the one at 3 is what --function names, and calls itself */
static void test_levels(void)
{
	static const struct {
		const char *name;
		struct filter f;
		bool calls[7];		/* by depth: those asked for */
		__u32 level;		/* at which a call at depth 6 would be shown */
	} rows[] = {
		{ "all", { 0 }, { 0, 0, 1, 1, 1, 1 }, 6 },
		{ "depth", { .depth = 4 }, { 0, 0, 1, 1 }, 4 },
		{ "function", { .function = "vfs_write" }, { 0, 0, 0, 1, 1, 1 }, 6 },
		{ "both", { .function = "vfs_write", .depth = 2 }, { 0, 0, 0, 1, 1 }, 5 },
	};
	struct guest *guest = guest_new(&(struct event){ .vm = 100 }, 0, 0);
	struct vcpu *v = vcpu_new(guest, 0);
	struct symbols *syms = symbols_new();
	char *file = unit_file(kallsyms, sizeof(kallsyms) - 1);
	size_t i;

	check("", symbols_add_file(syms, 0, file));
	symbols_set_stext(syms, guest->boot->key, 0xffffffff81000000);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct filter f = rows[i].f;
		struct frame call = { .depth = 2 };

		f.syms = syms;
		for (; call.depth < 6; call.depth++) {
			call.addr = call.depth == 3 || call.depth == 4 ? 0xffffffff81000100 :
									 0xffffffff81000200;
			filter_enter(&f, v, v->current, &call);
			check(rows[i].name, filter_wants_call(&f, v, v->current, 0, call.depth) ==
					    rows[i].calls[call.depth]);
		}
		v->current->level = 6;
		check(rows[i].name, filter_level(&f, v->current) == rows[i].level);
		filter_leave(v->current, 4);
		check(rows[i].name, filter_wants(&f, v, v->current, 0));
		filter_leave(v->current, 3);
		check(rows[i].name, filter_wants(&f, v, v->current, 0) == !f.function);
		filter_free(&f);
	}
	symbols_free(syms);
	free(file);
	vcpu_free(v);
	guest_free(guest);
}

const struct unit_test filter_tests[] = {
	{ "what --vm takes", test_vm },
	{ "what --vcpu takes", test_vcpu },
	{ "what --task takes", test_task },
	{ "what --depth takes", test_depth },
	{ "what --time takes", test_time },
	{ "what is asked for", test_wants },
	{ "which functions are asked for", test_function },
	{ "which levels are asked for", test_levels },
	{ NULL, NULL },
};
