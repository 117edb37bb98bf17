// SPDX-License-Identifier: GPL-2.0-only
/*
 * One hypergraph hypercall at a time: what it returns, leaves alone and has recorded in
 * each mode of a vCPU, under a debugger, and when the recording, the thread or the VM
 * ends right after it; when the host asks for a hello, and when it does not listen.
 *
 * KVM may answer it on its fast path or not; there is no difference to see.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

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
	/* These are not for events, are the host's, or are not used yet. */
	HYPERGRAPH_NR_OFFER, HYPERGRAPH_NR_TRIPLE_FAULT, HYPERGRAPH_NR_RESET,
	HYPERGRAPH_NR_RESET + 1, HYPERGRAPH_NR_RESET + 4,
	/* These are near hypergraph's, or differ in one bit. */
	HYPERGRAPH_NR_ENTRY - 1, HYPERGRAPH_NR_SCHED_SWITCH - 1, HYPERGRAPH_NR_SCHED_SWITCH + 1,
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
	enum vcpu_mode mode;
	bool step;		/* single-steps its hypercalls */
	bool foreign_insn;	/* does them with the other vendor's instruction */
};

/* The low page has a hypercall, and the OUT that ends what the vCPU runs. */
static void write_hypercall(struct kvm_vm *vm, bool vmmcall)
{
	static const u8 out[] = { 0xe6, DONE_PORT };
	u8 *code = addr_gpa2hva(vm, LOW_PAGE);

	memcpy(code, hypercall_opcode(vmmcall), HYPERCALL_INSN_SIZE);
	memcpy(code + HYPERCALL_INSN_SIZE, out, sizeof(out));
}

static struct machine machine_of(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	struct machine m = { .vm = vm, .vcpu = vcpu };

	vcpu_sregs_get(vcpu, &m.sregs);
	vcpu_regs_get(vcpu, &m.regs);
	vm_add_low_page(vm);
	write_hypercall(vm, host_cpu_is_amd_compatible);
	return m;
}

static struct machine machine_create(void)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, NULL);

	return machine_of(vm, vcpu);
}

