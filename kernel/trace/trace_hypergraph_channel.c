// SPDX-License-Identifier: GPL-2.0
/*
 * How an event of the hypergraph tracer reaches the host: as one hypercall.  What
 * each traced call needs of it is inline in trace_hypergraph_channel.h.
 */
#include <linux/buildid.h>
#include <linux/cpumask.h>
#include <linux/ftrace.h>
#include <linux/random.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/hypergraph.h>

#include <asm/sections.h>
#include <asm/tsc.h>

#include "trace.h"
#include "trace_hypergraph.h"
#include "trace_hypergraph_channel.h"

struct trace_array *hypergraph_tr;
DEFINE_PER_CPU(struct hypergraph_stats, hypergraph_stats);
DEFINE_PER_CPU(struct task_struct *, hypergraph_told);
u64 hypergraph_outside_span;
struct fgraph_ops hypergraph_ops;

/* The task that this CPU switches to or has last switched to, or NULL if not known */
static DEFINE_PER_CPU(struct task_struct *, hypergraph_next);

/*
 * The task that this CPU has switched to or told of last, and its pid then.  A thread that
 * execs takes its leader's pid, and that takes its, long before sched_process_exec.
 */
static DEFINE_PER_CPU(struct task_struct *, hypergraph_named);
static DEFINE_PER_CPU(pid_t, hypergraph_named_pid);

/* The host was told who runs here for the next event only. */
static DEFINE_PER_CPU(bool, hypergraph_told_once);

/*
 * The host may think that a task lives which has ended, or that a call is open which
 * has returned.
 */
static bool hypergraph_withheld;

static u64 hypergraph_boot_number __ro_after_init;

unsigned long *hypergraph_task_var(void)
{
	return fgraph_get_task_var_of(&hypergraph_ops, current);
}

/* An event with which the host may do what it likes */
static void hypergraph_tell_unasked(unsigned int nr, unsigned long a0, unsigned long a1,
				    unsigned long a2, unsigned long a3)
{
	this_cpu_inc(hypergraph_stats.sent);
	if (hypergraph_hypercall(nr, a0, a1, a2, a3))
		this_cpu_inc(hypergraph_stats.unheard);
}

static void hypergraph_tell_hello(void)
{
	u64 version[HYPERGRAPH_HELLO_PARTS] = { HYPERGRAPH_VERSION, HYPERGRAPH_VERSION | 1 << 16 };
	u64 id[3] = { };

	memcpy(id, vmlinux_build_id, HYPERGRAPH_BUILD_ID_BYTES);
	hypergraph_tell_unasked(HYPERGRAPH_NR_HELLO,
				version[0] | (u64)num_online_cpus() << 32,
				(unsigned long)_stext,
				tsc_khz | (u64)HYPERGRAPH_CHANNEL_HYPERCALL << 32,
				hypergraph_boot_number);
	hypergraph_tell_unasked(HYPERGRAPH_NR_HELLO, version[1] | id[2] << 32, id[0], id[1],
				hypergraph_boot_number);
}

/* What the host has to know of the task's calls when it is told of the task */
static u64 hypergraph_stale_calls(struct task_struct *task)
{
	unsigned long *task_var = fgraph_get_task_var_of(&hypergraph_ops, task);

	if (!task_var || *task_var & HYPERGRAPH_KNOWN)
		return 0;

	return READ_ONCE(hypergraph_withheld) ? HYPERGRAPH_SCHED_STALE : 0;
}

/*
 * The host was told of the task.  An NMI that came before that has told it the same, and
 * one that comes now adds to the current task's variable: the bit is set in one instruction.
 */
static void hypergraph_learn_calls(struct task_struct *task)
{
	unsigned long *task_var = fgraph_get_task_var_of(&hypergraph_ops, task);

	if (task_var)
		__set_bit(HYPERGRAPH_KNOWN_BIT, task_var);
}

/*
 * The host does not know any more which calls of the current task are open.  An NMI may
 * add to @task_var: the bit is cleared in one instruction.
 */
