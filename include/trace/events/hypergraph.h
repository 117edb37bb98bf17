/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM hypergraph

#if !defined(_TRACE_HYPERGRAPH_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_HYPERGRAPH_H

#include <linux/kvm_host.h>
#include <linux/tracepoint.h>
#include <asm/svm.h>
#include <asm/vmx.h>

int kvm_hypertrace_reg(void);
void kvm_hypertrace_unreg(void);

/*
 * One hypergraph hypercall of a guest, at the VM-Entry that follows it.
 *
 * @vm:		   pid of the process that created the VM, in the initial namespace
 * @vcpu:	   the vCPU's id in that VM
 * @vm_id:	   tells the VM from others of that process or of the same pid
 * @nested:	   1 if a nested guest of that vCPU made it
 * @nested_vcpu:   tells vCPUs of nested guests from each other: the guest's page
 *		   with the VMCB or VMCS of it (bits 31:0 of its gfn); 0 if not nested
 * @by_host:	   1 if the host made the event, which no hypercall has led to
 * @nr, @a0..@a3:  see include/uapi/linux/hypergraph.h
 * @guest_rip:	   address of the hypercall instruction, 0 if @by_host
 * @exit_overhead: ns from where kvm_exit fires to where kvm_entry fires
 */
TRACE_EVENT_FN(hypergraph_host,
	       TP_PROTO(struct kvm_vcpu *vcpu, u64 exit_overhead),

	       TP_ARGS(vcpu, exit_overhead),

	       TP_STRUCT__entry(__field(u32, vm)
				__field(u16, vcpu)
				__field(u16, vm_id)
				__field(u32, nested_vcpu)
				__field(u16, nr)
				__field(u8, nested)
				__field(u8, by_host)
				__field(u64, a0)
				__field(u64, a1)
				__field(u64, a2)
				__field(u64, a3)
				__field(u64, guest_rip)
				__field(u64, exit_overhead)
	       ),

	       TP_fast_assign(__entry->vm = vcpu->kvm->arch.hypertrace.vm;
			      __entry->vcpu = vcpu->vcpu_id;
			      __entry->vm_id = vcpu->kvm->arch.hypertrace.vm_id;
			      __entry->nested_vcpu = vcpu->arch.hypertrace.nested_vcpu;
			      __entry->nr = vcpu->arch.hypertrace.nr;
			      __entry->nested = vcpu->arch.hypertrace.nested;
			      __entry->by_host = vcpu->arch.hypertrace.by_host;
			      __entry->a0 = vcpu->arch.hypertrace.a0;
			      __entry->a1 = vcpu->arch.hypertrace.a1;
			      __entry->a2 = vcpu->arch.hypertrace.a2;
			      __entry->a3 = vcpu->arch.hypertrace.a3;
			      __entry->guest_rip = vcpu->arch.hypertrace.guest_rip;
			      __entry->exit_overhead = exit_overhead;
	       ),

	       TP_printk("vm=%u vcpu=%u nested=%u nested_vcpu=0x%x vm_id=%u by_host=%u nr=0x%x a0=0x%llx a1=%llu a2=%llu a3=%llu guest_rip=0x%llx exit_overhead=%llu",
			 __entry->vm, __entry->vcpu, __entry->nested,
			 __entry->nested_vcpu, __entry->vm_id, __entry->by_host, __entry->nr,
			 __entry->a0, __entry->a1, __entry->a2, __entry->a3,
			 __entry->guest_rip, __entry->exit_overhead),

	       kvm_hypertrace_reg, kvm_hypertrace_unreg
);

/*
 * Any other VM-Exit of a guest, at the VM-Entry that follows it on its vCPU.  An
 * exit after which the vCPU is not entered again is not recorded.
 *
 * @vm, @vcpu, @vm_id: as above
 * @nested:	   1 if the exit was from a nested guest
 * @nested_vcpu:   as above
 * @isa:	   whose exit reasons: KVM_ISA_VMX (1) or KVM_ISA_SVM (2), as in kvm_exit
 * @reason:	   the exit's reason, as in kvm_exit
 * @guest_rip:	   where the guest was, 0 if its state is protected
 * @info1, @info2: as in kvm_exit
 * @duration:	   ns from where kvm_exit fires to where kvm_entry fires
 * @vmm:	   ns of that outside KVM_RUN, which is to say in the VMM
 */
TRACE_EVENT_FN(hypergraph_exit,
	       TP_PROTO(struct kvm_vcpu *vcpu, u64 duration),

	       TP_ARGS(vcpu, duration),

	       TP_STRUCT__entry(__field(u32, vm)
				__field(u16, vcpu)
				__field(u16, vm_id)
				__field(u32, nested_vcpu)
				__field(u32, reason)
				__field(u8, nested)
				__field(u8, isa)
				__field(u64, guest_rip)
				__field(u64, info1)
				__field(u64, info2)
				__field(u64, duration)
				__field(u64, vmm)
	       ),

	       TP_fast_assign(__entry->vm = vcpu->kvm->arch.hypertrace.vm;
			      __entry->vcpu = vcpu->vcpu_id;
			      __entry->vm_id = vcpu->kvm->arch.hypertrace.vm_id;
			      __entry->nested_vcpu = vcpu->arch.hypertrace.nested_vcpu;
			      __entry->reason = vcpu->arch.hypertrace.reason;
			      __entry->nested = vcpu->arch.hypertrace.nested;
			      __entry->isa = vcpu->arch.hypertrace.isa;
			      __entry->guest_rip = vcpu->arch.hypertrace.guest_rip;
			      __entry->info1 = vcpu->arch.hypertrace.info1;
			      __entry->info2 = vcpu->arch.hypertrace.info2;
			      __entry->duration = duration;
			      __entry->vmm = vcpu->arch.hypertrace.vmm_time;
	       ),

	       TP_printk("vm=%u vcpu=%u nested=%u nested_vcpu=0x%x vm_id=%u reason=%s%s%s guest_rip=0x%llx info1=0x%llx info2=0x%llx duration=%llu vmm=%llu",
			 __entry->vm, __entry->vcpu, __entry->nested,
			 __entry->nested_vcpu, __entry->vm_id,
			 __entry->isa == KVM_ISA_VMX ?
			 __print_symbolic(__entry->reason & 0xffff, VMX_EXIT_REASONS) :
			 __print_symbolic(__entry->reason, SVM_EXIT_REASONS),
			 __entry->isa == KVM_ISA_VMX && __entry->reason & ~0xffff ? " " : "",
			 __entry->isa == KVM_ISA_VMX ?
			 __print_flags(__entry->reason & ~0xffff, " ",
				       VMX_EXIT_REASON_FLAGS) : "",
			 __entry->guest_rip, __entry->info1, __entry->info2,
			 __entry->duration, __entry->vmm),

	       kvm_hypertrace_reg, kvm_hypertrace_unreg
);

#endif /* _TRACE_HYPERGRAPH_H */

/* This part must be outside protection */
#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE hypergraph
#include <trace/define_trace.h>
