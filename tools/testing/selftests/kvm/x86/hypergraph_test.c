// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hypergraph hypercalls: what they return, leave alone and have recorded, in
 * each mode of a vCPU and in the company of debuggers, interrupts, signals and
 * other vCPUs.
 *
 * KVM may answer them on its fast path or not; there is no difference to see.
 */
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/kvm_para.h>

#include "kvm_test_harness.h"
#include "apic.h"
#include "hyperv.h"
#include "hypergraph.h"

#define IRQ_VECTOR	0x30
#define NR_VCPUS	2
#define TOGGLES		50
#define STREAM_LENGTH	5000
#define MAX_EVENTS	(2 * NR_VCPUS * STREAM_LENGTH)

/* In DR6 what happened, and the bits that are always 1 or are inverted. */
#define DR6_BREAKPOINT_0	0xffff0ff1
#define DR6_SINGLE_STEP		0xffff4ff0
#define DR7_BREAKPOINT_0	0x402

/*
 * Guest code.
 */

struct guest_vcpu {
	u64 calls;
	u64 recorded;	/* answered with 0 */
	u64 refused;	/* answered with -KVM_ENOSYS */
	u64 irqs;
	u64 rip;	/* of the hypercall */
	u64 event_rip;	/* of the last interrupt or debug exception */
};

static struct guest {
	struct guest_vcpu vcpu[NR_VCPUS];
	u64 reflected;	/* L2's hypercalls that L1 had to handle */
	bool stop;
} guest;

/* The host's view of it. */
static struct guest *guest_of(struct kvm_vm *vm)
{
	return addr_gva2hva(vm, (gva_t)&guest);
}

static noinline u64 hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rip)
{
	asm volatile("test	%b[vmmcall], %b[vmmcall]\n\t"
		     "jnz	2f\n\t"
		     "lea	1f(%%rip), %[rip]\n\t"
		     "1: vmcall\n\t"
		     "jmp	4f\n\t"
		     "2: lea	3f(%%rip), %[rip]\n\t"
		     "3: vmmcall\n\t"
		     "4:"
		     : "+a"(nr), [rip] "=&r"(*rip)
		     : "b"(a0), "c"(a1), "d"(a2), "S"(a3),
		       [vmmcall] "q"(host_cpu_is_amd_compatible)
		     : "memory");
	return nr;
}

static u64 stream_nr(u64 i)
{
	return hypergraph_numbers[i % NR_NUMBERS];
}

static u64 stream_a3(u64 i)
{
	return i * 0x9e3779b97f4a7c15ull;
}

/* A stream of hypercalls that are told apart by a1, from a vCPU that is by a0. */
static void guest_stream(u64 id, u64 tag, u64 max)
{
	struct guest_vcpu *v = &guest.vcpu[id];
	u64 i, ret;

	for (i = 0; i < max && !READ_ONCE(guest.stop); i++) {
		ret = hypercall(stream_nr(i), tag, i, ~i, stream_a3(i), &v->rip);
		if (!ret)
			WRITE_ONCE(v->recorded, v->recorded + 1);
		else if (ret == (u64)-KVM_ENOSYS)
			WRITE_ONCE(v->refused, v->refused + 1);
		else
			GUEST_FAIL("hypercall %lu returned %ld", i, ret);
		WRITE_ONCE(v->calls, i + 1);
	}
	GUEST_DONE();
}

static void guest_irq_handler(struct ex_regs *regs)
{
	guest.vcpu[0].event_rip = regs->rip;
	WRITE_ONCE(guest.vcpu[0].irqs, guest.vcpu[0].irqs + 1);
	x2apic_write_reg(APIC_EOI, 0);
}

static void guest_stream_with_irqs(void)
{
	x2apic_enable();
	sti();
	guest_stream(0, 0, -1);
}

/* An interrupt waits for the end of the instruction that follows STI, no longer. */
static void guest_irq_shadow(void)
{
	struct guest_vcpu *v = &guest.vcpu[0];
	u64 rip, nr = HYPERGRAPH_NR_ENTRY;
	int i;

	x2apic_enable();
	x2apic_write_reg(APIC_ICR, APIC_DEST_SELF | APIC_INT_ASSERT | APIC_DM_FIXED |
			 IRQ_VECTOR);

	for (i = 0; i < 100; i++)
		GUEST_ASSERT_EQ(hypercall(HYPERGRAPH_NR_ENTRY, 0, i, 0, 0, &rip), 0);
	GUEST_ASSERT_EQ(v->irqs, 0);

	asm volatile("test	%b[vmmcall], %b[vmmcall]\n\t"
		     "jnz	2f\n\t"
		     "lea	1f(%%rip), %[rip]\n\t"
		     "sti\n\t"
		     "vmcall\n\t"
		     "1: nop\n\t"
		     "jmp	4f\n\t"
		     "2: lea	3f(%%rip), %[rip]\n\t"
		     "sti\n\t"
		     "vmmcall\n\t"
		     "3: nop\n\t"
		     "4: cli"
		     : "+a"(nr), [rip] "=&r"(rip)
		     : "b"(0), "c"(i), "d"(0), "S"(0),
		       [vmmcall] "q"(host_cpu_is_amd_compatible)
		     : "memory");
	GUEST_ASSERT_EQ(nr, 0);
	GUEST_ASSERT_EQ(v->irqs, 1);
	GUEST_ASSERT_EQ(v->event_rip, rip);
	GUEST_DONE();
}

