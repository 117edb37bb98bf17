// SPDX-License-Identifier: GPL-2.0
/*
 * hypergraph report: the guests' call graph in the manner of function_graph,
 * with the VM exits in place.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/callgraph.h"
#include "input/exit_reason.h"
#include "input/note.h"
#include "hypergraph.h"
#include "cmds/session.h"
#include "util/util.h"

#define INDENT		2

/* Digits of a vCPU's number, if there is none with more */
#define WIDTH		2

/* Digits and point of a duration, as ftrace has them */
#define DURATION_WIDTH	8

/*
 * What a vCPU did last waits for what it does next: an entry, because a
 * function that calls nothing is one line, the host's too; an exit, because it may
 * repeat.
 */
enum held { HELD_NOTHING, HELD_ENTRY, HELD_EXIT, HELD_HOST_ENTRY };

/* A vCPU's part of the output */
struct column {
	const struct task *shown;	/* whose lines the last ones were */
	enum held held;
	struct frame frame;
	struct event exit;	/* the first of a row of equal ones */
	bool mixed;			/* They are not equal, but of what is not traced. */
	unsigned long long exits;	/* how many */
	__u64 duration;			/* of all together */
	__u32 exit_depth;
	struct event host;	/* a EVENT_HOST_ENTRY */
	bool introduced;		/* if nested: it was said who that is */
	char name[16];			/* "12) " */
	char vm_name[24];		/* what precedes that if there are several VMs */
};

/* The most frequent lines are put together here, for one call of stdio each. */
struct line {
	size_t len;
	char text[4096];
};

struct report {
	struct session s;
	struct line line;
	bool header_vms;		/* what the last header was for */
	unsigned int header_width;	/* 0: there was none */
	unsigned int vms;
	unsigned int width;		/* of vCPUs' numbers */
	unsigned long long calls;
	unsigned long long exits;
	unsigned long long untraced;	/* exits of what is not traced then */
	__u64 untraced_ns;
	unsigned long long host_calls;
};

static void line_write(struct line *l)
{
	fwrite(l->text, 1, l->len, stdout);
	l->len = 0;
}

static void line_add(struct line *l, const char *text, size_t len)
{
	if (len > sizeof(l->text) - l->len)
		line_write(l);
	if (len > sizeof(l->text)) {
		fwrite(text, 1, len, stdout);
		return;
	}
	memcpy(l->text + l->len, text, len);
	l->len += len;
}

static void line_adds(struct line *l, const char *text)
{
	line_add(l, text, strlen(text));
}

/* Once, and again when a second VM adds a column, or a vCPU needs a wider one. */
static void put_header(struct report *r)
{
	bool vms = r->vms > 1;
	int more = r->width - WIDTH;

	if (r->header_vms == vms && r->header_width == r->width)
		return;
	r->header_vms = vms;
	r->header_width = r->width;
	printf("#%s%*s vCPU DURATION                  FUNCTION CALLS\n", vms ? "    VM  " : "",
	       more, "");
	printf("#%s%*s |     |   |                     |   |   |   |\n", vms ? "     |  " : "",
	       more, "");
}

static void line_vcpu(struct report *r, const struct vcpu *v)
{
	const struct column *col = v->priv;

	if (r->vms > 1)
		line_adds(&r->line, col->vm_name);
	line_adds(&r->line, col->name);
}

/* Before the first line of a nested vCPU */
static void put_introduction(const struct vcpu *v)
{
	struct column *col = v->priv;

	if (!v->guest->nested || col->introduced)
		return;
	col->introduced = true;
	fputs("# ", stdout);
	guest_print(v->guest, stdout);
	putchar('\n');
}

/* As ftrace does when another task's functions follow on a CPU */
static void put_task_change(struct report *r, const struct vcpu *v,
			    const struct task *from, const struct task *to)
{
	static const char rule[] = " ------------------------------------------\n";

	fputs(rule, stdout);
	line_vcpu(r, v);
	line_write(&r->line);
	putchar(' ');
	if (from) {
		task_print(from, stdout);
		fputs("  =>  ", stdout);
	}
	task_print(to, stdout);
	putchar('\n');
	fputs(rule, stdout);
}

