// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of hypergraph: join each VM-Exit with the VM-Entry that
 * follows it on the same vCPU into one event, hypergraph_host if a guest's
 * hypergraph hypercall caused it and else hypergraph_exit.
 *
 * Enabling a tracepoint is what opts in.  While both are disabled each hook is
 * a static branch not taken, and while hypergraph_host is, the guest gets
 * -KVM_ENOSYS, as from a KVM without this file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/clocksource.h>
#include <linux/kvm_host.h>
#include <linux/math64.h>
#include <uapi/linux/hypergraph.h>
#include <uapi/linux/kvm_para.h>

#include "hyperv.h"
#include "hypertrace.h"
#include "pmu.h"
#include "regs.h"
#include "trace.h"
#include "x86.h"
#include "xen.h"

#define CREATE_TRACE_POINTS
#include <trace/events/hypergraph.h>
EXPORT_TRACEPOINT_SYMBOL_GPL(hypergraph_exit);
EXPORT_TRACEPOINT_SYMBOL_GPL(hypergraph_host);

DEFINE_STATIC_KEY_FALSE(kvm_hypertrace_key);
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_key);

/*
 * The number of this recording, so that an exit seen during one is not joined with
 * an entry seen during a later one.  0 is none: it also says that hooks are just
 * being turned on or off, which is not done to all of them at once.
 */
unsigned int kvm_hypertrace_session;
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_session);

/* From ticks of the TSC to ns; written while no tracepoint is enabled */
static u32 tsc_to_ns_mult, tsc_to_ns_shift;

/* Whether hypergraph hypercalls that nested guests make are recorded, too */
static bool __read_mostly hypertrace_nested;
module_param(hypertrace_nested, bool, 0644);

/* Where this is itself a guest: whether its host is to leave those of its guests to it */
static bool __read_mostly hypertrace_private;

/* The host leaves them here, too, while anything is recorded here. */
static void kvm_hypertrace_tell_host(void *unused)
{
	bool private = READ_ONCE(hypertrace_private) || READ_ONCE(kvm_hypertrace_session);

	kvm_hypercall1(HYPERGRAPH_NR_PRIVATE, private);
}

/* As long as no vendor's module is there, there are no guests, and it will tell. */
static void kvm_hypertrace_tell_host_on_each_cpu(void)
{
	if (kvm_x86_ops.enable_virtualization_cpu && kvm_para_available())
		on_each_cpu(kvm_hypertrace_tell_host, NULL, 1);
}

/* Called when the CPU's virtualization was just enabled */
void kvm_hypertrace_enable_cpu(void)
{
	if (kvm_para_available())
		kvm_hypertrace_tell_host(NULL);
}

/* Called before that is disabled: what runs here next is not for us to say. */
void kvm_hypertrace_disable_cpu(void)
{
	if (kvm_para_available())
		kvm_hypercall1(HYPERGRAPH_NR_PRIVATE, 0);
}

static int kvm_hypertrace_private_param_set(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_bool(val, kp);

	if (!ret)
		kvm_hypertrace_tell_host_on_each_cpu();
	return ret;
}

static const struct kernel_param_ops kvm_hypertrace_private_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = kvm_hypertrace_private_param_set,
	.get = param_get_bool,
};
module_param_cb(hypertrace_private, &kvm_hypertrace_private_ops, &hypertrace_private, 0644);

/* Called with tracepoints_mutex held, before a tracepoint is enabled. */
int kvm_hypertrace_reg(void)
{
	static unsigned int sessions;

	static_branch_inc(&kvm_hypertrace_key);
	if (static_key_count(&kvm_hypertrace_key.key) > 1)
		return 0;

	clocks_calc_mult_shift(&tsc_to_ns_mult, &tsc_to_ns_shift, tsc_khz,
			       NSEC_PER_MSEC, 0);
	if (!++sessions)
		++sessions;
	/* Pairs with kvm_hypertrace_in_session(): tsc_to_ns_* are set. */
	smp_store_release(&kvm_hypertrace_session, sessions);
	kvm_hypertrace_tell_host_on_each_cpu();
	return 0;
}

/* Called with tracepoints_mutex held, before a tracepoint is disabled. */
void kvm_hypertrace_unreg(void)
{
	if (static_key_count(&kvm_hypertrace_key.key) == 1) {
		WRITE_ONCE(kvm_hypertrace_session, 0);
		kvm_hypertrace_tell_host_on_each_cpu();
	}
	static_branch_dec(&kvm_hypertrace_key);
}

