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

#include <linux/kvm_host.h>
#include <linux/math64.h>
#include <asm/hypervisor.h>
#include <uapi/linux/hypergraph.h>
#include <uapi/linux/kvm_para.h>

#include "cpuid.h"
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

/* A guest is asked again which kernel it is so long after it has told it. */
#define KVM_HYPERTRACE_HELLO_MS	100

DEFINE_STATIC_KEY_FALSE(kvm_hypertrace_key);
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_key);

/*
 * The number of this recording, so that an exit seen during one is not joined with
 * an entry seen during a later one, and that guests are asked for a hello in each.  It
 * is another one when the second tracepoint is enabled, too.  0 is none: it also says
 * that hooks are just being turned on or off, which is not done to all of them at once.
 */
unsigned int kvm_hypertrace_session;
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_session);

/* Whether hypergraph hypercalls that nested guests make are recorded, too */
static bool __read_mostly hypertrace_nested;
module_param(hypertrace_nested, bool, 0644);

/* Where this is itself a guest: whether its host may record those of its guests */
static bool __read_mostly hypertrace_offer;

/* In jiffies, when that was last told */
static DEFINE_PER_CPU(unsigned long, kvm_hypertrace_told);

static void kvm_hypertrace_tell_host(void *unused)
{
	__this_cpu_write(kvm_hypertrace_told, jiffies);
	kvm_hypercall1(HYPERGRAPH_NR_OFFER, READ_ONCE(hypertrace_offer));
}

/*
 * Called when the CPU's virtualization was just enabled.  When that is disabled the host
 * forgets what was offered.
 */
void kvm_hypertrace_enable_cpu(void)
{
	if (READ_ONCE(hypertrace_offer) && hypervisor_is_type(X86_HYPER_KVM))
		kvm_hypertrace_tell_host(NULL);
}

/* A guest's hypercall has come here and not to the host, which may have forgotten. */
static void kvm_hypertrace_offer_again(void)
{
	guard(preempt)();

	if (time_after(jiffies, __this_cpu_read(kvm_hypertrace_told) + HZ))
		kvm_hypertrace_enable_cpu();
}

/* As long as no vendor's module is there, there are no guests, and it will tell. */
static int kvm_hypertrace_offer_param_set(const char *val, const struct kernel_param *kp)
{
	bool offered = hypertrace_offer;
	int ret = param_set_bool(val, kp);

	if (ret || hypertrace_offer == offered)
		return ret;

	if (offered)
		static_branch_dec(&kvm_hypertrace_key);
	else
		static_branch_inc(&kvm_hypertrace_key);
	if (kvm_x86_ops.enable_virtualization_cpu && hypervisor_is_type(X86_HYPER_KVM))
		on_each_cpu(kvm_hypertrace_tell_host, NULL, 1);
	return 0;
}

static const struct kernel_param_ops kvm_hypertrace_offer_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = kvm_hypertrace_offer_param_set,
	.get = param_get_bool,
};
module_param_cb(hypertrace_offer, &kvm_hypertrace_offer_ops, &hypertrace_offer, 0644);

static unsigned int kvm_hypertrace_tracepoints;

/* Called with tracepoints_mutex held, before a tracepoint is enabled. */
int kvm_hypertrace_reg(void)
{
	static unsigned int sessions;

	/* Times are told in ns. */
	if (!tsc_khz)
		return -ENODEV;

	static_branch_inc(&kvm_hypertrace_key);
	kvm_hypertrace_tracepoints++;
	if (!++sessions)
		++sessions;
	WRITE_ONCE(kvm_hypertrace_session, sessions);
	return 0;
}

/* Called with tracepoints_mutex held, before a tracepoint is disabled. */
void kvm_hypertrace_unreg(void)
{
	if (!--kvm_hypertrace_tracepoints)
		WRITE_ONCE(kvm_hypertrace_session, 0);
	static_branch_dec(&kvm_hypertrace_key);
}

