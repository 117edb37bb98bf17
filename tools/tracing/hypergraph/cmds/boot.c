// SPDX-License-Identifier: GPL-2.0
/* hypergraph boot: what each boot level of the guests took, and where. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/callgraph.h"
#include "hypergraph.h"
#include "cmds/session.h"
#include "util/util.h"

#define HOTTEST_OF_LEVEL	5
#define HOTTEST_OF_BOOT		10

struct function {
	__u64 addr;
	__u64 calls;
	__u64 returns;
};

struct level {
	struct level *next;
	char *name;
	__u64 ts;
	__u64 calls;
	__u64 returns;
	__u64 events;
	struct kernel kernel;	/* that was booting */
	struct map functions;	/* by address */
};

struct guest {
	struct guest *next;	/* in order of appearance */
	const struct vcpu *vcpu;	/* the first one heard of it */
	__u64 last_ts;
	__u64 stext;		/* 0: not told yet */
	struct level *levels;	/* in order of time */
	struct level *level;	/* the last one */
};

struct boot {
	struct session s;
	struct map guest_map;	/* by guest_key() */
	struct guest *guests;
	struct guest **last_guest;
};

static struct function *get_function(struct map *fns, __u64 addr)
{
	struct function *fn = map_get(fns, addr);

	if (fn)
		return fn;
	fn = xcalloc(1, sizeof(*fn));
	fn->addr = addr;
	map_add(fns, addr, fn);
	return fn;
}

static void free_functions(struct map *fns)
{
	struct function *fn;

	map_for_each(fn, fns)
		free(fn);
	map_free(fns);
}

static struct level *add_level(struct guest *guest)
{
	struct level *level = xcalloc(1, sizeof(*level));

	if (guest->level)
		guest->level->next = level;
	else
		guest->levels = level;
	guest->level = level;
	return level;
}

/* In place of one in which nothing was. @name is the level's from here on. */
static void begin_level(const struct boot *b, struct guest *guest, char *name, __u64 ts)
{
	struct level *level = guest->level;

	if (!level || level->events)
		level = add_level(guest);
	free(level->name);
	level->name = name;
	level->ts = ts;
	level->kernel = symbols_kernel(b->s.syms, guest->vcpu->guest);
}

/* Before a kernel's first mark */
static void begin_start(const struct boot *b, struct guest *guest, __u64 ts)
{
	begin_level(b, guest, xstrdup("start"), ts);
}

static struct guest *get_guest(struct boot *b, const struct vcpu *v, __u64 ts)
{
	struct guest *guest = map_get(&b->guest_map, v->guest);

	if (guest)
		return guest;
	guest = xcalloc(1, sizeof(*guest));
	guest->vcpu = v;
	begin_start(b, guest, ts);
	map_add(&b->guest_map, v->guest, guest);
	*b->last_guest = guest;
	b->last_guest = &guest->next;
	return guest;
}

static struct level *level_of(const struct boot *b, const struct vcpu *v)
{
	const struct guest *guest = map_get(&b->guest_map, v->guest);

	return guest->level;
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

static void boot_hello(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct boot *b = ctx;
	struct guest *guest = map_get(&b->guest_map, v->guest);

	/* A kernel in another place is another boot. */
	if (guest->stext && guest->stext != ev->hello.stext)
		begin_start(b, guest, ev->ts);
	guest->stext = ev->hello.stext;
	guest->level->kernel = symbols_kernel(b->s.syms, v->guest);
}

static void boot_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct boot *b = ctx;

	if (m->kind == HYPERGRAPH_MARK_BOOT)
		begin_level(b, map_get(&b->guest_map, v->guest), mark_text(m), m->ts);
}

static const struct callgraph_ops boot_ops = {
	.entry		= boot_entry,
	.ret		= boot_ret,
	.hello		= boot_hello,
	.mark		= boot_mark,
};

