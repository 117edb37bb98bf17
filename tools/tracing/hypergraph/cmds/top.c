// SPDX-License-Identifier: GPL-2.0
/* hypergraph top: what the guests of this host do now, from an instance of its own */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <tracefs.h>

#include "cmds/options.h"
#include "graph/callgraph.h"
#include "graph/stacks.h"
#include "graph/symbols.h"
#include "hypergraph.h"
#include "input/exit_reason.h"
#include "input/live.h"
#include "util/util.h"

#define NS_PER_S	1000000000ULL

/* How often the instance's buffers are emptied */
#define POLL_NS		50000000

/* How long a list is where there is no terminal to fill */
#define LINES		10

/*
 * The terminal shows a screen of its own while the command runs, and the one before after
 * it. Each output begins at the top; what was there is cleared line by line, then the rest.
 */
#define SCREEN_ENTER	"\033[?1049h\033[?25l"
#define SCREEN_LEAVE	"\033[?25h\033[?1049l"
#define SCREEN_TOP	"\033[H"
#define CLEAR_LINE	"\033[K\n"
#define CLEAR_REST	"\033[J"

/* What a VM did since the last screen */
struct activity {
	__u64 events;
	__u64 exits;
	__u64 exit_ns;
	__u64 overhead_ns;
};

struct vm {
	__u32 pid;
	__u16 id;
	bool several;		/* The process has other VMs, too. */
	struct activity since;
};

struct top {
	struct symbols *syms;
	struct filter filter;
	struct callgraph cg;
	struct map vms;		/* by pid and id */
	struct stacks exits;	/* since the last screen: task, function, reason */
	struct stacks functions;	/* the same: VM, function */
	__u64 lost;		/* until the last screen */
	unsigned int interval_ms;
	unsigned long screens;	/* 0: until ^C */
	bool tty;
	bool stopped;		/* by a signal */
};

static struct vm *vm_of(struct top *t, __u32 pid, __u16 id)
{
	struct vm *vm = map_get(&t->vms, map_key(pid, id)), *other;

	if (vm)
		return vm;
	vm = xcalloc(1, sizeof(*vm));
	vm->pid = pid;
	vm->id = id;
	map_add(&t->vms, map_key(pid, id), vm);
	map_for_each(other, &t->vms) {
		if (other->pid != pid || other == vm)
			continue;
		other->several = true;
		vm->several = true;
	}
	return vm;
}

/* As guest_print_vm() does */
static void print_vm(const struct vm *vm, FILE *out)
{
	fprintf(out, "%u", vm->pid);
	if (vm->several)
		fprintf(out, ".%u", vm->id);
}

static struct stack_node *named_child(struct stacks *st, struct stack_node *parent, __u64 key,
				      char *(*name)(const void *arg), const void *arg)
{
	bool created;
	struct stack_node *node = stacks_child(st, parent, key, &created);

	if (created)
		node->name = name(arg);
	return node;
}

static char *vm_name(const void *arg)
{
	char *number = print_to_string(print_vm, (const struct vm *)arg);
	char *name = xasprintf("VM %s", number);

	free(number);
	return name;
}

static char *reason_name(const void *arg)
{
	const struct event *ev = arg;

	return exit_reason_name(ev->exit.isa, ev->exit.reason);
}

static void top_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct top *t = ctx;
	struct vm *vm = vm_of(t, v->guest->vm, v->guest->vm_id);
	struct kernel kernel = symbols_kernel(t->syms, v->boot->key);
	struct stack_node *node = named_child(&t->functions, NULL, (size_t)vm, vm_name, vm);

	stacks_function(&t->functions, node, &kernel, f->addr)->count++;
}

static void top_exit(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct top *t = ctx;
	struct vm *vm = vm_of(t, v->guest->vm, v->guest->vm_id);
	struct kernel kernel = symbols_kernel(t->syms, v->boot->key);
	struct stack_node *node = stacks_task(&t->exits, v->current);
	__u64 reason = map_key(ev->exit.isa, ev->exit.reason);

	vm->since.exits++;
	vm->since.exit_ns += ev->exit.duration;
	node = stacks_place(&t->exits, node, v, &kernel, ev);
	node = named_child(&t->exits, node, reason, reason_name, ev);
	node->count++;
	node->weight += ev->exit.duration;
}