static void hypergraph_forget_calls(unsigned long *task_var)
{
	if (task_var)
		__clear_bit(HYPERGRAPH_KNOWN_BIT, task_var);
	WRITE_ONCE(hypergraph_withheld, true);
}

/* An NMI that comes before the end of it does not find one task with the pid of another. */
static void hypergraph_name(struct task_struct *task, pid_t pid)
{
	this_cpu_write(hypergraph_named, NULL);
	this_cpu_write(hypergraph_named_pid, pid);
	this_cpu_write(hypergraph_named, task);
}

/* The pid that @task had when this CPU last named it */
static pid_t hypergraph_old_pid(struct task_struct *task)
{
	if (this_cpu_read(hypergraph_named) == task)
		return this_cpu_read(hypergraph_named_pid);
	return task->pid;
}

/* A leader that has ended keeps the pid by which the host knows it. */
static pid_t hypergraph_pid(struct task_struct *task)
{
	return READ_ONCE(task->exit_state) ? hypergraph_old_pid(task) : task->pid;
}

/* Whether the current task is a thread that has taken its leader's pid since it was named */
static bool hypergraph_has_new_pid(void)
{
	return hypergraph_pid(current) != hypergraph_old_pid(current);
}

/* The registers of a task switch */
struct hypergraph_switch {
	unsigned long	a0, a1, comm[TASK_COMM_LEN / sizeof(unsigned long)];
};

static struct hypergraph_switch hypergraph_switch(pid_t prev, struct task_struct *next,
						  u64 flags)
{
	struct hypergraph_switch regs = {
		.a0 = (u32)prev | flags,
		.a1 = (u32)hypergraph_pid(next) | hypergraph_stale_calls(next),
	};

	memcpy(regs.comm, next->comm, sizeof(regs.comm));
	return regs;
}

/* By its new pid the host knows nothing of the task's calls, and by the old one it is no more. */
static struct hypergraph_switch hypergraph_who(void)
{
	bool once = !hypergraph_option(hypergraph_tr, HYPERGRAPH_SCHED);
	pid_t pid = hypergraph_pid(current), old_pid = pid;
	u64 flags = once ? HYPERGRAPH_SCHED_UNTOLD : 0;

	if (hypergraph_has_new_pid()) {
		hypergraph_forget_calls(hypergraph_task_var());
		if (!once) {
			old_pid = hypergraph_old_pid(current);
			flags = HYPERGRAPH_SCHED_GONE;
		}
	}
	this_cpu_write(hypergraph_told_once, once);
	hypergraph_name(current, pid);
	return hypergraph_switch(old_pid, current, flags);
}

/* An NMI that comes before the end of it tells who runs here, too. */
bool hypergraph_tell_who(void)
{
	struct hypergraph_switch who = hypergraph_who();

	this_cpu_write(hypergraph_told, NULL);
	if (!hypergraph_tell(HYPERGRAPH_NR_SCHED_SWITCH, who.a0, who.a1, who.comm[1], who.comm[0]))
		return false;

	hypergraph_learn_calls(current);
	this_cpu_write(hypergraph_told, current);
	return true;
}

bool hypergraph_tell_introduced(unsigned int nr, unsigned long a0, unsigned long a1,
				unsigned long a2, unsigned long a3)
{
	struct task_struct *next = this_cpu_read(hypergraph_next);

	/* The host would take the event for another task's: it counts, but is not sent. */
	if (!hypergraph_tell_who()) {
		this_cpu_inc(hypergraph_stats.sent);
		this_cpu_inc(hypergraph_stats.unheard);
		return false;
	}
	hypergraph_tell(nr, a0, a1, a2, a3);
	return next && next != current;
}

/*
 * Say hello and, if the host was told who runs here, tell it that again.  Returns
 * HYPERGRAPH_SAY_HELLO if the host has asked once more meanwhile, else 0.
 */