static void machine_set_mode(struct machine *m, enum vcpu_mode mode)
{
	m->mode = mode;
	vcpu_set_mode(m->vcpu, m->sregs, mode);
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

/*
 * All but the answer are to be the same.  Outside 64-bit mode neither r8..r15 nor upper
 * halves are the guest's.
 */
static void check_regs(enum vcpu_mode mode, const struct kvm_regs *before,
		       const struct kvm_regs *after)
{
	const __u64 *last = is_64bit_mode(mode) ? &before->r15 : &before->rbp;
	const char *name = vcpu_mode_names[mode];
	u64 mask = mode_mask(mode);
	const __u64 *reg;
	int i;

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

/*
 * The vCPU does a hypercall with random arguments, which are returned, and stops.  It is a
 * hello, which the host never asks to be sent again.
 */
static struct kvm_regs run_one_hypercall(struct kvm_vcpu *vcpu)
{
	struct kvm_regs regs;

	random_regs(&regs, HYPERGRAPH_NR_HELLO);
	vcpu_regs_set(vcpu, &regs);
	run_one_step(vcpu);
	return regs;
}

/* Does a hypercall and the OUT after it, and returns the answer. */
static u64 do_hypercall(struct machine *m, const struct kvm_regs *before)
{
	struct kvm_regs after;

	/* KVM has replaced the other vendor's instruction when it was executed before. */
	write_hypercall(m->vm, host_cpu_is_amd_compatible ^ m->foreign_insn);
	vcpu_regs_set(m->vcpu, (struct kvm_regs *)before);
	if (m->step) {
		run_one_step(m->vcpu);
		vcpu_regs_get(m->vcpu, &after);
		check_regs(m->mode, before, &after);
	}
	vcpu_run_to_out(m->vcpu, &after);
	check_regs(m->mode, before, &after);
	return after.rax & mode_mask(m->mode);
}

/* The same with random arguments */
static u64 hypercall(struct machine *m, u64 nr)
{
	struct kvm_regs regs;

	random_regs(&regs, nr);
	return do_hypercall(m, &regs);
}

/*
 * A hello is asked for again when 100 ms have passed.  The frequency of the TSC that the
 * host goes by may be a better one than that which the VM got.
 */
static u64 ticks_of_ms(int ms)
{
	return ms * (u64)guest_tsc_khz;
}

static void wait_until_it_asks(void)
{
	u64 start = rdtsc();

	while (rdtsc() - start <= ticks_of_ms(110))
		;
}

/* Does it once more if the host asks for a hello. */
static u64 send_regs(struct machine *m, const struct kvm_regs *regs)
{
	u64 answer = do_hypercall(m, regs);

	if (answer == HYPERGRAPH_SAY_HELLO)
		answer = do_hypercall(m, regs);
	return answer;
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

static void test_hypercalls(struct machine m, struct hypergraph_event *events)
{
	struct kvm_regs regs, recorded[NR_TESTED];
	int i, n = 0, recording;
	u64 answer, expected;

	recording_of(getpid());
	for (recording = 0; recording <= 1; recording++) {
		recording_enable(recording);
		for (i = 0; i < NR_TESTED; i++) {
			random_regs(&regs, tested_number(i));
			answer = send_regs(&m, &regs);
			expected = hypercall_answer(m.mode, regs.rax, recording);
			TEST_ASSERT(answer == expected, "%s: 0x%llx returned %ld, not %ld",
				    vcpu_mode_names[m.mode], regs.rax, (long)answer,
				    (long)expected);
			if (!answer)
				recorded[n++] = regs;
		}
	}
	recording_enable(false);

	TEST_ASSERT_EQ(recording_read(events, n), n);
	for (i = 0; i < n; i++)
		check_regs_event(m.mode, &recorded[i], &events[i]);

	kvm_vm_free(m.vm);
}

TEST_F(hypergraph_mode, hypercalls)
{
	struct machine m = machine_create();

	machine_set_mode(&m, variant->mode);
	test_hypercalls(m, self->events);
}

TEST_F(hypergraph_mode, single_step)
{
	struct machine m = machine_create();

	m.step = true;
	machine_set_mode(&m, variant->mode);
	test_hypercalls(m, self->events);
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
	recording_nested(false);
	recording_destroy();
}

/* KVM replaces the other vendor's instruction when it is executed. */
TEST_F(hypergraph, foreign_insn)
{
	struct machine m = machine_create();

	m.foreign_insn = true;
	test_hypercalls(m, self->events);
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

	if (!has_breakpoints(&m))
		SKIP(return, "no breakpoint after a NOP either");

	recording_of(getpid());
	random_regs(&before, HYPERGRAPH_NR_HELLO);
	vcpu_regs_set(m.vcpu, &before);
	TEST_ASSERT(run_to_breakpoint(m.vcpu), "The breakpoint was missed");
	vcpu_run_to_out(m.vcpu, &after);
	TEST_ASSERT_EQ(after.rax, 0);
	check_regs(MODE_LONG, &before, &after);
	TEST_ASSERT_EQ(recording_count(), 1);
	kvm_vm_free(m.vm);
}

/* The guest single-steps itself. */
TEST_F(hypergraph, trap_flag)
{
	struct machine m = machine_create();
	struct debug_exceptions *db = addr_gva2hva(m.vm, (gva_t)&debug_exceptions);
	struct kvm_regs before, after;

	recording_of(getpid());
	vm_install_exception_handler(m.vm, DB_VECTOR, guest_db_handler);

	random_regs(&before, HYPERGRAPH_NR_HELLO);
	before.rsp = m.regs.rsp;
	before.rflags &= ~(X86_EFLAGS_DF | X86_EFLAGS_AC);
	before.rflags |= X86_EFLAGS_TF;
	vcpu_regs_set(m.vcpu, &before);
	vcpu_run_to_out(m.vcpu, &after);

	TEST_ASSERT_EQ(db->count, 1);
	TEST_ASSERT_EQ(db->rip, LOW_PAGE + HYPERCALL_INSN_SIZE);
	after.rflags |= X86_EFLAGS_TF;
	TEST_ASSERT_EQ(after.rax, 0);
	check_regs(MODE_LONG, &before, &after);

	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);
	check_regs_event(MODE_LONG, &before, &self->events[0]);
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
		run_one_hypercall(m.vcpu);
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
	for (i = 0; i < 5; i++) {
		regs = run_one_hypercall(m.vcpu);
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
		run_one_hypercall(m.vcpu);
		kvm_vm_free(m.vm);
	}
	TEST_ASSERT(recording_count() <= 10, "Too many events");
}

/*
 * The host asks for a hello.
 */

static void recording_anew(void)
{
	recording_enable(false);
	recording_enable(true);
	recording_clear();
}

/* It asks at a vCPU's first event, does not record that, and asks once. */
TEST_F(hypergraph, asks_first)
{
	struct machine m = machine_create();
	int i;

	recording_of(getpid());
	for (i = 0; i < NR_NUMBERS; i++) {
		if (hypergraph_numbers[i] == HYPERGRAPH_NR_HELLO)
			continue;
		recording_anew();
		TEST_ASSERT_EQ(hypercall(&m, hypergraph_numbers[i]), HYPERGRAPH_SAY_HELLO);
		TEST_ASSERT_EQ(recording_count(), 0);
		TEST_ASSERT_EQ(hypercall(&m, hypergraph_numbers[i]), 0);
		TEST_ASSERT_EQ(hypercall(&m, hypergraph_numbers[i]), 0);
		TEST_ASSERT_EQ(recording_count(), 2);
	}
	kvm_vm_free(m.vm);
}

/* Each vCPU of each VM is asked, each once. */
TEST_F(hypergraph, asks_each_vcpu)
{
	struct machine m = machine_create(), other = machine_create();

	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(hypercall(&other, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), 0);
	TEST_ASSERT_EQ(hypercall(&other, HYPERGRAPH_NR_ENTRY), 0);
	kvm_vm_free(m.vm);
	kvm_vm_free(other.vm);
}

/* It does not ask what says hello, be that first or long since the last one. */
TEST_F(hypergraph, asks_no_hello)
{
	struct machine m = machine_create();

	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	wait_until_it_asks();
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	TEST_ASSERT_EQ(recording_count(), 3);
	kvm_vm_free(m.vm);
}

/* After a hello it asks again when its time has come, and not before. */
TEST_F(hypergraph, asks_again)
{
	struct machine m = machine_create();
	u64 hello = rdtsc(), answer, ticks, calls = 0;

	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	while (!(answer = hypercall(&m, HYPERGRAPH_NR_ENTRY)))
		calls++;
	TEST_ASSERT_EQ(answer, HYPERGRAPH_SAY_HELLO);
	ticks = rdtsc() - hello;
	TEST_ASSERT(ticks >= ticks_of_ms(90), "It asked after %lu ticks", ticks);
	TEST_ASSERT_EQ(recording_count(), 1 + calls);
	kvm_vm_free(m.vm);
}

/* A vCPU whose last event is long ago is asked at its next one. */
TEST_F(hypergraph, asks_after_silence)
{
	struct machine m = machine_create();

	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	wait_until_it_asks();
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	wait_until_it_asks();
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), 0);
	TEST_ASSERT_EQ(recording_count(), 2);
	kvm_vm_free(m.vm);
}

