// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0 answers the hypergraph hypercalls of L2 and records them, or leaves them to L1.
 * Which it does is up to the admin's parameter, the tracepoint, CPL, the number and
 * L1's offer, and is tested in all combinations.  A hypercall that L0 answers is one
 * exit, and changes no register.
 */
#include <linux/kvm_para.h>

#include "hypergraph.h"

/* L1 returns this to L2 for the hypercalls that come to it. */
#define L1_ANSWER	0x1111222233334444ull

/* The low page has a hypercall and this, an exit to L1.  L1 says where L2 begins. */
static const u8 cpuid_insn[] = { 0x0f, 0xa2 };

#define L2_HYPERCALL	LOW_PAGE
#define L2_CPUID	(LOW_PAGE + HYPERCALL_INSN_SIZE)

#define NR_REGS		(sizeof(struct guest_regs) / sizeof(u64))

/* One run of L2, in the guest's memory: the test sets the first half, L1 the second. */
static struct call {
	u64 nr;
	enum vcpu_mode mode;
	u64 rip;
	u64 offer;		/* what L1 says of its guests' hypercalls */

	u64 offer_answer;
	struct guest_regs before, after;
	u64 reflected;		/* hypercalls that came to L1 */
	u64 reflected_nr;
	u64 rip_after;
} call;

struct test {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct call *call;
	u32 nested_vcpu;
};

static u64 l1_hypercall(u64 nr, u64 a0)
{
	if (host_cpu_is_amd_compatible)
		asm volatile("vmmcall" : "+a"(nr) : "b"(a0) : "memory");
	else
		asm volatile("vmcall" : "+a"(nr) : "b"(a0) : "memory");
	return nr;
}

static void l1_do_call(void *nested)
{
	u64 *reg = (u64 *)&guest_regs;
	int i;

	call.offer_answer = l1_hypercall(HYPERGRAPH_NR_OFFER, call.offer);

	for (i = 0; i < NR_REGS; i++)
		reg[i] = (i + 1) * 0x9e3779b97f4a7c15ull;
	guest_regs.rax = call.nr;
	guest_regs.r11 = HYPERGRAPH_SIGNATURE;
	guest_regs.rflags = X86_EFLAGS_FIXED;
	call.before = guest_regs;
	l2_set_mode(nested, call.mode);
	l2_set_rip(nested, call.rip);

	call.reflected = 0;
	while (l2_run(nested)) {
		call.reflected++;
		call.reflected_nr = guest_regs.rax;
		guest_regs.rax = L1_ANSWER;
		l2_set_rip(nested, l2_rip(nested) + HYPERCALL_INSN_SIZE);
	}
	call.rip_after = l2_rip(nested);
	call.after = guest_regs;
}

static void guest_l1(void *nested)
{
	l2_create(nested, (void *)L2_HYPERCALL);
	for (;;) {
		GUEST_SYNC(0);
		l1_do_call(nested);
	}
}

static void run_to_sync(struct kvm_vcpu *vcpu)
{
	struct ucall uc;

	vcpu_run(vcpu);
	if (get_ucall(vcpu, &uc) == UCALL_ABORT)
		REPORT_GUEST_ASSERT(uc);
	TEST_ASSERT_EQ(uc.cmd, UCALL_SYNC);
}

static struct test test_create(void)
{
	struct test t;
	gva_t nested;
	u8 *code;

	t.vm = vm_create_with_one_vcpu(&t.vcpu, guest_l1);
	code = vm_add_low_page(t.vm);
	memcpy(code, hypercall_opcode(host_cpu_is_amd_compatible), HYPERCALL_INSN_SIZE);
	memcpy(code + HYPERCALL_INSN_SIZE, cpuid_insn, sizeof(cpuid_insn));

	nested = vm_alloc_nested(t.vm, &t.nested_vcpu);
	vcpu_args_set(t.vcpu, 1, nested);
	t.call = addr_gva2hva(t.vm, (gva_t)&call);
	run_to_sync(t.vcpu);
	return t;
}

static u64 exits(struct test *t)
{
	return vcpu_get_stat(t->vcpu, exits);
}

/* Returns the least exits of some runs: in no other was the vCPU interrupted less. */
static u64 count_exits(struct test *t, u64 rip)
{
	u64 before, n, least = -1ull;
	int i;

	t->call->rip = rip;
	for (i = 0; i < 10; i++) {
		before = exits(t);
		run_to_sync(t->vcpu);
		n = exits(t) - before;
		if (n < least)
			least = n;
	}
	return least;
}

static bool expect(const char *what, u64 is, u64 expected)
{
	if (is != expected)
		ksft_print_msg("%s: 0x%lx, not 0x%lx\n", what, is, expected);
	return is == expected;
}

/* The answer is in rax, so that all registers but the first are compared. */
static_assert(offsetof(struct guest_regs, rax) == 0, "rax is the first register");

static bool expect_registers(const struct call *c)
{
	const u64 *before = (const u64 *)&c->before, *after = (const u64 *)&c->after;
	u64 mask = mode_mask(c->mode);
	bool ok = true;
	int i;

	for (i = 1; i < NR_REGS; i++)
		ok &= expect("a register", after[i] & mask, before[i] & mask);
	return ok & expect("rip", c->rip_after, L2_CPUID);
}

static bool expect_event(const struct test *t, const struct hypergraph_event *e)
{
	const struct call *c = t->call;
	u64 mask = mode_mask(c->mode);

	return expect("vm", e->vm, getpid()) &
	       expect("vcpu", e->vcpu, 0) &
	       expect("nested", e->nested, 1) &
	       expect("nested_vcpu", e->nested_vcpu, t->nested_vcpu) &
	       expect("nr", e->nr, c->nr & mask) &
	       expect("a0", e->a0, c->before.rbx & mask) &
	       expect("a1", e->a1, c->before.rcx & mask) &
	       expect("a2", e->a2, c->before.rdx & mask) &
	       expect("a3", e->a3, c->before.rsi & mask) &
	       expect("guest_rip", e->rip, L2_HYPERCALL);
}

