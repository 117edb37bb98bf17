// SPDX-License-Identifier: GPL-2.0
/* What the formats share */
#include "export/format.h"

/* No task has such a pid. */
#define PID_UNKNOWN	0x40000000
#define PID_UNTRACED	0x60000000
#define PIDS		0x20000000

__s32 format_pid(const struct task *task, __u32 cpu)
{
	if (task_is_known(task))
		return task->pid;
	return (task->pid == TASK_UNKNOWN ? PID_UNKNOWN : PID_UNTRACED) + cpu % PIDS;
}