static void boot_event(struct session *s, const struct event *ev)
{
	struct boot *b = (struct boot *)s;
	struct guest *guest;

	if (!event_is_sent(ev)) {
		callgraph_event(&b->s.cg, ev);
		return;
	}
	guest = get_guest(b, callgraph_vcpu(&b->s.cg, ev), ev->ts);
	callgraph_event(&b->s.cg, ev);
	/* Only now: a mark is of the level that it begins. */
	guest->last_ts = ev->ts;
	guest->level->events++;
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

static double percent(__u64 part, __u64 whole)
{
	return 100.0 * part / whole;
}

static int name_width(const struct guest *guest)
{
	const struct level *level;
	size_t width = strlen("level");

	for (level = guest->levels; level; level = level->next) {
		if (strlen(level->name) > width)
			width = strlen(level->name);
	}
	return width;
}

static void put_table(const struct guest *guest)
{
	const struct level *level;
	int width = name_width(guest);

	printf("%-*s %12s %12s %10s %10s %10s\n", width, "level", "began, s", "lasted, ms",
	       "calls", "returns", "events");
	for (level = guest->levels; level; level = level->next) {
		__u64 began = level->ts - guest->levels->ts;
		__u64 lasted = (level->next ? level->next->ts : guest->last_ts) - level->ts;

		printf("%-*s %5llu.%06llu %8llu.%03llu %10llu %10llu %10llu\n", width,
		       level->name, began / 1000000000, began / 1000 % 1000000,
		       lasted / 1000000, lasted / 1000 % 1000, level->calls, level->returns,
		       level->events);
	}
}

static bool has_calls(const struct guest *guest)
{
	const struct level *level;

	for (level = guest->levels; level; level = level->next) {
		if (level->calls)
			return true;
	}
	return false;
}

static void put_hottest_of_level(const struct level *level, bool calls)
{
	struct function **sorted;
	size_t i;

	if (!(calls ? level->calls : level->returns))
		return;
	printf("\nhottest in %s:\n", level->name);
	sorted = map_sort(&level->functions, calls ? compare_calls : compare_returns);
	for (i = 0; i < level->functions.nr && i < HOTTEST_OF_LEVEL; i++) {
		const struct function *fn = sorted[i];

		if (!(calls ? fn->calls : fn->returns))
			break;
		printf("%10llu %s %5.1f%%  ", calls ? fn->calls : fn->returns,
		       calls ? "calls" : "returns", percent(events_of(fn), level->events));
		kernel_print_function(&level->kernel, fn->addr, stdout);
		putchar('\n');
	}
	free(sorted);
}

/* By the file's addresses, as a guest's kernels may have been in different places */
static void sum_levels(const struct guest *guest, struct map *sum, __u64 *events)
{
	const struct level *level;
	const struct function *fn;

	for (level = guest->levels; level; level = level->next) {
		*events += level->events;
		if (!level->kernel.table)
			continue;
		map_for_each(fn, &level->functions) {
			struct function *total = get_function(sum, fn->addr - level->kernel.shift);

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

/* NULL if it has no name, or is of a module */
static const char *core_function(const struct kernel *kernel, __u64 file_addr)
{
	__u64 offset;
	const char *name = kernel_function(kernel, file_addr, &offset);

	return name && !strchr(name, ' ') ? name : NULL;
}

/*
 * The names of the hottest functions that the command line can name: modules are
 * not there yet. Functions of one name are left out together.
 */
static size_t pick_hottest(const struct kernel *kernel, const struct map *sum,
			   const char **names, __u64 *events)
{
	struct function **sorted = map_sort(sum, compare_events);
	size_t i, nr = 0;

	for (i = 0; i < sum->nr; i++) {
		const char *name = core_function(kernel, sorted[i]->addr);
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

static void put_hottest_of_boot(const struct guest *guest)
{
	/* The addresses are the file's. */
	struct kernel kernel = { .table = guest->level->kernel.table };
	const char *names[HOTTEST_OF_BOOT];
	struct map sum = { 0 };
	__u64 all = 0, events = 0;
	size_t i, nr;

	sum_levels(guest, &sum, &all);
	nr = pick_hottest(&kernel, &sum, names, &events);
	free_functions(&sum);
	if (!nr)
		return;
	printf("\nto leave out %.1f%% of all events:\nftrace_notrace=", percent(events, all));
	for (i = 0; i < nr; i++)
		printf("%s%s", i ? "," : "", names[i]);
	putchar('\n');
}

static void put_guest(const struct boot *b, const struct guest *guest)
{
	const struct level *level;
	bool calls = has_calls(guest);

	if (guest != b->guests)
		putchar('\n');
	guest_print(guest->vcpu, stdout);
	putchar('\n');
	put_table(guest);
	for (level = guest->levels; level; level = level->next)
		put_hottest_of_level(level, calls);
	put_hottest_of_boot(guest);
}

static int boot_begin(struct session *s)
{
	struct boot *b = (struct boot *)s;

	b->last_guest = &b->guests;
	return 0;
}

static int boot_end(struct session *s)
{
	const struct boot *b = (struct boot *)s;
	const struct guest *guest;

	for (guest = b->guests; guest; guest = guest->next)
		put_guest(b, guest);
	return 0;
}

static void free_guest(struct guest *guest)
{
	struct level *level;

	while ((level = guest->levels)) {
		guest->levels = level->next;
		free_functions(&level->functions);
		free(level->name);
		free(level);
	}
	free(guest);
}

static void boot_free(struct session *s)
{
	struct boot *b = (struct boot *)s;
	struct guest *guest;

	while ((guest = b->guests)) {
		b->guests = guest->next;
		free_guest(guest);
	}
	map_free(&b->guest_map);
}

static const struct view boot_view = {
	.argp = {
		.args_doc = "[TRACE]",
		.doc =
			"Prints for each guest traced in TRACE (trace.dat) what its boot levels took,\n"
			"from its first event on, and which functions were called most in each of\n"
			"them, with their share of what the guest sent. The last line, on the guest\n"
			"kernel's command line, leaves out the functions that send the most.",
	},
	.ops = &boot_ops,
	.begin = boot_begin,
	.event = boot_event,
	.end = boot_end,
	.free = boot_free,
};

int cmd_boot(int argc, char **argv)
{
	struct boot b = { 0 };

	return session_run(&b.s, &boot_view, argc, argv);
}