static const struct callgraph_ops top_ops = {
	.entry = top_entry,
	.exit = top_exit,
};

static void top_event(void *ctx, const struct event *ev)
{
	struct top *t = ctx;

	if (!filter_wants_vm(&t->filter, ev->vm, ev->vm_id))
		return;
	if (event_is_sent(ev)) {
		struct vm *vm = vm_of(t, ev->vm, ev->vm_id);

		vm->since.events++;
		vm->since.overhead_ns += ev->overhead;
	}
	callgraph_event(&t->cg, ev);
}

static const char *line_end(const struct top *t)
{
	return t->tty ? CLEAR_LINE : "\n";
}

static unsigned int lines_of_list(const struct top *t)
{
	unsigned int used = 8 + t->vms.nr;
	struct winsize size;

	if (!t->tty || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row)
		return LINES;
	return size.ws_row > used + 2 ? (size.ws_row - used) / 2 : 1;
}

/* Returns those with a count, the heaviest first, in an array that is to be freed. */
static struct stack_node **sort_nodes(const struct stacks *st, size_t *nr)
{
	struct stack_node **sorted = xcalloc(st->nodes.nr + 1, sizeof(*sorted)), *node;

	*nr = 0;
	map_for_each(node, &st->nodes) {
		if (node->count)
			sorted[(*nr)++] = node;
	}
	qsort(sorted, *nr, sizeof(*sorted), stacks_compare);
	return sorted;
}

static void put_vms(const struct top *t, double seconds)
{
	const struct vm *vm;

	printf("        VM     events/s      exits/s     exits, %%   tracing, %%%s", line_end(t));
	map_for_each(vm, &t->vms) {
		char *number = print_to_string(print_vm, vm);

		printf("%10s %12.0f %12.0f %12.1f %12.1f%s", number, vm->since.events / seconds,
		       vm->since.exits / seconds, 100 * vm->since.exit_ns / seconds / NS_PER_S,
		       100 * vm->since.overhead_ns / seconds / NS_PER_S, line_end(t));
		free(number);
	}
}

static void put_exits(const struct top *t, unsigned int lines, double seconds)
{
	size_t i, nr;
	struct stack_node **sorted = sort_nodes(&t->exits, &nr);

	printf("%s   time, %%      exits/s  EXITS: task, function, reason%s", line_end(t),
	       line_end(t));
	for (i = 0; i < nr && i < lines; i++) {
		const struct stack_node *node = sorted[i];

		printf("%10.2f %12.0f  %s, %s, %s%s", 100 * node->weight / seconds / NS_PER_S,
		       node->count / seconds, node->parent->parent->name, node->parent->name,
		       node->name, line_end(t));
	}
	free(sorted);
}

static void put_functions(const struct top *t, unsigned int lines, double seconds)
{
	size_t i, nr;
	struct stack_node **sorted = sort_nodes(&t->functions, &nr);

	printf("%s   calls/s  FUNCTIONS%s", line_end(t), line_end(t));
	for (i = 0; i < nr && i < lines; i++)
		printf("%10.0f  %s, %s%s", sorted[i]->count / seconds, sorted[i]->parent->name,
		       sorted[i]->name, line_end(t));
	free(sorted);
}

/* False if it could not be written: the reader of a pipe may be gone. */
static bool put_screen(struct top *t, __u64 lost, double seconds)
{
	unsigned int lines = lines_of_list(t);
	char clock[16];
	time_t now = time(NULL);

	strftime(clock, sizeof(clock), "%T", localtime(&now));
	printf("%shypergraph top %s, %.1f s, %llu events lost%s", t->tty ? SCREEN_TOP : "", clock,
	       seconds, lost, line_end(t));
	put_vms(t, seconds);
	stacks_name_tasks(&t->exits);
	put_exits(t, lines, seconds);
	put_functions(t, lines, seconds);
	fputs(t->tty ? CLEAR_REST : "\n", stdout);
	return !fflush(stdout) && !ferror(stdout);
}

