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

#include <linux/buildid.h>
#include <linux/cc_platform.h>
#include <linux/ftrace.h>
#include <linux/kvm_para.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/trace_clock.h>
#include <linux/uaccess.h>
#include <uapi/linux/hypergraph.h>

#include <asm/sections.h>
#include <trace/events/sched.h>

#include "trace.h"
#include "trace_hypergraph.h"

/* Since the tracer was last selected. */
struct hypergraph_stats {
	u64	sent;		/* hypercalls made */
	u64	unheard;	/* of these, not answered with 0 */
	u64	dropped;	/* calls that found no room for our data on their stack */
};

static DEFINE_PER_CPU(struct hypergraph_stats, hypergraph_stats);

/* ftrace_graph_overruns() when the tracer was selected, and when it was left */
static unsigned long hypergraph_first_overrun;
static unsigned long hypergraph_last_overrun;

/* The host answered this CPU's last hypercall with 0, and knows who we are. */
static DEFINE_PER_CPU(bool, hypergraph_heard);

#define HYPERGRAPH_ENTRY	BIT(0)
#define HYPERGRAPH_SCHED	BIT(1)
#define HYPERGRAPH_IRQS		BIT(2)
#define HYPERGRAPH_SLEEP_TIME	BIT(3)

static struct tracer_opt hypergraph_opts[] = {
	/* Send function entries, not only returns */
	{ "hypergraph-entry", HYPERGRAPH_ENTRY },
	/* Send task switches */
	{ "hypergraph-sched", HYPERGRAPH_SCHED },
	/* Trace functions of hard interrupts and NMIs */
	{ "hypergraph-irqs", HYPERGRAPH_IRQS },
	/* A duration includes the time that the task slept */
	{ "hypergraph-sleep-time", HYPERGRAPH_SLEEP_TIME },
	{ }
};

static struct tracer_flags hypergraph_flags = {
	.val	= HYPERGRAPH_ENTRY | HYPERGRAPH_SCHED | HYPERGRAPH_IRQS |
		  HYPERGRAPH_SLEEP_TIME,
	.opts	= hypergraph_opts,
};

static bool hypergraph_option(struct trace_array *tr, u32 option)
{
	return tr->current_trace_flags->val & option;
}

/* Written with trace_types_lock held; NULL while the tracer is not selected. */
static struct trace_array *hypergraph_tr;

static struct fgraph_ops hypergraph_ops;

/* What the return of a function needs to know about its entry, in ns. */
struct hypergraph_frame {
	u64	calltime;
	u64	overhead : 63;	/* hypergraph_overhead() at calltime */
	u64	announced : 1;	/* its entry was sent */
	u64	sleeptime;	/* the task's, at calltime; only if it is not counted */
};

/*
 * The time that a task spent in this tracer, in ns, is kept above the flags in
 * its fgraph variable: it goes where the task goes, and taking its growth out of
 * the duration of a frame makes up for all that was sent within it.
 */
#define HYPERGRAPH_OVERHEAD_SHIFT	(TRACE_GRAPH_NOTRACE_BIT + 1)

/*
 * What a callback takes outside of its span, in ns: before its first look at the
 * clock and after its last.  An entry takes more, by hypergraph_lead, as it first
 * finds out whether to trace the function at all.  See hypergraph_calibrate().
 */
static u64 hypergraph_shell;
static u64 hypergraph_lead;

/* A stretch of the current task's time, spent in this tracer */
struct hypergraph_span {
	unsigned long	*task_var;	/* NULL if the task has none */
	unsigned long	flags;
	u64		start;
	u64		overhead;	/* hypergraph_overhead() at start */
};

static u64 hypergraph_overhead(unsigned long *task_var)
{
	return *task_var >> HYPERGRAPH_OVERHEAD_SHIFT;
}

/*
 * Interrupts are off in a span, so that one which the host injects is not taken
 * for time spent in the tracer.
 */
static __always_inline void hypergraph_begin(struct hypergraph_span *span,
					     unsigned long *task_var)
{
	raw_local_irq_save(span->flags);
	span->start = trace_clock_local();
	span->task_var = task_var;
	span->overhead = task_var ? hypergraph_overhead(task_var) : 0;
}

