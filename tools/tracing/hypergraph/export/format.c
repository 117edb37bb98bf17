// SPDX-License-Identifier: GPL-2.0
/* What the formats share */
#include "export/format.h"

/* No task has such a pid. */
#define PID_UNKNOWN	0x40000000
#define PID_UNTRACED	0x60000000

/* Those that a nested guest's kernel gives them are not known. */
#define NESTED_CPU	0x10000

__u32 format_cpu(const struct vcpu *v)
{
	return (v->guest->nested ? NESTED_CPU : 0) + vcpu_number(v);
}

__s32 format_pid(const struct task *task)
{
	if (task_is_known(task))
		return task->pid;
	return (task->pid == TASK_UNKNOWN ? PID_UNKNOWN : PID_UNTRACED) + format_cpu(task->vcpu);
}

const char *format_comm(const struct task *task)
{
	static const char unnamed[sizeof(task->comm)] = "<...>";

	return *task->comm ? task->comm : unnamed;
}

__u32 format_state(const struct task *prev)
{
	/* An idle task never sleeps. */
	if (!prev->pid)
		return STATE_RUNNING;
	return prev->gone ? STATE_DEAD : STATE_UNKNOWN;
}