/* ns that a tick of the TSC takes, in units of 2^-32 ns; written as a VM is created */
static u64 kvm_hypertrace_ns_per_tick;

void kvm_hypertrace_init_vm(struct kvm *kvm)
{
	static atomic_t vm_ids;

	/* The same each time, unless the TSC's frequency was refined since. */
	if (tsc_khz)
		WRITE_ONCE(kvm_hypertrace_ns_per_tick,
			   div_u64((u64)NSEC_PER_MSEC << 32, tsc_khz));

	kvm->arch.hypertrace = (struct kvm_hypertrace) {
		.vm = current->tgid,
		.vm_id = atomic_inc_return(&vm_ids),
		.channels = KVM_HYPERTRACE_CHANNELS,
	};
}

/*
 * ns since the TSC was @since, or 0 if it is now behind that: it may be if the
 * vCPU has moved, and the CPUs' TSCs are not synchronized.
 */
static u64 kvm_hypertrace_ns_since(u64 since)
{
	s64 ticks = rdtsc() - since;

	if (ticks <= 0)
		return 0;

	return mul_u64_u64_shr(ticks, READ_ONCE(kvm_hypertrace_ns_per_tick), 32);
}

/* An event that no exit has led to */
static void kvm_hypertrace_record_by_host(struct kvm_vcpu *vcpu, u16 nr, bool nested)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace, exit = *ht;

	*ht = (struct kvm_vcpu_hypertrace) {
		.nr = nr,
		.by_host = true,
		.nested = nested,
		.nested_vcpu = nested ? exit.nested_vcpu : 0,
	};
	trace_hypergraph_host(vcpu, 0);
	*ht = exit;
}

static void kvm_hypertrace_save_nested(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	u32 nested_vcpu = gpa_to_gfn(kvm_nested_call(get_vmcx12)(vcpu));

	ht->nested = true;
	ht->nested_vcpu = nested_vcpu;
	if (ht->nested_hello.nested_vcpu != nested_vcpu)
		ht->nested_hello = (struct kvm_hypertrace_hello) { .nested_vcpu = nested_vcpu };
}

static __always_inline void kvm_hypertrace_save_not_nested(struct kvm_vcpu_hypertrace *ht)
{
	ht->nested = false;
	ht->nested_vcpu = 0;
}

/*
 * A kernel that has sent something had paging on.  If that is off now, the vCPU was
 * reset, which the VMM does by way of the registers, without a word of it to KVM.
 */
static __always_inline bool kvm_hypertrace_was_reset(struct kvm_vcpu *vcpu,
						     const struct kvm_hypertrace_hello *hello)
{
	return unlikely(!is_paging(vcpu)) && hello->paging && !is_smm(vcpu);
}

/* The VMM may have put another kernel there, or the same one at another time. */
void __kvm_hypertrace_ask_anew(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	ht->hello.due = 0;
	ht->nested_hello.due = 0;
}

static noinline void kvm_hypertrace_record_reset(struct kvm_vcpu *vcpu,
						 struct kvm_hypertrace_hello *hello, bool nested)
{
	hello->paging = false;
	hello->due = 0;
	kvm_hypertrace_record_by_host(vcpu, HYPERGRAPH_NR_RESET, nested);
}

void __kvm_hypertrace_reset(struct kvm_vcpu *vcpu)
{
	struct kvm_hypertrace_hello *hello = &vcpu->arch.hypertrace.hello;

	__kvm_hypertrace_ask_anew(vcpu);
	if (kvm_hypertrace_was_reset(vcpu, hello))
		kvm_hypertrace_record_reset(vcpu, hello, false);
}

