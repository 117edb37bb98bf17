/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_HYPERTRACE_H
#define __KVM_X86_HYPERTRACE_H

#include <linux/jump_label.h>
#include <linux/kvm_host.h>
#include <linux/tracepoint-defs.h>
#include <asm/tsc.h>
#include <uapi/linux/hypergraph.h>
#include <uapi/linux/kvm_para.h>

/* What KVM_CAP_X86_HYPERGRAPH may say */
#define KVM_HYPERTRACE_CHANNELS		\
	(IS_ENABLED(CONFIG_KVM_HYPERTRACE) ? HYPERGRAPH_CHANNEL_HYPERCALL : 0)

DECLARE_STATIC_KEY_FALSE(kvm_hypertrace_key);
DECLARE_TRACEPOINT(hypergraph_exit);

extern unsigned int kvm_hypertrace_session;

/*
 * While one of hypergraph's tracepoints is enabled, or this KVM offers its guests'
 * hypercalls to its own host
 */
#define kvm_hypertrace_enabled()		\
	(IS_ENABLED(CONFIG_KVM_HYPERTRACE) &&	\
	 static_branch_unlikely(&kvm_hypertrace_key))

void __kvm_hypertrace_exit(struct kvm_vcpu *vcpu, u32 isa);
void __kvm_hypertrace_entry(struct kvm_vcpu *vcpu);
void __kvm_hypertrace_load(struct kvm_vcpu *vcpu);
void __kvm_hypertrace_run_end(struct kvm_vcpu *vcpu, int r);
void __kvm_hypertrace_reset(struct kvm_vcpu *vcpu);
void __kvm_hypertrace_ask_anew(struct kvm_vcpu *vcpu);
long __kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
				unsigned long a0, unsigned long a1,
				unsigned long a2, unsigned long a3);
bool kvm_hypertrace_handle_nested(struct kvm_vcpu *vcpu, u32 isa);
fastpath_t kvm_hypertrace_fastpath(struct kvm_vcpu *vcpu);
fastpath_t kvm_hypertrace_nested_fastpath(struct kvm_vcpu *vcpu, u32 isa);

#ifdef CONFIG_KVM_HYPERTRACE
/* Where kvm_exit fires: interrupts off, the guest's registers at hand. */
static __always_inline void kvm_hypertrace_exit(struct kvm_vcpu *vcpu, u32 isa)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (!kvm_hypertrace_enabled())
		return;

	ht->exit_tsc = rdtsc();
	ht->session = READ_ONCE(kvm_hypertrace_session);
	ht->event = KVM_HYPERTRACE_NONE;
	if (tracepoint_enabled(hypergraph_exit))
		__kvm_hypertrace_exit(vcpu, isa);
}

/* Where kvm_entry fires: interrupts off. */
static __always_inline void kvm_hypertrace_entry(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled() &&
	    vcpu->arch.hypertrace.event != KVM_HYPERTRACE_NONE)
		__kvm_hypertrace_entry(vcpu);
}

/* When the guest cannot run guests of its own any more, nor say what it offers. */
static inline void kvm_hypertrace_forget_offer(struct kvm_vcpu *vcpu)
{
	vcpu->arch.hypertrace.offered = false;
}

/* When KVM_CAP_X86_HYPERGRAPH says so: of KVM_HYPERTRACE_CHANNELS */
static inline void kvm_hypertrace_set_channels(struct kvm *kvm, u8 channels)
{
	kvm->arch.hypertrace.channels = channels;
}

void kvm_hypertrace_init_vm(struct kvm *kvm);
unsigned long kvm_hypertrace_set_offer(struct kvm_vcpu *vcpu, unsigned long offer);
void kvm_hypertrace_enable_cpu(void);
#else
static inline void kvm_hypertrace_exit(struct kvm_vcpu *vcpu, u32 isa) { }
static inline void kvm_hypertrace_entry(struct kvm_vcpu *vcpu) { }
static inline void kvm_hypertrace_forget_offer(struct kvm_vcpu *vcpu) { }
static inline void kvm_hypertrace_set_channels(struct kvm *kvm, u8 channels) { }
static inline void kvm_hypertrace_init_vm(struct kvm *kvm) { }

static inline unsigned long
kvm_hypertrace_set_offer(struct kvm_vcpu *vcpu, unsigned long offer)
{
	return -KVM_ENOSYS;
}

static inline void kvm_hypertrace_enable_cpu(void) { }
#endif /* CONFIG_KVM_HYPERTRACE */

/*
 * A hypercall from CPL 0.  Returns the answer to it, or -KVM_ENOSYS if it is none of
 * hypergraph's or this host does not listen.
 */
static __always_inline long
kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
			 unsigned long a0, unsigned long a1,
			 unsigned long a2, unsigned long a3)
{
	return kvm_hypertrace_enabled() ?
	       __kvm_hypertrace_hypercall(vcpu, nr, a0, a1, a2, a3) : -KVM_ENOSYS;
}

/* When the vCPU is loaded: by KVM_RUN, by another ioctl, or back on a CPU. */
static __always_inline void kvm_hypertrace_load(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_load(vcpu);
}

/* When KVM_RUN ends, to return @r, and the vCPU is not loaded any more. */
static __always_inline void kvm_hypertrace_run_end(struct kvm_vcpu *vcpu, int r)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_run_end(vcpu, r);
}

/* When an INIT has reset the vCPU. */
static __always_inline void kvm_hypertrace_reset(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_reset(vcpu);
}

/*
 * When the VMM has written the registers that say where a vCPU's page tables are, as it does
 * for a snapshot, a reset or a kernel that it boots: who sends next is asked for a hello.
 */
static __always_inline void kvm_hypertrace_ask_anew(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_ask_anew(vcpu);
}

#endif /* __KVM_X86_HYPERTRACE_H */
