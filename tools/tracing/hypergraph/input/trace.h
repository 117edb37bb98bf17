/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a host's trace.dat: what guests sent, and their VM exits, each joined
 * with the vCPU it belongs to and with the time until the next VM entry.
 */
#ifndef HYPERGRAPH_TRACE_H
#define HYPERGRAPH_TRACE_H

#include <stdbool.h>
#include <linux/types.h>

#include "util/map.h"

/* Set in the key of what is nested: no VM's pid has that bit. */
#define KEY_NESTED	0x8000000000000000ULL

/* The key of a vCPU, whose number is as in struct trace_event */
static inline __u64 vcpu_key(__u32 vm, __u32 vcpu, bool nested)
{
	return map_key(vm, vcpu) | (nested ? KEY_NESTED : 0);
}

/*
 * The key of a guest, which is what has a kernel and tasks of its own: a VM, but
 * each vCPU of the guests nested in it, as nothing tells which of those are one
 * guest's.
 */
static inline __u64 guest_key(__u32 vm, __u32 vcpu, bool nested)
{
	return vcpu_key(vm, nested ? vcpu : 0, nested);
}

static inline bool guest_is_nested(__u64 guest)
{
	return guest & KEY_NESTED;
}

/* The VM that @guest is, or is nested in */
static inline __u32 guest_vm(__u64 guest)
{
	return (guest & ~KEY_NESTED) >> 32;
}

/* Kernel addresses are the upper half of x86's address space. */
#define KERNEL_ADDRESS	0x8000000000000000ULL

enum trace_event_type {
	TRACE_HYPERCALL,	/* the guest sent something */
	TRACE_EXIT,		/* a VM exit that was no hypergraph hypercall */
	TRACE_HOST_ENTRY,	/* a function of the host, called to serve the last exit */
	TRACE_HOST_RETURN,	/* it returned */
	TRACE_LOST,		/* the host's ring buffer dropped events here */
};

struct trace_event {
	enum trace_event_type type;
	__u32 vm;		/* pid of the VMM */
	__u32 vcpu;		/* its id, or the gfn of a nested one's VMCB or VMCS */
	bool nested;		/* of a guest of that VM */
	void **priv;		/* of that vCPU, NULL at first: the handler's own */
	__u64 ts;		/* ns of the host's clock */
	union {
		struct {
			__u64 nr;
			__u64 a[4];
			__u64 overhead;		/* ns that the host took for it */
		} call;
		struct {
			__u32 isa;
			__u32 reason;
			__u64 rip;
			__u64 duration;		/* ns until the entry, 0: unknown */
			bool maybe_nested;	/* of the vCPU or of what it ran nested */
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

struct trace_totals {
	__u64 first_ts;			/* ns, of what guests sent */
	__u64 last_ts;
	__u64 events;			/* of any kind, in the file */
	__u64 hypercalls;
	__u64 overhead;			/* ns that the host took for them */
	__u64 foreign_exits;		/* of threads that had sent nothing yet */
	__u64 host_calls_left_out;	/* of the host's, too many for one exit */
	__u64 lost;
	bool lost_uncounted;		/* and more, in unknown number */
};

typedef void (*trace_handler_t)(void *ctx, const struct trace_event *ev);

struct trace;

/* NULL after saying on stderr what is wrong with the file at @path, which is called @file. */
struct trace *trace_open(const char *file, const char *path);

/*
 * Hands all events to @handler: those of one vCPU in their order, of all
 * together in the order in which they end. Negative after an error message.
 */
int trace_read(struct trace *trace, trace_handler_t handler, void *ctx);

/* The name of a function of the host, NULL: none covers @addr. */
const char *trace_host_function(const struct trace *trace, __u64 addr);

const struct trace_totals *trace_totals(const struct trace *trace);
void trace_close(struct trace *trace);

#endif /* HYPERGRAPH_TRACE_H */