void __kvm_hypertrace_exit(struct kvm_vcpu *vcpu, u32 isa)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	u32 intr_info, error_code;

	if (!ht->session)
		return;

	if (is_guest_mode(vcpu)) {
		kvm_hypertrace_save_nested(vcpu);
		if (kvm_hypertrace_was_reset(vcpu, &ht->nested_hello))
			kvm_hypertrace_record_reset(vcpu, &ht->nested_hello, true);
	} else {
		kvm_hypertrace_save_not_nested(ht);
		if (kvm_hypertrace_was_reset(vcpu, &ht->hello))
			kvm_hypertrace_record_reset(vcpu, &ht->hello, false);
	}

	ht->event = KVM_HYPERTRACE_EXIT;
	ht->isa = isa;
	ht->guest_rip = vcpu->arch.guest_state_protected ? 0 : kvm_rip_read(vcpu);
	ht->vmm_begin = 0;
	ht->vmm_time = 0;
	kvm_x86_call(get_exit_info)(vcpu, &ht->reason, &ht->info1, &ht->info2,
				    &intr_info, &error_code);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(__kvm_hypertrace_exit);

static __always_inline bool kvm_hypertrace_knows(unsigned long nr)
{
	switch (nr) {
	case HYPERGRAPH_NR_ENTRY:
	case HYPERGRAPH_NR_RETURN:
	case HYPERGRAPH_NR_HELLO:
	case HYPERGRAPH_NR_MARK:
	case HYPERGRAPH_NR_OFF:
	case HYPERGRAPH_NR_SCHED_SWITCH:
		return true;
	default:
		return false;
	}
}

/* Whether the VMM lets the guest send */
static __always_inline bool kvm_hypertrace_is_allowed(struct kvm_vcpu *vcpu)
{
	return (vcpu->kvm->arch.hypertrace.channels & HYPERGRAPH_CHANNEL_HYPERCALL) &&
	       guest_pv_has(vcpu, KVM_FEATURE_HYPERGRAPH);
}

/*
 * Returns the answer to a hypercall that says hello, or to which the host may ask for one.
 * It asks once, and not before it has heard a hello again.
 */
static noinline long kvm_hypertrace_ask(struct kvm_vcpu *vcpu, struct kvm_hypertrace_hello *hello)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	/* Not if the recording began only after this hypercall's exit, or has ended. */
	if (!ht->session || ht->session != READ_ONCE(kvm_hypertrace_session))
		return -KVM_ENOSYS;

	hello->session = ht->session;
	hello->paging = is_paging(vcpu);
	if (ht->nr != HYPERGRAPH_NR_HELLO) {
		hello->due = U64_MAX;
		return HYPERGRAPH_SAY_HELLO;
	}

	hello->due = ht->exit_tsc + (u64)tsc_khz * KVM_HYPERTRACE_HELLO_MS;
	return 0;
}

/*
 * Returns the answer to the hypercall that ht->nr to ht->a3 are, for one whose exit has led
 * here.  One to which that is 0 is recorded at the next VM-Entry.  With any other
 * answer its exit is one like all others.
 */
static __always_inline long kvm_hypertrace_answer(struct kvm_vcpu *vcpu, bool nested)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	struct kvm_hypertrace_hello *hello = nested ? &ht->nested_hello : &ht->hello;
	long answer;

	if (!trace_hypergraph_host_enabled() || !kvm_hypertrace_knows(ht->nr) ||
	    !kvm_hypertrace_is_allowed(vcpu))
		return -KVM_ENOSYS;

	if (nested)
		kvm_hypertrace_save_nested(vcpu);
	else
		kvm_hypertrace_save_not_nested(ht);

	/*
	 * If this is the recording in which it was last asked or said hello, then it is also
	 * that of this exit.  None has the number 0.
	 */
	if (unlikely(ht->exit_tsc >= hello->due ||
		     hello->session != READ_ONCE(kvm_hypertrace_session) ||
		     ht->nr == HYPERGRAPH_NR_HELLO)) {
		answer = kvm_hypertrace_ask(vcpu, hello);
		if (answer)
			return answer;
	}

	ht->event = KVM_HYPERTRACE_HYPERCALL;
	ht->guest_rip = kvm_rip_read(vcpu);
	return 0;
}

