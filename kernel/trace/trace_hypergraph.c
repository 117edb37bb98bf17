// SPDX-License-Identifier: GPL-2.0
/*
 * hypergraph: a function graph tracer whose trace buffer is the host's
 *
 * Every function entry, function return and task switch of a KVM guest is one
 * hypercall, recorded by the host on the host's clock.  See
 * include/uapi/linux/hypergraph.h for what is sent, and
 * arch/x86/kvm/hypertrace.c for the other end.
 */
#define pr_fmt(fmt) "hypergraph: " fmt

#include <linux/cc_platform.h>
#include <linux/ftrace.h>
#include <linux/kvm_para.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/trace_clock.h>
#include <linux/uaccess.h>
#include <uapi/linux/hypergraph.h>

#include <trace/events/sched.h>

#include "trace.h"

/* Since the tracer was last selected. */
struct hypergraph_stats {
	u64	sent;		/* hypercalls made */
	u64	unheard;	/* of these, not answered with 0 */
};

static DEFINE_PER_CPU(struct hypergraph_stats, hypergraph_stats);

/* What the return of a function needs to know about its entry, in ns. */
struct hypergraph_frame {
	u64	calltime;
	u64	overhead;	/* hypergraph_overhead() at calltime */
};

/*
 * The time that a task spent in sending, in ns, is kept above the flags in its
 * fgraph variable: it goes where the task goes, and taking its growth out of
 * the duration of a frame makes up for all hypercalls made within it.
 */
#define HYPERGRAPH_OVERHEAD_SHIFT	(TRACE_GRAPH_NOTRACE_BIT + 1)

static struct fgraph_ops hypergraph_ops;

static u64 hypergraph_overhead(unsigned long *task_var)
{
	return *task_var >> HYPERGRAPH_OVERHEAD_SHIFT;
}

/* Obeys tracing_on and tracing_cpumask, as writing to a trace buffer would. */
static bool hypergraph_is_on(struct trace_array *tr)
{
	return tracer_tracing_is_on_cpu(tr, raw_smp_processor_id());
}

/*
 * Any context, NMI too; the caller has preemption disabled.  Interrupts are off
 * while the host is busy, so that one which it injects on the way back is not
 * taken for time spent in sending.  Returns the time at the end, in ns.
 */
static u64 hypergraph_send(unsigned long *task_var, unsigned int nr,
			   unsigned long a0, unsigned long a1,
			   unsigned long a2, unsigned long a3)
{
	u64 before, start, end, nested;
	unsigned long flags;
	long ret;

	raw_local_irq_save(flags);
	before = hypergraph_overhead(task_var);
	start = trace_clock_local();
	ret = kvm_hypercall4(nr, a0, a1, a2, a3);
	end = trace_clock_local();
	/* What an NMI in between sent lies within [start, end] already. */
	nested = hypergraph_overhead(task_var) - before;
	*task_var += (end - start - nested) << HYPERGRAPH_OVERHEAD_SHIFT;
	this_cpu_inc(hypergraph_stats.sent);
	if (ret)
		this_cpu_inc(hypergraph_stats.unheard);
	raw_local_irq_restore(flags);

	return end;
}

static int hypergraph_entry(struct ftrace_graph_ent *trace,
			    struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
	unsigned long *task_var = fgraph_get_task_var(gops);
	struct hypergraph_frame *frame;

	if (*task_var & TRACE_GRAPH_NOTRACE)
		return 0;

	/* The return of this function clears the bit: ask for it. */
	if (ftrace_graph_notrace_addr(trace->func)) {
		*task_var |= TRACE_GRAPH_NOTRACE;
		return 1;
	}

	if (!hypergraph_is_on(gops->private) ||
	    ftrace_graph_ignore_func(gops, trace))
		return 0;

	frame = fgraph_reserve_data(gops->idx, sizeof(*frame));
	if (!frame)
		return 0;

	frame->calltime = hypergraph_send(task_var, HYPERGRAPH_NR_ENTRY,
					  trace->func, trace->depth, 0, 0);
	frame->overhead = hypergraph_overhead(task_var);
	return 1;
}

