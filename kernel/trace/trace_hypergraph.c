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
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/trace_clock.h>
#include <uapi/linux/hypergraph.h>

#include <asm/cpuid/api.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>
#include <hyperv/hvgdk_mini.h>

#include <trace/events/sched.h>

#include "trace.h"
#include "trace_hypergraph.h"
#include "trace_hypergraph_channel.h"

bool hypergraph_is_registered __ro_after_init;

static struct tracer_opt hypergraph_opts[] = {
	{ TRACER_OPT(hypergraph-entry, HYPERGRAPH_ENTRY) },
	{ TRACER_OPT(hypergraph-sched, HYPERGRAPH_SCHED) },
	{ TRACER_OPT(hypergraph-irqs, HYPERGRAPH_IRQS) },
	{ TRACER_OPT(hypergraph-sleep-time, HYPERGRAPH_SLEEP_TIME) },
	{ }
};

static struct tracer_flags hypergraph_flags = {
	.val	= HYPERGRAPH_ENTRY | HYPERGRAPH_SCHED | HYPERGRAPH_IRQS |
		  HYPERGRAPH_SLEEP_TIME,
	.opts	= hypergraph_opts,
};

/* What the return of a function needs to know about its entry, in ns. */
struct hypergraph_frame {
	u64	calltime;
	u64	overhead;	/* hypergraph_overhead() at calltime, above the bits below */
	u64	sleeptime;	/* the task's, at calltime; only if it is not counted */
};

#define HYPERGRAPH_FRAME_ANNOUNCED	BIT(0)	/* its entry was sent */
#define HYPERGRAPH_FRAME_LATE		BIT(1)	/* after its task's switch: tell that again */
#define HYPERGRAPH_FRAME_SHIFT		2

/*
 * An entry takes more outside of its span than hypergraph_outside_span says, by this,
 * in ns: it first finds out whether to trace the function at all.
 */
static u64 hypergraph_entry_extra;

/* A function of a hard interrupt or NMI, unless set_graph_function names one above it */
static bool hypergraph_ignore_irqs(struct fgraph_ops *gops)
{
	struct trace_array *tr;

	if (!in_hardirq())
		return false;

	tr = READ_ONCE(gops->private);
	return tr && !hypergraph_option(tr, HYPERGRAPH_IRQS) &&
	       !trace_recursion_test(TRACE_IRQ_BIT);
}

static bool hypergraph_counts_sleep(struct trace_array *tr)
{
	return !fgraph_no_sleep_time || hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME);
}

static int hypergraph_trace_entry(struct ftrace_graph_ent *trace, struct fgraph_ops *gops,
				  struct hypergraph_span *span)
{
	struct trace_array *tr = READ_ONCE(gops->private);
	struct hypergraph_frame *frame;
	bool counts_sleep;

	if (!tr)
		goto refuse;

	if (!hypergraph_is_on(tr)) {
		hypergraph_tell_off();
		goto refuse;
	}

	counts_sleep = hypergraph_counts_sleep(tr);
	frame = fgraph_reserve_data(gops->idx, counts_sleep ?
				    offsetof(struct hypergraph_frame, sleeptime) :
				    sizeof(*frame));
	if (!frame) {
		this_cpu_inc(hypergraph_stats.dropped);
		goto refuse;
	}

	frame->calltime = span->start;
	frame->overhead = span->overhead << HYPERGRAPH_FRAME_SHIFT;
	if (!counts_sleep)
		frame->sleeptime = current->ftrace_sleeptime;

	if (hypergraph_sends_entries(tr)) {
		frame->overhead |= HYPERGRAPH_FRAME_ANNOUNCED;
		if (hypergraph_tell_own(HYPERGRAPH_NR_ENTRY, trace->func, trace->depth, 0, 0))
			frame->overhead |= HYPERGRAPH_FRAME_LATE;
	}
	return 1;

refuse:
	ftrace_graph_addr_cancel(gops, trace);
	return 0;
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
	    hypergraph_ignore_irqs(gops)) {
		ftrace_graph_addr_cancel(gops, trace);
		return 0;
	}

	hypergraph_begin_span(&span, task_var);
	span.start -= hypergraph_entry_extra;
	ret = hypergraph_trace_entry(trace, gops, &span);
	hypergraph_end_span(&span);
	return ret;
}