/* Starts a line of @v's current task, up to the duration. */
static void line_start(struct report *r, const struct vcpu *v)
{
	struct column *col = v->priv;

	put_header(r);
	put_introduction(v);
	/* Before the first sched_switch there is nothing to tell. */
	if (col->shown != v->current && (col->shown || v->current != v->unknown))
		put_task_change(r, v, col->shown, v->current);
	col->shown = v->current;
	line_vcpu(r, v);
}

/* The same marks at the same limits as ftrace's */
static char overhead_mark(unsigned long long ns)
{
	static const struct {
		unsigned long long above;
		char mark;
	} marks[] = {
		{ 1000000000, '$' },
		{ 100000000, '@' },
		{ 10000000, '*' },
		{ 1000000, '#' },
		{ 100000, '!' },
		{ 10000, '+' },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		if (ns > marks[i].above)
			return marks[i].mark;
	}
	return ' ';
}

/* The decimal digits of @n, ended at @end: returns where they begin. */
static char *digits(char *end, unsigned long long n)
{
	do {
		end--;
		*end = '0' + n % 10;
	} while (n /= 10);
	return end;
}

/* As ftrace: at most seven digits, so a long time has fewer of its fraction. */
static void line_duration(struct line *l, unsigned long long ns)
{
	char number[32], line[] = "x 1234567890123456 us         ";
	char *end = number + sizeof(number) - 4, *begin = digits(end, ns / 1000);
	int len = end - begin, pad;

	if (len < DURATION_WIDTH - 1) {
		end[0] = '.';
		end[1] = '0' + ns % 1000 / 100;
		end[2] = '0' + ns % 100 / 10;
		end[3] = '0' + ns % 10;
		len = len + 4 < DURATION_WIDTH ? len + 4 : DURATION_WIDTH;
	}
	pad = len < DURATION_WIDTH ? DURATION_WIDTH - len : 0;
	line[0] = overhead_mark(ns);
	memcpy(line + 2, begin, len);
	memcpy(line + 2 + len, " us         ", 4 + pad);
	line_add(l, line, 2 + len + 4 + pad);
}

/* @bar separates the duration from the function. */
static void line_indent(struct line *l, char bar, __u32 depth)
{
	static char spaces[INDENT * (2 * MAX_DEPTH + 2)];

	if (!spaces[0])
		memset(spaces, ' ', sizeof(spaces));
	line_add(l, &bar, 1);
	line_add(l, spaces, INDENT + INDENT * depth);
}

static void line_timed(struct report *r, const struct vcpu *v, __u32 depth,
		       unsigned long long ns)
{
	line_start(r, v);
	line_duration(&r->line, ns);
	line_indent(&r->line, '|', depth);
}

static void line_untimed(struct report *r, const struct vcpu *v, __u32 depth)
{
	line_start(r, v);
	line_adds(&r->line, "              ");
	line_indent(&r->line, '|', depth);
}

static void line_function(struct report *r, const struct vcpu *v, const struct frame *f)
{
	struct kernel kernel = symbols_kernel(r->s.syms, v->boot->key);
	char hex[HEX_SIZE];
	__u64 offset;
	const char *name = kernel_function(&kernel, f->addr, &offset);

	line_adds(&r->line, name ? name : format_hex(f->addr, hex));
}

static void put_untimed(struct report *r, const struct vcpu *v, __u32 depth)
{
	line_untimed(r, v, depth);
	line_write(&r->line);
}

static void put_function(struct report *r, const struct vcpu *v, const struct frame *f)
{
	line_function(r, v, f);
	line_write(&r->line);
}

static void release_entry(struct report *r, const struct vcpu *v)
{
	const struct column *col = v->priv;

	line_untimed(r, v, col->frame.depth);
	line_function(r, v, &col->frame);
	line_adds(&r->line, "() {\n");
	line_write(&r->line);
}

