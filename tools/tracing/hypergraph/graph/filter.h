/* SPDX-License-Identifier: GPL-2.0 */
/* Which part of a trace the user asked for */
#ifndef HYPERGRAPH_FILTER_H
#define HYPERGRAPH_FILTER_H

#include <stdbool.h>
#include <linux/types.h>

#include "util/map.h"
#include "graph/symbols.h"

struct frame;
struct task;
struct vcpu;

/* All zeroes ask for everything. */
struct filter {
	__u32 vm;		/* pid of the VMM */
	bool one_vm_id;
	__u32 vm_id;		/* of several VMs of that one */
	bool one_vcpu;
	bool nested;		/* vcpu is a nested one's nested_nr */
	__u32 vcpu;
	bool one_task;
	int pid;
	const char *comm;	/* with wildcards, instead of pid */
	const char *function;	/* with wildcards: it, and what it calls */
	__u64 from, to;		/* ns of the host's clock; to 0: the end */
	__u32 depth;		/* this many levels of calls, below function if given */
	bool matched;		/* It asked for something that happened: */
	__u64 first_ts;		/* ns of the host's clock, the first of that */
	__u64 last_ts;
	const struct symbols *syms;	/* to name functions */
	struct map functions;	/* by address: what function says of it */
};

/* All of these return false if @arg is not what they take. */
bool filter_parse_vm(struct filter *f, const char *arg);	/* a pid, or "100.7" */
bool filter_parse_vcpu(struct filter *f, const char *arg);	/* as vcpu_print() names it */
bool filter_parse_task(struct filter *f, const char *arg);	/* a pid, or a comm */
bool filter_parse_time(struct filter *f, const char *arg);	/* "FROM..TO" or less, in s */
bool filter_parse_depth(struct filter *f, const char *arg);

/* Is there something that it does not ask for? */
bool filter_is_set(const struct filter *f);

static inline bool filter_wants_vm(const struct filter *f, __u32 vm, __u16 vm_id)
{
	return (!f->vm || vm == f->vm) && (!f->one_vm_id || vm_id == f->vm_id);
}

/* Does it ask for @v? */
bool filter_wants_vcpu(const struct filter *f, const struct vcpu *v);

/* Does it ask for what happens on @v, in @task, at @ts? */
bool filter_asks_for(const struct filter *f, const struct vcpu *v, const struct task *task,
		     __u64 ts);

/* The same of what has happened: if it asks for that, it and these have matched. */
bool filter_wants(struct filter *f, struct vcpu *v, struct task *task, __u64 ts);

/* The same, of a call at @depth */
bool filter_wants_call(struct filter *f, struct vcpu *v, struct task *task, __u64 ts,
		       __u32 depth);

/*
 * @task, which runs on @v, is in @call from here on, or is no longer in one at @depth. The
 * filter is told of all calls, and keeps in task->wanted whether they are asked for.
 */
void filter_enter(struct filter *f, const struct vcpu *v, struct task *task,
		  const struct frame *call);
void filter_leave(struct task *task, __u32 depth);

/* The depth at which what @task does now is shown */
__u32 filter_level(const struct filter *f, const struct task *task);

void filter_free(struct filter *f);

#endif /* HYPERGRAPH_FILTER_H */
