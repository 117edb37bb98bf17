/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __KVM_X86_HYPERTRACE_H
#define __KVM_X86_HYPERTRACE_H

#include <linux/kvm_host.h>
#include <linux/tracepoint-defs.h>

#ifdef CONFIG_KVM_HYPERTRACE

DECLARE_TRACEPOINT(hypergraph_host);

void __kvm_hypertrace_exit(struct kvm_vcpu *vcpu);
void __kvm_hypertrace_entry(struct kvm_vcpu *vcpu);
void __kvm_hypertrace_shutdown(struct kvm_vcpu *vcpu);
unsigned long __kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
					 unsigned long a0, unsigned long a1,
					 unsigned long a2, unsigned long a3);

#define kvm_hypertrace_enabled()	tracepoint_enabled(hypergraph_host)

#else

#define kvm_hypertrace_enabled()	false

static inline void __kvm_hypertrace_exit(struct kvm_vcpu *vcpu) { }
static inline void __kvm_hypertrace_entry(struct kvm_vcpu *vcpu) { }
static inline void __kvm_hypertrace_shutdown(struct kvm_vcpu *vcpu) { }
static inline unsigned long
__kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
			   unsigned long a0, unsigned long a1,
			   unsigned long a2, unsigned long a3)
{
	return -KVM_ENOSYS;
}

#endif /* CONFIG_KVM_HYPERTRACE */

/* Where kvm_exit fires: interrupts off, the guest's registers at hand. */
static __always_inline void kvm_hypertrace_exit(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_exit(vcpu);
}

/* Where kvm_entry fires: interrupts off. */
static __always_inline void kvm_hypertrace_entry(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_entry(vcpu);
}

/* After KVM_RUN's last exit: if that was a triple fault, it is an event too. */
static __always_inline void kvm_hypertrace_shutdown(struct kvm_vcpu *vcpu)
{
	if (kvm_hypertrace_enabled())
		__kvm_hypertrace_shutdown(vcpu);
}

/*
 * A hypercall from CPL 0 whose number KVM itself has no use for.  Returns what
 * the guest gets in rax: 0 if this is a hypergraph hypercall and is recorded,
 * else -KVM_ENOSYS.
 */
static __always_inline unsigned long
kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
			 unsigned long a0, unsigned long a1,
			 unsigned long a2, unsigned long a3)
{
	if (!kvm_hypertrace_enabled())
		return -KVM_ENOSYS;

	return __kvm_hypertrace_hypercall(vcpu, nr, a0, a1, a2, a3);
}

#endif /* __KVM_X86_HYPERTRACE_H */
