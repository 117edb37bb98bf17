// SPDX-License-Identifier: GPL-2.0-only
/*
 * One hypergraph hypercall at a time: what it returns, leaves alone and has recorded in
 * each mode of a vCPU, under a debugger, and when the recording, the thread or the VM
 * ends right after it.
 *
 * KVM may answer it on its fast path or not; there is no difference to see.
 */
#include <pthread.h>

#include "kvm_test_harness.h"
#include "hypergraph.h"

/* DR6 says what happened; the other bits are always 1 or are inverted. */
#define DR6_BREAKPOINT_0	0xffff0ff1
#define DR6_SINGLE_STEP		0xffff4ff0
#define DR7_BREAKPOINT_0	0x402

/* These are not recorded, at least not in each mode. */
static const u64 other_numbers[] = {
	/* The upper half of a number counts in 64-bit mode only. */
	BIT_ULL(32) | HYPERGRAPH_NR_ENTRY, BIT_ULL(63) | HYPERGRAPH_NR_RETURN,
	0xdeadbeefull << 32 | HYPERGRAPH_NR_SCHED_SWITCH,
	/* These are near hypergraph's, or differ in one bit. */
	HYPERGRAPH_NR_OFFER, HYPERGRAPH_NR_ENTRY - 1,
	/* What only the host makes is not a guest's to send. */
	HYPERGRAPH_NR_TRIPLE_FAULT, HYPERGRAPH_NR_RESET,
	HYPERGRAPH_NR_SCHED_SWITCH - 1, HYPERGRAPH_NR_SCHED_SWITCH + 1,
	BIT_ULL(8) | HYPERGRAPH_NR_ENTRY, BIT_ULL(31) | HYPERGRAPH_NR_ENTRY,
	/* KVM knows none of these. */
	0, 2, 13, UINT32_MAX, INT64_MAX, UINT64_MAX,
};

#define NR_TESTED	(NR_NUMBERS + ARRAY_SIZE(other_numbers))

static u64 tested_number(int i)
{
	return i < NR_NUMBERS ? hypergraph_numbers[i] : other_numbers[i - NR_NUMBERS];
}

/* The guest counts its debug exceptions here. */
static struct debug_exceptions {
	u64 count;
	u64 rip;	/* of the last one */
} debug_exceptions;

static void guest_db_handler(struct ex_regs *regs)
{
	debug_exceptions.count++;
	debug_exceptions.rip = regs->rip;
	regs->rflags &= ~X86_EFLAGS_TF;
}

struct machine {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
};

/* The low page has a hypercall, and the OUT that ends what the vCPU runs. */
static void write_hypercall(struct kvm_vm *vm, bool vmmcall)
{
	static const u8 out[] = { 0xe6, DONE_PORT };
	u8 *code = addr_gpa2hva(vm, LOW_PAGE);

	memcpy(code, hypercall_opcode(vmmcall), HYPERCALL_INSN_SIZE);
	memcpy(code + HYPERCALL_INSN_SIZE, out, sizeof(out));
}

static struct machine machine_create(void)
{
	struct machine m;

	m.vm = vm_create_with_one_vcpu(&m.vcpu, NULL);
	vcpu_sregs_get(m.vcpu, &m.sregs);
	vcpu_regs_get(m.vcpu, &m.regs);
	vm_add_low_page(m.vm);
	write_hypercall(m.vm, host_cpu_is_amd_compatible);
	return m;
}

static void random_regs(struct kvm_regs *regs, u64 nr)
{
	__u64 *reg;

	for (reg = &regs->rax; reg <= &regs->r15; reg++)
		*reg = kvm_random_u64(&kvm_rng);
	regs->rax = nr;
	regs->rip = LOW_PAGE;
	/* OUT needs an IOPL of 3 at CPL 3. */
	regs->rflags = X86_EFLAGS_FIXED | (3 * X86_EFLAGS_IOPL) |
		       (kvm_random_u64(&kvm_rng) &
			(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF |
			 X86_EFLAGS_SF | X86_EFLAGS_DF | X86_EFLAGS_OF | X86_EFLAGS_AC |
			 X86_EFLAGS_ID));
}

