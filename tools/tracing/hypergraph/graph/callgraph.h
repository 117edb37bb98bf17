/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The call stacks of traced guests: which task runs on each vCPU, and which
 * functions it is in. Commands watch the stacks change through callgraph_ops.
 */
#ifndef HYPERGRAPH_CALLGRAPH_H
#define HYPERGRAPH_CALLGRAPH_H

#include <stdbool.h>
#include <linux/types.h>

#include "graph/filter.h"
#include "graph/guest.h"
#include "graph/marks.h"
#include "input/event.h"
#include "util/map.h"

/* A call that was open when the guest crashed, as its crash path tells */
struct open_call {
	struct frame frame;
	int pid;
	__u32 vcpu;		/* its id */
};

/*
 * callgraph_event() calls these, each with the time in callgraph.ts, and callgraph_end() the
 * last mark(). A command leaves NULL what it does not want to be told. The filter leaves out
 * calls, exits and whatever else happens; guest_new(), vcpu_new(), boot_new(), sent(),
 * switching() and identified() are called whatever it says.
 */
struct callgraph_ops {
	/* @guest is about to send something for the first time. */
	void (*guest_new)(void *ctx, struct guest *guest);
	/* @boot's kernel has said hello for the first time: it is its guest's from now on. */
	void (*boot_new)(void *ctx, struct boot *boot);
	/* The first event of @v comes next. */
	void (*vcpu_new)(void *ctx, struct vcpu *v);
	/* @v has sent something, which the others were told before. */
	void (*sent)(void *ctx, struct vcpu *v);
	void (*entry)(void *ctx, struct vcpu *v, const struct frame *f);
	/* @f returns after @duration ns. @entered tells that its entry was seen. */
	void (*ret)(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
		    __u64 duration);
	/* @f is over, but its return was not seen. */
	void (*no_return)(void *ctx, struct vcpu *v, const struct frame *f);
	void (*exit)(void *ctx, struct vcpu *v, const struct event *ev);
	/* @ev is an EVENT_HOST_ENTRY or EVENT_HOST_RETURN, which belongs to the exit before. */
	void (*host)(void *ctx, struct vcpu *v, const struct event *ev);
	/* Events of this vCPU may be missing here; its task is no longer known. */
	void (*lost)(void *ctx, struct vcpu *v, const struct event *ev);
	/*
	 * v->current is about to become @next, which is v->unknown if nothing tells it, and
	 * v->untraced while nothing is sent.
	 */
	void (*switching)(void *ctx, struct vcpu *v, const struct task *next);
	/* v->current was unknown, and now tells which task has been running. */
	void (*identified)(void *ctx, struct vcpu *v);
	/* It was @task that ran on @v, and not v->current: since when is not known. */
	void (*mistaken)(void *ctx, struct vcpu *v, const struct task *task);
	/* The first part of @m came. */
	void (*mark_begin)(void *ctx, struct vcpu *v, const struct mark *m);
	/* No more of @m will come. */
	void (*mark)(void *ctx, struct vcpu *v, const struct mark *m);
	void (*open_call)(void *ctx, struct vcpu *v, const struct open_call *call);
	/* @ev changes no call stack: see note_print(). */
	void (*note)(void *ctx, struct vcpu *v, const struct event *ev);
};

struct callgraph {
	const struct callgraph_ops *ops;
	void *ctx;
	struct filter *filter;
	struct symbols *syms;	/* They learn from hellos where kernels are. */
	__u64 ts;		/* of the last event */
	struct map vms;		/* by pid and id */
	struct map guests;	/* all by number, in order of appearance */
	struct map vcpus;
	struct map tasks;	/* those of all guests, unknown ones too */
	unsigned int nr_nested;	/* guests */
	unsigned int nr_boots;	/* of all guests, for their keys */
};

void callgraph_init(struct callgraph *cg, const struct callgraph_ops *ops, void *ctx,
		    struct filter *filter, struct symbols *syms);
void callgraph_event(struct callgraph *cg, const struct event *ev);

/* Ends the marks of which parts are missing, after the last event. */
void callgraph_end(struct callgraph *cg);

/*
 * After that: switches to the tasks that were announced last, and ends calls that are not known
 * to be open still, when their task was last seen.
 */
void callgraph_end_outdated(struct callgraph *cg);
void callgraph_free(struct callgraph *cg);

#endif /* HYPERGRAPH_CALLGRAPH_H */
