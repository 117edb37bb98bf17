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
#include <linux/sched.h>
#include <linux/trace_clock.h>
#include <linux/types.h>
#include <uapi/linux/hypergraph.h>

#include "trace.h"

/*
 * The tracer registers it and sets its callbacks.  fgraph keeps a variable for it with
 * each task: below HYPERGRAPH_OVERHEAD_SHIFT it has flags, above the time that the task
 * spent in this tracer, in ns.  That goes where the task goes, and taking its growth out
 * of the duration of a call makes up for all that was sent within it.
 */
extern struct fgraph_ops hypergraph_ops;

/* The host was told of the task, and of all events since that its open calls depend on. */
#define HYPERGRAPH_KNOWN_BIT		(TRACE_GRAPH_NOTRACE_BIT + 1)
#define HYPERGRAPH_KNOWN		BIT(HYPERGRAPH_KNOWN_BIT)
#define HYPERGRAPH_OVERHEAD_SHIFT	(HYPERGRAPH_KNOWN_BIT + 1)

/* Since the channel was last opened, on one CPU or in all */
struct hypergraph_stats {
	u64	sent;		/* events, each once, though the host may ask for it again */
	u64	unheard;	/* of these, not answered with 0 in the end */
	u64	dropped;	/* calls that found no room on their task's shadow stack */
};

DECLARE_PER_CPU(struct hypergraph_stats, hypergraph_stats);

/* The task that runs on this CPU by what the host was told, or NULL if it is to be told */
DECLARE_PER_CPU(struct task_struct *, hypergraph_told);

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
	return READ_ONCE(*task_var) >> HYPERGRAPH_OVERHEAD_SHIFT;
}

/*
 * Any context.  Interrupts are off in a span, so that one which the host injects is
 * not taken for time spent in the tracer.
 */
static __always_inline void hypergraph_begin_span(struct hypergraph_span *span,
						  unsigned long *task_var)
{
	unsigned long var = 0;

	raw_local_irq_save(span->flags);
	span->task_var = task_var;
	/* An NMI's spans lie before this one, or within it. */
	do {
		if (task_var)
			var = READ_ONCE(*task_var);
		span->start = trace_clock_local();
	} while (task_var && var != READ_ONCE(*task_var));
	span->overhead = var >> HYPERGRAPH_OVERHEAD_SHIFT;
}

/* An NMI's spans lie within this one, or make it look at the clock once more. */
static __always_inline void hypergraph_add_span(struct hypergraph_span *span)
{
	unsigned long old, new;

	do {
		old = READ_ONCE(*span->task_var);
		new = trace_clock_local() - span->start + hypergraph_outside_span;
		new = (new + span->overhead) << HYPERGRAPH_OVERHEAD_SHIFT;
		new |= old & GENMASK(HYPERGRAPH_KNOWN_BIT, 0);
	} while (!try_cmpxchg_local(span->task_var, &old, new));
}

static __always_inline void hypergraph_end_span(struct hypergraph_span *span)
{
	if (span->task_var)
		hypergraph_add_span(span);
	raw_local_irq_restore(span->flags);
}

/*
 * As kvm_hypercall4(), which may not be used before alternatives are applied.  Any
 * context, with interrupts off.  Returns the host's answer.
 */
static __always_inline long hypergraph_hypercall(unsigned int nr, unsigned long a0,
						 unsigned long a1, unsigned long a2,
						 unsigned long a3)
{
	register unsigned long signature asm("r11") = HYPERGRAPH_SIGNATURE;
	long answer;

	if (cpu_feature_enabled(X86_FEATURE_VMMCALL))
		asm volatile("vmmcall" : "=a" (answer)
			     : "a" (nr), "b" (a0), "c" (a1), "d" (a2), "S" (a3),
			       "r" (signature) : "memory");
	else
		asm volatile("vmcall" : "=a" (answer)
			     : "a" (nr), "b" (a0), "c" (a1), "d" (a2), "S" (a3),
			       "r" (signature) : "memory");
	return answer;
}