static void hypergraph_return(struct ftrace_graph_ret *trace,
			      struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
	unsigned long *task_var = fgraph_get_task_var(gops);
	u64 rettime = trace_clock_local();
	struct hypergraph_frame *frame;
	u64 duration;

	ftrace_graph_addr_finish(gops, trace);

	if (*task_var & TRACE_GRAPH_NOTRACE) {
		*task_var &= ~TRACE_GRAPH_NOTRACE;
		return;
	}

	frame = fgraph_retrieve_data(gops->idx, NULL);
	if (!frame || !hypergraph_is_on(gops->private))
		return;

	duration = rettime - frame->calltime;
	duration -= hypergraph_overhead(task_var) - frame->overhead;

	hypergraph_send(task_var, HYPERGRAPH_NR_RETURN, trace->func, duration,
			trace->depth, 0);
}

/* Called with interrupts disabled, on the stack of @prev. */
static void hypergraph_sched_switch(void *data, bool preempt,
				    struct task_struct *prev,
				    struct task_struct *next,
				    unsigned int prev_state)
{
	unsigned long comm[TASK_COMM_LEN / sizeof(unsigned long)];
	unsigned long no_task_var = 0;

	if (!hypergraph_is_on(data))
		return;

	memcpy(comm, next->comm, sizeof(comm));
	hypergraph_send(prev->ret_stack ? fgraph_get_task_var(&hypergraph_ops) :
					  &no_task_var,
			HYPERGRAPH_NR_SCHED_SWITCH, prev->pid, next->pid,
			comm[1], comm[0]);
}

static int hypergraph_check_platform(void)
{
	if (!kvm_para_available()) {
		pr_warn("not a KVM guest: there is no host to send to\n");
		return -ENODEV;
	}

	/* The host could not read the registers of a hypercall. */
	if (cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT) ||
	    cpu_feature_enabled(X86_FEATURE_TDX_GUEST)) {
		pr_warn("the state of this guest is encrypted: its host cannot read what is sent\n");
		return -EOPNOTSUPP;
	}

	return 0;
}

static void hypergraph_reset_stats(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(&hypergraph_stats, cpu), 0,
		       sizeof(struct hypergraph_stats));
}

static int hypergraph_trace_init(struct trace_array *tr)
{
	int ret;

	ret = hypergraph_check_platform();
	if (ret)
		return ret;

	hypergraph_reset_stats();

	/* Registering may have replaced the callback last time, for pids. */
	hypergraph_ops.entryfunc = hypergraph_entry;
	hypergraph_ops.retfunc = hypergraph_return;
	hypergraph_ops.private = tr;
	fgraph_init_ops(&hypergraph_ops.ops, tr->ops);

	ret = register_ftrace_graph(&hypergraph_ops);
	if (ret)
		return ret;

	ret = register_trace_sched_switch(hypergraph_sched_switch, tr);
	if (ret)
		unregister_ftrace_graph(&hypergraph_ops);
	return ret;
}

/* When this returns, no CPU is in a callback and none will enter one. */
static void hypergraph_trace_reset(struct trace_array *tr)
{
	unregister_trace_sched_switch(hypergraph_sched_switch, tr);
	unregister_ftrace_graph(&hypergraph_ops);
	tracepoint_synchronize_unregister();
	/* The fgraph callbacks run with preemption disabled. */
	synchronize_rcu();
}

static struct tracer hypergraph_tracer __tracer_data = {
	.name	= "hypergraph",
	.init	= hypergraph_trace_init,
	.reset	= hypergraph_trace_reset,
};

static ssize_t hypergraph_stats_read(struct file *filp, char __user *ubuf,
				     size_t count, loff_t *ppos)
{
	struct hypergraph_stats sum = { };
	char buf[64];
	int cpu, len;

	for_each_possible_cpu(cpu) {
		struct hypergraph_stats *stats = per_cpu_ptr(&hypergraph_stats, cpu);

		sum.sent += READ_ONCE(stats->sent);
		sum.unheard += READ_ONCE(stats->unheard);
	}

	len = scnprintf(buf, sizeof(buf), "sent: %llu\nunheard: %llu\n",
			sum.sent, sum.unheard);
	return simple_read_from_buffer(ubuf, count, ppos, buf, len);
}

static const struct file_operations hypergraph_stats_fops = {
	.open	= tracing_open_generic,
	.read	= hypergraph_stats_read,
	.llseek	= generic_file_llseek,
};

static __init int hypergraph_init_tracefs(void)
{
	if (tracing_init_dentry())
		return 0;

	trace_create_file("hypergraph_stats", TRACE_MODE_READ, NULL, NULL,
			  &hypergraph_stats_fops);
	return 0;
}
fs_initcall(hypergraph_init_tracefs);

static __init int hypergraph_init(void)
{
	return register_tracer(&hypergraph_tracer);
}
core_initcall(hypergraph_init);
