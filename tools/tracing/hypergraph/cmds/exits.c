// SPDX-License-Identifier: GPL-2.0
/* hypergraph exits: what the guests' VM exits cost the host, and who caused them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/exit_reason.h"
#include "hypergraph.h"
#include "cmds/session.h"
#include "graph/stacks.h"
#include "util/util.h"

struct exits {
	struct session s;
	bool folded;
	struct stacks stacks;		/* their leaves are reasons */
	struct map reasons;		/* their names, by ISA and reason */
	__u64 nr;
	__u64 ns;
	__u64 nr_untimed;
	__u64 nr_untraced;
	__u64 untraced_ns;
};

/* The exits of a vCPU since it last sent something: it may not be tracing any more. */
struct silence {
	__u64 nr;
	__u64 ns;
};

struct vcpu_exits {
	struct silence silence;
	struct recent recent;
};

static const struct argp_option exits_rows[] = {
	{ "folded", 'f', NULL, 0,
	  "a line for each stack and reason, with ns: for flame graphs", 0 },
	{ 0 }
};

static error_t parse_exits(int key, char *arg, struct argp_state *state)
{
	struct exits *x = state->input;

	(void)arg;
	if (key != 'f')
		return ARGP_ERR_UNKNOWN;
	x->folded = true;
	return 0;
}

/* Was it in the traced function itself that is innermost? That is in the stack. */
static bool is_in_innermost(const struct task *task, const struct kernel *kernel, __u64 rip)
{
	/* A call's address may be some bytes into its function. */
	return task->nr_frames &&
	       kernel_function_key(kernel, task->frames[task->nr_frames - 1].addr) ==
	       kernel_function_key(kernel, rip);
}

/* Where the guest was: in a function that is traced, or in one that is not */
static struct stack_node *add_place(struct exits *x, struct stack_node *node,
				    const struct vcpu *v, const struct kernel *kernel,
				    const struct event *ev)
{
	if (!stacks_special_place(v, ev) && is_in_innermost(v->current, kernel, ev->exit.rip))
		return node;
	return stacks_place(&x->stacks, node, v, kernel, ev);
}

static char *reason_name(struct exits *x, const struct event *ev)
{
	__u64 key = map_key(ev->exit.isa, ev->exit.reason);
	char *name = map_get(&x->reasons, key);

	if (name)
		return name;
	name = exit_reason_name(ev->exit.isa, ev->exit.reason);
	map_add(&x->reasons, key, name);
	return name;
}

/* The node of why it exited, below where it was */
static struct stack_node *exit_node(struct exits *x, const struct vcpu *v,
				    const struct event *ev)
{
	struct kernel kernel = symbols_kernel(x->s.syms, v->boot->key);
	char *reason = reason_name(x, ev);
	struct stack_node *node;
	bool created;

	node = stacks_open(&x->stacks, v, &kernel);
	node = add_place(x, node, v, &kernel, ev);
	node = stacks_child(&x->stacks, node, (size_t)reason, &created);
	if (created)
		node->name = xstrdup(reason);
	return node;
}

static void exits_exit(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct exits *x = ctx;
	struct vcpu_exits *vx = v->priv;

	recent_add(&vx->recent, exit_node(x, v, ev), ev->exit.duration);
	x->nr++;
	x->ns += ev->exit.duration;
	x->nr_untimed += !ev->exit.duration;
	if (v->current == v->untraced) {
		x->nr_untraced++;
		x->untraced_ns += ev->exit.duration;
		return;
	}
	vx->silence.nr++;
	vx->silence.ns += ev->exit.duration;
}

static void exits_vcpu_new(void *ctx, struct vcpu *v)
{
	(void)ctx;
	v->priv = xcalloc(1, sizeof(struct vcpu_exits));
}

static void exits_sent(void *ctx, struct vcpu *v)
{
	struct vcpu_exits *vx = v->priv;

	(void)ctx;
	vx->silence = (struct silence){ 0 };
}

static void exits_switching(void *ctx, struct vcpu *v, const struct task *next)
{
	struct vcpu_exits *vx = v->priv;

	(void)ctx;
	(void)next;
	recent_forget(&vx->recent);
}

static void exits_identified(void *ctx, struct vcpu *v)
{
	struct exits *x = ctx;
	struct vcpu_exits *vx = v->priv;

	recent_move(&vx->recent, &x->stacks, v->current);
}

/* They are nobody's, as it is not known since when another task ran. */
static void exits_mistaken(void *ctx, struct vcpu *v, const struct task *task)
{
	struct exits *x = ctx;
	struct vcpu_exits *vx = v->priv;

	(void)task;
	recent_move(&vx->recent, &x->stacks, v->unknown);
}

static const struct callgraph_ops exits_ops = {
	.vcpu_new = exits_vcpu_new,
	.sent = exits_sent,
	.switching = exits_switching,
	.identified = exits_identified,
	.mistaken = exits_mistaken,
	.exit = exits_exit,
};

static bool is_reason(const struct stack_node *node)
{
	return node->count && !node->child;
}

/* A stack has the sums of its reasons until they are printed. */
static struct stack_node **sort_stacks(struct exits *x, size_t *nr)
{
	struct stack_node **sorted = xcalloc(x->stacks.nodes.nr + 1, sizeof(*sorted)), *node;

