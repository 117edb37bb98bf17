// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of hypergraph: join a guest's hypergraph hypercall with its
 * VM-Exit and the following VM-Entry into one hypergraph_host event.
 *
 * Enabling the tracepoint is what opts in.  While it is disabled, each hook is
 * a static branch not taken and the guest gets -KVM_ENOSYS, as from a KVM
 * without this file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kvm_host.h>
#include <linux/sched/clock.h>
#include <uapi/linux/hypergraph.h>
#include <uapi/linux/kvm_para.h>

#include "hypertrace.h"
#include "regs.h"
#include "x86.h"

#define CREATE_TRACE_POINTS
#include <trace/events/hypergraph.h>
EXPORT_TRACEPOINT_SYMBOL_GPL(hypergraph_host);

/*
 * Counts how often the tracepoint was enabled, so that an exit seen during one
 * recording is not joined with an entry seen during a later one.
 */
static unsigned int hypertrace_session;

/* Called with tracepoints_mutex held, before the tracepoint is enabled. */
int kvm_hypertrace_reg(void)
{
	WRITE_ONCE(hypertrace_session, hypertrace_session + 1);
	return 0;
}

static bool in_session(struct kvm_vcpu_hypertrace *ht)
{
	return ht->session == READ_ONCE(hypertrace_session);
}

void __kvm_hypertrace_exit(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	ht->session = READ_ONCE(hypertrace_session);
	ht->pending = false;
	ht->exit_time = local_clock();
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(__kvm_hypertrace_exit);

static bool is_hypergraph_nr(unsigned long nr)
{
	switch (nr) {
	case HYPERGRAPH_NR_ENTRY:
	case HYPERGRAPH_NR_RETURN:
	case HYPERGRAPH_NR_HELLO:
	case HYPERGRAPH_NR_MARK:
	case HYPERGRAPH_NR_SCHED_SWITCH:
		return true;
	default:
		return false;
	}
}

unsigned long __kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
					 unsigned long a0, unsigned long a1,
					 unsigned long a2, unsigned long a3)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (!is_hypergraph_nr(nr) || vcpu->arch.guest_state_protected)
		return -KVM_ENOSYS;

	/* Unless the tracepoint was enabled only after this hypercall's exit. */
	if (!in_session(ht))
		return -KVM_ENOSYS;

	ht->nr = nr;
	ht->a0 = a0;
	ht->a1 = a1;
	ht->a2 = a2;
	ht->a3 = a3;
	ht->guest_rip = kvm_rip_read(vcpu);
	ht->pending = true;
	return 0;
}

void __kvm_hypertrace_entry(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (!ht->pending)
		return;

	ht->pending = false;
	if (in_session(ht))
		trace_hypergraph_host(vcpu, local_clock() - ht->exit_time);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(__kvm_hypertrace_entry);

void __kvm_hypertrace_shutdown(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (vcpu->run->exit_reason != KVM_EXIT_SHUTDOWN)
		return;

	/* The guest's registers are those of a reset by now. */
	*ht = (struct kvm_vcpu_hypertrace) {
		.nr = HYPERGRAPH_NR_MARK,
		.a0 = HYPERGRAPH_MARK_TRIPLE_FAULT,
	};
	trace_hypergraph_host(vcpu, 0);
}