/* Outside 64-bit mode neither r8..r15 nor upper halves are the guest's. */
static void check_regs(enum vcpu_mode mode, const struct kvm_regs *before,
		       const struct kvm_regs *after, u64 rax)
{
	const __u64 *last = is_64bit_mode(mode) ? &before->r15 : &before->rbp;
	const char *name = vcpu_mode_names[mode];
	u64 mask = mode_mask(mode);
	const __u64 *reg;
	int i;

	TEST_ASSERT((after->rax & mask) == rax, "%s: hypercall 0x%llx returned %lld, not %ld",
		    name, before->rax, after->rax, (long)rax);

	for (reg = &before->rbx, i = 1; reg <= last; reg++, i++)
		TEST_ASSERT((*reg & mask) == ((&after->rax)[i] & mask),
			    "%s: hypercall 0x%llx changed kvm_regs[%d] from 0x%llx to 0x%llx",
			    name, before->rax, i, *reg, (&after->rax)[i]);

	TEST_ASSERT(before->rflags == after->rflags,
		    "%s: hypercall 0x%llx changed rflags from 0x%llx to 0x%llx",
		    name, before->rax, before->rflags, after->rflags);
}

static void check_regs_event(enum vcpu_mode mode, const struct kvm_regs *regs,
			     const struct hypergraph_event *event)
{
	u64 mask = mode_mask(mode);

	check_event(event, &(struct hypergraph_event) {
		.vm = getpid(),
		.vcpu = 0,
		.nr = regs->rax & mask,
		.a0 = regs->rbx & mask,
		.a1 = regs->rcx & mask,
		.a2 = regs->rdx & mask,
		.a3 = regs->rsi & mask,
		.rip = LOW_PAGE,
	});
}

/* Returns whether a debug exit came right after the hypercall. */
static bool run_debugged(struct kvm_vcpu *vcpu, struct kvm_guest_debug debug, u64 dr6)
{
	debug.control |= KVM_GUESTDBG_ENABLE;
	vcpu_guest_debug_set(vcpu, &debug);
	vcpu_run(vcpu);
	debug.control = 0;
	vcpu_guest_debug_set(vcpu, &debug);

	if (vcpu->run->exit_reason != KVM_EXIT_DEBUG)
		return false;
	TEST_ASSERT_EQ(vcpu->run->debug.arch.exception, DB_VECTOR);
	TEST_ASSERT_EQ(vcpu->run->debug.arch.pc, LOW_PAGE + HYPERCALL_INSN_SIZE);
	TEST_ASSERT_EQ(vcpu->run->debug.arch.dr6, dr6);
	return true;
}

static void run_one_step(struct kvm_vcpu *vcpu)
{
	bool stopped = run_debugged(vcpu, (struct kvm_guest_debug) {
		.control = KVM_GUESTDBG_SINGLESTEP,
	}, DR6_SINGLE_STEP);

	TEST_ASSERT(stopped, "A single step was more than one");
}

static bool run_to_breakpoint(struct kvm_vcpu *vcpu)
{
	return run_debugged(vcpu, (struct kvm_guest_debug) {
		.control = KVM_GUESTDBG_USE_HW_BP,
		.arch.debugreg[0] = LOW_PAGE + HYPERCALL_INSN_SIZE,
		.arch.debugreg[7] = DR7_BREAKPOINT_0,
	}, DR6_BREAKPOINT_0);
}

/* Makes the host ask for a hello, which it does only once. */
static void be_asked(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	random_regs(&regs, HYPERGRAPH_NR_ENTRY);
	vcpu_regs_set(vcpu, &regs);
	vcpu_run_to_out(vcpu, &regs);
	TEST_ASSERT_EQ(regs.rax, HYPERGRAPH_SAY_HELLO);
}

/* The vCPU does a hypercall with random arguments, which are returned, and stops. */
static struct kvm_regs run_one_hypercall(struct kvm_vcpu *vcpu, u64 nr)
{
	struct kvm_regs regs;

	random_regs(&regs, nr);
	vcpu_regs_set(vcpu, &regs);
	run_one_step(vcpu);
	return regs;
}

FIXTURE(hypergraph_mode) {
	struct hypergraph_event events[NR_TESTED];
};

FIXTURE_VARIANT(hypergraph_mode) {
	enum vcpu_mode mode;
};

FIXTURE_VARIANT_ADD(hypergraph_mode, long) { .mode = MODE_LONG };
FIXTURE_VARIANT_ADD(hypergraph_mode, long_user) { .mode = MODE_LONG_USER };
FIXTURE_VARIANT_ADD(hypergraph_mode, compat) { .mode = MODE_COMPAT };
FIXTURE_VARIANT_ADD(hypergraph_mode, compat_user) { .mode = MODE_COMPAT_USER };
FIXTURE_VARIANT_ADD(hypergraph_mode, protected) { .mode = MODE_PROTECTED };
FIXTURE_VARIANT_ADD(hypergraph_mode, real) { .mode = MODE_REAL };