/* A recording that follows another one has a hello of its own. */
TEST_F(hypergraph, asks_in_next_recording)
{
	struct machine m = machine_create();

	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	recording_anew();
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(recording_count(), 0);
	kvm_vm_free(m.vm);
}

/* So does one that follows what a VMM does to load a snapshot. */
TEST_F(hypergraph, asks_after_sregs)
{
	struct machine m = machine_create();

	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), 0);
	vcpu_sregs_set(m.vcpu, &m.sregs);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), 0);
	TEST_ASSERT_EQ(recording_count(), 2);
	kvm_vm_free(m.vm);
}

/* Adds to the TSC of CPU 0.  Returns whether there is a way to do that. */
static bool add_to_tsc(s64 ticks)
{
	int fd = open("/dev/cpu/0/msr", O_RDWR);
	u64 tsc = rdtsc() + ticks;
	bool written = pwrite(fd, &tsc, sizeof(tsc), MSR_IA32_TSC) == sizeof(tsc);

	close(fd);
	return written;
}

/* The host is suspended, and its TSC begins anew.  QEMU's cannot be written. */
TEST_F(hypergraph, asks_after_suspend)
{
	struct machine m = machine_create();
	s64 ticks = rdtsc() / 2;
	u64 answer, before;

	pin_self_to_cpu(0);
	recording_of(getpid());
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	before = rdtsc();
	if (!add_to_tsc(-ticks) || rdtsc() >= before)
		SKIP(return, "the TSC cannot be written");
	answer = hypercall(&m, HYPERGRAPH_NR_ENTRY);
	add_to_tsc(ticks);
	TEST_ASSERT_EQ(answer, HYPERGRAPH_SAY_HELLO);
	kvm_vm_free(m.vm);
}