static void put_exit(const struct vcpu *v, const struct kernel *kernel)
{
	const struct column *col = v->priv;
	const struct event *ev = &col->exit;

	fputs("/* exit: ", stdout);
	exit_reason_print(ev->exit.isa, ev->exit.reason, stdout);
	if (col->exits > 1)
		printf(" x%llu", col->exits);
	/* Firmware is no user. */
	if (ev->exit.rip >= KERNEL_ADDRESS || !v->boot->nr) {
		fputs("  rip ", stdout);
		kernel_print_address(kernel, ev->exit.rip, stdout);
	} else {
		fputs("  user ", stdout);
		print_hex(ev->exit.rip, stdout);
	}
	fputs(" */\n", stdout);
}

static void release_exit(struct report *r, const struct vcpu *v)
{
	const struct column *col = v->priv;
	const struct event *ev = &col->exit;
	struct kernel kernel = symbols_kernel(r->s.syms, v->boot->key);

	/* Another kernel's address would get a wrong name. */
	if (ev->exit.maybe_nested)
		kernel.table = NULL;

	if (col->duration)
		line_timed(r, v, col->exit_depth, col->duration);
	else
		line_untimed(r, v, col->exit_depth);
	line_write(&r->line);
	if (col->mixed)
		printf("/* %llu VM exits */\n", col->exits);
	else
		put_exit(v, &kernel);
}

/* A line of the exit before, of what the host did for it */
static void put_host_line(struct report *r, const struct vcpu *v, const struct event *ev)
{
	const struct column *col = v->priv;
	__u32 depth = ev->host.depth < MAX_DEPTH ? ev->host.depth : MAX_DEPTH;

	line_start(r, v);
	if (ev->type == EVENT_HOST_RETURN)
		line_duration(&r->line, ev->host.duration);
	else
		line_adds(&r->line, "              ");
	line_indent(&r->line, '>', col->exit_depth + 1 + depth);
	line_write(&r->line);
}

static void put_host_function(const struct report *r, __u64 addr)
{
	print_name(trace_host_function(r->s.trace, addr), addr, stdout);
}

static void release_host_entry(struct report *r, const struct vcpu *v)
{
	const struct column *col = v->priv;

	put_host_line(r, v, &col->host);
	put_host_function(r, col->host.host.addr);
	fputs(col->host.host.open ? "() { /* no return before the VM entry */\n" : "() {\n",
	      stdout);
}

/* Prints what waited for the next event of @v. */
static void release(struct report *r, const struct vcpu *v)
{
	struct column *col = v->priv;
	enum held held = col->held;

	col->held = HELD_NOTHING;
	if (held == HELD_ENTRY)
		release_entry(r, v);
	else if (held == HELD_EXIT)
		release_exit(r, v);
	else if (held == HELD_HOST_ENTRY)
		release_host_entry(r, v);
}

static bool is_of_vm(const struct vcpu *v, const struct vcpu *of)
{
	return v->guest->vm == of->guest->vm && v->guest->vm_id == of->guest->vm_id;
}

static void name_vm(struct vcpu *v)
{
	struct column *col = v->priv;
	char *name = print_to_string(guest_print_vm, v->guest);

	snprintf(col->vm_name, sizeof(col->vm_name), "%7s ", name);
	free(name);
}

/* A VM of the same pid makes the others' names longer. */
static void name_vms(struct report *r, struct vcpu *v)
{
	struct vcpu *other;

	name_vm(v);
	if (!v->guest->several)
		return;
	map_for_each(other, &r->s.cg.vcpus) {
		if (other->guest->vm == v->guest->vm)
			name_vm(other);
	}
}

static void name_vcpu(const struct report *r, const struct vcpu *v)
{
	struct column *col = v->priv;
	char *number = print_to_string(vcpu_print, v);

	snprintf(col->name, sizeof(col->name), "%*s) ", r->width, number);
	free(number);
}

