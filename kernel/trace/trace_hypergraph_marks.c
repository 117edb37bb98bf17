// SPDX-License-Identifier: GPL-2.0
/*
 * What the hypergraph tracer sends besides calls: the levels of boot, how the
 * kernel ends, and what the user writes to hypergraph_marker.  Of these only the
 * last obeys tracing_on, as an oops turns that off.
 */
#define pr_fmt(fmt) "hypergraph: " fmt

#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/kexec.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/hypergraph.h>

#include <asm/reboot.h>

#include <trace/events/initcall.h>
#include <trace/events/sched.h>

#include "trace.h"
#include "trace_hypergraph.h"
#include "trace_hypergraph_channel.h"

/*
 * The instance that the tracer is selected in, or NULL.  Written with the lock held;
 * it does not change while a notifier of ours is registered.  machine_ops are not: what
 * they call reads it once.
 */
static struct trace_array *hypergraph_marks_tr;
static DEFINE_MUTEX(hypergraph_marks_lock);

bool hypergraph_muted;

/* Any context.  @len: in bytes, at most HYPERGRAPH_MARK_MAX. */
static void hypergraph_send_mark(unsigned int kind, const char *text, size_t len)
{
	unsigned long bytes[HYPERGRAPH_MARK_BYTES / sizeof(unsigned long)];
	unsigned long flags;
	size_t offset = 0;

	raw_local_irq_save(flags);
	do {
		size_t part = min(len - offset, sizeof(bytes));

		memset(bytes, 0, sizeof(bytes));
		memcpy(bytes, text + offset, part);
		hypergraph_send(HYPERGRAPH_NR_MARK, kind | len << 8 | (u64)offset << 32,
				bytes[0], bytes[1], bytes[2]);
		offset += part;
	} while (offset < len);
	raw_local_irq_restore(flags);
}

static void hypergraph_send_text(unsigned int kind, const char *text)
{
	hypergraph_send_mark(kind, text, min(strlen(text), HYPERGRAPH_MARK_MAX));
}

/* The levels of boot to be traced, from the command line: "fs,late", or all */
static char *hypergraph_boot_levels __ro_after_init;

static __init bool hypergraph_known_boot_level(const char *level)
{
	static const char * const known[] __initconst = {
		"console", "early", "pure", "core", "postcore", "arch",
		"subsys", "fs", "rootfs", "device", "late", "user",
	};

	return match_string(known, ARRAY_SIZE(known), level) >= 0;
}

static __init int hypergraph_set_boot_levels(char *str)
{
	static char levels[128] __ro_after_init;	/* all of them */
	char *level;

	while ((level = strsep(&str, ","))) {
		if (!hypergraph_known_boot_level(level)) {
			pr_warn("hypergraph_boot=: there is no boot level '%s'\n", level);
			continue;
		}
		if (hypergraph_boot_levels)
			strlcat(levels, ",", sizeof(levels));
		strlcat(levels, level, sizeof(levels));
		hypergraph_boot_levels = levels;
	}
	return 1;
}
__setup("hypergraph_boot=", hypergraph_set_boot_levels);

static void hypergraph_begin_boot_level(const char *level)
{
	if (hypergraph_boot_levels)
		WRITE_ONCE(hypergraph_muted,
			   !parse_option_str(hypergraph_boot_levels, level));
	hypergraph_send_text(HYPERGRAPH_MARK_BOOT, level);
}

static void hypergraph_on_initcall_level(void *data, const char *level)
{
	hypergraph_begin_boot_level(level);
}

/* The first function of the rootfs level, which is run as a part of the fs level */
static initcall_t hypergraph_first_of_rootfs __ro_after_init;

static void hypergraph_on_initcall_start(void *data, initcall_t func)
{
	if (func == hypergraph_first_of_rootfs)
		hypergraph_begin_boot_level("rootfs");
}

/* Boot ends where init's own program begins. */
static void hypergraph_on_exec(void *data, struct task_struct *task, pid_t old_pid,
			       struct linux_binprm *bprm)
{
	static bool done;

	if (is_global_init(task) && !done) {
		done = true;
		hypergraph_begin_boot_level("user");
	}
}

static bool hypergraph_boot_marks;

static void hypergraph_stop_boot_marks(void)
{
	if (!hypergraph_boot_marks)
		return;

	hypergraph_boot_marks = false;
	unregister_trace_sched_process_exec(hypergraph_on_exec, NULL);
	unregister_trace_initcall_start(hypergraph_on_initcall_start, NULL);
	unregister_trace_initcall_level(hypergraph_on_initcall_level, NULL);
	/* A probe that still runs may mute. */
	tracepoint_synchronize_unregister();
	WRITE_ONCE(hypergraph_muted, false);
}

