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

/* The levels of a guest */
struct levels {
	__u64 last_ts;		/* of what the guest sent */
	struct level *first;
	struct level *last;
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

static struct level *add_level(struct levels *levels)
{
	struct level *level = xcalloc(1, sizeof(*level));

	if (levels->last)
		levels->last->next = level;
	else
		levels->first = level;
	levels->last = level;
	return level;
}

/* A level takes the place of one in which nothing was. It owns @name from here on. */
static void begin_level(const struct session *s, const struct guest *guest, char *name,
			__u64 ts)
{
	struct levels *levels = guest->priv;
	struct level *level = levels->last;

	if (!level || level->events)
		level = add_level(levels);
	free(level->name);
	level->name = name;
	level->ts = ts;
	level->kernel = symbols_kernel(s->syms, guest->boot->key);
}

/* Before a kernel's first mark */
static void begin_start(const struct session *s, const struct guest *guest)
{
	begin_level(s, guest, xstrdup("start"), s->cg.ts);
}

static void boot_guest_new(void *ctx, struct guest *guest)
{
	guest->priv = xcalloc(1, sizeof(struct levels));
	begin_start(ctx, guest);
}

static struct level *level_of(const struct vcpu *v)
{
	const struct levels *levels = v->guest->priv;

	return levels->last;
}

static void boot_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct level *level = level_of(v);

	(void)ctx;
	level->calls++;
	get_function(&level->functions, f->addr)->calls++;
}

static void boot_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
		     __u64 duration)
{
	struct level *level = level_of(v);

	(void)ctx;
	(void)entered;
	(void)duration;
	level->returns++;
	get_function(&level->functions, f->addr)->returns++;
}

static void boot_boot_new(void *ctx, struct boot *boot)
{
	begin_start(ctx, boot->guest);
}

static void boot_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	if (m->kind == HYPERGRAPH_MARK_BOOT)
		begin_level(ctx, v->guest, mark_text(m), m->ts);
}

/* A mark is of the level that it begins. */
static void boot_sent(void *ctx, struct vcpu *v)
{
	const struct session *s = ctx;
	struct levels *levels = v->guest->priv;

	levels->last_ts = s->cg.ts;
	levels->last->events++;
}

static const struct callgraph_ops boot_ops = {
	.guest_new	= boot_guest_new,
	.sent		= boot_sent,
	.entry		= boot_entry,
	.ret		= boot_ret,
	.boot_new	= boot_boot_new,
	.mark		= boot_mark,
};

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

static int name_width(const struct levels *levels)
{
	const struct level *level;
	size_t width = strlen("level");

	for (level = levels->first; level; level = level->next) {
		if (strlen(level->name) > width)
			width = strlen(level->name);
	}
	return width;
}

static void put_table(const struct levels *levels)
{
	const struct level *level;
	int width = name_width(levels);

	printf("%-*s %12s %12s %10s %10s %10s\n", width, "level", "began, s", "lasted, ms",
	       "calls", "returns", "events");
	for (level = levels->first; level; level = level->next) {
		__u64 began = level->ts - levels->first->ts;
		__u64 lasted = (level->next ? level->next->ts : levels->last_ts) - level->ts;

		printf("%-*s %5llu.%06llu %8llu.%03llu %10llu %10llu %10llu\n", width,
		       level->name, began / 1000000000, began / 1000 % 1000000,
		       lasted / 1000000, lasted / 1000 % 1000, level->calls, level->returns,
		       level->events);
	}
}

static bool has_calls(const struct levels *levels)
{
	const struct level *level;

	for (level = levels->first; level; level = level->next) {
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

/* The sum goes by the file's addresses, as a guest's kernels may have been in several places. */
static void sum_levels(const struct levels *levels, struct map *sum, __u64 *events)
{
	const struct level *level;
	const struct function *fn;

	for (level = levels->first; level; level = level->next) {
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

static void put_hottest_of_boot(const struct levels *levels)
{
	/* The addresses are the file's. */
	struct kernel kernel = { .table = levels->last->kernel.table };
	const char *names[HOTTEST_OF_BOOT];
	struct map sum = { 0 };
	__u64 all = 0, events = 0;
	size_t i, nr;

	sum_levels(levels, &sum, &all);
	nr = pick_hottest(&kernel, &sum, names, &events);
	free_functions(&sum);
	if (!nr)
		return;
	printf("\nto leave out %.1f%% of all events:\nftrace_notrace=", percent(events, all));
	for (i = 0; i < nr; i++)
		printf("%s%s", i ? "," : "", names[i]);
	putchar('\n');
}

static void put_guest(const struct guest *guest)
{
	const struct levels *levels = guest->priv;
	const struct level *level;
	bool calls = has_calls(levels);

	guest_print(guest, stdout);
	putchar('\n');
	put_table(levels);
	for (level = levels->first; level; level = level->next)
		put_hottest_of_level(level, calls);
	put_hottest_of_boot(levels);
}

static int boot_end(struct session *s)
{
	const struct guest *guest;
	bool printed = false;

	map_for_each(guest, &s->cg.guests) {
		if (!guest->known || !filter_wants_vm(&s->filter, guest->vm, guest->vm_id))
			continue;
		if (printed)
			putchar('\n');
		printed = true;
		put_guest(guest);
	}
	return 0;
}

static void free_levels(struct levels *levels)
{
	struct level *level;

	while ((level = levels->first)) {
		levels->first = level->next;
		free_functions(&level->functions);
		free(level->name);
		free(level);
	}
	free(levels);
}

static void boot_free(struct session *s)
{
	const struct guest *guest;

	map_for_each(guest, &s->cg.guests) {
		if (guest->known)
			free_levels(guest->priv);
	}
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
	.end = boot_end,
	.free = boot_free,
};

int cmd_boot(int argc, char **argv)
{
	struct session s = { 0 };

	return session_run(&s, &boot_view, argc, argv);
}
