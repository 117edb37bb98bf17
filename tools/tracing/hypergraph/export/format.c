// SPDX-License-Identifier: GPL-2.0
/* What the formats share */
#include "export/format.h"

/* No task has such a pid. */
#define PID_UNKNOWN	0x40000000

__s32 format_pid(const struct task *task, __u32 cpu)
{
	return task->pid == TASK_UNKNOWN ? (__s32)(PID_UNKNOWN + cpu % PID_UNKNOWN) : task->pid;
}