static bool kvm_hypertrace_in_session(struct kvm_vcpu_hypertrace *ht)
{
	/* Pairs with kvm_hypertrace_reg(): tsc_to_ns_* are set. */
	unsigned int session = smp_load_acquire(&kvm_hypertrace_session);

	return session && ht->session == session;
}

/*
 * ns since the TSC was @since, or 0 if it is now behind that: it may be if the
 * vCPU has moved, and the CPUs' TSCs are not synchronized.
 */
static u64 kvm_hypertrace_ns_since(u64 since)
{
	u64 now = rdtsc();

	return now > since ?
	       mul_u64_u32_shr(now - since, tsc_to_ns_mult, tsc_to_ns_shift) : 0;
}

static __always_inline void kvm_hypertrace_save_nested(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	ht->nested = is_guest_mode(vcpu);
	ht->nested_vcpu = 0;
	if (ht->nested)
		ht->nested_vcpu = gpa_to_gfn(kvm_nested_call(get_vmcx12)(vcpu));
}

void __kvm_hypertrace_exit(struct kvm_vcpu *vcpu, u32 isa)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	u32 intr_info, error_code;

	ht->event = KVM_HYPERTRACE_EXIT;
	ht->isa = isa;
	kvm_hypertrace_save_nested(vcpu);
	ht->guest_rip = vcpu->arch.guest_state_protected ? 0 : kvm_rip_read(vcpu);
	ht->vmm_begin = 0;
	ht->vmm_time = 0;
	kvm_x86_call(get_exit_info)(vcpu, &ht->reason, &ht->info1, &ht->info2,
				    &intr_info, &error_code);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(__kvm_hypertrace_exit);

static bool kvm_hypertrace_knows(unsigned long nr)
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

/* What L2 sends is L1's, unless the admin says otherwise and L1 has no objection. */
static __always_inline bool kvm_hypertrace_is_recorded(struct kvm_vcpu *vcpu, unsigned long nr)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (!trace_hypergraph_host_enabled() || !kvm_hypertrace_knows(nr))
		return false;

	if (is_guest_mode(vcpu) && (!READ_ONCE(hypertrace_nested) || ht->nested_private))
		return false;

	/* Not if the recording began only after this hypercall's exit. */
	return kvm_hypertrace_in_session(ht);
}

static __always_inline void
kvm_hypertrace_save_hypercall(struct kvm_vcpu_hypertrace *ht, unsigned long nr,
			      unsigned long a0, unsigned long a1,
			      unsigned long a2, unsigned long a3)
{
	ht->event = KVM_HYPERTRACE_HYPERCALL;
	ht->nr = nr;
	ht->a0 = a0;
	ht->a1 = a1;
	ht->a2 = a2;
	ht->a3 = a3;
}

bool __kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
				unsigned long a0, unsigned long a1,
				unsigned long a2, unsigned long a3)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (vcpu->arch.guest_state_protected || !kvm_hypertrace_is_recorded(vcpu, nr))
		return false;

	kvm_hypertrace_save_nested(vcpu);
	ht->guest_rip = kvm_rip_read(vcpu);
	kvm_hypertrace_save_hypercall(ht, nr, a0, a1, a2, a3);
	return true;
}

/* For a hypercall that only this file knows of: neither Xen's nor Hyper-V's. */
static __always_inline bool kvm_hypertrace_is_ours(struct kvm_vcpu *vcpu, unsigned long nr)
{
	return !kvm_xen_hypercall_enabled(vcpu->kvm) && !kvm_hv_hypercall_enabled(vcpu) &&
	       kvm_hypertrace_is_recorded(vcpu, nr);
}

/*
 * Does what ____kvm_emulate_hypercall() does, for what kvm_hypertrace_is_ours() and
 * is of CPL 0.
 */