static __always_inline void hypergraph_end(struct hypergraph_span *span)
{
	u64 nested, time;

	if (span->task_var) {
		/* What an NMI in between added lies within the span already. */
		nested = hypergraph_overhead(span->task_var) - span->overhead;
		time = trace_clock_local() - span->start + hypergraph_shell;
		*span->task_var += (time - nested) << HYPERGRAPH_OVERHEAD_SHIFT;
	}
	raw_local_irq_restore(span->flags);
}

static unsigned long *hypergraph_task_var(void)
{
	return current->ret_stack ? fgraph_get_task_var(&hypergraph_ops) : NULL;
}

/* Obeys tracing_on and tracing_cpumask, as writing to a trace buffer would. */
bool hypergraph_is_on(struct trace_array *tr)
{
	return tracer_tracing_is_on_cpu(tr, raw_smp_processor_id()) &&
	       !hypergraph_is_muted();
}

/* Whether the calls that are open are known to the host */
bool hypergraph_sends_entries(void)
{
	return hypergraph_option(hypergraph_tr, HYPERGRAPH_ENTRY) && !tracing_thresh;
}

static unsigned long hypergraph_build_id[2];

/*
 * As kvm_hypercall4(), which may not be used before alternatives are applied.
 * Any context, NMI too; interrupts are off.
 */
static bool hypergraph_hypercall(unsigned int nr, unsigned long a0, unsigned long a1,
				 unsigned long a2, unsigned long a3)
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

static bool hypergraph_hello(void)
{
	return hypergraph_hypercall(HYPERGRAPH_NR_HELLO,
				    HYPERGRAPH_VERSION | (u64)num_online_cpus() << 32,
				    (unsigned long)_stext,
				    hypergraph_build_id[0], hypergraph_build_id[1]);
}

static void hypergraph_send_in_span(unsigned int nr, unsigned long a0, unsigned long a1,
				    unsigned long a2, unsigned long a3)
{
	bool heard = hypergraph_hypercall(nr, a0, a1, a2, a3);

	if (likely(heard == this_cpu_read(hypergraph_heard)))
		return;

	/* The host has begun or ceased to listen. */
	this_cpu_write(hypergraph_heard, heard && hypergraph_hello());
}

/**
 * hypergraph_send - send one event to the host
 * @nr: one of HYPERGRAPH_NR_*
 * @a0: what @nr defines
 * @a1: what @nr defines
 * @a2: what @nr defines
 * @a3: what @nr defines
 *
 * The time that it takes is taken out of the open calls' durations.  Any context;
 * the caller has preemption disabled.
 */
void hypergraph_send(unsigned int nr, unsigned long a0, unsigned long a1,
		     unsigned long a2, unsigned long a3)
{
	struct hypergraph_span span;

	hypergraph_begin(&span, hypergraph_task_var());
	hypergraph_send_in_span(nr, a0, a1, a2, a3);
	hypergraph_end(&span);
}

/* A function of a hard interrupt or NMI, unless set_graph_function names one above it */
static bool hypergraph_ignore_irqs(struct trace_array *tr)
{
	return in_hardirq() && tr && !hypergraph_option(tr, HYPERGRAPH_IRQS) &&
	       !trace_recursion_test(TRACE_IRQ_BIT);
}

static bool hypergraph_counts_sleep(struct trace_array *tr)
{
	return !fgraph_no_sleep_time || hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME);
}

static int hypergraph_trace_entry(struct ftrace_graph_ent *trace, struct fgraph_ops *gops,
				  struct hypergraph_span *span)
{
	struct trace_array *tr = gops->private;
	struct hypergraph_frame *frame;
	bool counts_sleep;

	if (!tr || !hypergraph_is_on(tr))
		return 0;

	counts_sleep = hypergraph_counts_sleep(tr);
	frame = fgraph_reserve_data(gops->idx, counts_sleep ?
				    offsetof(struct hypergraph_frame, sleeptime) :
				    sizeof(*frame));
	if (!frame) {
		this_cpu_inc(hypergraph_stats.dropped);
		return 0;
	}

	frame->calltime = span->start;
	frame->overhead = span->overhead;
	frame->announced = hypergraph_sends_entries();
	if (!counts_sleep)
		frame->sleeptime = current->ftrace_sleeptime;

	if (frame->announced)
		hypergraph_send_in_span(HYPERGRAPH_NR_ENTRY, trace->func, trace->depth, 0, 0);
	return 1;
}