	*nr = 0;
	map_for_each(node, &x->stacks.nodes) {
		if (!is_reason(node))
			continue;
		if (!node->parent->count)
			sorted[(*nr)++] = node->parent;
		node->parent->count += node->count;
		node->parent->weight += node->weight;
	}
	qsort(sorted, *nr, sizeof(*sorted), stacks_compare);
	return sorted;
}

static double share(const struct exits *x, __u64 ns)
{
	return x->ns ? 100.0 * ns / x->ns : 0;
}

static void put_reasons(const struct exits *x, const struct stack_node *stack)
{
	struct stack_node **sorted = xcalloc(x->reasons.nr, sizeof(*sorted)), *node;
	size_t i, nr = 0;

	for (node = stack->child; node; node = node->sibling) {
		if (is_reason(node))
			sorted[nr++] = node;
	}
	qsort(sorted, nr, sizeof(*sorted), stacks_compare);
	for (i = 0; i < nr; i++)
		printf("%12.3f %5.1f%% %9llu  %s\n", sorted[i]->weight / 1e3,
		       share(x, sorted[i]->weight), sorted[i]->count, sorted[i]->name);
	free(sorted);
}

static const struct stack_node *task_of(const struct stack_node *node)
{
	while (node->parent)
		node = node->parent;
	return node;
}

static struct silence all_silence(const struct exits *x)
{
	struct silence all = { 0 };
	const struct vcpu *v;

	map_for_each(v, &x->s.cg.vcpus) {
		const struct vcpu_exits *vx = v->priv;

		all.nr += vx->silence.nr;
		all.ns += vx->silence.ns;
	}
	return all;
}

static void put_remark(__u64 n, const char *what, const char *remark)
{
	fputs("# ", stdout);
	print_count(n, what, stdout);
	puts(remark);
}

static void put_summary(const struct exits *x, size_t nr_stacks)
{
	const struct totals *totals = &x->s.totals;
	struct silence silence = all_silence(x);

	fputs("\n# ", stdout);
	print_count(x->nr, "VM exit", stdout);
	printf(", %.3f us of the host, ", x->ns / 1e3);
	print_count(nr_stacks, "stack", stdout);
	fputs(totals->lost_uncounted ? ", more than " : ", ", stdout);
	print_count(totals->lost, "event", stdout);
	fputs(" lost\n", stdout);
	if (x->nr_untimed)
		put_remark(x->nr_untimed, "VM exit", " whose entry was not recorded: no time");
	if (silence.nr)
		put_remark(silence.nr, "VM exit",
			   " after all that their vCPU sent: it may have ended tracing");
	if (x->nr_untraced) {
		fputs("# ", stdout);
		print_count(x->nr_untraced, "VM exit", stdout);
		printf(" of what was not traced then, %.3f us of the host\n",
		       x->untraced_ns / 1e3);
	}
	if (totals->thread_vms)
		put_remark(totals->thread_vms, "VM", " of which only a thread is known");
	fputs("# ", stdout);
	print_count(totals->hypercalls, "hypercall", stdout);
	printf(" of hypergraph itself, %.3f us of the host: left out\n", totals->overhead / 1e3);
}

static void put_table(struct exits *x)
{
	size_t i, nr;
	struct stack_node **sorted = sort_stacks(x, &nr);

	printf("#   TIME, us  SHARE     EXITS  REASON\n");
	for (i = 0; i < nr; i++) {
		printf("\n%12.3f %5.1f%% %9llu  %s: ", sorted[i]->weight / 1e3,
		       share(x, sorted[i]->weight), sorted[i]->count, task_of(sorted[i])->name);
		stacks_print(sorted[i], stdout);
		putchar('\n');
		put_reasons(x, sorted[i]);
	}
	put_summary(x, nr);
	free(sorted);
}

static void put_folded(struct exits *x)
{
	const struct map *nodes = &x->stacks.nodes;
	size_t i = nodes->nr;

	while (i--) {
		const struct stack_node *node = map_nth(nodes, i);

		if (!node->count)
			continue;
		stacks_print_folded(node, stdout);
		printf(" %llu\n", node->weight);
	}
}

static int exits_end(struct session *s)
{
	struct exits *x = (struct exits *)s;

	stacks_name_tasks(&x->stacks);
	if (x->folded)
		put_folded(x);
	else
		put_table(x);
	return 0;
}

static void exits_free(struct session *s)
{
	struct exits *x = (struct exits *)s;
	struct vcpu *v;
	char *name;

	map_for_each(v, &s->cg.vcpus) {
		struct vcpu_exits *vx = v->priv;

		recent_free(&vx->recent);
		free(vx);
	}
	map_for_each(name, &x->reasons)
		free(name);
	map_free(&x->reasons);
	stacks_free(&x->stacks);
}

static const struct view exits_view = {
	.argp = {
		.options = exits_rows,
		.parser = parse_exits,
		.args_doc = "[TRACE]",
		.doc =
			"Prints for each task and call stack of the guests traced in TRACE\n"
			"(trace.dat) how many VM exits it caused, and how long the host took for\n"
			"them: in all, then by reason, the longest first.",
	},
	.filtered = true,
	.ops = &exits_ops,
	.end = exits_end,
	.free = exits_free,
};

int cmd_exits(int argc, char **argv)
{
	struct exits x = { 0 };

	return session_run(&x.s, &exits_view, argc, argv);
}
