// SPDX-License-Identifier: GPL-2.0
/*
 * What the hypergraph tracer sends besides calls: the levels of boot, how the
 * kernel ends, and what the user writes to hypergraph_marker.  Of these only the
 * last obeys tracing_on, as an oops turns that off.
 */
#define pr_fmt(fmt) "hypergraph: " fmt

#include <linux/init.h>
#include <linux/kdebug.h>
#include <linux/panic_notifier.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <uapi/linux/hypergraph.h>

#include <trace/events/initcall.h>
#include <trace/events/sched.h>

#include "trace.h"
#include "trace_hypergraph.h"

/* The instance that the tracer is selected in, or NULL */
static struct trace_array *marks_tr;
static DEFINE_MUTEX(marks_lock);

/* Any context.  @len: in bytes, at most HYPERGRAPH_MARK_MAX. */
static void send_mark(unsigned int kind, const char *text, size_t len)
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

static void send_text(unsigned int kind, const char *text)
{
	send_mark(kind, text, min(strlen(text), HYPERGRAPH_MARK_MAX));
}

/* The levels of boot to be traced, from the command line: "fs,late", or all */
static char *boot_levels __ro_after_init;
static bool boot_muted;

static __init bool known_boot_level(const char *level)
{
	static const char * const known[] __initconst = {
		"console", "early", "pure", "core", "postcore", "arch",
		"subsys", "fs", "rootfs", "device", "late", "user",
	};

	return match_string(known, ARRAY_SIZE(known), level) >= 0;
}

static __init int set_boot_levels(char *str)
{
	static char levels[128] __ro_after_init;	/* all of them */
	char *level;

	while ((level = strsep(&str, ","))) {
		if (!known_boot_level(level)) {
			pr_warn("hypergraph_boot=: there is no boot level '%s'\n", level);
			continue;
		}
		if (boot_levels)
			strlcat(levels, ",", sizeof(levels));
		strlcat(levels, level, sizeof(levels));
		boot_levels = levels;
	}
	return 1;
}
__setup("hypergraph_boot=", set_boot_levels);

/* True in a boot level that is not to be traced.  Any context. */
bool hypergraph_is_muted(void)
{
	return READ_ONCE(boot_muted);
}

static void begin_boot_level(const char *level)
{
	if (boot_levels)
		WRITE_ONCE(boot_muted, !parse_option_str(boot_levels, level));
	send_text(HYPERGRAPH_MARK_BOOT, level);
}

static void on_initcall_level(void *data, const char *level)
{
	begin_boot_level(level);
}

/* The first function of the rootfs level, which is run as a part of the fs level */
static initcall_t first_of_rootfs __ro_after_init;

__init void hypergraph_init_marks(void)
{
	/* There is one in every kernel: it fills rootfs. */
	first_of_rootfs = initcall_from_entry(__initcallrootfs_start);
}

static void on_initcall_start(void *data, initcall_t func)
{
	if (func == first_of_rootfs)
		begin_boot_level("rootfs");
}

/* Boot ends where init's own program begins. */
static void on_exec(void *data, struct task_struct *task, pid_t old_pid,
		    struct linux_binprm *bprm)
{
	static bool done;

	if (is_global_init(task) && !done) {
		done = true;
		begin_boot_level("user");
	}
}

static bool boot_marks;

static void stop_boot_marks(void)
{
	if (!boot_marks)
		return;

	boot_marks = false;
	unregister_trace_sched_process_exec(on_exec, NULL);
	unregister_trace_initcall_start(on_initcall_start, NULL);
	unregister_trace_initcall_level(on_initcall_level, NULL);
	WRITE_ONCE(boot_muted, false);
}

static void start_boot_marks(void)
{
	if (register_trace_initcall_level(on_initcall_level, NULL))
		goto err;
	if (register_trace_initcall_start(on_initcall_start, NULL))
		goto err_level;
	if (register_trace_sched_process_exec(on_exec, NULL))
		goto err_start;

	boot_marks = true;
	WRITE_ONCE(boot_muted, boot_levels);
	return;

err_start:
	unregister_trace_initcall_start(on_initcall_start, NULL);
err_level:
	unregister_trace_initcall_level(on_initcall_level, NULL);
err:
	pr_warn("no memory to tell the levels of boot apart\n");
}