static void guest_db_handler(struct ex_regs *regs)
{
	guest.vcpu[0].event_rip = regs->rip;
	guest.vcpu[0].irqs++;
	regs->rflags &= ~X86_EFLAGS_TF;
}

/* As a hypervisor that knows nothing of hypergraph */
static void guest_l1(void *nested, void *l2_code)
{
	l2_create(nested, l2_code);
	while (l2_run(nested)) {
		GUEST_ASSERT(is_hypergraph_number(guest_regs.rax));
		guest_regs.rax = -KVM_ENOSYS;
		l2_set_rip(nested, l2_rip(nested) + HYPERCALL_INSN_SIZE);
		WRITE_ONCE(guest.reflected, guest.reflected + 1);
	}
	GUEST_FAIL("L2 did a CPUID");
}

static void l2_stream(void)
{
	guest_stream(0, 0, -1);
}

static void l2_stream_with_outs(void)
{
	struct guest_vcpu *v = &guest.vcpu[0];
	u64 i;

	for (i = 0; !READ_ONCE(guest.stop); i++) {
		GUEST_ASSERT_EQ(hypercall(stream_nr(i), 0, i, ~i, stream_a3(i), &v->rip), 0);
		asm volatile("outb %%al, %[port]" : : "a"(0), [port] "i"(DONE_PORT));
	}
	GUEST_DONE();
}

/* The first instruction that TF traps is the one after POPF. */
static void l2_trap_flag(void)
{
	u64 rip, nr = HYPERGRAPH_NR_ENTRY;

	asm volatile("pushf\n\t"
		     "orl	%[tf], (%%rsp)\n\t"
		     "test	%b[vmmcall], %b[vmmcall]\n\t"
		     "jnz	2f\n\t"
		     "lea	1f(%%rip), %[rip]\n\t"
		     "popf\n\t"
		     "vmcall\n\t"
		     "1: jmp	4f\n\t"
		     "2: lea	3f(%%rip), %[rip]\n\t"
		     "popf\n\t"
		     "vmmcall\n\t"
		     "3: nop\n\t"
		     "4:"
		     : "+a"(nr), [rip] "=&r"(rip)
		     : "b"(0), "c"(1), "d"(2), "S"(3), [tf] "i"(X86_EFLAGS_TF),
		       [vmmcall] "q"(host_cpu_is_amd_compatible)
		     : "memory", "cc");
	GUEST_ASSERT_EQ(nr, 0);
	GUEST_ASSERT_EQ(guest.vcpu[0].irqs, 1);
	GUEST_ASSERT_EQ(guest.vcpu[0].event_rip, rip);
	GUEST_DONE();
}

#define XEN_RESULT	0xcafef00dfbfbffffull

static void guest_xen(void)
{
	u64 i, rip;

	for (i = 0; i < NR_NUMBERS; i++)
		GUEST_ASSERT_EQ(hypercall(hypergraph_numbers[i], 0, 0, 0, 0, &rip),
				XEN_RESULT);
	GUEST_DONE();
}

#define HV_UNKNOWN_CODE	0x3fff

static void guest_hyperv(void)
{
	u64 i, rip;

	wrmsr(HV_X64_MSR_GUEST_OS_ID, HYPERV_LINUX_OS_ID);
	for (i = 0; i < NR_NUMBERS; i++)
		GUEST_ASSERT_EQ(hypercall(hypergraph_numbers[i], 0, HV_UNKNOWN_CODE, 0, 0,
					  &rip), HV_STATUS_INVALID_HYPERCALL_CODE);
	GUEST_DONE();
}

/*
 * What the tests have in common.
 */

static void run_to_done(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	vcpu_run(vcpu);
	switch (get_ucall(vcpu, &uc)) {
	case UCALL_DONE:
		return;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
	default:
		TEST_FAIL("Unexpected exit %u (%s), ucall %lu", vcpu->run->exit_reason,
			  exit_reason_str(vcpu->run->exit_reason), uc.cmd);
	}
}