/* Returns the frame if it was late. */
static struct hypergraph_frame *hypergraph_trace_return(struct ftrace_graph_ret *trace,
							struct fgraph_ops *gops,
							struct hypergraph_span *span)
{
	struct trace_array *tr = READ_ONCE(gops->private);
	struct hypergraph_frame *frame;
	bool announced;
	s64 duration;
	int size;

	frame = fgraph_retrieve_data(gops->idx, &size);
	if (!frame || !tr)
		return NULL;

	announced = frame->overhead & HYPERGRAPH_FRAME_ANNOUNCED;
	if (!hypergraph_is_on(tr)) {
		if (announced)
			hypergraph_withhold_return(span->task_var);
		else
			hypergraph_tell_off();
		return NULL;
	}

	duration = span->start - frame->calltime;
	duration -= span->overhead - (frame->overhead >> HYPERGRAPH_FRAME_SHIFT);
	if (size >= sizeof(*frame) && !hypergraph_counts_sleep(tr))
		duration -= current->ftrace_sleeptime - frame->sleeptime;
	duration = max(duration, 0);

	if (!announced && tracing_thresh && duration < tracing_thresh)
		return NULL;

	if (hypergraph_tell_own(HYPERGRAPH_NR_RETURN, trace->func, duration, trace->depth, 0)) {
		frame->overhead = span->overhead << HYPERGRAPH_FRAME_SHIFT | HYPERGRAPH_FRAME_LATE;
		return frame;
	}
	return unlikely(frame->overhead & HYPERGRAPH_FRAME_LATE) ? frame : NULL;
}

static noinline void hypergraph_return(struct ftrace_graph_ret *trace,
				       struct fgraph_ops *gops, struct ftrace_regs *fregs)
{
	unsigned long *task_var = fgraph_get_task_var(gops);
	struct hypergraph_frame *late = NULL;
	struct hypergraph_span span;

	hypergraph_begin_span(&span, task_var);
	ftrace_graph_addr_finish(gops, trace);
	if (*task_var & TRACE_GRAPH_NOTRACE)
		*task_var &= ~TRACE_GRAPH_NOTRACE;
	else
		late = hypergraph_trace_return(trace, gops, &span);
	hypergraph_end_span(&span);
	if (unlikely(late))
		hypergraph_resume_switch(late->overhead >> HYPERGRAPH_FRAME_SHIFT);
}

/* Called with interrupts disabled, on the stack of @prev. */
static void hypergraph_sched_switch(void *data, bool preempt,
				    struct task_struct *prev,
				    struct task_struct *next,
				    unsigned int prev_state)
{
	struct trace_array *tr = data;
	bool is_on = hypergraph_is_on(tr);
	struct hypergraph_span span;

	hypergraph_begin_span(&span, hypergraph_task_var());
	if (is_on && hypergraph_option(tr, HYPERGRAPH_SCHED))
		hypergraph_tell_switch(prev, next);
	else
		hypergraph_withhold_switch(prev, next, is_on);
	hypergraph_end_span(&span);
}

static void hypergraph_sched_process_exec(void *data, struct task_struct *task, pid_t old_pid,
					  struct linux_binprm *bprm)
{
	struct trace_array *tr = data;
	struct hypergraph_span span;
	bool is_on;

