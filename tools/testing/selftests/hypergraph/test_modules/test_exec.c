// SPDX-License-Identifier: GPL-2.0
/*
 * While this is loaded, a leader of threads that ends as another of them execs runs until that
 * has taken its pid. They have to be on different CPUs.
 */
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/sched/signal.h>

static int test_exec_wait(struct kprobe *kp, struct pt_regs *regs)
{
	pid_t pid = READ_ONCE(current->pid);

	if (!thread_group_leader(current))
		return 0;

	while (READ_ONCE(current->signal->group_exec_task) && READ_ONCE(current->pid) == pid)
		cpu_relax();
	return 0;
}

static struct kprobe test_exec_probe = {
	.symbol_name	= "do_task_dead",
	.pre_handler	= test_exec_wait,
};

static int __init test_exec_init(void)
{
	return register_kprobe(&test_exec_probe);
}
module_init(test_exec_init);

static void __exit test_exec_exit(void)
{
	unregister_kprobe(&test_exec_probe);
}
module_exit(test_exec_exit);

MODULE_DESCRIPTION("Leaders that run while a thread of theirs execs, for tests");
MODULE_LICENSE("GPL");