static void *vcpu_thread(void *vcpu)
{
	run_to_done(vcpu);
	return NULL;
}

static pthread_t start(struct kvm_vcpu *vcpu)
{
	pthread_t thread;

	TEST_ASSERT(!pthread_create(&thread, NULL, vcpu_thread, vcpu), "pthread_create()");
	return thread;
}

/* Until a counter of a running guest has moved; the harness' timeout is the end. */
static void wait_for(u64 *counter, u64 change)
{
	u64 before = READ_ONCE(*counter);

	while (READ_ONCE(*counter) - before < change)
		usleep(100);
}

static void check_stream_event(const struct hypergraph_event *e, u32 vm, u32 vcpu,
			       u64 tag, u64 i, u64 rip)
{
	check_event(e, &(struct hypergraph_event) {
		.vm = vm,
		.vcpu = vcpu,
		.nr = stream_nr(i),
		.a0 = tag,
		.a1 = i,
		.a2 = ~i,
		.a3 = stream_a3(i),
		.rip = rip,
	});
}

/*
 * What one hypercall does, in each mode.
 */

struct machine {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
};

/* A hypercall, and the OUT that ends what the vCPU runs. */
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
	u64 mask = mode_mask(mode);
	const __u64 *reg;
	int i;

	TEST_ASSERT((after->rax & mask) == rax, "%s: hypercall 0x%llx returned %lld, not %ld",
		    vcpu_mode_names[mode], before->rax, after->rax, (long)rax);

	for (reg = &before->rbx, i = 1; reg <= last; reg++, i++)
		TEST_ASSERT((*reg & mask) == ((&after->rax)[i] & mask),
			    "%s: hypercall 0x%llx changed kvm_regs[%d] from 0x%llx to 0x%llx",
			    vcpu_mode_names[mode], before->rax, i, *reg, (&after->rax)[i]);

	TEST_ASSERT(before->rflags == after->rflags,
		    "%s: hypercall 0x%llx changed rflags from 0x%llx to 0x%llx",
		    vcpu_mode_names[mode], before->rax, before->rflags, after->rflags);
}

static struct hypergraph_event regs_event(enum vcpu_mode mode, const struct kvm_regs *regs)
{
	u64 mask = mode_mask(mode);

	return (struct hypergraph_event) {
		.vm = getpid(),
		.vcpu = 0,
		.nr = regs->rax & mask,
		.a0 = regs->rbx & mask,
		.a1 = regs->rcx & mask,
		.a2 = regs->rdx & mask,
		.a3 = regs->rsi & mask,
		.rip = LOW_PAGE,
	};
}

/* Does a debug exit come right after the hypercall? */
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

/* The numbers that are hypergraph's, and are so only in 32 bits, and are not. */
static const u64 numbers[] = {
	HYPERGRAPH_NR_ENTRY, HYPERGRAPH_NR_RETURN, HYPERGRAPH_NR_HELLO,
	HYPERGRAPH_NR_MARK, HYPERGRAPH_NR_SCHED_SWITCH,
	BIT_ULL(32) | HYPERGRAPH_NR_ENTRY, BIT_ULL(63) | HYPERGRAPH_NR_RETURN,
	0xdeadbeefull << 32 | HYPERGRAPH_NR_SCHED_SWITCH,
	HYPERGRAPH_NR_PRIVATE, 0, 2, 13, 0x63, 0x69, 0x164, 0x3e7, 0x3e9, 0x80000064,
	UINT32_MAX, INT64_MAX, UINT64_MAX,
};