/* A longer number than those before makes theirs as wide. */
static void name_vcpus(struct report *r, const struct vcpu *v)
{
	char *number = print_to_string(vcpu_print, v);
	unsigned int width = strlen(number);

	free(number);
	if (width <= r->width) {
		name_vcpu(r, v);
		return;
	}
	r->width = width;
	map_for_each(v, &r->s.cg.vcpus)
		name_vcpu(r, v);
}

static void report_vcpu_new(void *ctx, struct vcpu *v)
{
	struct report *r = ctx;
	const struct vcpu *first;

	v->priv = xcalloc(1, sizeof(struct column));
	name_vcpus(r, v);
	name_vms(r, v);
	map_for_each(first, &r->s.cg.vcpus) {
		if (is_of_vm(first, v))
			break;
	}
	r->vms += first == v;
}

static void report_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct report *r = ctx;
	struct column *col = v->priv;

	release(r, v);
	col->held = HELD_ENTRY;
	col->frame = *f;
	r->calls++;
}

/* The innermost function ends. If its entry still waits, it was a leaf. */
static bool take_leaf(struct column *col)
{
	if (col->held != HELD_ENTRY)
		return false;
	col->held = HELD_NOTHING;
	return true;
}

static void report_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
		       __u64 duration)
{
	struct report *r = ctx;
	bool leaf = entered && take_leaf(v->priv);

	release(r, v);
	line_timed(r, v, f->depth, duration);
	if (!leaf)
		line_adds(&r->line, "} /* ");
	line_function(r, v, f);
	line_adds(&r->line, leaf ? "();\n" : " */\n");
	line_write(&r->line);
	if (!entered)
		r->calls++;
}

static void report_no_return(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct report *r = ctx;
	bool leaf = take_leaf(v->priv);

	release(r, v);
	line_untimed(r, v, f->depth);
	if (!leaf)
		line_adds(&r->line, "} /* ");
	line_function(r, v, f);
	line_adds(&r->line, leaf ? "(); /* no return seen */\n" : ": no return seen */\n");
	line_write(&r->line);
}

static bool same_exit(const struct event *a, const struct event *b)
{
	return a->exit.reason == b->exit.reason && a->exit.rip == b->exit.rip &&
	       a->exit.maybe_nested == b->exit.maybe_nested;
}

static void report_exit(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct report *r = ctx;
	struct column *col = v->priv;
	bool same = col->held == HELD_EXIT && same_exit(&col->exit, ev);
	bool untraced = v->current == v->untraced;

	/* Each has its own functions of the host. */
	if (col->held != HELD_EXIT || r->host_calls || (!same && !untraced)) {
		release(r, v);
		col->held = HELD_EXIT;
		col->exit = *ev;
		col->exits = 0;
		col->mixed = false;
		col->duration = 0;
		col->exit_depth = filter_level(&r->s.filter, v->current);
	}
	col->mixed |= col->exits && !same;
	col->exits++;
	col->duration += ev->exit.duration;
	r->exits++;
	if (!untraced)
		return;
	r->untraced++;
	r->untraced_ns += ev->exit.duration;
}

static void report_host(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct report *r = ctx;
	struct column *col = v->priv;
	bool leaf = ev->type == EVENT_HOST_RETURN && col->held == HELD_HOST_ENTRY;

	if (leaf)
		col->held = HELD_NOTHING;
	release(r, v);
	if (ev->type == EVENT_HOST_ENTRY) {
		if (!r->host_calls++)
			fputs("# >  functions of the host that served the exit above\n", stdout);
		col->held = HELD_HOST_ENTRY;
		col->host = *ev;
		return;
	}
	put_host_line(r, v, ev);
	if (!leaf)
		fputs("} /* ", stdout);
	put_host_function(r, ev->host.addr);
	fputs(leaf ? "();\n" : " */\n", stdout);
}

