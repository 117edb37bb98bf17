/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The channel: how an event of the hypergraph tracer reaches the host.
 *
 * The tracer's files are built without calls to ftrace.  What is inline here must not
 * be used elsewhere, where it would trace itself.
 *
 * "Any context" is that of a task, softirq, interrupt or NMI.
 */
#ifndef __TRACE_HYPERGRAPH_CHANNEL_H
#define __TRACE_HYPERGRAPH_CHANNEL_H

#include <linux/percpu.h>
#include <linux/trace_clock.h>
#include <linux/types.h>

#include "trace.h"

/*
 * The tracer registers it and sets its callbacks.  fgraph keeps a variable for it with
 * each task: below HYPERGRAPH_OVERHEAD_SHIFT it has fgraph's own flags, above the time
 * that the task spent in this tracer, in ns.  That goes where the task goes, and taking
 * its growth out of the duration of a call makes up for all that was sent within it.
 */
extern struct fgraph_ops hypergraph_ops;

#define HYPERGRAPH_OVERHEAD_SHIFT	(TRACE_GRAPH_NOTRACE_BIT + 1)

/* Since the channel was last opened, on one CPU or in all */
struct hypergraph_stats {
	u64	sent;		/* hypercalls made */
	u64	unheard;	/* of these, not answered with 0 */
	u64	dropped;	/* calls that found no room on their task's shadow stack */
};

DECLARE_PER_CPU(struct hypergraph_stats, hypergraph_stats);

/* The host answered this CPU's last hypercall with 0, and knows which kernel this is. */
DECLARE_PER_CPU(bool, hypergraph_host_listens);

/*
 * What a callback takes outside of its span, in ns: before its first look at the clock
 * and after its last.  The tracer measures it before it opens the channel.
 */
extern u64 hypergraph_outside_span;

/* A stretch of the current task's time that is spent in this tracer */
struct hypergraph_span {
	unsigned long	*task_var;	/* NULL if the task has none */
	unsigned long	flags;
	u64		start;		/* trace_clock_local(), ns */
	u64		overhead;	/* hypergraph_overhead() at start */
};

/* The time that the task spent in this tracer, in ns.  Any context. */
static inline u64 hypergraph_overhead(unsigned long *task_var)
{
	return *task_var >> HYPERGRAPH_OVERHEAD_SHIFT;
}

/*
 * Any context.  Interrupts are off in a span, so that one which the host injects is
 * not taken for time spent in the tracer.
 */
static __always_inline void hypergraph_begin_span(struct hypergraph_span *span,
						  unsigned long *task_var)
{
	raw_local_irq_save(span->flags);
	span->start = trace_clock_local();
	span->task_var = task_var;
	span->overhead = task_var ? hypergraph_overhead(task_var) : 0;
}

static __always_inline void hypergraph_end_span(struct hypergraph_span *span)
{
	u64 nested, time;

	if (span->task_var) {
		/* What an NMI in between added lies within the span already. */
		nested = hypergraph_overhead(span->task_var) - span->overhead;
		time = trace_clock_local() - span->start + hypergraph_outside_span;
		*span->task_var += (time - nested) << HYPERGRAPH_OVERHEAD_SHIFT;
	}
	raw_local_irq_restore(span->flags);
}

/*
 * As kvm_hypercall4(), which may not be used before alternatives are applied.  Any
 * context, with interrupts off.  Returns whether the host answered with 0.
 */
static __always_inline bool hypergraph_hypercall(unsigned int nr, unsigned long a0,
						 unsigned long a1, unsigned long a2,
						 unsigned long a3)
{
	long ret;

	if (cpu_feature_enabled(X86_FEATURE_VMMCALL))
		asm volatile("vmmcall" : "=a" (ret)
			     : "a" (nr), "b" (a0), "c" (a1), "d" (a2), "S" (a3) : "memory");
	else
		asm volatile("vmcall" : "=a" (ret)
			     : "a" (nr), "b" (a0), "c" (a1), "d" (a2), "S" (a3) : "memory");

	this_cpu_inc(hypergraph_stats.sent);
	if (ret)
		this_cpu_inc(hypergraph_stats.unheard);
	return !ret;
}

/*
 * Called when the host has begun or ceased to listen to this CPU.  Any context, with
 * interrupts off.
 */
void hypergraph_host_changed(bool listens);

/* Send one event, within a span. */
static __always_inline void hypergraph_send_in_span(unsigned int nr, unsigned long a0,
						    unsigned long a1, unsigned long a2,
						    unsigned long a3)
{
	bool listens = hypergraph_hypercall(nr, a0, a1, a2, a3);

	if (unlikely(listens != this_cpu_read(hypergraph_host_listens)))
		hypergraph_host_changed(listens);
}

/* Send one event.  Any context, with preemption disabled; the span is the channel's. */
void hypergraph_send(unsigned int nr, unsigned long a0, unsigned long a1,
		     unsigned long a2, unsigned long a3);

/* The current task's variable, or NULL if it has none.  Any context. */
unsigned long *hypergraph_task_var(void);

/*
 * Reset what is counted, and tell the host which kernel this is; the counts of a
 * closed channel stay.  trace_types_lock is held.
 */
void hypergraph_open_channel(void);
void hypergraph_close_channel(void);

/* The counts of all CPUs.  trace_types_lock is held. */
struct hypergraph_stats hypergraph_sum_stats(void);

#endif /* __TRACE_HYPERGRAPH_CHANNEL_H */
