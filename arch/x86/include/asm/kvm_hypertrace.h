/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _ASM_X86_KVM_HYPERTRACE_H
#define _ASM_X86_KVM_HYPERTRACE_H

#include <linux/types.h>

enum kvm_hypertrace_event {
	KVM_HYPERTRACE_NONE,
	KVM_HYPERTRACE_HYPERCALL,	/* hypergraph_host */
	KVM_HYPERTRACE_EXIT,		/* hypergraph_exit */
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
	unsigned int session;		/* the recording that saw the exit */
	u8 isa;
	u8 event;			/* enum kvm_hypertrace_event */
	bool nested;
	bool nested_private;		/* what HYPERGRAPH_NR_PRIVATE last said */
	u32 nested_vcpu;		/* gfn of the VMCB or VMCS, if nested */
};

#endif /* _ASM_X86_KVM_HYPERTRACE_H */