long __kvm_hypertrace_hypercall(struct kvm_vcpu *vcpu, unsigned long nr,
				unsigned long a0, unsigned long a1,
				unsigned long a2, unsigned long a3)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	long answer = -KVM_ENOSYS;

	ht->nr = nr;
	ht->a0 = a0;
	ht->a1 = a1;
	ht->a2 = a2;
	ht->a3 = a3;
	if (!vcpu->arch.guest_state_protected)
		answer = kvm_hypertrace_answer(vcpu, false);

	if (answer == -KVM_ENOSYS && READ_ONCE(hypertrace_offer) && kvm_hypertrace_knows(nr))
		kvm_hypertrace_offer_again();
	return answer;
}

/* Kept out of the way of those that are not traced. */
static noinline void kvm_hypertrace_trace_hypercall(const struct kvm_vcpu_hypertrace *ht)
{
	trace_kvm_hypercall(ht->nr, ht->a0, ht->a1, ht->a2, ht->a3);
}

/*
 * Does what kvm_emulate_hypercall() does but skip the instruction, for a hypercall from
 * 64-bit code at CPL 0 to which the answer is not -KVM_ENOSYS: returns false for any other.
 */
static __always_inline bool kvm_hypertrace_handle(struct kvm_vcpu *vcpu, bool nested)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	long answer;

	if (kvm_xen_hypercall_enabled(vcpu->kvm) || kvm_hv_hypercall_enabled(vcpu))
		return false;

	ht->nr = kvm_rax_read_raw(vcpu);
	ht->a0 = kvm_rbx_read_raw(vcpu);
	ht->a1 = kvm_rcx_read_raw(vcpu);
	ht->a2 = kvm_rdx_read_raw(vcpu);
	ht->a3 = kvm_rsi_read_raw(vcpu);
	answer = kvm_hypertrace_answer(vcpu, nested);
	if (answer == -KVM_ENOSYS)
		return false;

	kvm_rax_write_raw(vcpu, answer);
	++vcpu->stat.hypercalls;
	if (trace_kvm_hypercall_enabled())
		kvm_hypertrace_trace_hypercall(ht);
	return true;
}

/*
 * For a hypercall of L2 from 64-bit code at CPL 0, which L1 intercepts and would get.  L2 may
 * speak another hypervisor's hypercalls, with anything in rax; none of these uses r11.
 */
static bool kvm_hypertrace_handle_l2(struct kvm_vcpu *vcpu, u32 isa)
{
	if (!READ_ONCE(hypertrace_nested) || !vcpu->arch.hypertrace.offered ||
	    kvm_r11_read_raw(vcpu) != HYPERGRAPH_SIGNATURE ||
	    !kvm_hypertrace_handle(vcpu, true))
		return false;

	trace_kvm_nested_vmexit(vcpu, isa);
	return true;
}

/*
 * L2 has exited for a hypercall that L1 intercepts.  True if that was answered here and is
 * not L1's: all that is left to do is to skip the instruction.
 */
bool kvm_hypertrace_handle_nested(struct kvm_vcpu *vcpu, u32 isa)
{
	return is_64_bit_mode(vcpu) && !kvm_x86_call(get_cpl)(vcpu) &&
	       kvm_hypertrace_handle_l2(vcpu, isa);
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_handle_nested);

/*
 * L1 has sent HYPERGRAPH_NR_OFFER.  Returns the answer to that.  An offer ends with nested
 * virtualization, as at a reset, and so none is taken before that is enabled.
 */
unsigned long kvm_hypertrace_set_offer(struct kvm_vcpu *vcpu, unsigned long offer)
{
	bool enabled = vcpu->arch.efer & EFER_SVME || kvm_is_cr4_bit_set(vcpu, X86_CR4_VMXE);

	if (!enabled || !READ_ONCE(hypertrace_nested) || !kvm_hypertrace_is_allowed(vcpu)) {
		kvm_hypertrace_forget_offer(vcpu);
		return -KVM_ENOSYS;
	}

	if (offer > 1)
		return -KVM_EINVAL;

	vcpu->arch.hypertrace.offered = offer;
	return 0;
}

