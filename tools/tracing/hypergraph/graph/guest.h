/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The nouns of the call graph: guests boot kernels, which have tasks, which run on vCPUs and
 * are in functions. The call graph makes and changes them, commands read them and hang their
 * own at priv.
 */
#ifndef HYPERGRAPH_GUEST_H
#define HYPERGRAPH_GUEST_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

#include "graph/marks.h"
#include "input/event.h"
#include "util/map.h"

/* In place of a pid: a vCPU's task that nothing tells, and what runs while nothing is sent */
#define TASK_UNKNOWN	(-1)
#define TASK_UNTRACED	(-2)

#define NOT_SEEN	(~0U)	/* in place of a depth */

/*
 * A guest is a VM, but of those nested in one each vCPU counts as a guest, as nothing tells
 * which of them belong together.
 */
struct guest {
	__u32 vm;		/* pid of the VMM */
	__u16 vm_id;
	__u32 vcpu;		/* of a nested one: as in struct event */
	bool nested;		/* in that VM */
	bool several;		/* The VMM has other VMs, too. */
	bool known;		/* It has sent something, and callgraph_ops.guest_new() told it. */
	unsigned int nested_nr;	/* number among the nested ones, in order of appearance */
	struct boot *boot;	/* the latest */
	struct boot *unknown;	/* what runs on vCPUs that have not said hello since a reset */
	struct map boots;	/* by number in order of appearance */
	unsigned int nr_told;	/* of these */
	struct map vcpus;	/* the same */
	void *priv;		/* the command's own */
};

/*
 * A kernel that a guest has booted. One that has not said hello yet, or not again since a
 * reset, is not known: its number is 0, and another reset begins another one.
 */
struct boot {
	struct guest *guest;
	unsigned int nr;	/* of those of its guest that have said hello */
	__u64 number;		/* as its hello tells it */
	__u64 key;		/* guest_key() */
	unsigned int session;	/* grows when tracing ends everywhere, and with lost events */
	unsigned int gaps;	/* grows where it is not known which tasks run */
	bool scattered;		/* Its tasks may run on nested vCPUs that are other guests here. */
	struct map tasks;	/* by task_key(), idle ones too */
};

/* A nested vCPU runs on vCPUs of the VM, but shares nothing with them. */
struct vcpu {
	struct guest *guest;
	struct boot *boot;	/* whose kernel runs there */
	__u32 id;		/* as in struct event */
	struct task *current;
	struct task *announced;	/* to be current soon, or NULL */
	__u64 announced_ts;	/* when, or when current last called or returned after that */
	struct task *unknown;
	struct task *untraced;
	struct task *told;	/* runs whenever something is sent, switches are not; or NULL */
	bool gone;		/* current has ended when announced is current */
	bool silent;		/* Nothing has told yet what runs there. */
	bool said_hello;	/* in this boot */
	bool matched;		/* The filter asked for something that happened here. */
	__u64 ts;		/* of its latest event but the one that is handled */
	struct mark mark;	/* whose parts are coming */
	void *priv;		/* the command's own */
};

/* A call that is open, or was */
struct frame {
	__u64 addr;
	__u32 depth;		/* as the guest sent it: grows inwards, may skip */
	__u64 inner;		/* the command's own, 0 at first */
};

struct task {
	struct vcpu *vcpu;	/* where it ran last */
	struct boot *boot;	/* whose it is; unknown ones have their vCPU's */
	int pid;
	char comm[TASK_COMM_LEN + 1];
	struct frame *frames;	/* the functions it is in, outermost first */
	unsigned int nr_frames;
	unsigned int alloc;
	__u32 level;		/* the depth that a call would have now */
	__u32 lowest;		/* level's lowest value since it began to run */
	__u32 wanted;		/* the filter's: depth of the call asked for, or NOT_SEEN */
	unsigned int session;	/* of its boot, when it ran last */
	unsigned int gaps;	/* of its boot, when its name was told */
	__u64 since;		/* when it began to run */
	__u64 until;		/* when that ended, if it has */
	bool matched;		/* The filter asked for something in it that happened. */
	bool stale;		/* What it is in is no longer known. */
	bool gone;		/* It has ended: a task with its pid is another one. */
};

/* The key of a task in its boot: idle ones exist once a CPU. */
static inline __u64 task_key(int pid, __u32 cpu)
{
	return map_key(pid, pid > 0 ? 0 : cpu);
}

/* The number by which users name @v: a nested one is the only one of its guest. */
static inline unsigned int vcpu_number(const struct vcpu *v)
{
	return v->guest->nested ? v->guest->nested_nr : v->id;
}

/* Is @task one that was told, and not what stands for one? */
static inline bool task_is_known(const struct task *task)
{
	return task->pid >= 0;
}

/* Does its kernel run where @task ran last? */
static inline bool task_is_of_now(const struct task *task)
{
	return task->boot == task->vcpu->boot;
}

/* May @task have run where nothing is seen of it, since it ran last? */
static inline bool task_was_unseen(const struct task *task)
{
	return task->session != task->boot->session ||
	       (task->boot->scattered && task->pid > 0 && task->vcpu->current != task);
}

/* Is it no longer known what @task is in, when it runs again? */
static inline bool task_is_stale(const struct task *task)
{
	return task->stale || task_was_unseen(task);
}

/* Have calls of @task been missed, or may have been, since it ran last? */
static inline bool task_is_outdated(const struct task *task)
{
	return task_is_stale(task) || task->vcpu->current == task->vcpu->untraced;
}

/*
 * Makes the guest that @ev is about, which has number @nested_nr if it is nested, with an
 * unknown boot whose key has @key_nr.
 */
struct guest *guest_new(const struct event *ev, unsigned int nested_nr, __u32 key_nr);

/* Frees its boots and their tasks as well, but not its vCPUs. */
void guest_free(struct guest *guest);

/* Makes the boot of @guest that told its @number, or an unknown one if that is NULL. */
struct boot *boot_new(struct guest *guest, const __u64 *number, __u32 key_nr);

/* NULL if it was not seen yet, or has ended. @cpu is that of an idle task. */
struct task *boot_task(const struct boot *boot, int pid, __u32 cpu);

/* Makes vCPU @id of @guest, which is in its unknown task of the guest's boot. */
struct vcpu *vcpu_new(struct guest *guest, __u32 id);
void vcpu_free(struct vcpu *v);

/* @v is in the kernel of @boot now. */
void vcpu_set_boot(struct vcpu *v, struct boot *boot);

/* Makes a task that boot_task() did not find. Its boot owns it, and it ran last on @v. */
struct task *task_new(struct vcpu *v, int pid);

/* It has ended, and is in no call: only its name is of use any more. */
void task_end(struct task *task);

/* "100", or "100.7" if the VMM has several VMs */
void guest_print_vm(const struct guest *guest, FILE *out);

/* "VM 100", or "VM 100, nested vCPU n0 (nested_vcpu=0x1a2b)" */
void guest_print(const struct guest *guest, FILE *out);

/* "0", or "n0" if nested */
void vcpu_print(const struct vcpu *v, FILE *out);

/* "comm-pid", a word: print_word() */
void task_print(const struct task *task, FILE *out);

#endif /* HYPERGRAPH_GUEST_H */