static void report_lost(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct report *r = ctx;

	release(r, v);
	put_untimed(r, v, 0);
	fputs("/* ", stdout);
	if (ev->lost.count > 0)
		printf("%lld ", ev->lost.count);
	printf("events lost on host CPU %d */\n", ev->lost.host_cpu);
}

static void report_switching(void *ctx, struct vcpu *v, const struct task *next)
{
	(void)next;
	release(ctx, v);
}

static void report_identified(void *ctx, struct vcpu *v)
{
	struct column *col = v->priv;

	(void)ctx;
	/* What was shown as unknown so far was this task. */
	if (col->shown == v->unknown)
		col->shown = v->current;
}

/* A comment between the calls, where those of the current task are */
static void put_comment(struct report *r, struct vcpu *v)
{
	release(r, v);
	put_untimed(r, v, v->current->level);
	fputs("/* ", stdout);
}

static void report_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct report *r = ctx;

	put_comment(r, v);
	mark_print(m, stdout);
	fputs(" */\n", stdout);
}

static void report_open_call(void *ctx, struct vcpu *v, const struct open_call *call)
{
	struct report *r = ctx;

	put_comment(r, v);
	fputs("open: ", stdout);
	put_function(r, v, &call->frame);
	printf(" depth %u, pid %d on vCPU %u */\n", call->frame.depth, call->pid, call->vcpu);
}

static void report_mistaken(void *ctx, struct vcpu *v, const struct task *task)
{
	put_comment(ctx, v);
	fputs("it was ", stdout);
	task_print(task, stdout);
	fputs(" that ran here, since when is not known */\n", stdout);
}

/* A line of no task */
static void put_of_vcpu(struct report *r, struct vcpu *v)
{
	release(r, v);
	put_header(r);
	put_introduction(v);
	line_vcpu(r, v);
	line_adds(&r->line, "              ");
	line_indent(&r->line, '|', 0);
	line_write(&r->line);
	fputs("/* ", stdout);
}

static void report_note(void *ctx, struct vcpu *v, const struct event *ev)
{
	if (ev->type == EVENT_HELLO)
		put_of_vcpu(ctx, v);
	else
		put_comment(ctx, v);
	note_print(ev, stdout);
	fputs(" */\n", stdout);
}

static const struct callgraph_ops report_ops = {
	.vcpu_new	= report_vcpu_new,
	.entry		= report_entry,
	.ret		= report_ret,
	.no_return	= report_no_return,
	.exit		= report_exit,
	.host		= report_host,
	.lost		= report_lost,
	.switching	= report_switching,
	.identified	= report_identified,
	.mistaken	= report_mistaken,
	.mark		= report_mark,
	.open_call	= report_open_call,
	.note		= report_note,
};

static void put_open_frames(struct report *r, const struct task *task)
{
	unsigned int i;

	fputs(task_is_outdated(task) ? "# open when last seen in " : "# still open in ",
	      stdout);
	if (r->vms > 1) {
		fputs("VM ", stdout);
		guest_print_vm(task->vcpu->guest, stdout);
		fputs(", ", stdout);
	}
	if (task->vcpu->guest->nested)
		printf("vCPU n%u, ", vcpu_number(task->vcpu));
	task_print(task, stdout);
	fputs(": ", stdout);
	for (i = 0; i < task->nr_frames; i++) {
		if (i)
			fputs(" > ", stdout);
		put_function(r, task->vcpu, &task->frames[i]);
	}
	putchar('\n');
}

/* What the last line says there was, of what the filter asks for */
struct counts {
	unsigned int vms;
	unsigned int vcpus;
	unsigned int nested_vcpus;
	unsigned int tasks;
	__u64 ns;
};

static bool is_first_of_vm(const struct report *r, const struct vcpu *v, bool all)
{
	const struct vcpu *first;

	map_for_each(first, &r->s.cg.vcpus) {
		if (is_of_vm(first, v) && (all || first->matched))
			break;
	}
	return first == v;
}