FIXTURE(hypergraph_mode) {
	struct hypergraph_event events[MAX_EVENTS];
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

static void test_hypercalls(struct hypergraph_event *events, enum vcpu_mode mode,
			    bool step, bool foreign_insn)
{
	struct hypergraph_event expected[2 * ARRAY_SIZE(numbers)];
	struct machine m = machine_create();
	struct kvm_regs before, after;
	int i, n = 0, recording;
	u64 answer;

	recording_of(getpid());
	vcpu_set_mode(m.vcpu, m.sregs, mode);

	for (recording = 0; recording <= 1; recording++) {
		recording_enable(recording);
		for (i = 0; i < ARRAY_SIZE(numbers); i++) {
			write_hypercall(m.vm, host_cpu_is_amd_compatible ^ foreign_insn);
			random_regs(&before, numbers[i]);
			answer = hypercall_answer(mode, numbers[i], before.rbx, recording);
			vcpu_regs_set(m.vcpu, &before);
			if (step) {
				run_one_step(m.vcpu);
				vcpu_regs_get(m.vcpu, &after);
				check_regs(mode, &before, &after, answer);
			}
			vcpu_run_to_out(m.vcpu, &after);
			check_regs(mode, &before, &after, answer);
			if (!answer && is_hypergraph_number(numbers[i] & mode_mask(mode)))
				expected[n++] = regs_event(mode, &before);
		}
	}
	recording_enable(false);

	TEST_ASSERT_EQ(recording_read(events, n), n);
	for (i = 0; i < n; i++)
		check_event(&events[i], &expected[i]);

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

/*
 * All else, in 64-bit mode at CPL 0.
 */

FIXTURE(hypergraph) {
	struct hypergraph_event events[MAX_EVENTS];
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

/* The other vendor's instruction, which KVM replaces when it is executed. */
TEST_F(hypergraph, foreign_insn)
{
	test_hypercalls(self->events, MODE_LONG, false, true);
}

/* A debugger's breakpoint on the next instruction. */
TEST_F(hypergraph, breakpoint)
{
	struct machine m = machine_create();
	struct kvm_regs before, after;
	int i;

	/* Emulated machines may lack it. */
	memcpy(addr_gpa2hva(m.vm, LOW_PAGE), "\x0f\x1f\x00", HYPERCALL_INSN_SIZE);
	random_regs(&before, 0);
	vcpu_regs_set(m.vcpu, &before);
	if (!run_to_breakpoint(m.vcpu))
		SKIP(return, "no breakpoint after a NOP either");
	vcpu_run_to_out(m.vcpu, &after);
	write_hypercall(m.vm, host_cpu_is_amd_compatible);

	recording_of(getpid());
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
	struct guest_vcpu *v = &guest_of(m.vm)->vcpu[0];
	struct hypergraph_event expected;
	struct kvm_regs before, after;
	int i;

	recording_of(getpid());
	vm_install_exception_handler(m.vm, DB_VECTOR, guest_db_handler);

	for (i = 0; i < NR_NUMBERS; i++) {
		random_regs(&before, hypergraph_numbers[i]);
		before.rsp = m.regs.rsp;
		before.rflags &= ~(X86_EFLAGS_DF | X86_EFLAGS_AC);
		before.rflags |= X86_EFLAGS_TF;
		vcpu_regs_set(m.vcpu, &before);
		vcpu_run_to_out(m.vcpu, &after);

		TEST_ASSERT_EQ(v->irqs, i + 1);
		TEST_ASSERT_EQ(v->event_rip, LOW_PAGE + HYPERCALL_INSN_SIZE);
		after.rflags |= X86_EFLAGS_TF;
		check_regs(MODE_LONG, &before, &after, 0);

		TEST_ASSERT_EQ(recording_read(self->events, i + 1), i + 1);
		expected = regs_event(MODE_LONG, &before);
		check_event(&self->events[i], &expected);
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
		random_regs(&regs, HYPERGRAPH_NR_ENTRY);
		vcpu_regs_set(m.vcpu, &regs);
		run_one_step(m.vcpu);
		recording_enable(false);
		recording_enable(true);
		vcpu_run_to_out(m.vcpu, &regs);
		TEST_ASSERT_EQ(regs.rax, 0);
	}
	TEST_ASSERT(recording_count() <= 10, "Events were recorded twice");
	kvm_vm_free(m.vm);
}

static void test_interrupt_shadow(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	recording_of(getpid());
	vm_install_exception_handler(vm, IRQ_VECTOR, guest_irq_handler);
	run_to_done(vcpu);
	TEST_ASSERT_EQ(recording_count(), 101);
	kvm_vm_free(vm);
}

TEST_F(hypergraph, interrupt_shadow)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, guest_irq_shadow);

	test_interrupt_shadow(vm, vcpu);
}

/* A guest that does nothing but hypercalls still takes its interrupts. */
static void test_interrupts(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	struct kvm_msi msi = {
		.address_lo = APIC_DEFAULT_GPA,
		.data = IRQ_VECTOR,
	};
	struct guest *g = guest_of(vm);
	struct guest_vcpu *v = &g->vcpu[0];
	pthread_t thread;
	u64 irqs;

	recording_of(getpid());
	vm_install_exception_handler(vm, IRQ_VECTOR, guest_irq_handler);
	thread = start(vcpu);
	wait_for(&v->calls, 1);

	for (irqs = 1; irqs <= 200; irqs++) {
		TEST_ASSERT_EQ(__vm_ioctl(vm, KVM_SIGNAL_MSI, &msi), 1);
		while (READ_ONCE(v->irqs) < irqs)
			usleep(10);
		TEST_ASSERT_EQ(v->irqs, irqs);
	}
	WRITE_ONCE(g->stop, true);
	pthread_join(thread, NULL);

	TEST_ASSERT_EQ(v->recorded, v->calls);
	TEST_ASSERT_EQ(recording_count(), v->calls);
	kvm_vm_free(vm);
}

TEST_F(hypergraph, interrupts)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, guest_stream_with_irqs);

	test_interrupts(vm, vcpu);
}