static long hypergraph_introduce(struct task_struct *told)
{
	struct hypergraph_switch who;
	long answer;

	/* An NMI that comes after hello tells who runs here before anything else. */
	this_cpu_write(hypergraph_told, NULL);
	hypergraph_tell_hello();
	if (!told)
		return 0;

	who = hypergraph_who();
	answer = hypergraph_hypercall(HYPERGRAPH_NR_SCHED_SWITCH, who.a0, who.a1,
				      who.comm[1], who.comm[0]);
	if (answer == HYPERGRAPH_SAY_HELLO)
		return answer;

	this_cpu_inc(hypergraph_stats.sent);
	if (answer)
		this_cpu_inc(hypergraph_stats.unheard);
	hypergraph_learn_calls(current);
	this_cpu_write(hypergraph_told, told);
	return 0;
}

/*
 * The host asks again at once if it has not run this vCPU for long since it last asked, or
 * if a recording has begun.  That is rare: what asks more often is no such host.
 */
#define HYPERGRAPH_HELLOS	4

/* The host gets the hello that it asked for last, but not the event: that may have been any. */
static void hypergraph_give_up(void)
{
	this_cpu_write(hypergraph_told, NULL);
	hypergraph_tell_hello();
	hypergraph_forget_calls(hypergraph_task_var());
	/* An NMI may have told who runs here, but not that the event is missing. */
	this_cpu_write(hypergraph_told, NULL);
}

bool hypergraph_not_taken(long answer, unsigned int nr, unsigned long a0,
			  unsigned long a1, unsigned long a2, unsigned long a3)
{
	struct task_struct *told = this_cpu_read(hypergraph_told);
	int i;

	for (i = 0; answer == HYPERGRAPH_SAY_HELLO && i < HYPERGRAPH_HELLOS; i++) {
		answer = hypergraph_introduce(told);
		if (!answer)
			answer = hypergraph_hypercall(nr, a0, a1, a2, a3);
	}
	if (answer)
		this_cpu_inc(hypergraph_stats.unheard);
	if (answer != HYPERGRAPH_SAY_HELLO)
		return true;

	hypergraph_give_up();
	return false;
}

/*
 * An NMI that comes before the host hears of it finds another task told than current,
 * as it should: that tells who runs here, and of the switch.
 */
void hypergraph_tell_switch(struct task_struct *prev, struct task_struct *next)
{
	bool gone = READ_ONCE(prev->__state) == TASK_DEAD;
	struct hypergraph_switch regs;

	if (hypergraph_has_new_pid())
		hypergraph_tell_who();

	regs = hypergraph_switch(hypergraph_pid(prev), next, gone ? HYPERGRAPH_SCHED_GONE : 0);
	this_cpu_write(hypergraph_next, next);
	this_cpu_write(hypergraph_told_once, false);
	this_cpu_write(hypergraph_told, next);
	if (hypergraph_tell(HYPERGRAPH_NR_SCHED_SWITCH, regs.a0, regs.a1,
			    regs.comm[1], regs.comm[0]))
		hypergraph_learn_calls(next);
	hypergraph_name(next, regs.a1);
}

void hypergraph_withhold_exec(bool is_on)
{
	if (is_on)
		this_cpu_write(hypergraph_told, NULL);
	else
		hypergraph_tell_off();
}

void hypergraph_tell_off(void)
{
	if (!this_cpu_read(hypergraph_told))
		return;

	this_cpu_write(hypergraph_told, NULL);
	hypergraph_tell(HYPERGRAPH_NR_OFF, HYPERGRAPH_OFF_VCPU, hypergraph_boot_number, 0, 0);
	/* An NMI may have told who runs here before that, if tracing was turned on again. */
	this_cpu_write(hypergraph_told, NULL);
}

void hypergraph_withhold_return(unsigned long *task_var)
{
	hypergraph_forget_calls(task_var);
	hypergraph_tell_off();
}

