/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inside of the hypergraph tracer.  Each of its files uses only those below it:
 *
 *	trace_hypergraph.c		the tracer: which calls and task switches are sent
 *	trace_hypergraph_marks.c	marks: of boot, of a crash, and the user's
 *	trace_hypergraph_channel.c	the channel: how an event reaches the host
 *
 * "Any context" is that of a task, softirq, interrupt or NMI.
 */
#ifndef __TRACE_HYPERGRAPH_H
#define __TRACE_HYPERGRAPH_H

#include <linux/init.h>
#include <linux/types.h>

#include "trace.h"

/* From the linker script */
extern initcall_entry_t __initcallrootfs_start[];

/* Whether there is the tracer in this kernel, and so its files: from trace_init() on */
extern bool hypergraph_is_registered;

/*
 * The instance that the tracer is selected in, or NULL.  Written with trace_types_lock
 * held; it does not change while a callback or probe of ours is registered.
 */
extern struct trace_array *hypergraph_tr;

/* The tracer's options, as bits of its flags */
#define HYPERGRAPH_ENTRY	BIT(0)	/* send function entries, not only returns */
#define HYPERGRAPH_SCHED	BIT(1)	/* send task switches */
#define HYPERGRAPH_IRQS		BIT(2)	/* trace functions of hard interrupts and NMIs */
#define HYPERGRAPH_SLEEP_TIME	BIT(3)	/* count sleep in a function's duration */

/*
 * Whether @option, one of the above, is set where @tr has the tracer selected.
 * Any context.
 */
static inline bool hypergraph_option(struct trace_array *tr, u32 option)
{
	return tr->current_trace_flags->val & option;
}

/* Whether calls are sent when they begin, so that the host knows those that are open */
static inline bool hypergraph_sends_entries(struct trace_array *tr)
{
	return hypergraph_option(tr, HYPERGRAPH_ENTRY) && !tracing_thresh;
}

/*
 * Marks: the points in time that are not calls
 */

/* This is a level of boot that is not to be traced, or this kernel hands over to another. */
extern bool hypergraph_muted;

/* Called from trace_init() */
void hypergraph_init_marks(void);

/*
 * Marks are sent from when the tracer is selected in @tr until it is left.
 * trace_types_lock is held; these may sleep.
 */
void hypergraph_start_marks(struct trace_array *tr);
void hypergraph_stop_marks(void);

/*
 * Whether this CPU is traced now.  Obeys tracing_on and tracing_cpumask, but not what
 * else keeps a trace buffer from being written to, as it being cleared.  Any context, with
 * preemption disabled.
 */
static inline bool hypergraph_is_on(struct trace_array *tr)
{
	return ring_buffer_record_is_set_on(tr->array_buffer.buffer) &&
	       cpumask_test_cpu(raw_smp_processor_id(), tr->tracing_cpumask) &&
	       !READ_ONCE(hypergraph_muted);
}

#endif /* __TRACE_HYPERGRAPH_H */