static struct kvm_run *interrupted_run;

static void request_immediate_exit(int sig)
{
	WRITE_ONCE(interrupted_run->immediate_exit, 1);
}

/* Nor does it keep KVM_RUN from returning, and no hypercall is lost or done twice. */
static void test_immediate_exit(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	struct itimerval timer = {
		.it_interval.tv_usec = 1000,
		.it_value.tv_usec = 1000,
	};
	struct sigaction action = { .sa_handler = request_immediate_exit };
	struct guest *g = guest_of(vm);
	struct guest_vcpu *v = &g->vcpu[0];
	struct kvm_run *run = vcpu->run;
	u64 calls = 0, moved = 0;
	int i;

	recording_of(getpid());
	interrupted_run = run;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	for (i = 0; i < 200; i++) {
		TEST_ASSERT(__vcpu_run(vcpu) == -1 && errno == EINTR,
			    "KVM_RUN was not interrupted: exit %u (%s)", run->exit_reason,
			    exit_reason_str(run->exit_reason));
		WRITE_ONCE(run->immediate_exit, 0);
		moved += v->calls != calls;
		calls = v->calls;
	}
	timer = (struct itimerval) { };
	setitimer(ITIMER_REAL, &timer, NULL);
	TEST_ASSERT(moved > 10, "The guest got no further");

	/* Where it stands there may be one that is done and not yet counted. */
	run->immediate_exit = 1;
	for (i = 0; i < 10; i++) {
		TEST_ASSERT(__vcpu_run(vcpu) == -1 && errno == EINTR,
			    "KVM_RUN ignored immediate_exit");
		TEST_ASSERT_EQ(v->calls, calls);
	}
	run->immediate_exit = 0;

	g->stop = true;
	run_to_done(vcpu);
	TEST_ASSERT_EQ(v->recorded, v->calls);
	TEST_ASSERT_EQ(recording_count(), v->calls);
	kvm_vm_free(vm);
}

TEST_F(hypergraph, immediate_exit)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, guest_stream);

	vcpu_args_set(vcpu, 3, 0ul, 0ul, -1ul);
	test_immediate_exit(vm, vcpu);
}

/* Answers change with what is enabled, and so many hypercalls are recorded. */
static void test_toggle(struct kvm_vm *vm, struct kvm_vcpu **vcpus, int nr_vcpus,
			void (*enable)(bool))
{
	struct guest *g = guest_of(vm);
	pthread_t threads[NR_VCPUS];
	u64 recorded = 0, count;
	int i, j;

	recording_of(getpid());
	for (i = 0; i < nr_vcpus; i++)
		threads[i] = start(vcpus[i]);
	for (j = 0; j < TOGGLES; j++) {
		enable(true);
		for (i = 0; i < nr_vcpus; i++)
			wait_for(&g->vcpu[i].recorded, 20);
		enable(false);
		for (i = 0; i < nr_vcpus; i++)
			wait_for(&g->vcpu[i].refused, 1);
	}
	WRITE_ONCE(g->stop, true);
	for (i = 0; i < nr_vcpus; i++) {
		pthread_join(threads[i], NULL);
		TEST_ASSERT_EQ(g->vcpu[i].recorded + g->vcpu[i].refused, g->vcpu[i].calls);
		recorded += g->vcpu[i].recorded;
	}

	/* The last one of a vCPU that is answered when the recording ends may miss it. */
	count = recording_count();
	TEST_ASSERT(count <= recorded && count + TOGGLES * nr_vcpus >= recorded,
		    "%lu recorded, but %lu were answered so", count, recorded);
	kvm_vm_free(vm);
}

TEST_F(hypergraph, toggle)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = vm_create_with_vcpus(NR_VCPUS, guest_stream, vcpus);
	int i;

	for (i = 0; i < NR_VCPUS; i++)
		vcpu_args_set(vcpus[i], 3, (u64)i, 0ul, -1ul);
	test_toggle(vm, vcpus, NR_VCPUS, recording_enable);
}

static u64 stream_tag(u32 pid, u32 vcpu)
{
	return (u64)pid << 32 | vcpu;
}