static __always_inline int kvm_hypertrace_answer(struct kvm_vcpu *vcpu, unsigned long mask)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	kvm_hypertrace_save_nested(vcpu);
	ht->guest_rip = kvm_rip_read(vcpu);
	kvm_hypertrace_save_hypercall(ht, kvm_rax_read_raw(vcpu) & mask,
				      kvm_rbx_read_raw(vcpu) & mask,
				      kvm_rcx_read_raw(vcpu) & mask,
				      kvm_rdx_read_raw(vcpu) & mask,
				      kvm_rsi_read_raw(vcpu) & mask);

	++vcpu->stat.hypercalls;
	trace_kvm_hypercall(ht->nr, ht->a0, ht->a1, ht->a2, ht->a3);
	kvm_rax_write_raw(vcpu, 0);

	return kvm_skip_emulated_instruction(vcpu);
}

/* Which bits of its registers a hypercall takes */
static unsigned long kvm_hypertrace_mask(struct kvm_vcpu *vcpu)
{
	return is_64_bit_hypercall(vcpu) ? ULONG_MAX : U32_MAX;
}

/*
 * L2 has exited for a hypercall.  True if that is answered here and is not L1's:
 * then kvm_hypertrace_answer_nested() is to be called.
 */
bool kvm_hypertrace_takes_nested(struct kvm_vcpu *vcpu)
{
	unsigned long nr = kvm_rax_read_raw(vcpu) & kvm_hypertrace_mask(vcpu);

	return kvm_hypertrace_is_ours(vcpu, nr) && !kvm_x86_call(get_cpl)(vcpu);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_takes_nested);

/* Returns what a handler of exits does. */
int kvm_hypertrace_answer_nested(struct kvm_vcpu *vcpu)
{
	return kvm_hypertrace_answer(vcpu, kvm_hypertrace_mask(vcpu));
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_answer_nested);

/* L1 has sent HYPERGRAPH_NR_PRIVATE.  Returns the answer to that. */
unsigned long kvm_hypertrace_set_private(struct kvm_vcpu *vcpu, unsigned long private)
{
	if (private > 1)
		return -KVM_EINVAL;

	vcpu->arch.hypertrace.nested_private = private;
	return 0;
}

/*
 * In a handler of fast path exits, for a hypercall from 64-bit code at CPL 0: the
 * guest's state is not protected, and the next RIP known without reading guest
 * memory.  All hypercalls but those of a guest's tracer take the slow path.
 */
fastpath_t kvm_hypertrace_fastpath(struct kvm_vcpu *vcpu)
{
	if (!kvm_pmu_is_fastpath_emulation_allowed(vcpu))
		return EXIT_FASTPATH_NONE;

	if (!kvm_hypertrace_is_ours(vcpu, kvm_rax_read_raw(vcpu)))
		return EXIT_FASTPATH_NONE;

	if (!kvm_hypertrace_answer(vcpu, ULONG_MAX))
		return EXIT_FASTPATH_EXIT_USERSPACE;

	return EXIT_FASTPATH_REENTER_GUEST;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_fastpath);

void __kvm_hypertrace_entry(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	enum kvm_hypertrace_event event = ht->event;
	u64 duration;

	ht->event = KVM_HYPERTRACE_NONE;
	if (!kvm_hypertrace_in_session(ht))
		return;

	duration = kvm_hypertrace_ns_since(ht->exit_tsc);
	if (event == KVM_HYPERTRACE_HYPERCALL)
		trace_hypergraph_host(vcpu, duration);
	else
		trace_hypergraph_exit(vcpu, duration);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(__kvm_hypertrace_entry);

/* Other ioctls of the VMM are a part of its time. */
void __kvm_hypertrace_load(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (vcpu->wants_to_run && ht->vmm_begin) {
		ht->vmm_time += kvm_hypertrace_ns_since(ht->vmm_begin);
		ht->vmm_begin = 0;
	}
}

/*
 * The guest's registers are those of a reset by now, and it can tell nothing more.
 * The exit is still recorded if the VMM runs the vCPU again.
 */
static void kvm_hypertrace_record_triple_fault(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace, exit = *ht;

	*ht = (struct kvm_vcpu_hypertrace) {
		.nr = HYPERGRAPH_NR_MARK,
		.a0 = HYPERGRAPH_MARK_TRIPLE_FAULT,
	};
	trace_hypergraph_host(vcpu, 0);
	*ht = exit;
}

void __kvm_hypertrace_run_end(struct kvm_vcpu *vcpu, int r)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (ht->event == KVM_HYPERTRACE_EXIT)
		ht->vmm_begin = rdtsc();

	if (!r && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN)
		kvm_hypertrace_record_triple_fault(vcpu);
}