static noinline int hypergraph_entry(struct ftrace_graph_ent *trace,
				     struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
	unsigned long *task_var = fgraph_get_task_var(gops);
	struct hypergraph_span span;
	int ret;

	if (*task_var & TRACE_GRAPH_NOTRACE)
		return 0;

	/* The return of this function clears the bit: ask for it. */
	if (ftrace_graph_notrace_addr(trace->func)) {
		*task_var |= TRACE_GRAPH_NOTRACE;
		return 1;
	}

	if (ftrace_graph_ignore_func(gops, trace) ||
	    hypergraph_ignore_irqs(gops->private))
		return 0;

	hypergraph_begin(&span, task_var);
	span.start -= hypergraph_lead;
	ret = hypergraph_trace_entry(trace, gops, &span);
	hypergraph_end(&span);
	return ret;
}

static void hypergraph_trace_return(struct ftrace_graph_ret *trace, struct fgraph_ops *gops,
				    struct hypergraph_span *span)
{
	struct trace_array *tr = gops->private;
	struct hypergraph_frame *frame;
	s64 duration;
	int size;

	frame = fgraph_retrieve_data(gops->idx, &size);
	if (!frame || !tr || !hypergraph_is_on(tr))
		return;

	duration = span->start - frame->calltime;
	duration -= span->overhead - frame->overhead;
	if (size >= sizeof(*frame) && !hypergraph_counts_sleep(tr))
		duration -= current->ftrace_sleeptime - frame->sleeptime;
	duration = max(duration, 0);

	if (!frame->announced && tracing_thresh && duration < tracing_thresh)
		return;

	hypergraph_send_in_span(HYPERGRAPH_NR_RETURN, trace->func, duration, trace->depth, 0);
}

static noinline void hypergraph_return(struct ftrace_graph_ret *trace,
				       struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
	unsigned long *task_var = fgraph_get_task_var(gops);
	struct hypergraph_span span;

	hypergraph_begin(&span, task_var);
	ftrace_graph_addr_finish(gops, trace);
	if (*task_var & TRACE_GRAPH_NOTRACE)
		*task_var &= ~TRACE_GRAPH_NOTRACE;
	else
		hypergraph_trace_return(trace, gops, &span);
	hypergraph_end(&span);
}

/* Called with interrupts disabled, on the stack of @prev. */
static void hypergraph_sched_switch(void *data, bool preempt,
				    struct task_struct *prev,
				    struct task_struct *next,
				    unsigned int prev_state)
{
	unsigned long comm[TASK_COMM_LEN / sizeof(unsigned long)];
	struct trace_array *tr = data;

	if (!hypergraph_option(tr, HYPERGRAPH_SCHED) || !hypergraph_is_on(tr))
		return;

	memcpy(comm, next->comm, sizeof(comm));
	hypergraph_send(HYPERGRAPH_NR_SCHED_SWITCH, prev->pid, next->pid, comm[1], comm[0]);
}

#define HYPERGRAPH_CALIBRATION_CALLS	32
#define HYPERGRAPH_CALIBRATION_BATCHES	8

/* What a tracer's callbacks take at least, which is not for this one to make up for */
static noinline int hypergraph_no_entry(struct ftrace_graph_ent *trace,
					struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
	return 0;
}

static noinline void hypergraph_no_return(struct ftrace_graph_ret *trace,
					  struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
}

/*
 * The least that calls of a callback take besides what it accounts for itself, in
 * ns.  It is run with nothing to trace.
 */
static noinline u64 hypergraph_residue(trace_func_graph_ent_t entryfunc,
				       trace_func_graph_ret_t retfunc)
{
	static struct fgraph_ops gops;	/* private: NULL */
	unsigned long *task_var = hypergraph_task_var();
	struct ftrace_graph_ent ent = { };
	struct ftrace_graph_ret ret = { };
	u64 start, overhead, residue, least = U64_MAX;
	int batch, i;

	gops.idx = hypergraph_ops.idx;
	for (batch = 0; batch < HYPERGRAPH_CALIBRATION_BATCHES; batch++) {
		guard(irqsave)();
		/* Not ignored, as within a function of set_graph_function */
		if (ftrace_graph_ignore_func(&gops, &ent))
			*task_var |= TRACE_GRAPH_FL;
		overhead = hypergraph_overhead(task_var);
		start = trace_clock_local();
		for (i = 0; i < HYPERGRAPH_CALIBRATION_CALLS; i++) {
			if (entryfunc)
				entryfunc(&ent, &gops, NULL);
			else
				retfunc(&ret, &gops, NULL);
		}
		residue = trace_clock_local() - start;
		residue -= hypergraph_overhead(task_var) - overhead;
		least = min(least, residue);
		*task_var &= ~TRACE_GRAPH_FL;
	}
	return least;
}