/* The VM of this process.  Its threads move from CPU to CPU. */
static u64 run_streams(void)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = vm_create_with_vcpus(NR_VCPUS, guest_stream, vcpus);
	struct guest *g = guest_of(vm);
	pthread_t threads[NR_VCPUS];
	cpu_set_t possible_cpus;
	u64 rip;
	int i;

	TEST_ASSERT(!sched_getaffinity(0, sizeof(possible_cpus), &possible_cpus),
		    "sched_getaffinity()");
	for (i = 0; i < NR_VCPUS; i++) {
		vcpu_args_set(vcpus[i], 3, (u64)i, stream_tag(getpid(), i),
			      (u64)STREAM_LENGTH);
		threads[i] = start(vcpus[i]);
	}
	for (i = 0; i < NR_VCPUS; i++) {
		while (READ_ONCE(g->vcpu[i].calls) < STREAM_LENGTH) {
			pin_task_to_random_cpu(threads[i], &possible_cpus);
			usleep(500);
		}
	}
	for (i = 0; i < NR_VCPUS; i++) {
		pthread_join(threads[i], NULL);
		TEST_ASSERT_EQ(g->vcpu[i].recorded, STREAM_LENGTH);
	}
	rip = g->vcpu[0].rip;
	kvm_vm_free(vm);
	return rip;
}

static void check_stream(const struct hypergraph_event *events, u32 pid, u32 vcpu, u64 rip)
{
	u64 next = 0;
	int i;

	for (i = 0; i < MAX_EVENTS; i++) {
		if (events[i].vm != pid || events[i].vcpu != vcpu)
			continue;
		check_stream_event(&events[i], pid, vcpu, stream_tag(pid, vcpu), next, rip);
		next++;
	}
	TEST_ASSERT_EQ(next, STREAM_LENGTH);
}

TEST_F_TIMEOUT(hypergraph, two_vms, 120)
{
	pid_t child = fork();
	int i, status;
	u64 rip;

	TEST_ASSERT(child >= 0, "fork()");
	rip = run_streams();
	if (!child)
		_exit(0);
	TEST_ASSERT_EQ(waitpid(child, &status, 0), child);
	TEST_ASSERT(WIFEXITED(status) && !WEXITSTATUS(status), "The other VM failed");
	recording_enable(false);

	TEST_ASSERT_EQ(recording_read(self->events, MAX_EVENTS), MAX_EVENTS);
	for (i = 0; i < NR_VCPUS; i++) {
		check_stream(self->events, getpid(), i, rip);
		check_stream(self->events, child, i, rip);
	}
}

static void *run_to_out(void *vcpu)
{
	struct kvm_regs regs;

	vcpu_run_to_out(vcpu, &regs);
	return NULL;
}

/* As when a vCPU is unplugged and plugged again, with a hypercall just done. */
TEST_F(hypergraph, other_thread)
{
	struct machine m = machine_create();
	struct hypergraph_event expected;
	struct kvm_regs regs;
	pthread_t thread;
	int i;

	recording_of(getpid());
	for (i = 0; i < NR_NUMBERS; i++) {
		random_regs(&regs, hypergraph_numbers[i]);
		vcpu_regs_set(m.vcpu, &regs);
		run_one_step(m.vcpu);
		TEST_ASSERT(!pthread_create(&thread, NULL, run_to_out, m.vcpu),
			    "pthread_create()");
		pthread_join(thread, NULL);

		TEST_ASSERT_EQ(recording_read(self->events, i + 1), i + 1);
		expected = regs_event(MODE_LONG, &regs);
		check_event(&self->events[i], &expected);
	}
	kvm_vm_free(m.vm);
}

/* A VM ends when one of its hypercalls is just done. */
TEST_F(hypergraph, vm_ends)
{
	struct kvm_regs regs;
	struct machine m;
	int i;

	recording_of(getpid());
	for (i = 0; i < 10; i++) {
		m = machine_create();
		random_regs(&regs, HYPERGRAPH_NR_ENTRY);
		vcpu_regs_set(m.vcpu, &regs);
		run_one_step(m.vcpu);
		kvm_vm_free(m.vm);
	}
	TEST_ASSERT(recording_count() <= 10, "Too many events");
}

/* A process is killed while its vCPUs do hypercalls. */
TEST_F_TIMEOUT(hypergraph, vm_killed, 120)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	int i, j, status;
	pid_t child;
	u64 count;

	for (j = 0; j < 5; j++) {
		child = fork();
		TEST_ASSERT(child >= 0, "fork()");
		if (!child) {
			vm_create_with_vcpus(NR_VCPUS, guest_stream, vcpus);
			for (i = 0; i < NR_VCPUS; i++) {
				vcpu_args_set(vcpus[i], 3, (u64)i, 0ul, -1ul);
				start(vcpus[i]);
			}
			while (1)
				pause();
		}
		recording_of(child);
		count = recording_count();
		while (recording_count() < count + 100 &&
		       !waitpid(child, &status, WNOHANG))
			usleep(1000);
		TEST_ASSERT(!kill(child, SIGKILL), "kill()");
		TEST_ASSERT_EQ(waitpid(child, &status, 0), child);
		TEST_ASSERT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
			    "The VM ended by itself");
	}
	recording_of(0);
	recording_clear();
	test_hypercalls(self->events, MODE_LONG, false, false);
}