/*
 * In a handler of fast path exits, for a hypercall from 64-bit code at CPL 0: the
 * guest's state is not protected, and the next RIP known without reading guest
 * memory.  All hypercalls but those of a guest's tracer take the slow path.
 */
fastpath_t kvm_hypertrace_fastpath(struct kvm_vcpu *vcpu)
{
	if (!kvm_pmu_is_fastpath_emulation_allowed(vcpu) || !kvm_hypertrace_handle(vcpu, false))
		return EXIT_FASTPATH_NONE;

	if (unlikely(!kvm_skip_emulated_instruction(vcpu)))
		return EXIT_FASTPATH_EXIT_USERSPACE;

	return EXIT_FASTPATH_REENTER_GUEST;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_fastpath);

/*
 * The same for a hypercall of L2, which L1 intercepts.  With L0's debugger on L2 it may be
 * user space's turn next, for which an exit from L2 needs more than the fast path does.
 */
fastpath_t kvm_hypertrace_nested_fastpath(struct kvm_vcpu *vcpu, u32 isa)
{
	if (vcpu->guest_debug || !kvm_pmu_is_fastpath_emulation_allowed(vcpu) ||
	    !kvm_hypertrace_handle_l2(vcpu, isa))
		return EXIT_FASTPATH_NONE;

	kvm_skip_emulated_instruction(vcpu);
	return EXIT_FASTPATH_REENTER_GUEST;
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(kvm_hypertrace_nested_fastpath);

/* A function of its own: two tracepoints in one make each cost more. */
static noinline void kvm_hypertrace_record_exit(struct kvm_vcpu *vcpu)
{
	trace_hypergraph_exit(vcpu, kvm_hypertrace_ns_since(vcpu->arch.hypertrace.exit_tsc));
}

void __kvm_hypertrace_entry(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;
	u8 event = ht->event;

	ht->event = KVM_HYPERTRACE_NONE;
	if (ht->session != READ_ONCE(kvm_hypertrace_session))
		return;

	if (event == KVM_HYPERTRACE_EXIT)
		kvm_hypertrace_record_exit(vcpu);
	else
		trace_hypergraph_host(vcpu, kvm_hypertrace_ns_since(ht->exit_tsc));
}
EXPORT_SYMBOL_FOR_KVM_INTERNAL(__kvm_hypertrace_entry);

/* Other ioctls of the VMM are a part of its time. */
void __kvm_hypertrace_load(struct kvm_vcpu *vcpu)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	/* The TSC begins anew when the host was suspended: a hello would be due too late. */
	if (rdtsc() < ht->exit_tsc)
		__kvm_hypertrace_ask_anew(vcpu);

	if (vcpu->wants_to_run && ht->vmm_begin) {
		ht->vmm_time += kvm_hypertrace_ns_since(ht->vmm_begin);
		ht->vmm_begin = 0;
	}
}

/*
 * After a triple fault the guest can tell nothing more; its exit is still recorded if the
 * VMM runs the vCPU again.  What runs there then, it may be another kernel, is to say hello.
 */
static void kvm_hypertrace_record_triple_fault(struct kvm_vcpu *vcpu)
{
	__kvm_hypertrace_ask_anew(vcpu);
	kvm_hypertrace_record_by_host(vcpu, HYPERGRAPH_NR_TRIPLE_FAULT, false);
}

/* A KVM_RUN that only completes an exit does not end the VMM's time. */
void __kvm_hypertrace_run_end(struct kvm_vcpu *vcpu, int r)
{
	struct kvm_vcpu_hypertrace *ht = &vcpu->arch.hypertrace;

	if (ht->event == KVM_HYPERTRACE_EXIT && !ht->vmm_begin)
		ht->vmm_begin = rdtsc();

	if (!r && vcpu->run->exit_reason == KVM_EXIT_SHUTDOWN)
		kvm_hypertrace_record_triple_fault(vcpu);
}