FIXTURE_SETUP(hypergraph_mode)
{
	recording_create();
}

FIXTURE_TEARDOWN_PARENT(hypergraph_mode)
{
	recording_destroy();
}

/* Returns the registers right after the hypercall, or after the OUT that follows it. */
static struct kvm_regs run_hypercall(struct kvm_vcpu *vcpu, bool step, struct kvm_regs *before)
{
	struct kvm_regs after;

	vcpu_regs_set(vcpu, before);
	if (step) {
		run_one_step(vcpu);
		vcpu_regs_get(vcpu, &after);
	} else {
		vcpu_run_to_out(vcpu, &after);
	}
	return after;
}

static void test_hypercall(struct kvm_vcpu *vcpu, enum vcpu_mode mode, bool step,
			   struct kvm_regs *before, u64 answer)
{
	struct kvm_regs after;

	after = run_hypercall(vcpu, step, before);
	if (!answer && (after.rax & mode_mask(mode)) == HYPERGRAPH_SAY_HELLO) {
		check_regs(mode, before, &after, HYPERGRAPH_SAY_HELLO);
		after = run_hypercall(vcpu, step, before);
	}
	check_regs(mode, before, &after, answer);
	if (step) {
		vcpu_run_to_out(vcpu, &after);
		check_regs(mode, before, &after, answer);
	}
}

static void test_hypercalls(struct hypergraph_event *events, enum vcpu_mode mode,
			    bool step, bool foreign_insn)
{
	struct kvm_regs before, recorded[NR_TESTED];
	struct machine m = machine_create();
	int i, n = 0, recording;
	u64 answer;

	recording_of(getpid());
	vcpu_set_mode(m.vcpu, m.sregs, mode);

	for (recording = 0; recording <= 1; recording++) {
		recording_enable(recording);
		for (i = 0; i < NR_TESTED; i++) {
			write_hypercall(m.vm, host_cpu_is_amd_compatible ^ foreign_insn);
			random_regs(&before, tested_number(i));
			answer = hypercall_answer(mode, before.rax, recording);
			test_hypercall(m.vcpu, mode, step, &before, answer);
			if (!answer && is_hypergraph_number(before.rax & mode_mask(mode)))
				recorded[n++] = before;
		}
	}
	recording_enable(false);

	TEST_ASSERT_EQ(recording_read(events, n), n);
	for (i = 0; i < n; i++)
		check_regs_event(mode, &recorded[i], &events[i]);

	kvm_vm_free(m.vm);
}

TEST_F(hypergraph_mode, hypercalls)
{
	test_hypercalls(self->events, variant->mode, false, false);
}

TEST_F(hypergraph_mode, single_step)
{
	test_hypercalls(self->events, variant->mode, true, false);
}

/* All other tests are in 64-bit mode at CPL 0. */

FIXTURE(hypergraph) {
	struct hypergraph_event events[NR_TESTED];
};

FIXTURE_SETUP(hypergraph)
{
	recording_create();
	recording_enable(true);
}

FIXTURE_TEARDOWN_PARENT(hypergraph)
{
	recording_destroy();
}

/* KVM replaces the other vendor's instruction when it is executed. */
TEST_F(hypergraph, foreign_insn)
{
	test_hypercalls(self->events, MODE_LONG, false, true);
}

/* Emulated machines may lack breakpoints. */
static bool has_breakpoints(struct machine *m)
{
	struct kvm_regs regs;

	memcpy(addr_gpa2hva(m->vm, LOW_PAGE), "\x0f\x1f\x00", HYPERCALL_INSN_SIZE); /* NOP */
	random_regs(&regs, 0);
	vcpu_regs_set(m->vcpu, &regs);
	if (!run_to_breakpoint(m->vcpu))
		return false;
	vcpu_run_to_out(m->vcpu, &regs);
	write_hypercall(m->vm, host_cpu_is_amd_compatible);
	return true;
}

