/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the hypergraph hypercalls have in common: the host's recording,
 * the modes that a vCPU can be in, and nested guests.
 *
 * The host, which is L0 and the test itself, runs these functions, except where a
 * comment says that L1 does.  Each of them fails the test if it cannot do its work.
 */
#ifndef SELFTEST_KVM_HYPERGRAPH_H
#define SELFTEST_KVM_HYPERGRAPH_H

#include <linux/hypergraph.h>

#include "kvm_util.h"
#include "processor.h"

/* The hypercalls that are recorded.  A new one needs to be added here only. */
static const u64 hypergraph_numbers[] = {
	HYPERGRAPH_NR_ENTRY, HYPERGRAPH_NR_RETURN, HYPERGRAPH_NR_HELLO,
	HYPERGRAPH_NR_MARK, HYPERGRAPH_NR_OFF, HYPERGRAPH_NR_SCHED_SWITCH,
};

#define NR_NUMBERS		ARRAY_SIZE(hypergraph_numbers)

/* Both host and guest may call this. */
static inline bool is_hypergraph_number(u64 nr)
{
	int i;

	for (i = 0; i < NR_NUMBERS; i++) {
		if (nr == hypergraph_numbers[i])
			return true;
	}
	return false;
}

#define HYPERCALL_INSN_SIZE	3

/* VMMCALL is AMD's instruction, VMCALL is Intel's. */
static inline const void *hypercall_opcode(bool vmmcall)
{
	return vmmcall ? "\x0f\x01\xd9" : "\x0f\x01\xc1";
}

/*
 * L1 or L2: does a hypercall, and puts the instruction's address in *@rip unless that is
 * NULL.  Returns the answer.
 */
u64 hypergraph_hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rip);

/*
 * L1 or L2: the same, and once more if the host asks for a hello.  It does that once, and
 * then not before it has heard one.
 */
u64 hypergraph_send(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rip);

/*
 * A recording is made by hypergraph_host in a tracefs instance of its own.  These
 * functions are about the selected one.
 */

struct hypergraph_event {
	u32 vm, vm_id, vcpu, nested, nested_vcpu, by_host;
	u64 nr, a0, a1, a2, a3;
	u64 rip;
};

/* Returns why nothing can be recorded, or NULL if it can. */
const char *recording_obstacle(void);

/* Recording 0 is selected at first. */
void recording_select(int nr);

/* A new recording is not enabled.  It replaces one that a killed test has left. */
void recording_create(void);
void recording_destroy(void);
void recording_enable(bool enable);
void recording_clear(void);

/* From now on only events of the VMs of process @pid are recorded. */
void recording_of(pid_t pid);

/* Whether L2's hypercalls are recorded too, if L1 offers them. */
void recording_nested(bool nested);

/* Whether hypergraph_exit is recorded too.  Only three of the next functions look at it. */
void recording_exits(bool enable);

/* Whether kvm_nested_vmexit is recorded too.  Only the function for that looks at it. */
void recording_nested_vmexits(bool enable);

/* Returns how many events were recorded, including those that were overwritten. */
u64 recording_count(void);

/* Returns how many of the recorded exits have this @reason, by its name in the trace. */
int recording_count_exits(const char *reason);

/* Returns how often kvm_nested_vmexit tells of a hypercall of L2. */
int recording_count_nested_hypercalls(void);

/* Returns how many ns the VMM took, of all exits that were recorded. */
u64 recording_vmm_time(void);

/* Returns the nested_vcpu of the exits of nested guests, of which there must be one. */
u32 recording_nested_vcpu(void);

/* Puts the events in order into @events, and returns how many.  More than @max fail. */
int recording_read(struct hypergraph_event *events, int max);

/* The two must agree in all but vm_id, and what is said of nested guests. */
void check_event(const struct hypergraph_event *event,
		 const struct hypergraph_event *expected);