static u64 hypergraph_per_call(u64 residue, u64 residue_of_nothing)
{
	if (residue < residue_of_nothing)
		return 0;
	return DIV_ROUND_CLOSEST_ULL(residue - residue_of_nothing,
				     HYPERGRAPH_CALIBRATION_CALLS);
}

static void hypergraph_calibrate(void)
{
	u64 of_entry, of_return;

	hypergraph_shell = 0;
	hypergraph_lead = 0;
	if (!hypergraph_task_var())
		return;

	of_entry = hypergraph_per_call(hypergraph_residue(hypergraph_entry, NULL),
				       hypergraph_residue(hypergraph_no_entry, NULL));
	of_return = hypergraph_per_call(hypergraph_residue(NULL, hypergraph_return),
					hypergraph_residue(NULL, hypergraph_no_return));
	hypergraph_lead = of_entry > of_return ? of_entry - of_return : 0;
	hypergraph_shell = of_return;
}

static int hypergraph_check_platform(void)
{
	if (!kvm_para_available())
		return -ENODEV;

	/* The host could not read the registers of a hypercall. */
	if (cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT) ||
	    cpu_feature_enabled(X86_FEATURE_TDX_GUEST))
		return -EOPNOTSUPP;

	return 0;
}

static void hypergraph_reset_stats(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		memset(per_cpu_ptr(&hypergraph_stats, cpu), 0,
		       sizeof(struct hypergraph_stats));
		per_cpu(hypergraph_heard, cpu) = false;
	}
	hypergraph_first_overrun = ftrace_graph_overruns();
}

static int hypergraph_trace_init(struct trace_array *tr)
{
	int ret;

	ret = hypergraph_check_platform();
	if (ret) {
		pr_warn("%s\n", ret == -ENODEV ?
			"not a KVM guest: there is no host to send to" :
			"the state of this guest is encrypted: its host cannot read what is sent");
		return ret;
	}

	if (hypergraph_tr) {
		pr_warn("selected in another trace instance already\n");
		return -EBUSY;
	}

	/* Registering may have replaced the callback last time, for pids. */
	hypergraph_ops.entryfunc = hypergraph_entry;
	hypergraph_ops.retfunc = hypergraph_return;
	/* Nothing is traced until all is ready. */
	hypergraph_ops.private = NULL;
	fgraph_init_ops(&hypergraph_ops.ops, tr->ops);

	if (!hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME))
		fgraph_no_sleep_time++;

	ret = register_ftrace_graph(&hypergraph_ops);
	if (ret)
		goto err_sleep_time;

	hypergraph_calibrate();
	hypergraph_reset_stats();
	hypergraph_tr = tr;
	scoped_guard(irqsave)
		this_cpu_write(hypergraph_heard, hypergraph_hello());
	hypergraph_start_marks(tr);

	/* Before fgraph's own probe, where sleep begins if it is not counted. */
	ret = register_trace_prio_sched_switch(hypergraph_sched_switch, tr,
					       TRACEPOINT_DEFAULT_PRIO + 1);
	if (ret)
		goto err_marks;

	WRITE_ONCE(hypergraph_ops.private, tr);
	return 0;

err_marks:
	hypergraph_stop_marks();
	unregister_ftrace_graph(&hypergraph_ops);
	hypergraph_tr = NULL;
err_sleep_time:
	if (!hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME))
		fgraph_no_sleep_time--;
	return ret;
}

/* When this returns, no CPU is in a callback and none will enter one. */
static void hypergraph_trace_reset(struct trace_array *tr)
{
	if (!hypergraph_tr)
		return;

	hypergraph_stop_marks();
	unregister_trace_sched_switch(hypergraph_sched_switch, tr);
	unregister_ftrace_graph(&hypergraph_ops);
	tracepoint_synchronize_unregister();
	/* The fgraph callbacks run with preemption disabled. */
	synchronize_rcu();
	hypergraph_last_overrun = ftrace_graph_overruns();
	hypergraph_tr = NULL;

	if (!hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME))
		fgraph_no_sleep_time--;
}