/* A triple fault is recorded as a mark, and as an exit if the vCPU is run again. */
TEST_F(hypergraph, triple_fault)
{
	const char *reason = host_cpu_is_amd_compatible ? "shutdown" : "TRIPLE_FAULT";
	struct machine m = machine_create();
	struct kvm_sregs sregs = m.sregs;
	struct kvm_regs regs = m.regs;
	char *code = addr_gpa2hva(m.vm, LOW_PAGE);

	recording_of(getpid());
	recording_exits(true);
	memcpy(code, "\x0f\x0b", 2);	/* UD2 */
	sregs.idt.limit = 0;
	vcpu_sregs_set(m.vcpu, &sregs);
	regs.rip = LOW_PAGE;
	vcpu_regs_set(m.vcpu, &regs);
	vcpu_run(m.vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(m.vcpu, KVM_EXIT_SHUTDOWN);

	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);
	check_event(&self->events[0], &(struct hypergraph_event) {
		.vm = getpid(),
		.nr = HYPERGRAPH_NR_MARK,
		.a0 = HYPERGRAPH_MARK_TRIPLE_FAULT,
	});
	TEST_ASSERT_EQ(recording_count_exits(reason), 0);

	memcpy(code, "\xe6\xe9", 2);	/* OUT to DONE_PORT */
	vcpu_sregs_set(m.vcpu, &m.sregs);
	vcpu_regs_set(m.vcpu, &regs);
	vcpu_run_to_out(m.vcpu, &regs);
	TEST_ASSERT_EQ(recording_count_exits(reason), 1);
	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);
	kvm_vm_free(m.vm);
}

TEST_F(hypergraph, xen)
{
	struct kvm_xen_hvm_config config = {
		.flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL,
		.msr = 0x40000200,
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	int i;

	if (!(kvm_check_cap(KVM_CAP_XEN_HVM) & KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL))
		SKIP(return, "no KVM_CAP_XEN_HVM");

	recording_of(getpid());
	vm = vm_create_with_one_vcpu(&vcpu, guest_xen);
	vm_ioctl(vm, KVM_XEN_HVM_CONFIG, &config);
	for (i = 0; i < NR_NUMBERS; i++) {
		vcpu_run(vcpu);
		TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_XEN);
		TEST_ASSERT_EQ(vcpu->run->xen.type, KVM_EXIT_XEN_HCALL);
		TEST_ASSERT_EQ(vcpu->run->xen.u.hcall.input, hypergraph_numbers[i]);
		vcpu->run->xen.u.hcall.result = XEN_RESULT;
	}
	run_to_done(vcpu);
	TEST_ASSERT_EQ(recording_count(), 0);
	kvm_vm_free(vm);
}

TEST_F(hypergraph, hyperv)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;

	if (!kvm_has_cap(KVM_CAP_HYPERV_CPUID))
		SKIP(return, "no KVM_CAP_HYPERV_CPUID");

	recording_of(getpid());
	vm = vm_create_with_one_vcpu(&vcpu, guest_hyperv);
	vcpu_set_hv_cpuid(vcpu);
	run_to_done(vcpu);
	TEST_ASSERT_EQ(recording_count(), 0);
	kvm_vm_free(vm);
}

/*
 * The same of L2, whose hypercalls L0 answers where it is allowed to.
 */

struct nested_machine {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct guest *guest;
	u32 nested_vcpu;
};

FIXTURE(hypergraph_nested) {
};

FIXTURE_SETUP(hypergraph_nested)
{
	if (!kvm_cpu_has_nested())
		SKIP(return, "no nested virtualization");
	recording_create();
	recording_enable(true);
	recording_nested(true);
}

FIXTURE_TEARDOWN_PARENT(hypergraph_nested)
{
	if (!kvm_cpu_has_nested())
		return;
	recording_nested(false);
	recording_destroy();
}

static struct nested_machine nested_machine_create(void *l2_code)
{
	struct nested_machine m;
	gva_t nested;

	m.vm = vm_create_with_one_vcpu(&m.vcpu, guest_l1);
	m.guest = guest_of(m.vm);
	nested = vm_alloc_nested(m.vm, &m.nested_vcpu);
	vcpu_args_set(m.vcpu, 2, nested, l2_code);
	return m;
}