static void hypergraph_start_boot_marks(void)
{
	if (register_trace_initcall_level(hypergraph_on_initcall_level, NULL))
		goto err;
	if (register_trace_initcall_start(hypergraph_on_initcall_start, NULL))
		goto err_level;
	if (register_trace_sched_process_exec(hypergraph_on_exec, NULL))
		goto err_start;

	hypergraph_boot_marks = true;
	WRITE_ONCE(hypergraph_muted, hypergraph_boot_levels);
	return;

err_start:
	unregister_trace_initcall_start(hypergraph_on_initcall_start, NULL);
err_level:
	unregister_trace_initcall_level(hypergraph_on_initcall_level, NULL);
err:
	pr_warn("no memory to tell the levels of boot apart\n");
}

/*
 * The open calls of @task on @cpu, innermost first, where the host does not know
 * them.  Those that only another tracer traces are among them.
 */
static void hypergraph_send_frames(struct task_struct *task, int cpu)
{
	struct ftrace_ret_stack *frame;
	int depth = 0;
	int i = 0;

	while (ftrace_graph_get_ret_stack(task, depth))
		depth++;

	while ((frame = ftrace_graph_get_ret_stack(task, i++)))
		hypergraph_send(HYPERGRAPH_NR_MARK, HYPERGRAPH_MARK_FRAME, frame->func,
				--depth, (u32)task->pid | (u64)cpu_physical_id(cpu) << 32);
}

static void hypergraph_send_own_frames(struct trace_array *tr)
{
	if (!hypergraph_sends_entries(tr) && current->ret_stack)
		hypergraph_send_frames(current, raw_smp_processor_id());
}

static int hypergraph_on_die(struct notifier_block *nb, unsigned long event, void *data)
{
	char text[HYPERGRAPH_MARK_MAX + 1];
	struct die_args *args = data;

	if (event != DIE_OOPS)
		return NOTIFY_DONE;

	scnprintf(text, sizeof(text), "%s at %pS", args->str,
		  (void *)instruction_pointer(args->regs));
	hypergraph_send_text(HYPERGRAPH_MARK_OOPS, text);
	hypergraph_send_own_frames(hypergraph_marks_tr);
	return NOTIFY_DONE;
}

static void hypergraph_send_idle_frames(int cpu)
{
	struct task_struct *idle = idle_task(cpu);

	if (idle && task_curr(idle) && idle->ret_stack)
		hypergraph_send_frames(idle, cpu);
}

/* No other CPU runs any more. */
static void hypergraph_send_open_calls(void)
{
	struct task_struct *group, *task;
	int cpu;

	if (hypergraph_sends_entries(hypergraph_marks_tr))
		return;

	guard(rcu)();
	for_each_process_thread(group, task)
		if (task_curr(task) && task->ret_stack)
			hypergraph_send_frames(task, task_cpu(task));
	/* The others are offline by now. */
	for_each_possible_cpu(cpu)
		hypergraph_send_idle_frames(cpu);
}

static bool hypergraph_panicked;

static int hypergraph_on_panic(struct notifier_block *nb, unsigned long event, void *text)
{
	hypergraph_panicked = true;
	hypergraph_send_text(HYPERGRAPH_MARK_PANIC, text);
	hypergraph_send_open_calls();
	return NOTIFY_DONE;
}

static int hypergraph_on_reboot(struct notifier_block *nb, unsigned long action, void *cmd)
{
	switch (action) {
	case SYS_RESTART:
		hypergraph_send_text(HYPERGRAPH_MARK_REBOOT, "restart");
		break;
	case SYS_HALT:
		hypergraph_send_text(HYPERGRAPH_MARK_REBOOT, "halt");
		break;
	case SYS_POWER_OFF:
		hypergraph_send_text(HYPERGRAPH_MARK_REBOOT, "power-off");
		break;
	}
	return NOTIFY_DONE;
}

/* What the machine does where these are told of, too */
static struct machine_ops hypergraph_machine_ops __ro_after_init;

/*
 * Another kernel begins without a reset: what ran here runs no more.  No other CPU is left to
 * send anything after that.
 */