/* The modes of a vCPU that differ in what a hypercall is. */
enum vcpu_mode {
	MODE_LONG,
	MODE_LONG_USER,
	MODE_COMPAT,
	MODE_COMPAT_USER,
	MODE_PROTECTED,
	MODE_REAL,
	NR_MODES,
};

extern const char * const vcpu_mode_names[NR_MODES];

/* Both host and guest may call these three. */
static inline bool is_64bit_mode(enum vcpu_mode mode)
{
	return mode == MODE_LONG || mode == MODE_LONG_USER;
}

static inline bool is_user_mode(enum vcpu_mode mode)
{
	return mode == MODE_LONG_USER || mode == MODE_COMPAT_USER;
}

/* Only this part of a register counts. */
static inline u64 mode_mask(enum vcpu_mode mode)
{
	return is_64bit_mode(mode) ? UINT64_MAX : UINT32_MAX;
}

/*
 * Returns what KVM should answer to hypercall @nr, which is either one of hypergraph's or
 * no hypercall at all, where nested guests are not recorded and it does not ask for a hello.
 */
u64 hypercall_answer(enum vcpu_mode mode, u64 nr, bool recording);

/* @sregs are those that the lib gave the vCPU.  All segments of the mode are flat. */
void vcpu_set_mode(struct kvm_vcpu *vcpu, struct kvm_sregs sregs, enum vcpu_mode mode);

/*
 * The low page can be executed, read and written by every mode at the same address.
 * It is below 64 KiB, where the lib allocates nothing by itself.  The code in it ends
 * with an OUT to DONE_PORT, which changes no register and has the same encoding in
 * every mode.
 */
#define LOW_PAGE	0x1000ull
#define DONE_PORT	0xe9

/* Returns the page's address in the host. */
void *vm_add_low_page(struct kvm_vm *vm);

/* Runs the vCPU until the OUT is done, and returns the registers that were seen there. */
void vcpu_run_to_out(struct kvm_vcpu *vcpu, struct kvm_regs *regs);

/* Sends the vCPU an INIT, which leaves it in real mode. */
void vcpu_send_init(struct kvm_vcpu *vcpu);

/*
 * Nested guests: the host allocates what L1 needs for one L2, and L1 calls l2_*().
 */

static inline bool kvm_cpu_has_nested(void)
{
	return kvm_cpu_has(X86_FEATURE_SVM) || kvm_cpu_has(X86_FEATURE_VMX);
}

/*
 * Returns the address in L1 that the l2_*() functions take as @nested, and in
 * @nested_vcpu what L2's events have there.
 */
gva_t vm_alloc_nested(struct kvm_vm *vm, u32 *nested_vcpu);

/*
 * L1: L2 will run @code in 64-bit mode at CPL 0, in L1's address space, with the general
 * registers that guest_regs then has.  All its MSRs are L1's, and so is its APIC.
 */
void l2_create(void *nested, void *code);

/* L1, before it calls the others with another @nested than the one created or selected last */
void l2_select(void *nested);

/* Why L2 can exit to L1 */
enum l2_exit {
	L2_EXIT_HYPERCALL,
	L2_EXIT_CPUID,
	L2_EXIT_UD,
};

/* L1: L2 runs until its next exit to L1. */
enum l2_exit l2_run(void *nested);

/* L1: whether VMMCALL exits to L1, which it does at first.  VMCALL always does. */
void l2_intercept_vmmcall(void *nested, bool intercept);

/* L1, of VMX only: L2 has this page of L1's memory as its virtual-APIC page. */
void l2_set_virtual_apic(gpa_t page);

/* L1: L2's next run begins at this address. */
u64 l2_rip(void *nested);
void l2_set_rip(void *nested, u64 rip);

/* L1: L2's next run is in @mode, one of long mode's, as L2 has L1's page tables. */
void l2_set_mode(void *nested, enum vcpu_mode mode);

#endif /* SELFTEST_KVM_HYPERGRAPH_H */