/*
 * The open calls of @task on @cpu, innermost first, where the host does not know
 * them.  Those that only another tracer traces are among them.
 */
static void send_frames(struct task_struct *task, int cpu)
{
	struct ftrace_ret_stack *frame;
	int depth = 0;
	int i = 0;

	while (ftrace_graph_get_ret_stack(task, depth))
		depth++;

	while ((frame = ftrace_graph_get_ret_stack(task, i++)))
		hypergraph_send(HYPERGRAPH_NR_MARK, HYPERGRAPH_MARK_FRAME, frame->func,
				--depth, (u32)task->pid | (u64)cpu << 32);
}

static int on_die(struct notifier_block *nb, unsigned long event, void *data)
{
	char text[HYPERGRAPH_MARK_MAX + 1];
	struct die_args *args = data;

	if (event != DIE_OOPS)
		return NOTIFY_DONE;

	scnprintf(text, sizeof(text), "%s at %pS", args->str,
		  (void *)instruction_pointer(args->regs));
	send_text(HYPERGRAPH_MARK_OOPS, text);
	if (!hypergraph_sends_entries() && current->ret_stack)
		send_frames(current, raw_smp_processor_id());
	return NOTIFY_DONE;
}

/* No other CPU runs any more. */
static int on_panic(struct notifier_block *nb, unsigned long event, void *text)
{
	struct task_struct *group, *task;
	int cpu;

	send_text(HYPERGRAPH_MARK_PANIC, text);
	if (hypergraph_sends_entries())
		return NOTIFY_DONE;

	guard(rcu)();
	for_each_process_thread(group, task)
		if (task_curr(task) && task->ret_stack)
			send_frames(task, task_cpu(task));
	for_each_online_cpu(cpu)
		if (task_curr(idle_task(cpu)) && idle_task(cpu)->ret_stack)
			send_frames(idle_task(cpu), cpu);
	return NOTIFY_DONE;
}

static int on_reboot(struct notifier_block *nb, unsigned long action, void *cmd)
{
	switch (action) {
	case SYS_RESTART:
		send_text(HYPERGRAPH_MARK_REBOOT, "restart");
		break;
	case SYS_HALT:
		send_text(HYPERGRAPH_MARK_REBOOT, "halt");
		break;
	case SYS_POWER_OFF:
		send_text(HYPERGRAPH_MARK_REBOOT, "power-off");
		break;
	}
	return NOTIFY_DONE;
}

/* First, as the others may hang. */
static struct notifier_block die_nb = { .notifier_call = on_die, .priority = INT_MAX };
static struct notifier_block panic_nb = { .notifier_call = on_panic, .priority = INT_MAX };
static struct notifier_block reboot_nb = { .notifier_call = on_reboot, .priority = INT_MAX };

/* Called when the tracer is selected in @tr, with trace_types_lock held. */
void hypergraph_start_marks(struct trace_array *tr)
{
	if (system_state < SYSTEM_RUNNING)
		start_boot_marks();
	register_die_notifier(&die_nb);
	atomic_notifier_chain_register(&panic_notifier_list, &panic_nb);
	register_reboot_notifier(&reboot_nb);

	guard(mutex)(&marks_lock);
	marks_tr = tr;
}

/* Called when the tracer is left, with trace_types_lock held. */
void hypergraph_stop_marks(void)
{
	scoped_guard(mutex, &marks_lock)
		marks_tr = NULL;

	unregister_reboot_notifier(&reboot_nb);
	atomic_notifier_chain_unregister(&panic_notifier_list, &panic_nb);
	unregister_die_notifier(&die_nb);
	stop_boot_marks();
}

static ssize_t marker_write(struct file *filp, const char __user *ubuf,
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

	guard(mutex)(&marks_lock);
	guard(preempt)();
	if (!marks_tr || !hypergraph_is_on(marks_tr))
		return -EBADF;

	send_mark(HYPERGRAPH_MARK_USER, text, len);
	return count;
}

static const struct file_operations marker_fops = {
	.open	= tracing_open_generic,
	.write	= marker_write,
};

static __init int init_marker(void)
{
	if (tracing_init_dentry())
		return 0;

	trace_create_file("hypergraph_marker", 0220, NULL, NULL, &marker_fops);
	return 0;
}
fs_initcall(init_marker);
