/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a trace tells: events that a guest sent, its VM exits, what the host called to
 * serve those, and where events were lost.
 */
#ifndef HYPERGRAPH_EVENT_H
#define HYPERGRAPH_EVENT_H

#include <stdbool.h>
#include <linux/hypergraph.h>
#include <linux/types.h>

#include "util/map.h"

/*
 * No kernel stack is deeper, since it has no room for as many return addresses: a guest
 * that claims more is broken, and must not cost us memory.
 */
#define MAX_DEPTH	1024

/* PID_MAX_LIMIT of the kernel, for the same reason */
#define MAX_PID		(4 * 1024 * 1024)

#define TASK_COMM_LEN	16

/* Kernel addresses are the upper half of x86's address space. */
#define KERNEL_ADDRESS	0x8000000000000000ULL

/* The key of something nested has this bit, which no VM's pid reaches. */
#define KEY_NESTED	0x8000000000000000ULL

/*
 * Returns the key by which symbols know a kernel that runs in @vm, or nested in it: @nr
 * tells it from the other ones there.
 */
static inline __u64 guest_key(__u32 vm, __u32 nr, bool nested)
{
	return map_key(vm, nr) | (nested ? KEY_NESTED : 0);
}

static inline bool guest_is_nested(__u64 guest)
{
	return guest & KEY_NESTED;
}

/* Returns the pid of the VM in which @guest runs. */
static inline __u32 guest_vm(__u64 guest)
{
	return (guest & ~KEY_NESTED) >> 32;
}

enum event_type {
	/* The guest sent these: see event_is_sent(). */
	EVENT_ENTRY,		/* a function was entered */
	EVENT_RETURN,		/* it returned */
	EVENT_SWITCH,		/* the vCPU switches tasks */
	EVENT_HELLO_PART,	/* a hello of which this is not the last part */
	EVENT_HELLO,		/* which kernel runs there */
	EVENT_OFF,		/* events are no longer sent */
	EVENT_MARK_PART,	/* a part of a mark's text */
	EVENT_OPEN_CALL,	/* a call that was open when the guest crashed */
	EVENT_OTHER,		/* none of these, or not a possible one */

	/* The host saw these. */
	EVENT_TRIPLE_FAULT,	/* the vCPU has shut down */
	EVENT_RESET,		/* it was reset */
	EVENT_EXIT,		/* a VM exit that was no hypergraph hypercall */
	EVENT_HOST_ENTRY,	/* a function of the host, called to serve the last exit */
	EVENT_HOST_RETURN,	/* it returned */
	EVENT_LOST,		/* the host's ring buffer dropped events here */
};

/* A part of a mark: @bytes are those from @offset on of a text that has @length. */
struct mark_part {
	__u8 kind;		/* HYPERGRAPH_MARK_..., of those with text */
	__u8 nr;		/* how many bytes it has */
	__u32 length;		/* at most HYPERGRAPH_MARK_MAX */
	__u32 offset;
	char bytes[HYPERGRAPH_MARK_BYTES];
};

/* Which kernel a guest runs. A part of it has version and boot, and its own. */
struct hello {
	__u64 boot;		/* number of that kernel's boot */
	__u64 stext;		/* of part 0 */
	__u32 tsc_khz;		/* of part 0, 0: not known */
	__u16 cpus;		/* of part 0, online ones */
	__u16 channels;		/* of part 0, HYPERGRAPH_CHANNEL_... */
	__u16 version;		/* of the ABI */
	__u16 part;
	__u8 build_id[HYPERGRAPH_BUILD_ID_BYTES];	/* of part 1, zeroes: it has none */
};

struct event {
	enum event_type type;
	__u32 vm;		/* pid of the VMM, or of a thread of which nothing tells that */
	__u32 vcpu;		/* its id, the gfn of a nested one's VMCB or VMCS, or a thread */
	bool nested;		/* it is of a guest that runs in that VM */
	__u16 vm_id;		/* tells VMs of one pid apart, 0 in older recordings */
	void **priv;		/* of that vCPU, NULL at first: the handler's own */
	__u64 ts;		/* ns of the host's clock */
	__u64 overhead;		/* ns that the host took for what the guest sent */
	union {
		struct {
			__u64 addr;
			__u32 depth;		/* at most MAX_DEPTH, 0: the outermost */
		} entry;
		struct {
			__u64 addr;
			__u32 depth;		/* as its entry's */
			__u64 duration;		/* ns of the guest's clock */
		} ret;
		struct {
			int prev;		/* pid, from 0 (idle) to MAX_PID */
			int next;		/* the same as prev: it runs there */
			bool gone;		/* prev has ended */
			bool untold;		/* the task is known for one event only */
			bool stale;		/* events of next are missing before this */
			char comm[TASK_COMM_LEN + 1];	/* of next, safe to print */
		} sched_switch;
		struct hello hello;
		struct {
			bool all;		/* of all vCPUs of that kernel, for good */
			__u64 boot;		/* its number */
		} off;
		struct mark_part part;
		struct {
			__u64 addr;
			__u32 depth;		/* at most MAX_DEPTH */
			int pid;		/* from 0 to MAX_PID */
			__u32 vcpu;		/* id of the one that it runs on */
		} open_call;
		struct {
			__u64 nr;
			__u64 a[4];
		} other;
		struct {
			__u32 isa;
			__u32 reason;
			__u64 rip;
			__u64 duration;		/* ns until the entry, 0: unknown */
			bool maybe_nested;	/* the vCPU's, or what it ran nested */
		} exit;
		struct {
			__u64 addr;		/* of the host */
			__u32 depth;		/* 0: nothing around it served that exit */
			bool open;		/* an entry: the VM entry came before its return */
			__u64 duration;		/* a return's, ns */
		} host;
		struct {
			long long count;	/* negative: unknown */
			int host_cpu;
		} lost;
	};
};

/* Did the guest send @ev? Else it is what the host saw of the vCPU. */
static inline bool event_is_sent(const struct event *ev)
{
	return ev->type <= EVENT_OTHER;
}

/* Is called with one event after the other, each of which is there only until it returns. */
typedef void (*event_handler_t)(void *ctx, const struct event *ev);

struct totals {
	__u64 first_ts;			/* ns, of what guests sent */
	__u64 last_ts;
	__u64 events;			/* of any kind, in the file */
	__u64 hypercalls;
	__u64 overhead;			/* ns that the host took for them */
	__u64 exits;			/* VM exits that were no hypercalls of hypergraph */
	__u64 thread_vms;		/* VMs that are but a thread, as nothing tells more */
	__u64 shared_processes;		/* that have several VMs, which nothing tells apart */
	__u64 host_calls_left_out;	/* of the host's, too many for one exit */
	__u64 lost;
	bool lost_uncounted;		/* and more, in unknown number */
};

#endif /* HYPERGRAPH_EVENT_H */
