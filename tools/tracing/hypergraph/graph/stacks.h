/* SPDX-License-Identifier: GPL-2.0 */
/* Call stacks as a tree: a node is a function that all below it called. */
#ifndef HYPERGRAPH_STACKS_H
#define HYPERGRAPH_STACKS_H

#include <stdbool.h>
#include <linux/types.h>

#include "graph/callgraph.h"
#include "util/map.h"
#include "graph/symbols.h"

struct stack_node {
	struct stack_node *parent;	/* NULL: one that begins a stack */
	struct stack_node *child;	/* the latest */
	struct stack_node *sibling;
	__u32 id;		/* in order of appearance, from 1 on */
	__u32 part;		/* the id of what it is made of */
	char *name;		/* NULL until stacks_name_tasks() if it is a task */
	__u64 weight;
	__u64 count;
	__u64 recent_weight;	/* of these, what recent_move() would take away */
	__u64 recent_count;
};

/*
 * What a vCPU's task did since it began to run there: by the next switch it may tell that it
 * was another one.
 */
struct recent {
	struct stack_node **nodes;
	size_t nr;
	size_t alloc;
};

struct stacks {
	struct map nodes;	/* by the parent's id and the name's */
	struct map names;	/* their ids, by what they are made of */
	struct map tasks;	/* by their node's id */
};

/*
 * Returns the node below @parent for @key, which is a pointer or a kernel's address. If that
 * had none, it is made: *@created tells so, and the caller gives it a name.
 */
struct stack_node *stacks_child(struct stacks *st, struct stack_node *parent, __u64 key,
				bool *created);

/* The same for the function at @addr, with its name or address */
struct stack_node *stacks_function(struct stacks *st, struct stack_node *parent,
				   const struct kernel *kernel, __u64 addr);

/*
 * What stands in place of a function where @v was at the exit @ev, NULL if that was in its
 * kernel
 */
const char *stacks_special_place(const struct vcpu *v, const struct event *ev);

/* The node below @parent of where @v, which runs @kernel, was at the exit @ev */
struct stack_node *stacks_place(struct stacks *st, struct stack_node *parent,
				const struct vcpu *v, const struct kernel *kernel,
				const struct event *ev);

/* The node of @task, or of the untraced one of its guest, in which its stacks begin */
struct stack_node *stacks_task(struct stacks *st, const struct task *task);

/* The node of what @v's task is in, below "..." where functions were not seen */
struct stack_node *stacks_open(struct stacks *st, const struct vcpu *v,
			       const struct kernel *kernel);

/*
 * Gives the nodes of tasks their names, before anything is printed: it is only then that the
 * last name of a task is known, and whether its VM has a longer one.
 */
void stacks_name_tasks(struct stacks *st);

/* Lets qsort() put pointers to nodes in order of weight, then of count, then of appearance. */
int stacks_compare(const void *pa, const void *pb);

/* Prints "task;outer;inner", as flame graphs have it. */
void stacks_print_folded(const struct stack_node *node, FILE *out);

/* Prints all but the task: "outer > inner". */
void stacks_print(const struct stack_node *node, FILE *out);

void stacks_free(struct stacks *st);

/* Counts in @node one time more that took @weight. */
void recent_add(struct recent *r, struct stack_node *node, __u64 weight);

/* It was @task that did that. */
void recent_move(struct recent *r, struct stacks *st, const struct task *task);

/* Whose that was is known for good. */
void recent_forget(struct recent *r);
void recent_free(struct recent *r);

#endif /* HYPERGRAPH_STACKS_H */