FIXTURE(hypergraph_second) {
	struct hypergraph_event events[2];
};

FIXTURE_SETUP(hypergraph_second)
{
	recording_create();
	recording_enable(true);
	recording_select(1);
	recording_create();
}

FIXTURE_TEARDOWN_PARENT(hypergraph_second)
{
	recording_select(1);
	recording_destroy();
	recording_select(0);
	recording_destroy();
}

/* A recording that begins during another one has a hello, too. */
TEST_F(hypergraph_second, asks)
{
	struct machine m = machine_create();

	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	recording_of(getpid());
	recording_enable(true);
	while (hypercall(&m, HYPERGRAPH_NR_ENTRY) != HYPERGRAPH_SAY_HELLO)
		;
	recording_clear();
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_HELLO), 0);
	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);
	TEST_ASSERT_EQ(self->events[0].nr, HYPERGRAPH_NR_HELLO);
	kvm_vm_free(m.vm);
}

/*
 * What the VMM decides.
 */

/* Nor may it offer its guests' hypercalls. */
static void test_all_refused(struct machine *m)
{
	int i;

	recording_nested(true);
	for (i = 0; i < NR_TESTED; i++)
		TEST_ASSERT_EQ(hypercall(m, tested_number(i)), (u64)-KVM_ENOSYS);
	TEST_ASSERT_EQ(recording_count(), 0);
}

