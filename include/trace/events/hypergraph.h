/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hypergraph

#if !defined(_TRACE_HYPERGRAPH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_HYPERGRAPH_H

#include <linux/kvm_host.h>
#include <linux/tracepoint.h>

int kvm_hypertrace_reg(void);

/*
 * One hypergraph hypercall of a guest, at the VM-Entry that follows it.
 *
 * @vm:		   pid of the process whose vCPU it is
 * @vcpu:	   the vCPU's id in that VM
 * @nr, @a0..@a3:  see include/uapi/linux/hypergraph.h
 * @guest_rip:	   address of the hypercall instruction
 * @exit_overhead: ns from where kvm_exit fires to where kvm_entry fires
 */
TRACE_EVENT_FN(hypergraph_host,
	       TP_PROTO(struct kvm_vcpu *vcpu, u64 exit_overhead),

	       TP_ARGS(vcpu, exit_overhead),

	       TP_STRUCT__entry(__field(u32, vm)
				__field(u32, vcpu)
				__field(u64, nr)
				__field(u64, a0)
				__field(u64, a1)
				__field(u64, a2)
				__field(u64, a3)
				__field(u64, guest_rip)
				__field(u64, exit_overhead)
	       ),

	       /* A vCPU runs in threads of the process that owns its VM. */
	       TP_fast_assign(__entry->vm = current->tgid;
			      __entry->vcpu = vcpu->vcpu_id;
			      __entry->nr = vcpu->arch.hypertrace.nr;
			      __entry->a0 = vcpu->arch.hypertrace.a0;
			      __entry->a1 = vcpu->arch.hypertrace.a1;
			      __entry->a2 = vcpu->arch.hypertrace.a2;
			      __entry->a3 = vcpu->arch.hypertrace.a3;
			      __entry->guest_rip = vcpu->arch.hypertrace.guest_rip;
			      __entry->exit_overhead = exit_overhead;
	       ),

	       TP_printk("vm=%u vcpu=%u nr=0x%llx a0=0x%llx a1=%llu a2=%llu a3=%llu guest_rip=0x%llx exit_overhead=%llu",
			 __entry->vm, __entry->vcpu, __entry->nr, __entry->a0,
			 __entry->a1, __entry->a2, __entry->a3,
			 __entry->guest_rip, __entry->exit_overhead),

	       kvm_hypertrace_reg, NULL
);

#endif /* _TRACE_HYPERGRAPH_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