void hypergraph_withhold_switch(struct task_struct *prev, struct task_struct *next, bool is_on)
{
	unsigned long *task_var = fgraph_get_task_var_of(&hypergraph_ops, prev);

	if (hypergraph_has_new_pid())
		hypergraph_forget_calls(task_var);

	this_cpu_write(hypergraph_next, next);
	hypergraph_name(next, next->pid);
	if (READ_ONCE(prev->__state) == TASK_DEAD && task_var && *task_var & HYPERGRAPH_KNOWN)
		WRITE_ONCE(hypergraph_withheld, true);

	if (is_on && this_cpu_read(hypergraph_told_once))
		this_cpu_write(hypergraph_told, NULL);
	else
		hypergraph_tell_off();
}

/*
 * fgraph ended the task's time and began the next one's when the first switch was told,
 * but here the task's calls went on.  What they took of it is this tracer's, and is so
 * no part of its sleep, but of the next one's.
 */
static void hypergraph_prolong_sleep(struct task_struct *next, u64 overhead)
{
	unsigned long *task_var = hypergraph_task_var();
	u64 late = task_var ? hypergraph_overhead(task_var) - overhead : 0;

	if (!fgraph_no_sleep_time)
		return;

	current->ftrace_timestamp += late;
	next->ftrace_sleeptime += late;
}

void hypergraph_resume_switch(u64 overhead)
{
	struct task_struct *next = this_cpu_read(hypergraph_next);
	struct hypergraph_span span;

	hypergraph_begin_span(&span, hypergraph_task_var());
	if (hypergraph_option(hypergraph_tr, HYPERGRAPH_SCHED))
		hypergraph_tell_switch(current, next);
	else
		hypergraph_withhold_switch(current, next, true);
	hypergraph_end_span(&span);
	hypergraph_prolong_sleep(next, overhead);
}

/**
 * hypergraph_send - send one event of the current task to the host
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
	bool late;

	hypergraph_begin_span(&span, hypergraph_task_var());
	late = hypergraph_tell_own(nr, a0, a1, a2, a3);
	hypergraph_end_span(&span);
	if (late)
		hypergraph_resume_switch(span.overhead);
}

/* ftrace_graph_overruns() when the channel was opened, and when it was closed */
static unsigned long hypergraph_first_overrun;
static unsigned long hypergraph_last_overrun;

static void hypergraph_reset_cpu(int cpu)
{
	memset(per_cpu_ptr(&hypergraph_stats, cpu), 0, sizeof(struct hypergraph_stats));
	per_cpu(hypergraph_told, cpu) = NULL;
	per_cpu(hypergraph_next, cpu) = NULL;
	per_cpu(hypergraph_named, cpu) = NULL;
}

void hypergraph_open_channel(struct trace_array *tr)
{
	int cpu;

	lockdep_assert_held(&trace_types_lock);

	for_each_possible_cpu(cpu)
		hypergraph_reset_cpu(cpu);
	hypergraph_withheld = false;
	hypergraph_first_overrun = ftrace_graph_overruns();
	hypergraph_tr = tr;

	scoped_guard(irqsave)
		hypergraph_tell_hello();
}

void hypergraph_tell_off_all(void)
{
	guard(irqsave)();
	this_cpu_write(hypergraph_told, NULL);
	hypergraph_tell(HYPERGRAPH_NR_OFF, HYPERGRAPH_OFF_ALL, hypergraph_boot_number, 0, 0);
}

void hypergraph_close_channel(void)
{
	lockdep_assert_held(&trace_types_lock);

	hypergraph_tell_off_all();
	hypergraph_last_overrun = ftrace_graph_overruns();
	hypergraph_tr = NULL;
}

__init void hypergraph_init_channel(void)
{
	hypergraph_boot_number = get_random_u64();
}

struct hypergraph_stats hypergraph_sum_stats(void)
{
	struct hypergraph_stats sum = { };
	int cpu;

	lockdep_assert_held(&trace_types_lock);

	sum.dropped = hypergraph_tr ? ftrace_graph_overruns() : hypergraph_last_overrun;
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
	if (!hypergraph_is_registered || tracing_init_dentry())
		return 0;

	trace_create_file("hypergraph_stats", TRACE_MODE_READ, NULL, NULL,
			  &hypergraph_stats_fops);
	return 0;
}
fs_initcall(hypergraph_init_stats);