/* A debugger has a breakpoint on the next instruction. */
TEST_F(hypergraph, breakpoint)
{
	struct machine m = machine_create();
	struct kvm_regs before, after;
	int i;

	if (!has_breakpoints(&m))
		SKIP(return, "no breakpoint after a NOP either");

	recording_of(getpid());
	be_asked(m.vcpu);
	for (i = 0; i < NR_NUMBERS; i++) {
		random_regs(&before, hypergraph_numbers[i]);
		vcpu_regs_set(m.vcpu, &before);
		TEST_ASSERT(run_to_breakpoint(m.vcpu), "The breakpoint was missed");
		vcpu_regs_get(m.vcpu, &after);
		check_regs(MODE_LONG, &before, &after, 0);
		vcpu_run_to_out(m.vcpu, &after);
		check_regs(MODE_LONG, &before, &after, 0);
	}
	TEST_ASSERT_EQ(recording_count(), NR_NUMBERS);
	kvm_vm_free(m.vm);
}

/* The guest single-steps itself. */
TEST_F(hypergraph, trap_flag)
{
	struct machine m = machine_create();
	struct debug_exceptions *db = addr_gva2hva(m.vm, (gva_t)&debug_exceptions);
	struct kvm_regs before, after;
	int i;

	recording_of(getpid());
	vm_install_exception_handler(m.vm, DB_VECTOR, guest_db_handler);
	be_asked(m.vcpu);

	for (i = 0; i < NR_NUMBERS; i++) {
		random_regs(&before, hypergraph_numbers[i]);
		before.rsp = m.regs.rsp;
		before.rflags &= ~(X86_EFLAGS_DF | X86_EFLAGS_AC);
		before.rflags |= X86_EFLAGS_TF;
		vcpu_regs_set(m.vcpu, &before);
		vcpu_run_to_out(m.vcpu, &after);

		TEST_ASSERT_EQ(db->count, i + 1);
		TEST_ASSERT_EQ(db->rip, LOW_PAGE + HYPERCALL_INSN_SIZE);
		after.rflags |= X86_EFLAGS_TF;
		check_regs(MODE_LONG, &before, &after, 0);

		TEST_ASSERT_EQ(recording_read(self->events, i + 1), i + 1);
		check_regs_event(MODE_LONG, &before, &self->events[i]);
	}
	kvm_vm_free(m.vm);
}

/* The recording ends before the vCPU is entered again, and another one begins. */
TEST_F(hypergraph, new_recording_before_entry)
{
	struct machine m = machine_create();
	struct kvm_regs regs;
	int i;

	recording_of(getpid());
	for (i = 0; i < 10; i++) {
		be_asked(m.vcpu);
		run_one_hypercall(m.vcpu, HYPERGRAPH_NR_ENTRY);
		recording_enable(false);
		recording_enable(true);
		vcpu_run_to_out(m.vcpu, &regs);
		TEST_ASSERT_EQ(regs.rax, 0);
	}
	TEST_ASSERT(recording_count() <= 10, "Events were recorded twice");
	kvm_vm_free(m.vm);
}

static void *run_to_out(void *vcpu)
{
	struct kvm_regs regs;

	vcpu_run_to_out(vcpu, &regs);
	return NULL;
}

/* A vCPU is unplugged and plugged again when it has just done a hypercall. */
TEST_F(hypergraph, other_thread)
{
	struct machine m = machine_create();
	struct kvm_regs regs;
	pthread_t thread;
	int i;

	recording_of(getpid());
	be_asked(m.vcpu);
	for (i = 0; i < NR_NUMBERS; i++) {
		regs = run_one_hypercall(m.vcpu, hypergraph_numbers[i]);
		TEST_ASSERT(!pthread_create(&thread, NULL, run_to_out, m.vcpu),
			    "pthread_create()");
		pthread_join(thread, NULL);

		TEST_ASSERT_EQ(recording_read(self->events, i + 1), i + 1);
		check_regs_event(MODE_LONG, &regs, &self->events[i]);
	}
	kvm_vm_free(m.vm);
}

/* A VM ends when it has just done a hypercall. */
TEST_F(hypergraph, vm_ends)
{
	struct machine m;
	int i;

	recording_of(getpid());
	for (i = 0; i < 10; i++) {
		m = machine_create();
		be_asked(m.vcpu);
		run_one_hypercall(m.vcpu, HYPERGRAPH_NR_ENTRY);
		kvm_vm_free(m.vm);
	}
	TEST_ASSERT(recording_count() <= 10, "Too many events");
}

int main(int argc, char *argv[])
{
	const char *obstacle = recording_obstacle();

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	return test_harness_run(argc, argv);
}
