/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The nouns of the call graph: guests have tasks, which run on vCPUs and are in functions.
 * The call graph makes and changes them, commands read them and hang their own at priv.
 */
#ifndef HYPERGRAPH_GUEST_H
#define HYPERGRAPH_GUEST_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

#include "graph/marks.h"
#include "input/event.h"
#include "util/map.h"

#define TASK_UNKNOWN	(-1)	/* pid of a vCPU's task before its first sched_switch */

#define NOT_SEEN	(~0U)	/* in place of a depth */

/*
 * A guest has a kernel and tasks of its own. It is a VM, but of those nested in one each
 * vCPU counts as a guest, as nothing tells which of them belong together.
 */
struct guest {
	__u64 key;		/* guest_key() */
	__u32 vm;		/* pid of the VMM */
	bool nested;		/* in that VM */
	bool known;		/* It has sent something, and callgraph_ops.guest_new() told it. */
	unsigned int nested_nr;	/* number among the nested ones, in order of appearance */
	struct map tasks;	/* by task_key(), idle and unknown ones too */
	void *priv;		/* the command's own */
};

/* A nested vCPU runs on vCPUs of the VM, but shares nothing with them. */
struct vcpu {
	struct guest *guest;
	__u32 id;		/* as in struct event */
	struct task *current;
	struct task *announced;	/* to be current soon, or NULL */
	struct task *idle;
	struct task *unknown;
	struct mark mark;	/* whose parts are coming */
	void *priv;		/* the command's own */
};

/* A call that is open, or was */
struct frame {
	__u64 addr;
	__u32 depth;		/* as the guest sent it: grows inwards, may skip */
};

struct task {
	const struct vcpu *vcpu;	/* where it ran last */
	int pid;
	char comm[TASK_COMM_LEN + 1];
	struct frame *frames;	/* the functions it is in, outermost first */
	unsigned int nr_frames;
	unsigned int alloc;
	__u32 level;		/* the depth that a call would have now */
	__u32 lowest;		/* level's lowest value, kept of an unknown task */
	__u32 wanted;		/* the filter's: depth of the call asked for, or NOT_SEEN */
};

/* The key of a task in its guest: idle and unknown tasks exist once a CPU. */
static inline __u64 task_key(int pid, __u32 cpu)
{
	return map_key(pid, pid > 0 ? 0 : cpu);
}

/* The number by which users name @v: a nested one is the only one of its guest. */
static inline unsigned int vcpu_number(const struct vcpu *v)
{
	return v->guest->nested ? v->guest->nested_nr : v->id;
}

/* Makes the guest that @ev is about, which has number @nested_nr if it is nested. */
struct guest *guest_new(const struct event *ev, unsigned int nested_nr);

/* Frees its tasks as well, but not its vCPUs. */
void guest_free(struct guest *guest);

/* Makes vCPU @id of @guest, which is in its unknown task; the caller frees it. */
struct vcpu *vcpu_new(struct guest *guest, __u32 id);

/* NULL if it was not seen yet. @cpu is that of an idle or unknown task. */
struct task *guest_task(const struct guest *guest, int pid, __u32 cpu);

/* Makes a task that guest_task() did not find. The guest owns it, and it ran last on @v. */
struct task *task_new(const struct vcpu *v, int pid);

/* "VM 100", or "VM 100, nested vCPU n0 (nested_vcpu=0x1a2b)" */
void guest_print(const struct guest *guest, FILE *out);

/* "0", or "n0" if nested */
void vcpu_print(const struct vcpu *v, FILE *out);

/* "comm-pid" */
void task_print(const struct task *task, FILE *out);

#endif /* HYPERGRAPH_GUEST_H */
