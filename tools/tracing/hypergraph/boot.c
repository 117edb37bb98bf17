// SPDX-License-Identifier: GPL-2.0
/* hypergraph boot: what each boot level of the guests took, and where. */
#include <err.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "callgraph.h"
#include "hypergraph.h"
#include "input.h"
#include "util.h"

#define HOTTEST_OF_LEVEL	5
#define HOTTEST_OF_BOOT		10

struct function {
	struct function *next;
	__u64 addr;
	__u64 calls;
	__u64 returns;
};

struct functions {
	struct map map;		/* by address */
	struct function *list;
	size_t nr;
};

struct level {
	struct level *next;
	char *name;
	__u64 ts;
	__u64 calls;
	__u64 returns;
	__u64 events;
	__u64 shift;		/* of the kernel that was booting */
	struct functions functions;
};

struct vm {
	struct vm *next;	/* in order of appearance */
	__u32 id;
	__u64 last_ts;
	struct level *levels;	/* in order of time */
	struct level *level;	/* the last one */
};

struct boot {
	struct input in;
	struct callgraph cg;
	struct map vm_map;
	struct vm *vms;
	struct vm **last_vm;
};

static struct function *get_function(struct functions *fns, __u64 addr)
{
	struct function *fn = map_get(&fns->map, addr);

	if (fn)
		return fn;
	fn = xcalloc(1, sizeof(*fn));
	fn->addr = addr;
	fn->next = fns->list;
	fns->list = fn;
	fns->nr++;
	map_add(&fns->map, addr, fn);
	return fn;
}

static void free_functions(struct functions *fns)
{
	struct function *fn;

	while ((fn = fns->list)) {
		fns->list = fn->next;
		free(fn);
	}
	map_free(&fns->map);
}

static struct level *add_level(struct vm *vm)
{
	struct level *level = xcalloc(1, sizeof(*level));

	if (vm->level)
		vm->level->next = level;
	else
		vm->levels = level;
	vm->level = level;
	return level;
}

/* In place of one in which nothing was. @name is the level's from here on. */
static void begin_level(const struct boot *b, struct vm *vm, char *name, __u64 ts)
{
	struct level *level = vm->level;

	if (!level || level->events)
		level = add_level(vm);
	free(level->name);
	level->name = name;
	level->ts = ts;
	level->shift = symbols_shift(b->in.syms, vm->id);
}

/* Before a kernel's first mark */
static void begin_start(const struct boot *b, struct vm *vm, __u64 ts)
{
	char *name = strdup("start");

	if (!name)
		err(1, NULL);
	begin_level(b, vm, name, ts);
}

static struct vm *get_vm(struct boot *b, const struct trace_event *ev)
{
	struct vm *vm = map_get(&b->vm_map, ev->vm);

	if (vm)
		return vm;
	vm = xcalloc(1, sizeof(*vm));
	vm->id = ev->vm;
	begin_start(b, vm, ev->ts);
	map_add(&b->vm_map, ev->vm, vm);
	*b->last_vm = vm;
	b->last_vm = &vm->next;
	return vm;
}

static struct level *level_of(const struct boot *b, const struct vcpu *v)
{
	const struct vm *vm = map_get(&b->vm_map, v->vm);

	return vm->level;
}

static void boot_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct level *level = level_of(ctx, v);

	level->calls++;
	get_function(&level->functions, f->addr)->calls++;
}

static void boot_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
		     __u64 duration)
{
	struct level *level = level_of(ctx, v);

	(void)entered;
	(void)duration;
	level->returns++;
	get_function(&level->functions, f->addr)->returns++;
}

static void boot_hello(void *ctx, struct vcpu *v, const struct trace_event *ev)
{
	struct boot *b = ctx;
	struct vm *vm = map_get(&b->vm_map, v->vm);

	/* A kernel in another place is another boot. */
	if (symbols_set_stext(b->in.syms, v->vm, ev->call.a[1]))
		begin_start(b, vm, ev->ts);
	else
		vm->level->shift = symbols_shift(b->in.syms, v->vm);
}