static struct counts count(const struct report *r)
{
	const struct filter *f = &r->s.filter;
	const struct totals *totals = &r->s.totals;
	bool all = !filter_is_set(f);
	struct counts n = {
		.ns = all ? totals->last_ts - totals->first_ts : f->last_ts - f->first_ts,
	};
	const struct task *task;
	const struct vcpu *v;

	map_for_each(task, &r->s.cg.tasks)
		n.tasks += task->pid > 0 && (all || task->matched);
	map_for_each(v, &r->s.cg.vcpus) {
		if (!all && !v->matched)
			continue;
		n.vms += is_first_of_vm(r, v, all);
		if (v->guest->nested)
			n.nested_vcpus++;
		else
			n.vcpus++;
	}
	return n;
}

static void put_counts(const struct report *r)
{
	struct counts n = count(r);

	fputs("# ", stdout);
	print_count(n.vms, "VM", stdout);
	fputs(", ", stdout);
	print_count(n.vcpus, "vCPU", stdout);
	fputs(", ", stdout);
	if (n.nested_vcpus) {
		print_count(n.nested_vcpus, "nested vCPU", stdout);
		fputs(", ", stdout);
	}
	print_count(n.tasks, "task", stdout);
	fputs(", ", stdout);
	print_count(r->calls, "call", stdout);
	fputs(", ", stdout);
	print_count(r->exits, "VM exit", stdout);
	if (r->host_calls) {
		fputs(", ", stdout);
		print_count(r->host_calls, "host call", stdout);
	}
	printf(", %llu.%06llu s, ", n.ns / 1000000000, n.ns / 1000 % 1000000);
}

static void put_left_out(const struct totals *totals)
{
	if (totals->host_calls_left_out) {
		fputs("# left out: ", stdout);
		print_count(totals->host_calls_left_out, "host call", stdout);
		fputs(" of exits with too many\n", stdout);
	}
}

static void put_summary(const struct report *r)
{
	const struct totals *totals = &r->s.totals;

	put_counts(r);
	if (totals->lost_uncounted)
		fputs("more than ", stdout);
	print_count(totals->lost, "event", stdout);
	fputs(" lost\n", stdout);
	if (r->untraced) {
		fputs("# not traced then: ", stdout);
		print_count(r->untraced, "VM exit", stdout);
		printf(", %.3f us\n", r->untraced_ns / 1e3);
	}
	put_left_out(totals);
	if (totals->thread_vms) {
		fputs("# ", stdout);
		print_count(totals->thread_vms, "VM", stdout);
		fputs(" of which only a thread is known\n", stdout);
	}
}

static int report_end(struct session *s)
{
	struct report *r = (struct report *)s;
	const struct task *task;
	const struct vcpu *v;

	map_for_each(v, &s->cg.vcpus)
		release(r, v);
	putchar('\n');
	map_for_each(task, &s->cg.tasks) {
		if (task->nr_frames && task_is_of_now(task) &&
		    filter_asks_for(&s->filter, task->vcpu, task, s->cg.ts))
			put_open_frames(r, task);
	}
	put_summary(r);
	return 0;
}

static void report_free(struct session *s)
{
	struct vcpu *v;

	map_for_each(v, &s->cg.vcpus)
		free(v->priv);
}

static const struct view report_view = {
	.argp = {
		.args_doc = "[TRACE]",
		.doc =
			"Prints the call graph of the guests traced in TRACE (trace.dat), as the host\n"
			"recorded it with\n"
			"    trace-cmd record -e hypergraph_host -e kvm_exit -e kvm_entry\n"
			"or, which also tells the exits of nested guests, with\n"
			"    trace-cmd record -e hypergraph\n"
			"A host without these has kvm_hypercall in place of hypergraph_host.\n"
			"If the host's functions were recorded as well (-p function_graph), those that\n"
			"served an exit follow it.",
	},
	.filtered = true,
	.ops = &report_ops,
	.end = report_end,
	.free = report_free,
};

int cmd_report(int argc, char **argv)
{
	struct report r = { .width = WIDTH };

	return session_run(&r.s, &report_view, argc, argv);
}
