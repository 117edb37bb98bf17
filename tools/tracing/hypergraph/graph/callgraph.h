/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The call stacks of traced guests: which task runs on each vCPU, and which
 * functions it is in. Commands watch the stacks change through callgraph_ops.
 */
#ifndef HYPERGRAPH_CALLGRAPH_H
#define HYPERGRAPH_CALLGRAPH_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

#include "graph/filter.h"
#include "util/map.h"
#include "graph/marks.h"
#include "input/event.h"

#define TASK_UNKNOWN	(-1)	/* pid of a vCPU's task before its first sched_switch */

#define NOT_SEEN	(~0U)	/* in place of a depth */

struct frame {
	__u64 addr;
	__u32 depth;		/* as the guest sent it: grows inwards, may skip */
};

struct task {
	struct task *next;	/* in order of appearance */
	const struct vcpu *vcpu;	/* where it ran last */
	int pid;
	char comm[TASK_COMM_LEN + 1];
	struct frame *frames;	/* the functions it is in, outermost first */
	unsigned int nr_frames;
	unsigned int alloc;
	__u32 level;		/* the depth that a call would have now */
	__u32 lowest;		/* level's lowest value, kept of an unknown task */
	__u32 wanted;		/* depth of the call that the filter asks for, or NOT_SEEN */
};

/*
 * A vCPU of a VM, or of a guest nested in that. A nested one runs on the VM's vCPUs,
 * but shares nothing with them, nor with other nested ones: they may be another guest's.
 */
struct vcpu {
	struct vcpu *next;	/* in order of appearance */
	__u32 vm;		/* pid of the VMM */
	__u32 id;		/* as in struct event */
	bool nested;
	unsigned int nested_nr;	/* in order of appearance */
	__u64 guest;		/* guest_key() */
	struct map task_map;	/* a nested one's, by pid */
	struct task *current;
	struct task *announced;	/* to be current soon, or NULL */
	struct task idle;	/* pid 0 exists once a vCPU */
	struct task unknown;
	struct mark mark;	/* whose parts are coming */
	void *priv;		/* the command's own */
};

/* A call that was open when the guest crashed, as its crash path tells */
struct open_call {
	struct frame frame;
	int pid;
	__u32 cpu;
};

/*
 * What a command leaves out, it is not told, and what the filter leaves out neither.
 * The time is callgraph.ts.
 */
struct callgraph_ops {
	void (*vcpu_new)(void *ctx, struct vcpu *v);
	void (*entry)(void *ctx, struct vcpu *v, const struct frame *f);
	/* @entered: its entry was seen */
	void (*ret)(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
		    __u64 duration);
	/* @f is over, but its return was not seen. */
	void (*no_return)(void *ctx, struct vcpu *v, const struct frame *f);
	void (*exit)(void *ctx, struct vcpu *v, const struct event *ev);
	/* EVENT_HOST_ENTRY or EVENT_HOST_RETURN: of the exit before */
	void (*host)(void *ctx, struct vcpu *v, const struct event *ev);
	/* Events of this vCPU may be missing here; its task is no longer known. */
	void (*lost)(void *ctx, struct vcpu *v, const struct event *ev);
	/* v->current is about to become @next, which is v->unknown if nothing tells it. */
	void (*switching)(void *ctx, struct vcpu *v, const struct task *next);
	/* v->current was unknown, and now tells which task has been running. */
	void (*identified)(void *ctx, struct vcpu *v);
	void (*hello)(void *ctx, struct vcpu *v, const struct event *ev);
	/* The first part of @m came. */
	void (*mark_begin)(void *ctx, struct vcpu *v, const struct mark *m);
	/* No more of @m will come. */
	void (*mark)(void *ctx, struct vcpu *v, const struct mark *m);
	void (*open_call)(void *ctx, struct vcpu *v, const struct open_call *call);
	/* None of the above, or not a possible one */
	void (*other)(void *ctx, struct vcpu *v, const struct event *ev);
};

struct callgraph {
	const struct callgraph_ops *ops;
	void *ctx;
	struct filter *filter;
	__u64 ts;		/* of the last event */
	struct map task_map;	/* by vm and pid, without nested ones */
	struct vcpu *vcpus;
	struct vcpu **last_vcpu;
	unsigned int nr_nested;
	struct task *tasks;	/* idle and unknown ones, too */
	struct task **last_task;
};

void callgraph_init(struct callgraph *cg, const struct callgraph_ops *ops, void *ctx,
		    struct filter *filter);
void callgraph_event(struct callgraph *cg, const struct event *ev);

/* Whose event @ev is: created if it is the first */
struct vcpu *callgraph_vcpu(struct callgraph *cg, const struct event *ev);

/* The depth at which what @v does now is shown */
__u32 callgraph_level(const struct callgraph *cg, const struct vcpu *v);

/* Are the frames of @task among what the filter asks for? */
bool callgraph_wants(const struct callgraph *cg, const struct task *task);

/* After the last event: ends the marks of which parts are missing. */
void callgraph_end(struct callgraph *cg);
void callgraph_free(struct callgraph *cg);

/* "comm-pid" */
void task_print(const struct task *task, FILE *out);

/* "0", or "n0" if nested */
void vcpu_print(const struct vcpu *v, FILE *out);

/* "VM 100", or "VM 100, nested vCPU n0 (nested_vcpu=0x1a2b)" */
void guest_print(const struct vcpu *v, FILE *out);

/* Of @v's guest, NULL if @pid was not seen yet. Idle tasks are those of their vCPU. */
struct task *callgraph_task(const struct callgraph *cg, const struct vcpu *v, int pid);

#endif /* HYPERGRAPH_CALLGRAPH_H */