/* L2 does one hypercall, which L0 should answer, or leave to L1. */
static bool check_call(struct test *t, u64 nr, enum vcpu_mode mode, bool answered)
{
	struct call *c = t->call;
	struct hypergraph_event event;
	bool ok = true;

	recording_clear();
	c->nr = nr;
	c->mode = mode;
	c->rip = L2_HYPERCALL;
	run_to_sync(t->vcpu);
	if (answered && c->after.rax == HYPERGRAPH_SAY_HELLO)
		run_to_sync(t->vcpu);

	ok &= expect_registers(c);
	ok &= expect("hypercalls that came to L1", c->reflected, !answered);
	ok &= expect("events", recording_count(), answered);
	ok &= expect("what L2 got", c->after.rax & mode_mask(mode),
		     answered ? 0 : L1_ANSWER & mode_mask(mode));
	if (answered && ok) {
		recording_read(&event, 1);
		ok &= expect_event(t, &event);
	} else if (!answered) {
		ok &= expect("the number that came to L1", c->reflected_nr, nr);
	}
	if (!ok)
		ksft_print_msg("number 0x%lx, %s\n", nr, vcpu_mode_names[mode]);
	return ok;
}

static const u64 other_numbers[] = {
	HYPERGRAPH_NR_OFFER, HYPERGRAPH_NR_ENTRY - 1, HYPERGRAPH_NR_SCHED_SWITCH - 1,
	BIT_ULL(8) | HYPERGRAPH_NR_ENTRY, BIT_ULL(31) | HYPERGRAPH_NR_ENTRY,
	KVM_HC_VAPIC_POLL_IRQ, KVM_HC_SCHED_YIELD, UINT32_MAX,
};

/* A row of the table is for all numbers of one kind.  32-bit code has no r11. */
static void check_row(struct test *t, bool parameter, bool recording, bool user,
		      bool other, bool offer)
{
	const u64 *numbers = other ? other_numbers : hypergraph_numbers;
	int i, nr = other ? ARRAY_SIZE(other_numbers) : NR_NUMBERS;
	bool answered = parameter && recording && !user && !other && offer;
	bool ok = true;

	recording_nested(parameter);
	recording_enable(recording);
	t->call->offer = offer;
	for (i = 0; i < nr; i++) {
		ok &= check_call(t, numbers[i], user ? MODE_LONG_USER : MODE_LONG, answered);
		ok &= check_call(t, numbers[i], user ? MODE_COMPAT_USER : MODE_COMPAT, false);
		ok &= expect("the answer to L1's offer", t->call->offer_answer,
			     parameter ? 0 : -KVM_ENOSYS);
	}
	ksft_test_result(ok, "parameter %d, tracepoint %d, CPL %d, %s number, offer %d: %s\n",
			 parameter, recording, user ? 3 : 0, other ? "another" : "a hypergraph",
			 offer, answered ? "answered by L0" : "left to L1");
}

static void check_table(struct test *t)
{
	int i;

	for (i = 0; i < 32; i++)
		check_row(t, i & 16, i & 8, i & 4, i & 2, i & 1);
}

/* This number is hypergraph's by its lower half only. */
static void check_upper_half(struct test *t)
{
	u64 nr = BIT_ULL(32) | HYPERGRAPH_NR_ENTRY;
	bool ok;

	recording_nested(true);
	recording_enable(true);
	t->call->offer = 1;
	ok = check_call(t, nr, MODE_LONG, false);
	ksft_test_result(ok, "a number's upper half counts\n");
}

static void check_offer_argument(struct test *t)
{
	bool ok = true;

	t->call->nr = HYPERGRAPH_NR_ENTRY;
	t->call->mode = MODE_LONG;
	t->call->rip = L2_HYPERCALL;
	t->call->offer = 2;
	run_to_sync(t->vcpu);
	ok &= expect("the answer to L1", t->call->offer_answer, -KVM_EINVAL);
	ok &= expect("hypercalls that came to L1", t->call->reflected, 0);
	ksft_test_result(ok, "an offer that is neither 0 nor 1 is an error, and changes nothing\n");
}

static void check_exits(struct test *t)
{
	u64 without, answered, left;

	recording_nested(true);
	recording_enable(true);
	t->call->offer = 1;
	t->call->nr = HYPERGRAPH_NR_ENTRY;
	t->call->mode = MODE_LONG;
	without = count_exits(t, L2_CPUID);
	answered = count_exits(t, L2_HYPERCALL) - without;
	recording_nested(false);
	left = count_exits(t, L2_HYPERCALL) - without;

	ksft_print_msg("exits of a hypercall: answered by L0 %lu, left to this L1 %lu\n",
		       answered, left);
	ksft_test_result(answered == 1 && left > 1, "a hypercall that L0 answers is one exit\n");
}

int main(void)
{
	const char *obstacle = recording_obstacle();
	struct test t;

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	__TEST_REQUIRE(kvm_cpu_has_nested(), "no nested virtualization");

	ksft_print_header();
	ksft_set_plan(35);
	recording_create();
	recording_of(getpid());
	t = test_create();

	check_table(&t);
	check_upper_half(&t);
	check_offer_argument(&t);
	check_exits(&t);

	kvm_vm_free(t.vm);
	recording_nested(false);
	recording_destroy();
	ksft_finished();
}