static void begin_interval(struct top *t)
{
	struct vm *vm;

	map_for_each(vm, &t->vms)
		vm->since = (struct activity){ 0 };
	stacks_free(&t->exits);
	stacks_free(&t->functions);
	memset(&t->exits, 0, sizeof(t->exits));
	memset(&t->functions, 0, sizeof(t->functions));
}

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Shows one screen. Returns NULL, or what failed, with errno. */
static const char *run_interval(struct top *t, struct live *live, const sigset_t *signals)
{
	const struct timespec interval = { .tv_nsec = POLL_NS };
	__u64 begin = now_ns(), lost;

	while (!t->stopped && now_ns() - begin < t->interval_ms * (NS_PER_S / 1000)) {
		if (!live_read(live))
			return "reading the events";
		t->stopped = sigtimedwait(signals, NULL, &interval) > 0;
	}
	lost = live_lost(live);
	if ((!t->stopped || !t->tty) &&
	    !put_screen(t, lost - t->lost, (double)(now_ns() - begin) / NS_PER_S))
		return "writing the output";
	t->lost = lost;
	begin_interval(t);
	return NULL;
}

/* An error is told when the terminal's own screen is back, and not lost with the other. */
static int run_screens(struct top *t, struct live *live, const sigset_t *signals)
{
	const char *failed = NULL;
	unsigned long i;
	int error;

	if (t->tty)
		fputs(SCREEN_ENTER, stdout);
	for (i = 0; !failed && !t->stopped && (!t->screens || i < t->screens); i++)
		failed = run_interval(t, live, signals);
	error = errno;
	if (t->tty) {
		fputs(SCREEN_LEAVE, stdout);
		fflush(stdout);
	}
	if (failed)
		warnx("%s: %s", failed, strerror(error));
	return failed ? EXIT_ERROR : 0;
}

/* No signal ends the program before its instance of tracefs is gone. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigprocmask(SIG_BLOCK, signals, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run(struct top *t)
{
	struct live *live;
	sigset_t signals;
	int status;

	block_signals(&signals);
	live = live_open(top_event, t);
	if (!live)
		return EXIT_ERROR;
	callgraph_init(&t->cg, &top_ops, t, &t->filter, t->syms);
	status = run_screens(t, live, &signals);
	symbols_warn_of_calls(t->syms);
	begin_interval(t);
	callgraph_free(&t->cg);
	live_close(live);
	return status;
}

static bool set_delay(struct top *t, const char *arg)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds >= 0.1 && seconds <= 3600)) {
		warnx("--delay %s: not from 0.1 to 3600 seconds", arg);
		return false;
	}
	t->interval_ms = seconds * 1000;
	return true;
}

static bool set_screens(struct top *t, const char *arg)
{
	char *end;

	t->screens = strtoul(arg, &end, 10);
	if (*arg >= '0' && *arg <= '9' && t->screens && !*end)
		return true;
	warnx("--screens %s: not a number of screens", arg);
	return false;
}

static const struct argp_option top_rows[] = {
	{ "delay", 'd', "SECONDS", 0, "between two screens: 1 if not given", 0 },
	{ "screens", 'n', "N", 0,
	  "ends after so many; without a terminal they follow each other", 0 },
	{ 0 }
};

static error_t parse_top(int key, char *arg, struct argp_state *state)
{
	struct top *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &t->filter;
		state->child_inputs[1] = t->syms;
		return 0;
	case 'd':
		return set_delay(t, arg) ? 0 : EINVAL;
	case 'n':
		return set_screens(t, arg) ? 0 : EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child top_children[] = {
	{ &vm_option, 0, NULL, 0 },
	{ &symbols_options, 0, NULL, 0 },
	{ 0 }
};

static const struct argp top_argp = {
	.options = top_rows,
	.parser = parse_top,
	.doc =
		"Shows what the traced guests of this host do now: events and exits of each\n"
		"VM, the exits that take the most of the host's time, and the functions\n"
		"called most. Percentages are of one CPU.",
	.children = top_children,
};

int cmd_top(int argc, char **argv)
{
	struct top t = { .syms = symbols_new(), .interval_ms = 1000 };
	struct vm *vm;
	int status = EXIT_ERROR;

	t.filter.syms = t.syms;
	t.tty = isatty(STDOUT_FILENO);
	if (options_parse(&top_argp, 0, argc, argv, &t))
		status = run(&t);
	map_for_each(vm, &t.vms)
		free(vm);
	map_free(&t.vms);
	symbols_free(t.syms);
	return status;
}