	hypergraph_begin_span(&span, hypergraph_task_var());
	is_on = hypergraph_is_on(tr);
	if (is_on && hypergraph_option(tr, HYPERGRAPH_SCHED))
		hypergraph_tell_who();
	else
		hypergraph_withhold_exec(is_on);
	hypergraph_end_span(&span);
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
static noinline u64 hypergraph_unaccounted(trace_func_graph_ent_t entryfunc,
					   trace_func_graph_ret_t retfunc)
{
	static struct fgraph_ops gops;	/* private: NULL */
	unsigned long *task_var = hypergraph_task_var();
	struct ftrace_graph_ent ent = { };
	struct ftrace_graph_ret ret = { };
	u64 start, overhead, time, least = U64_MAX;
	int batch, i;

	gops.idx = hypergraph_ops.idx;
	for (batch = 0; batch < HYPERGRAPH_CALIBRATION_BATCHES; batch++) {
		guard(irqsave)();
		/* Not ignored, as within a function of set_graph_function: it is less deep */
		if (ftrace_graph_ignore_func(&gops, &ent)) {
			ftrace_graph_set_depth(task_var, -1);
			*task_var |= TRACE_GRAPH_FL;
		}
		overhead = hypergraph_overhead(task_var);
		start = trace_clock_local();
		for (i = 0; i < HYPERGRAPH_CALIBRATION_CALLS; i++) {
			if (entryfunc)
				entryfunc(&ent, &gops, NULL);
			else
				retfunc(&ret, &gops, NULL);
		}
		time = trace_clock_local() - start;
		time -= hypergraph_overhead(task_var) - overhead;
		least = min(least, time);
		*task_var &= ~TRACE_GRAPH_FL;
	}
	return least;
}

/* By how much a callback takes more than one that does nothing, for each call */
static u64 hypergraph_per_call(u64 callback, u64 nothing)
{
	if (callback < nothing)
		return 0;
	return DIV_ROUND_CLOSEST_ULL(callback - nothing, HYPERGRAPH_CALIBRATION_CALLS);
}

static void hypergraph_calibrate(void)
{
	u64 of_entry, of_return;

	hypergraph_outside_span = 0;
	hypergraph_entry_extra = 0;
	if (!hypergraph_task_var())
		return;

	of_entry = hypergraph_per_call(hypergraph_unaccounted(hypergraph_entry, NULL),
				       hypergraph_unaccounted(hypergraph_no_entry, NULL));
	of_return = hypergraph_per_call(hypergraph_unaccounted(NULL, hypergraph_return),
					hypergraph_unaccounted(NULL, hypergraph_no_return));
	hypergraph_entry_extra = of_entry > of_return ? of_entry - of_return : 0;
	hypergraph_outside_span = of_return;
}

static void hypergraph_init_ops(struct trace_array *tr)
{
	/* Registering may have replaced the callback last time, for pids. */
	hypergraph_ops.entryfunc = hypergraph_entry;
	hypergraph_ops.retfunc = hypergraph_return;
	/* Nothing is traced until all is ready. */
	hypergraph_ops.private = NULL;
	fgraph_init_ops(&hypergraph_ops.ops, tr->ops);
}

static int hypergraph_register_probes(struct trace_array *tr)
{
	int ret;

	/* Before fgraph's own probe, where sleep begins if it is not counted. */
	ret = register_trace_prio_sched_switch(hypergraph_sched_switch, tr,
					       TRACEPOINT_DEFAULT_PRIO + 1);
	if (ret)
		return ret;

	ret = register_trace_sched_process_exec(hypergraph_sched_process_exec, tr);
	if (ret)
		unregister_trace_sched_switch(hypergraph_sched_switch, tr);
	return ret;
}

static void hypergraph_unregister_probes(struct trace_array *tr)
{
	unregister_trace_sched_process_exec(hypergraph_sched_process_exec, tr);
	unregister_trace_sched_switch(hypergraph_sched_switch, tr);
}

static int hypergraph_trace_init(struct trace_array *tr)
{
	int ret;

	lockdep_assert_held(&trace_types_lock);

	if (hypergraph_tr) {
		pr_warn_ratelimited("selected in another trace instance already\n");
		return -EBUSY;
	}

	hypergraph_init_ops(tr);
	if (!hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME))
		fgraph_no_sleep_time++;

	ret = register_ftrace_graph(&hypergraph_ops);
	if (ret)
		goto err_sleep_time;

	hypergraph_calibrate();
	hypergraph_open_channel(tr);

	ret = hypergraph_register_probes(tr);
	if (ret)
		goto err_channel;

	/* All else tells who runs here, so no switch may be missed from here on. */
	hypergraph_start_marks(tr);
	WRITE_ONCE(hypergraph_ops.private, tr);
	return 0;

err_channel:
	unregister_ftrace_graph(&hypergraph_ops);
	tracepoint_synchronize_unregister();
	hypergraph_close_channel();
err_sleep_time:
	if (!hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME))
		fgraph_no_sleep_time--;
	return ret;
}