static void boot_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct boot *b = ctx;

	if (m->kind == HYPERGRAPH_MARK_BOOT)
		begin_level(b, map_get(&b->vm_map, v->vm), mark_text(m), m->ts);
}

static const struct callgraph_ops boot_ops = {
	.entry		= boot_entry,
	.ret		= boot_ret,
	.hello		= boot_hello,
	.mark		= boot_mark,
};

static void boot_event(void *ctx, const struct trace_event *ev)
{
	struct boot *b = ctx;
	struct vm *vm = get_vm(b, ev);

	callgraph_event(&b->cg, ev);
	if (ev->type != TRACE_HYPERCALL)
		return;
	/* Only now: a mark is of the level that it begins. */
	vm->last_ts = ev->ts;
	vm->level->events++;
}

static int compare_numbers(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

static int compare_calls(const void *pa, const void *pb)
{
	const struct function *a = *(struct function **)pa, *b = *(struct function **)pb;

	return compare_numbers(b->calls, a->calls) ?: compare_numbers(a->addr, b->addr);
}

static int compare_returns(const void *pa, const void *pb)
{
	const struct function *a = *(struct function **)pa, *b = *(struct function **)pb;

	return compare_numbers(b->returns, a->returns) ?: compare_numbers(a->addr, b->addr);
}

static __u64 events_of(const struct function *fn)
{
	return fn->calls + fn->returns;
}

static int compare_events(const void *pa, const void *pb)
{
	const struct function *a = *(struct function **)pa, *b = *(struct function **)pb;

	return compare_numbers(events_of(b), events_of(a)) ?: compare_numbers(a->addr, b->addr);
}

static struct function **sort_functions(const struct functions *fns,
					int (*compare)(const void *, const void *))
{
	struct function **sorted = xcalloc(fns->nr, sizeof(*sorted));
	struct function *fn;
	size_t i = 0;

	for (fn = fns->list; fn; fn = fn->next)
		sorted[i++] = fn;
	qsort(sorted, fns->nr, sizeof(*sorted), compare);
	return sorted;
}

static double percent(__u64 part, __u64 whole)
{
	return 100.0 * part / whole;
}

static int name_width(const struct vm *vm)
{
	const struct level *level;
	size_t width = strlen("level");

	for (level = vm->levels; level; level = level->next) {
		if (strlen(level->name) > width)
			width = strlen(level->name);
	}
	return width;
}

static void put_table(const struct vm *vm)
{
	const struct level *level;
	int width = name_width(vm);

	printf("%-*s %12s %12s %10s %10s %10s\n", width, "level", "began, s", "lasted, ms",
	       "calls", "returns", "events");
	for (level = vm->levels; level; level = level->next) {
		__u64 began = level->ts - vm->levels->ts;
		__u64 lasted = (level->next ? level->next->ts : vm->last_ts) - level->ts;

		printf("%-*s %5llu.%06llu %8llu.%03llu %10llu %10llu %10llu\n", width,
		       level->name, began / 1000000000, began / 1000 % 1000000,
		       lasted / 1000000, lasted / 1000 % 1000, level->calls, level->returns,
		       level->events);
	}
}

static bool has_calls(const struct vm *vm)
{
	const struct level *level;

	for (level = vm->levels; level; level = level->next) {
		if (level->calls)
			return true;
	}
	return false;
}

static void put_hottest_of_level(const struct boot *b, const struct level *level, bool calls)
{
	struct function **sorted;
	size_t i;

	if (!level->functions.nr)
		return;
	printf("\nhottest in %s:\n", level->name);
	sorted = sort_functions(&level->functions, calls ? compare_calls : compare_returns);
	for (i = 0; i < level->functions.nr && i < HOTTEST_OF_LEVEL; i++) {
		const struct function *fn = sorted[i];

		if (!(calls ? fn->calls : fn->returns))
			break;
		printf("%10llu %s %5.1f%%  ", calls ? fn->calls : fn->returns,
		       calls ? "calls" : "returns", percent(events_of(fn), level->events));
		symbols_print_function(b->in.syms, level->shift, fn->addr, stdout);
		putchar('\n');
	}
	free(sorted);
}

/* By the file's addresses, as a VM's kernels may have been in different places */
static void sum_levels(const struct vm *vm, struct functions *sum, __u64 *events)
{
	const struct level *level;
	const struct function *fn;

	for (level = vm->levels; level; level = level->next) {
		*events += level->events;
		for (fn = level->functions.list; fn; fn = fn->next) {
			struct function *total = get_function(sum, fn->addr - level->shift);

			total->calls += fn->calls;
			total->returns += fn->returns;
		}
	}
}

static bool is_listed(const char **names, size_t nr, const char *name)
{
	while (nr--) {
		if (!strcmp(names[nr], name))
			return true;
	}
	return false;
}

/*
 * The names of the hottest functions that the command line can name: modules are
 * not there yet. Functions of one name are left out together.
 */
static size_t pick_hottest(const struct boot *b, const struct functions *sum,
			   const char **names, __u64 *events)
{
	struct function **sorted = sort_functions(sum, compare_events);
	size_t i, nr = 0;

	for (i = 0; i < sum->nr; i++) {
		const char *name = symbols_core_function(b->in.syms, sorted[i]->addr);
		bool listed = name && is_listed(names, nr, name);

		if (!name || (!listed && nr == HOTTEST_OF_BOOT))
			continue;
		if (!listed)
			names[nr++] = name;
		*events += events_of(sorted[i]);
	}
	free(sorted);
	return nr;
}

static void put_hottest_of_boot(const struct boot *b, const struct vm *vm)
{
	const char *names[HOTTEST_OF_BOOT];
	struct functions sum = { 0 };
	__u64 all = 0, events = 0;
	size_t i, nr;

	sum_levels(vm, &sum, &all);
	nr = pick_hottest(b, &sum, names, &events);
	free_functions(&sum);
	if (!nr)
		return;
	printf("\nto leave out %.1f%% of all events:\nftrace_notrace=", percent(events, all));
	for (i = 0; i < nr; i++)
		printf("%s%s", i ? "," : "", names[i]);
	putchar('\n');
}

static void put_vm(const struct boot *b, const struct vm *vm)
{
	const struct level *level;
	bool calls = has_calls(vm);

	printf("%sVM %u\n", vm == b->vms ? "" : "\n", vm->id);
	put_table(vm);
	for (level = vm->levels; level; level = level->next)
		put_hottest_of_level(b, level, calls);
	put_hottest_of_boot(b, vm);
}

static void put_end(struct boot *b)
{
	const struct vm *vm;

	callgraph_end(&b->cg);
	for (vm = b->vms; vm; vm = vm->next)
		put_vm(b, vm);
}

static void free_vm(struct vm *vm)
{
	struct level *level;

	while ((level = vm->levels)) {
		vm->levels = level->next;
		free_functions(&level->functions);
		free(level->name);
		free(level);
	}
	free(vm);
}

static int boot_trace(struct boot *b)
{
	struct vm *vm;
	int ret;

	b->last_vm = &b->vms;
	callgraph_init(&b->cg, &boot_ops, b);
	ret = input_read(&b->in, boot_event, b);
	if (!ret)
		put_end(b);
	while ((vm = b->vms)) {
		b->vms = vm->next;
		free_vm(vm);
	}
	map_free(&b->vm_map);
	callgraph_free(&b->cg);
	return flush_output() ? EXIT_ERROR : ret;
}

static void print_help(FILE *out)
{
	fputs("usage: hypergraph boot [--kallsyms FILE] [TRACE]\n"
	      "\n"
	      "Prints for each guest traced in TRACE (trace.dat) what its boot levels took, from\n"
	      "its first event on, and which functions were called most in each of them, with\n"
	      "their share of what the guest sent. The last line, on the guest kernel's command\n"
	      "line, leaves out the functions that send the most.\n"
	      "\n"
	      INPUT_OPTIONS_HELP, out);
}

int cmd_boot(int argc, char **argv)
{
	struct boot b = { 0 };
	int status;

	if (!input_parse(&b.in, argc, argv, print_help, &status))
		return status;
	status = boot_trace(&b);
	input_free(&b.in);
	return status;
}