/* A VMM that enforces the features that it shows decides by this one. */
TEST_F(hypergraph, feature)
{
	struct machine with = machine_create(), without = machine_create();

	recording_of(getpid());
	TEST_ASSERT(kvm_cpu_has(X86_FEATURE_KVM_HYPERGRAPH), "The feature is not reported");
	vcpu_enable_cap(with.vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1);
	TEST_ASSERT_EQ(hypercall(&with, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);

	vcpu_enable_cap(without.vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1);
	vcpu_clear_cpuid_feature(without.vcpu, X86_FEATURE_KVM_HYPERGRAPH);
	test_all_refused(&without);
	kvm_vm_free(with.vm);
	kvm_vm_free(without.vm);
}

/* One that does not care gets what it had, one that does can turn it off. */
TEST_F(hypergraph, capability)
{
	u64 channels = kvm_check_cap(KVM_CAP_X86_HYPERGRAPH);
	struct kvm_vm *vm = vm_create(1);
	struct machine m;

	recording_of(getpid());
	TEST_ASSERT_EQ(channels, HYPERGRAPH_CHANNEL_HYPERCALL);
	TEST_ASSERT(__vm_enable_cap(vm, KVM_CAP_X86_HYPERGRAPH, channels << 1) &&
		    errno == EINVAL, "An unknown channel was enabled");
	vm_enable_cap(vm, KVM_CAP_X86_HYPERGRAPH, 0);

	m = machine_of(vm, vm_vcpu_add(vm, 0, NULL));
	test_all_refused(&m);
	kvm_vm_free(m.vm);
}

/*
 * What only the host knows.
 */

/* A VM has an id of its own, be it one of the same process. */
TEST_F(hypergraph, vm_id)
{
	struct hypergraph_event *e = self->events;
	struct machine m = machine_create(), other = machine_create();

	recording_of(getpid());
	hypercall(&m, HYPERGRAPH_NR_HELLO);
	hypercall(&other, HYPERGRAPH_NR_HELLO);
	hypercall(&m, HYPERGRAPH_NR_HELLO);
	TEST_ASSERT_EQ(recording_read(e, 3), 3);
	TEST_ASSERT_EQ(e[0].vm, e[1].vm);
	TEST_ASSERT(e[0].vm_id != e[1].vm_id, "Two VMs have the id %u", e[0].vm_id);
	TEST_ASSERT_EQ(e[0].vm_id, e[2].vm_id);
	kvm_vm_free(m.vm);
	kvm_vm_free(other.vm);
}

static void run_out(struct machine *m)
{
	struct kvm_regs regs;

	random_regs(&regs, 0);
	regs.rip = LOW_PAGE + HYPERCALL_INSN_SIZE;
	vcpu_regs_set(m->vcpu, &regs);
	vcpu_run_to_out(m->vcpu, &regs);
}

static int say_hello(void *m)
{
	return hypercall(m, HYPERGRAPH_NR_HELLO);
}

/* A VM is that of the process that created it, whichever runs its vCPUs. */
TEST_F(hypergraph, vm_of_creator)
{
	static char stack[0x10000] __aligned(16);
	struct machine m = machine_create();
	int child, status;

	recording_of(getpid());
	/* KVM's own thread of the VM, which outlives the child, is this process'. */
	run_out(&m);
	child = clone(say_hello, stack + sizeof(stack), CLONE_VM | SIGCHLD, &m);
	TEST_ASSERT(child >= 0, "clone()");
	TEST_ASSERT_EQ(waitpid(child, &status, 0), child);
	TEST_ASSERT(WIFEXITED(status) && !WEXITSTATUS(status), "The other process failed");
	TEST_ASSERT_EQ(recording_count(), 1);
	kvm_vm_free(m.vm);
}

static void check_reset(const struct hypergraph_event *e)
{
	check_event(e, &(struct hypergraph_event) {
		.vm = getpid(),
		.by_host = 1,
		.nr = HYPERGRAPH_NR_RESET,
	});
}

/* The VMM resets a vCPU by its registers.  That is recorded once. */
TEST_F(hypergraph, reset)
{
	struct machine m = machine_create();

	recording_of(getpid());
	recording_exits(true);
	hypercall(&m, HYPERGRAPH_NR_HELLO);
	run_out(&m);
	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);

	machine_set_mode(&m, MODE_REAL);
	run_out(&m);
	run_out(&m);
	machine_set_mode(&m, MODE_LONG);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(recording_read(self->events, 2), 2);
	check_reset(&self->events[1]);
	kvm_vm_free(m.vm);
}

/* So is an INIT. */
TEST_F(hypergraph, init)
{
	struct machine m = machine_create();

	recording_of(getpid());
	hypercall(&m, HYPERGRAPH_NR_HELLO);
	vcpu_send_init(m.vcpu);
	machine_set_mode(&m, MODE_LONG);
	TEST_ASSERT_EQ(hypercall(&m, HYPERGRAPH_NR_ENTRY), HYPERGRAPH_SAY_HELLO);
	TEST_ASSERT_EQ(recording_read(self->events, 2), 2);
	check_reset(&self->events[1]);
	kvm_vm_free(m.vm);
}

/* What the VMM does between two calls of KVM_RUN is its time, however often it calls. */
TEST_F(hypergraph, vmm_time)
{
	struct machine m = machine_create();
	u64 begin, ticks;

	recording_of(getpid());
	recording_exits(true);
	run_out(&m);
	m.regs.rip = LOW_PAGE + HYPERCALL_INSN_SIZE;
	vcpu_regs_set(m.vcpu, &m.regs);
	vcpu_run(m.vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(m.vcpu, KVM_EXIT_IO);

	begin = rdtsc();
	wait_until_it_asks();
	ticks = rdtsc() - begin;
	vcpu_run_complete_io(m.vcpu);	/* by an immediate exit */
	run_out(&m);
	TEST_ASSERT(recording_vmm_time() >= ticks * 900000 / guest_tsc_khz,
		    "The VMM took %lu ticks, but %lu ns were recorded", ticks,
		    recording_vmm_time());
	kvm_vm_free(m.vm);
}

int main(int argc, char *argv[])
{
	const char *obstacle = recording_obstacle();

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	return test_harness_run(argc, argv);
}