static int hypergraph_set_flag(struct trace_array *tr, u32 old_flags, u32 bit, int set)
{
	if (tr != hypergraph_tr || bit != HYPERGRAPH_SLEEP_TIME ||
	    !!set == hypergraph_option(tr, bit))
		return 0;

	if (set)
		fgraph_no_sleep_time--;
	else
		fgraph_no_sleep_time++;
	return 0;
}

static void hypergraph_print_header(struct seq_file *s)
{
	seq_puts(s, "# The trace is with the host: see its event hypergraph_host.\n");
}

#ifdef CONFIG_FTRACE_STARTUP_TEST
static u64 hypergraph_sent(void)
{
	u64 sent = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sent += per_cpu(hypergraph_stats, cpu).sent;
	return sent;
}

/* One traced call is an entry and a return, and when the tracer is left, nothing. */
static int hypergraph_selftest(struct tracer *trace, struct trace_array *tr)
{
	char *func = __stringify(DYN_FTRACE_TEST_NAME);
	u64 before, traced, after;
	int ret;

	if (hypergraph_check_platform())
		return 0;	/* There is nothing to test. */

	tr->current_trace_flags->val &= ~HYPERGRAPH_SCHED;
	ftrace_set_global_filter(func, strlen(func), 1);
	ret = tracer_init(trace, tr);
	if (!ret) {
		before = hypergraph_sent();
		DYN_FTRACE_TEST_NAME();
		traced = hypergraph_sent() - before;
		trace->reset(tr);
		DYN_FTRACE_TEST_NAME();
		after = hypergraph_sent() - before - traced;
		if (traced != 2 || after) {
			pr_err("sent %llu for a call, %llu for one after it\n", traced, after);
			ret = -EINVAL;
		}
	}
	ftrace_set_global_filter(NULL, 0, 1);
	tr->current_trace_flags->val |= HYPERGRAPH_SCHED;
	return ret;
}
#endif

static struct tracer hypergraph_tracer __tracer_data = {
	.name		 = "hypergraph",
	.init		 = hypergraph_trace_init,
	.reset		 = hypergraph_trace_reset,
	.set_flag	 = hypergraph_set_flag,
	.print_header	 = hypergraph_print_header,
	.default_flags	 = &hypergraph_flags,
	.allow_instances = true,
#ifdef CONFIG_FTRACE_STARTUP_TEST
	.selftest	 = hypergraph_selftest,
#endif
};

static ssize_t hypergraph_stats_read(struct file *filp, char __user *ubuf,
				     size_t count, loff_t *ppos)
{
	struct hypergraph_stats sum = { };
	char buf[96];
	int cpu, len;

	guard(mutex)(&trace_types_lock);
	sum.dropped = hypergraph_tr ? ftrace_graph_overruns() : hypergraph_last_overrun;
	sum.dropped -= hypergraph_first_overrun;

	for_each_possible_cpu(cpu) {
		struct hypergraph_stats *stats = per_cpu_ptr(&hypergraph_stats, cpu);

		sum.sent += READ_ONCE(stats->sent);
		sum.unheard += READ_ONCE(stats->unheard);
		sum.dropped += READ_ONCE(stats->dropped);
	}

	len = scnprintf(buf, sizeof(buf), "sent: %llu\nunheard: %llu\ndropped: %llu\n",
			sum.sent, sum.unheard, sum.dropped);
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

static __init void hypergraph_read_build_id(void)
{
	unsigned char build_id[BUILD_ID_SIZE_MAX] = { };

	if (!build_id_parse_buf(__start_notes, build_id, __stop_notes - __start_notes))
		memcpy(hypergraph_build_id, build_id, sizeof(hypergraph_build_id));
}

/*
 * From trace_init(): the first point of boot with all that function graph tracing
 * needs, which is the idle task of the boot CPU and RCU.
 */
__init void init_hypergraph_trace(void)
{
	hypergraph_read_build_id();
	hypergraph_init_marks();
	if (!hypergraph_check_platform())
		register_tracer(&hypergraph_tracer);
}

/*
 * Where it cannot work, selecting it says why.  But a kernel whose ftrace= names it
 * boots without it, and without a warning from register_tracer(): by now, after
 * late_trace_init(), that is forgotten.
 */
static __init int hypergraph_register_refused(void)
{
	if (hypergraph_check_platform())
		register_tracer(&hypergraph_tracer);
	return 0;
}
late_initcall_sync(hypergraph_register_refused);