/*
 * An event that the host did not take: say hello and send it again if it asked for that.
 * Returns as hypergraph_tell() does.
 */
bool hypergraph_not_taken(long answer, unsigned int nr, unsigned long a0,
			  unsigned long a1, unsigned long a2, unsigned long a3);

/*
 * Send one event, whatever runs here, within a span.  Any context.  Returns false if the
 * host listens, but has asked for hello each time.
 */
static __always_inline bool hypergraph_tell(unsigned int nr, unsigned long a0,
					    unsigned long a1, unsigned long a2,
					    unsigned long a3)
{
	long answer = hypergraph_hypercall(nr, a0, a1, a2, a3);

	this_cpu_inc(hypergraph_stats.sent);
	return likely(!answer) || hypergraph_not_taken(answer, nr, a0, a1, a2, a3);
}

/*
 * Tell the host which task runs here, as a task of another name or pid if it has one by now.
 * Within a span, any context.  Returns as hypergraph_tell() does.
 */
bool hypergraph_tell_who(void);

/* Do as hypergraph_tell_own(), where the host was not told of the task. */
bool hypergraph_tell_introduced(unsigned int nr, unsigned long a0, unsigned long a1,
				unsigned long a2, unsigned long a3);

/*
 * Send one event of the current task, within a span.  Any context.
 *
 * Between trace_sched_switch() and the switch itself the current task is one that the
 * host takes for gone.  Then this returns true, and after it hypergraph_resume_switch()
 * has to be called.
 */
static __always_inline bool hypergraph_tell_own(unsigned int nr, unsigned long a0,
						unsigned long a1, unsigned long a2,
						unsigned long a3)
{
	if (unlikely(this_cpu_read(hypergraph_told) != current))
		return hypergraph_tell_introduced(nr, a0, a1, a2, a3);

	hypergraph_tell(nr, a0, a1, a2, a3);
	return false;
}

/*
 * Tell the host once more that the task switches, outside of a span.  @overhead is
 * hypergraph_overhead() of when the first span began that ran late for its task.
 */
void hypergraph_resume_switch(u64 overhead);

/* Tell of a task switch, or do not, within a span.  From the sched_switch tracepoint. */
void hypergraph_tell_switch(struct task_struct *prev, struct task_struct *next);
void hypergraph_withhold_switch(struct task_struct *prev, struct task_struct *next, bool is_on);

/* Do not tell of the current task's exec, which gives it another name, within a span. */
void hypergraph_withhold_exec(bool is_on);

/*
 * In place of an event of the current task that is not sent as tracing is off: tell
 * the host so, once, within a span.  Any context.
 */
void hypergraph_tell_off(void);

/* Tell the host that tracing is off on all CPUs, none of which sends any more. */
void hypergraph_tell_off_all(void);

/* The same, of an event by which the host would know that a call is no longer open. */
void hypergraph_withhold_return(unsigned long *task_var);

/*
 * Send one event of the current task.  Any context, with preemption disabled; the span
 * is the channel's.
 */
void hypergraph_send(unsigned int nr, unsigned long a0, unsigned long a1,
		     unsigned long a2, unsigned long a3);

/* The current task's variable, or NULL if it has none.  Any context. */
unsigned long *hypergraph_task_var(void);

/* Called from trace_init() */
void hypergraph_init_channel(void);

/*
 * Reset what is counted, and tell the host which kernel this is, for the instance that
 * the tracer is selected in; and tell it that nothing comes any more.  The counts of a
 * closed channel stay.  trace_types_lock is held, and nobody else sends.
 */
void hypergraph_open_channel(struct trace_array *tr);
void hypergraph_close_channel(void);

/* The counts of all CPUs.  trace_types_lock is held. */
struct hypergraph_stats hypergraph_sum_stats(void);

#endif /* __TRACE_HYPERGRAPH_CHANNEL_H */