/* As a VMM does when it moves the VM to another machine */
static void move_vm(struct nested_machine *m)
{
	struct kvm_x86_state *state = vcpu_save_state(m->vcpu);

	TEST_ASSERT(state->nested.flags & KVM_STATE_NESTED_GUEST_MODE, "L2 is not active");
	kvm_vm_release(m->vm);
	m->vcpu = vm_recreate_with_one_vcpu(m->vm);
	vcpu_load_state(m->vcpu, state);
	kvm_x86_state_cleanup(state);
}

TEST_F(hypergraph_nested, trap_flag)
{
	struct nested_machine m = nested_machine_create(l2_trap_flag);

	recording_of(getpid());
	vm_install_exception_handler(m.vm, DB_VECTOR, guest_db_handler);
	run_to_done(m.vcpu);
	TEST_ASSERT_EQ(m.guest->reflected, 0);
	TEST_ASSERT_EQ(recording_count(), 1);
	kvm_vm_free(m.vm);
}

TEST_F(hypergraph_nested, interrupt_shadow)
{
	struct nested_machine m = nested_machine_create(guest_irq_shadow);

	test_interrupt_shadow(m.vm, m.vcpu);
}

TEST_F(hypergraph_nested, interrupts)
{
	struct nested_machine m = nested_machine_create(guest_stream_with_irqs);

	test_interrupts(m.vm, m.vcpu);
}

TEST_F(hypergraph_nested, immediate_exit)
{
	struct nested_machine m = nested_machine_create(l2_stream);

	test_immediate_exit(m.vm, m.vcpu);
}

TEST_F(hypergraph_nested, toggle)
{
	struct nested_machine m = nested_machine_create(l2_stream);

	test_toggle(m.vm, &m.vcpu, 1, recording_enable);
}

TEST_F(hypergraph_nested, toggle_parameter)
{
	struct nested_machine m = nested_machine_create(l2_stream);

	test_toggle(m.vm, &m.vcpu, 1, recording_nested);
}

/* KVM_GET_NESTED_STATE and KVM_SET_NESTED_STATE between two hypercalls */
TEST_F(hypergraph_nested, nested_state)
{
	struct nested_machine m = nested_machine_create(l2_stream_with_outs);
	struct hypergraph_event events[50];
	int i;

	recording_of(getpid());
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		vcpu_run(m.vcpu);
		TEST_ASSERT_KVM_EXIT_REASON(m.vcpu, KVM_EXIT_IO);
		TEST_ASSERT_EQ(m.vcpu->run->io.port, DONE_PORT);
		move_vm(&m);
	}
	m.guest->stop = true;
	run_to_done(m.vcpu);

	TEST_ASSERT_EQ(m.guest->reflected, 0);
	TEST_ASSERT_EQ(recording_read(events, ARRAY_SIZE(events)), ARRAY_SIZE(events));
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		check_stream_event(&events[i], getpid(), 0, 0, i, m.guest->vcpu[0].rip);
		TEST_ASSERT_EQ(events[i].nested, 1);
		TEST_ASSERT_EQ(events[i].nested_vcpu, m.nested_vcpu);
	}
	kvm_vm_free(m.vm);
}

/* The same wherever a signal finds the vCPU */
TEST_F(hypergraph_nested, nested_state_anywhere)
{
	struct nested_machine m = nested_machine_create(l2_stream);
	struct itimerval timer = { .it_value.tv_usec = 2000 };
	struct sigaction action = { .sa_handler = request_immediate_exit };
	u64 count, calls, moves = 100;
	int i;

	recording_of(getpid());
	sigaction(SIGALRM, &action, NULL);
	for (i = 0; i < moves; i++) {
		interrupted_run = m.vcpu->run;
		calls = m.guest->vcpu[0].calls;
		do {
			setitimer(ITIMER_REAL, &timer, NULL);
			TEST_ASSERT(__vcpu_run(m.vcpu) == -1 && errno == EINTR,
				    "KVM_RUN was not interrupted");
			m.vcpu->run->immediate_exit = 0;
		} while (m.guest->vcpu[0].calls == calls);
		move_vm(&m);
	}
	m.guest->stop = true;
	run_to_done(m.vcpu);

	TEST_ASSERT_EQ(m.guest->reflected, 0);
	TEST_ASSERT_EQ(m.guest->vcpu[0].recorded, m.guest->vcpu[0].calls);
	/* A vCPU may go before it records its last one. */
	count = recording_count();
	calls = m.guest->vcpu[0].calls;
	TEST_ASSERT(count <= calls && count + moves >= calls,
		    "%lu recorded, but %lu done", count, calls);
	kvm_vm_free(m.vm);
}

int main(int argc, char *argv[])
{
	const char *obstacle = recording_obstacle();

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	return test_harness_run(argc, argv);
}
