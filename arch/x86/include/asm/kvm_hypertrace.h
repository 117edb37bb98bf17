/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_KVM_HYPERTRACE_H
#define _ASM_X86_KVM_HYPERTRACE_H

#include <linux/types.h>

/* What a VM is to hypergraph */
struct kvm_hypertrace {
	u32 vm;				/* tgid of the process that created it */
	u16 vm_id;			/* tells it from others of that process, or of that tgid */
	u8 channels;			/* HYPERGRAPH_CHANNEL_*, as KVM_CAP_X86_HYPERGRAPH says */
};

enum kvm_hypertrace_event {
	KVM_HYPERTRACE_NONE,
	KVM_HYPERTRACE_HYPERCALL,	/* hypergraph_host */
	KVM_HYPERTRACE_EXIT,		/* hypergraph_exit */
};

/* When a kernel that runs on a vCPU is asked for a hello. */
struct kvm_hypertrace_hello {
	u64 due;			/* TSC from which on it is; U64_MAX while none came */
	unsigned int session;		/* the recording in which it was, or said one unasked */
	u32 nested_vcpu;		/* whose, if of a nested guest */
	bool paging;			/* the vCPU had paging on then, and was not reset since */
};

/*
 * The last VM-Exit of a vCPU, and as which event it is recorded at the next VM-Entry.
 * It belongs to the task that runs the vCPU: KVM_RUN holds the vCPU's mutex.
 */
struct kvm_vcpu_hypertrace {
	u64 exit_tsc;
	u64 guest_rip;
	u64 nr, a0, a1, a2, a3;		/* of KVM_HYPERTRACE_HYPERCALL */
	u64 info1, info2;		/* of KVM_HYPERTRACE_EXIT, as vmm_*, reason and isa */
	u64 vmm_begin;			/* TSC when KVM_RUN ended, or 0 */
	u64 vmm_time;			/* in the VMM since the exit, ns */
	u32 reason;
	unsigned int session;		/* the recording that saw the exit, or 0 */
	u8 isa;
	u8 event;			/* enum kvm_hypertrace_event; none if session is 0 */
	bool nested;
	bool by_host;			/* the host has made the event */
	bool offered;			/* what HYPERGRAPH_NR_OFFER last said */
	u32 nested_vcpu;		/* gfn of the VMCB or VMCS, if nested */
	struct kvm_hypertrace_hello hello, nested_hello;
};

#endif /* _ASM_X86_KVM_HYPERTRACE_H */
