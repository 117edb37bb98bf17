// SPDX-License-Identifier: GPL-2.0
/*
 * Folded stacks: "VM 100 dd-57;outer;inner 1234", the ns which the guest spent in inner
 * itself. They are the guest's own, without the time that its exits took.
 */
#include <stdlib.h>

#include "export/format.h"
#include "graph/stacks.h"
#include "util/util.h"

struct folded {
	struct stacks stacks;
};

static int folded_begin(struct export *e)
{
	e->priv = xcalloc(1, sizeof(struct folded));
	return 0;
}

/*
 * What a call took is none of its caller's own time. All of it is the call's own if its
 * entry was not seen, as then nothing is known of what it called.
 */
static void folded_ret(void *ctx, struct vcpu *v, const struct frame *frame, bool entered,
		       __u64 duration)
{
	struct export *e = ctx;
	struct folded *f = e->priv;
	struct task *task = v->current;
	struct kernel kernel = symbols_kernel(e->syms, v->boot->key);
	__u64 spent = entered ? task->frames[task->nr_frames].inner : 0;
	struct stack_node *node;

	node = stacks_open(&f->stacks, v, &kernel);
	node = stacks_function(&f->stacks, node, &kernel, frame->addr);
	recent_add(v->priv, node, duration > spent ? duration - spent : 0);
	if (task->nr_frames)
		task->frames[task->nr_frames - 1].inner += duration;
}

static void folded_vcpu_new(void *ctx, struct vcpu *v)
{
	(void)ctx;
	v->priv = xcalloc(1, sizeof(struct recent));
}

static void folded_switching(void *ctx, struct vcpu *v, const struct task *next)
{
	(void)ctx;
	(void)next;
	recent_forget(v->priv);
}

static void folded_identified(void *ctx, struct vcpu *v)
{
	struct export *e = ctx;
	struct folded *f = e->priv;

	recent_move(v->priv, &f->stacks, v->current);
}

/* It is nobody's, as it is not known since when another task ran. */
static void folded_mistaken(void *ctx, struct vcpu *v, const struct task *task)
{
	struct export *e = ctx;
	struct folded *f = e->priv;

	(void)task;
	recent_move(v->priv, &f->stacks, v->unknown);
}

static const struct callgraph_ops folded_ops = {
	.vcpu_new = folded_vcpu_new,
	.switching = folded_switching,
	.identified = folded_identified,
	.mistaken = folded_mistaken,
	.ret = folded_ret,
};

static int folded_end(struct export *e)
{
	struct folded *f = e->priv;
	const struct map *nodes = &f->stacks.nodes;
	size_t i = nodes->nr;

	stacks_name_tasks(&f->stacks);
	while (i--) {
		const struct stack_node *node = map_nth(nodes, i);

		if (!node->weight)
			continue;
		stacks_print_folded(node, e->out);
		fprintf(e->out, " %llu\n", node->weight);
	}
	return 0;
}

static void folded_free(struct export *e)
{
	struct folded *f = e->priv;
	struct vcpu *v;

	map_for_each(v, &e->cg->vcpus) {
		if (v->priv)
			recent_free(v->priv);
		free(v->priv);
	}
	if (!f)
		return;
	stacks_free(&f->stacks);
	free(f);
}

const struct format format_folded = {
	.name = "folded",
	.help = "a line for each stack, with ns in it alone: flame graphs",
	.text = true,
	.ops = &folded_ops,
	.begin = folded_begin,
	.end = folded_end,
	.free = folded_free,
};
