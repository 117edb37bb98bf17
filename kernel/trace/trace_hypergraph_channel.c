// SPDX-License-Identifier: GPL-2.0
/*
 * How an event of the hypergraph tracer reaches the host: as one hypercall.  What
 * each traced call needs of it is inline in trace_hypergraph_channel.h.
 */
#include <linux/buildid.h>
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/hypergraph.h>

#include <asm/sections.h>

#include "trace.h"
#include "trace_hypergraph_channel.h"

DEFINE_PER_CPU(struct hypergraph_stats, hypergraph_stats);
DEFINE_PER_CPU(bool, hypergraph_host_listens);
u64 hypergraph_outside_span;
struct fgraph_ops hypergraph_ops;

unsigned long *hypergraph_task_var(void)
{
	return current->ret_stack ? fgraph_get_task_var(&hypergraph_ops) : NULL;
}

static bool hypergraph_hello(void)
{
	unsigned long id[2];

	memcpy(id, vmlinux_build_id, sizeof(id));
	return hypergraph_hypercall(HYPERGRAPH_NR_HELLO,
				    HYPERGRAPH_VERSION | (u64)num_online_cpus() << 32,
				    (unsigned long)_stext, id[0], id[1]);
}

void hypergraph_host_changed(bool listens)
{
	this_cpu_write(hypergraph_host_listens, listens && hypergraph_hello());
}

/**
 * hypergraph_send - send one event to the host
 * @nr: one of HYPERGRAPH_NR_*
 * @a0: what @nr defines
 * @a1: what @nr defines
 * @a2: what @nr defines
 * @a3: what @nr defines
 *
 * The time that it takes is taken out of the open calls' durations.
 *
 * Context: Any, with preemption disabled.
 */
void hypergraph_send(unsigned int nr, unsigned long a0, unsigned long a1,
		     unsigned long a2, unsigned long a3)
{
	struct hypergraph_span span;

	hypergraph_begin_span(&span, hypergraph_task_var());
	hypergraph_send_in_span(nr, a0, a1, a2, a3);
	hypergraph_end_span(&span);
}

static bool hypergraph_channel_is_open;

/* ftrace_graph_overruns() when the channel was opened, and when it was closed */
static unsigned long hypergraph_first_overrun;
static unsigned long hypergraph_last_overrun;

void hypergraph_open_channel(void)
{
	int cpu;

	lockdep_assert_held(&trace_types_lock);

	for_each_possible_cpu(cpu) {
		memset(per_cpu_ptr(&hypergraph_stats, cpu), 0,
		       sizeof(struct hypergraph_stats));
		per_cpu(hypergraph_host_listens, cpu) = false;
	}
	hypergraph_first_overrun = ftrace_graph_overruns();
	hypergraph_channel_is_open = true;

	scoped_guard(irqsave)
		hypergraph_host_changed(true);
}

void hypergraph_close_channel(void)
{
	lockdep_assert_held(&trace_types_lock);

	hypergraph_last_overrun = ftrace_graph_overruns();
	hypergraph_channel_is_open = false;
}

struct hypergraph_stats hypergraph_sum_stats(void)
{
	struct hypergraph_stats sum = { };
	int cpu;

	lockdep_assert_held(&trace_types_lock);

	sum.dropped = hypergraph_channel_is_open ? ftrace_graph_overruns() :
						   hypergraph_last_overrun;
	sum.dropped -= hypergraph_first_overrun;

	for_each_possible_cpu(cpu) {
		struct hypergraph_stats *stats = per_cpu_ptr(&hypergraph_stats, cpu);

		sum.sent += READ_ONCE(stats->sent);
		sum.unheard += READ_ONCE(stats->unheard);
		sum.dropped += READ_ONCE(stats->dropped);
	}
	return sum;
}

static ssize_t hypergraph_stats_read(struct file *filp, char __user *ubuf,
				     size_t count, loff_t *ppos)
{
	struct hypergraph_stats sum;
	char buf[96];
	int len;

	scoped_guard(mutex, &trace_types_lock)
		sum = hypergraph_sum_stats();

	len = scnprintf(buf, sizeof(buf), "sent: %llu\nunheard: %llu\ndropped: %llu\n",
			sum.sent, sum.unheard, sum.dropped);
	return simple_read_from_buffer(ubuf, count, ppos, buf, len);
}

static const struct file_operations hypergraph_stats_fops = {
	.open	= tracing_open_generic,
	.read	= hypergraph_stats_read,
	.llseek	= generic_file_llseek,
};

static __init int hypergraph_init_stats(void)
{
	if (tracing_init_dentry())
		return 0;

	trace_create_file("hypergraph_stats", TRACE_MODE_READ, NULL, NULL,
			  &hypergraph_stats_fops);
	return 0;
}
fs_initcall(hypergraph_init_stats);
