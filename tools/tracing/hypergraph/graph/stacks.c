// SPDX-License-Identifier: GPL-2.0
/* Call stacks as a tree: a node is a function that all below it called. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/stacks.h"
#include "util/util.h"

static const char unseen[] = "...";

/* Ids begin with 1, as a map holds no NULL. */
static __u32 name_id(struct stacks *st, __u64 key)
{
	size_t id = (size_t)map_get(&st->names, key);

	if (!id) {
		id = st->names.nr + 1;
		map_add(&st->names, key, (void *)id);
	}
	return id;
}

static struct stack_node *child_of_part(struct stacks *st, struct stack_node *parent, __u32 part,
					bool *created)
{
	__u64 node_key = map_key(parent ? parent->id : 0, part);
	struct stack_node *node = map_get(&st->nodes, node_key);

	*created = !node;
	if (node)
		return node;
	node = xcalloc(1, sizeof(*node));
	node->parent = parent;
	node->id = st->nodes.nr + 1;
	node->part = part;
	if (parent) {
		node->sibling = parent->child;
		parent->child = node;
	}
	map_add(&st->nodes, node_key, node);
	return node;
}

struct stack_node *stacks_child(struct stacks *st, struct stack_node *parent, __u64 key,
				bool *created)
{
	return child_of_part(st, parent, name_id(st, key), created);
}

struct stack_node *stacks_function(struct stacks *st, struct stack_node *parent,
				   const struct kernel *kernel, __u64 addr)
{
	struct stack_node *node;
	bool created;

	node = stacks_child(st, parent, kernel_function_key(kernel, addr), &created);
	if (created)
		node->name = print_to_string(kernel_print_function, kernel, addr);
	return node;
}

const char *stacks_special_place(const struct vcpu *v, const struct event *ev)
{
	static const char user[] = "[user]", firmware[] = "[user or firmware]";
	static const char nested[] = "[nested or not]";

	if (ev->exit.maybe_nested)
		return nested;
	if (ev->exit.rip >= KERNEL_ADDRESS)
		return NULL;
	return v->boot->nr ? user : firmware;
}

struct stack_node *stacks_place(struct stacks *st, struct stack_node *parent,
				const struct vcpu *v, const struct kernel *kernel,
				const struct event *ev)
{
	const char *special = stacks_special_place(v, ev);
	struct stack_node *node;
	bool created;

	if (!special)
		return stacks_function(st, parent, kernel, ev->exit.rip);
	node = stacks_child(st, parent, (size_t)special, &created);
	if (created)
		node->name = xstrdup(special);
	return node;
}

struct stack_node *stacks_task(struct stacks *st, const struct task *task)
{
	struct stack_node *node;
	const void *key = task;
	bool created;

	/* What is not traced is so on all vCPUs alike. */
	if (task->pid == TASK_UNTRACED)
		key = task->boot->guest;
	node = stacks_child(st, NULL, (size_t)key, &created);
	if (created)
		map_add(&st->tasks, node->id, (void *)task);
	return node;
}

static void print_task(const struct task *task, FILE *out)
{
	const struct guest *guest = task->boot->guest;

	fputs("VM ", out);
	guest_print_vm(guest, out);
	if (guest->nested)
		fprintf(out, " n%u", guest->nested_nr);
	if (task->boot->nr > 1 && task_is_known(task))
		fprintf(out, " boot %u", task->boot->nr);
	putc(' ', out);
	task_print(task, out);
}

void stacks_name_tasks(struct stacks *st)
{
	const struct task *task;
	struct stack_node *node;

	map_for_each(node, &st->nodes) {
		task = node->parent ? NULL : map_get(&st->tasks, node->id);
		if (task)
			node->name = print_to_string(print_task, task);
	}
}

static struct stack_node *stacks_unseen(struct stacks *st, struct stack_node *parent)
{
	struct stack_node *node;
	bool created;

	node = stacks_child(st, parent, (size_t)unseen, &created);
	if (created)
		node->name = xstrdup(unseen);
	return node;
}

struct stack_node *stacks_open(struct stacks *st, const struct vcpu *v,
			       const struct kernel *kernel)
{
	const struct task *task = v->current;
	struct stack_node *node = stacks_task(st, task);
	__u32 depth = 0;
	unsigned int i;

	for (i = 0; i < task->nr_frames; i++) {
		const struct frame *f = &task->frames[i];

		if (f->depth > depth)
			node = stacks_unseen(st, node);
		node = stacks_function(st, node, kernel, f->addr);
		depth = f->depth + 1;
	}
	return task->level > depth ? stacks_unseen(st, node) : node;
}

int stacks_compare(const void *pa, const void *pb)
{
	const struct stack_node *a = *(struct stack_node **)pa, *b = *(struct stack_node **)pb;

	if (a->weight != b->weight)
		return a->weight > b->weight ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return a->id < b->id ? -1 : 1;
}

static unsigned int depth_of(const struct stack_node *node)
{
	unsigned int depth = 0;

	while ((node = node->parent))
		depth++;
	return depth;
}

/* Inner nodes know the outer ones, which are printed first: they are listed before. */
static void print_path(const struct stack_node *node, bool with_task, const char *separator,
		       FILE *out)
{
	unsigned int i, nr = depth_of(node) + with_task;
	const struct stack_node **path = xcalloc(nr + 1, sizeof(*path));

	for (i = nr; i--; node = node->parent)
		path[i] = node;
	for (i = 0; i < nr; i++) {
		if (i)
			fputs(separator, out);
		fputs(path[i]->name, out);
	}
	free(path);
}

void stacks_print_folded(const struct stack_node *node, FILE *out)
{
	print_path(node, true, ";", out);
}

void stacks_print(const struct stack_node *node, FILE *out)
{
	print_path(node, false, " > ", out);
}

void stacks_free(struct stacks *st)
{
	struct stack_node *node;

	map_for_each(node, &st->nodes) {
		free(node->name);
		free(node);
	}
	map_free(&st->nodes);
	map_free(&st->names);
	map_free(&st->tasks);
}

void recent_add(struct recent *r, struct stack_node *node, __u64 weight)
{
	node->count++;
	node->weight += weight;
	node->recent_weight += weight;
	if (node->recent_count++)
		return;
	if (r->nr == r->alloc) {
		r->alloc = r->alloc ? 2 * r->alloc : 16;
		r->nodes = xrealloc(r->nodes, r->alloc * sizeof(*r->nodes));
	}
	r->nodes[r->nr++] = node;
}

/* The node below @task that is what @node is below another one */
static struct stack_node *node_of_task(struct stacks *st, struct stack_node *task,
				       const struct stack_node *node)
{
	struct stack_node *moved;
	bool created;

	if (!node->parent)
		return task;
	moved = child_of_part(st, node_of_task(st, task, node->parent), node->part, &created);
	if (created)
		moved->name = xstrdup(node->name);
	return moved;
}

void recent_move(struct recent *r, struct stacks *st, const struct task *task)
{
	struct stack_node *root = stacks_task(st, task);
	size_t i;

	for (i = 0; i < r->nr; i++) {
		struct stack_node *from = r->nodes[i], *to = node_of_task(st, root, from);

		from->weight -= from->recent_weight;
		from->count -= from->recent_count;
		to->weight += from->recent_weight;
		to->count += from->recent_count;
	}
	recent_forget(r);
}

void recent_forget(struct recent *r)
{
	while (r->nr) {
		struct stack_node *node = r->nodes[--r->nr];

		node->recent_weight = 0;
		node->recent_count = 0;
	}
}

void recent_free(struct recent *r)
{
	free(r->nodes);
}