/* When this returns, no CPU is in a callback and none will enter one. */
static void hypergraph_trace_reset(struct trace_array *tr)
{
	lockdep_assert_held(&trace_types_lock);

	if (!hypergraph_tr)
		return;

	hypergraph_stop_marks();
	/*
	 * Silence the callbacks before switches go unseen: they would take the last one that
	 * was seen for one under way, to a task that may not exist any more.
	 */
	WRITE_ONCE(hypergraph_ops.private, NULL);
	hypergraph_unregister_probes(tr);
	unregister_ftrace_graph(&hypergraph_ops);
	tracepoint_synchronize_unregister();
	/* The fgraph callbacks run with preemption disabled. */
	synchronize_rcu();
	hypergraph_close_channel();

	if (!hypergraph_option(tr, HYPERGRAPH_SLEEP_TIME))
		fgraph_no_sleep_time--;
}

static int hypergraph_set_flag(struct trace_array *tr, u32 old_flags, u32 bit, int set)
{
	lockdep_assert_held(&trace_types_lock);

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
/* Whether what the command line says lets the tracer trace any function */
static __init bool hypergraph_selftest_is_possible(struct trace_array *tr)
{
	return !ftrace_filter_param && !tracing_thresh && !fgraph_max_depth &&
	       ftrace_hash_empty(rcu_dereference_raw(ftrace_graph_hash)) &&
	       ftrace_hash_empty(rcu_dereference_raw(ftrace_graph_notrace_hash)) &&
	       hypergraph_is_on(tr);
}

static __init u64 hypergraph_sent_by_test_call(void)
{
	u64 before = hypergraph_sum_stats().sent;

	DYN_FTRACE_TEST_NAME();
	return hypergraph_sum_stats().sent - before;
}

/*
 * One traced call is an entry and a return, and when the tracer is left, nothing.  Hello and
 * who runs here come with these as often as the host asks for them, which it does by time.
 */
static __init int hypergraph_selftest(struct tracer *trace, struct trace_array *tr)
{
	char *func = __stringify(DYN_FTRACE_TEST_NAME);
	u64 traced = 0, after = 0;
	int ret;

	if (!hypergraph_selftest_is_possible(tr))
		return 0;

	tr->current_trace_flags->val &= ~HYPERGRAPH_SCHED;
	ftrace_set_global_filter(func, strlen(func), 1);
	ret = tracer_init(trace, tr);
	if (!ret) {
		scoped_guard(irqsave) {
			hypergraph_sent_by_test_call();
			traced = hypergraph_sent_by_test_call();
		}
		trace->reset(tr);
		after = hypergraph_sent_by_test_call();
		if (traced < 2 || after) {
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
	.no_buffer	 = true,
#ifdef CONFIG_FTRACE_STARTUP_TEST
	.selftest	 = hypergraph_selftest,
#endif
};

/*
 * A Linux that is KVM's guest may see Hyper-V or Xen, too.  Where KVM speaks their
 * hypercalls, it takes all of the guest's for these: Hyper-V's from when a system has
 * said which it is, which Linux does not do here but one that it came from by kexec may have.
 */
static __init bool hypergraph_other_hypercalls(void)
{
	u64 os_id;

	if (cpuid_base_hypervisor("XenVMMXenVMM", 2))
		return true;

	return cpuid_base_hypervisor("Microsoft Hv", 0) &&
	       !rdmsrq_safe(HV_X64_MSR_GUEST_OS_ID, &os_id) && os_id;
}

/* Why the tracer cannot work here, or NULL */
static __init const char *hypergraph_why_not(void)
{
	if (!hypervisor_is_type(X86_HYPER_KVM) || !kvm_para_available())
		return "this is no KVM guest, so that there is no host to send to";

	if (hypergraph_other_hypercalls())
		return "the host takes this guest's hypercalls for those of Hyper-V or Xen";

	/* Each hypercall would be an exception, in any context, NMIs among them. */
	if (cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT) ||
	    cpu_feature_enabled(X86_FEATURE_TDX_GUEST))
		return "the state of this guest is encrypted: what it calls is not for its host";

	return NULL;
}

/*
 * From trace_init(): the first point of boot with all that function graph tracing
 * needs, which is the idle task of the boot CPU and RCU.
 */
__init void init_hypergraph_trace(const char *wanted)
{
	const char *why_not = hypergraph_why_not();

	if (!why_not) {
		hypergraph_init_channel();
		hypergraph_init_marks();
		hypergraph_is_registered = !register_tracer(&hypergraph_tracer);
	} else if (wanted && !strcmp(wanted, hypergraph_tracer.name)) {
		pr_info("not available: %s\n", why_not);
	}
}