static void hypergraph_on_shutdown(void)
{
	if (kexec_in_progress)
		WRITE_ONCE(hypergraph_muted, true);
	hypergraph_machine_ops.shutdown();
	if (kexec_in_progress && hypergraph_marks_tr)
		hypergraph_tell_off_all();
}

/*
 * The same after a crash, of which no panic notifier may have heard.  What is damaged is not
 * known, and the dump comes first: of tasks this looks at the current one only.  Interrupts are
 * disabled, so that hypergraph_trace_reset() waits for the end of it.
 */
static void hypergraph_on_crash_shutdown(struct pt_regs *regs)
{
	struct trace_array *tr = READ_ONCE(hypergraph_marks_tr);

	if (tr && !hypergraph_panicked) {
		hypergraph_send_text(HYPERGRAPH_MARK_PANIC, "kdump");
		hypergraph_send_own_frames(tr);
	}
	WRITE_ONCE(hypergraph_muted, true);
	hypergraph_machine_ops.crash_shutdown(regs);
	if (tr)
		hypergraph_tell_off_all();
}

__init void hypergraph_init_marks(void)
{
	/* There is one in every kernel: it fills rootfs. */
	hypergraph_first_of_rootfs = initcall_from_entry(__initcallrootfs_start);

	hypergraph_machine_ops = machine_ops;
	machine_ops.shutdown = hypergraph_on_shutdown;
	if (machine_ops.crash_shutdown)
		machine_ops.crash_shutdown = hypergraph_on_crash_shutdown;
}

/* First, as the others may hang. */
static struct notifier_block hypergraph_die_nb = {
	.notifier_call	= hypergraph_on_die,
	.priority	= INT_MAX,
};

static struct notifier_block hypergraph_panic_nb = {
	.notifier_call	= hypergraph_on_panic,
	.priority	= INT_MAX,
};

static struct notifier_block hypergraph_reboot_nb = {
	.notifier_call	= hypergraph_on_reboot,
	.priority	= INT_MAX,
};

static void hypergraph_set_marks_tr(struct trace_array *tr)
{
	guard(mutex)(&hypergraph_marks_lock);
	WRITE_ONCE(hypergraph_marks_tr, tr);
}

void hypergraph_start_marks(struct trace_array *tr)
{
	lockdep_assert_held(&trace_types_lock);

	hypergraph_set_marks_tr(tr);
	if (system_state < SYSTEM_RUNNING)
		hypergraph_start_boot_marks();
	register_die_notifier(&hypergraph_die_nb);
	atomic_notifier_chain_register(&panic_notifier_list, &hypergraph_panic_nb);
	register_reboot_notifier(&hypergraph_reboot_nb);
}

void hypergraph_stop_marks(void)
{
	lockdep_assert_held(&trace_types_lock);

	unregister_reboot_notifier(&hypergraph_reboot_nb);
	atomic_notifier_chain_unregister(&panic_notifier_list, &hypergraph_panic_nb);
	unregister_die_notifier(&hypergraph_die_nb);
	hypergraph_stop_boot_marks();
	hypergraph_set_marks_tr(NULL);
}

static ssize_t hypergraph_marker_write(struct file *filp, const char __user *ubuf,
				       size_t count, loff_t *ppos)
{
	char text[HYPERGRAPH_MARK_MAX + 1];
	size_t len = count;

	if (count > sizeof(text))
		return -EMSGSIZE;
	if (copy_from_user(text, ubuf, count))
		return -EFAULT;
	if (len && text[len - 1] == '\n')
		len--;
	if (len > HYPERGRAPH_MARK_MAX)
		return -EMSGSIZE;
	if (memchr(text, '\0', len))
		return -EINVAL;

	guard(mutex)(&hypergraph_marks_lock);
	guard(preempt)();
	if (!hypergraph_marks_tr || !hypergraph_is_on(hypergraph_marks_tr))
		return -EBADF;
	if (!(hypergraph_marks_tr->trace_flags & TRACE_ITER(MARKERS)))
		return -EINVAL;

	hypergraph_send_mark(HYPERGRAPH_MARK_USER, text, len);
	return count;
}

static const struct file_operations hypergraph_marker_fops = {
	.open	= tracing_open_generic,
	.write	= hypergraph_marker_write,
};

static __init int hypergraph_init_marker(void)
{
	if (!hypergraph_is_registered || tracing_init_dentry())
		return 0;

	trace_create_file("hypergraph_marker", 0220, NULL, NULL, &hypergraph_marker_fops);
	return 0;
}
fs_initcall(hypergraph_init_marker);
