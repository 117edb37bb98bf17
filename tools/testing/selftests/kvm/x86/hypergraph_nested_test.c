// SPDX-License-Identifier: GPL-2.0-only
/*
 * L0 answers the hypergraph hypercalls of L2 and records them, or leaves them to L1.
 * Which it does is up to the admin's parameter, the tracepoint, L1's offer and
 * intercept, L2's signature, mode and CPL, and the number, and is tested in all
 * combinations.
 * A hypercall that L0 answers is one exit, and changes no register.
 */
#include <linux/kvm_para.h>

#include "hypergraph.h"

/* L1 returns this to L2 for the hypercalls that come to it. */
#define L1_ANSWER	0x1111222233334444ull

/* The low page has a hypercall and this, an exit to L1.  L1 says where L2 begins. */
static const u8 cpuid_insn[] = { 0x0f, 0xa2 };

#define L2_HYPERCALL	LOW_PAGE
#define L2_CPUID	(L2_HYPERCALL + HYPERCALL_INSN_SIZE)

#define NR_L2		2

#define NR_REGS		(sizeof(struct guest_regs) / sizeof(u64))

/* What L1 says of L2's hypercalls, if it says anything */
enum { OFFER_NO, OFFER_YES, OFFER_INVALID, OFFER_NOTHING };

/* One run of L2, in the guest's memory: the test sets the first half, L1 the second. */
static struct call {
	u64 l2;			/* which one runs */
	u64 nr;
	enum vcpu_mode mode;
	u64 rip;
	u64 offer;
	bool signature;
	bool intercept;		/* whether VMMCALL exits to L1 */

	u64 early_answer;	/* to an offer before nested virtualization was enabled */
	u64 offer_answer;
	struct guest_regs before, after;
	u64 reflected;		/* hypercalls that came to L1 */
	struct guest_regs reflected_regs;
	u64 uds;		/* #UD of L2 */
	u64 rip_after;
} call;

struct test {
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct call *call;
	u32 nested_vcpu[NR_L2];
};

static void l1_offer(void)
{
	if (call.offer != OFFER_NOTHING)
		call.offer_answer = hypergraph_hypercall(HYPERGRAPH_NR_OFFER, call.offer,
							 0, 0, 0, NULL);
}

static void l1_set_l2_regs(void)
{
	u64 *reg = (u64 *)&guest_regs;
	int i;

	for (i = 0; i < NR_REGS; i++)
		reg[i] = (i + 1) * 0x9e3779b97f4a7c15ull;
	guest_regs.rax = call.nr;
	guest_regs.rflags = X86_EFLAGS_FIXED;
	if (call.signature)
		guest_regs.r11 = HYPERGRAPH_SIGNATURE;
}

/* L2 has done a hypercall that exits to L1. */
static void l1_answer(void)
{
	call.reflected++;
	call.reflected_regs = guest_regs;
	guest_regs.rax = L1_ANSWER;
}

static void l1_do_call(void *nested)
{
	enum l2_exit exit;

	l1_offer();
	l1_set_l2_regs();
	call.before = guest_regs;
	l2_set_mode(nested, call.mode);
	l2_set_rip(nested, call.rip);
	l2_intercept_vmmcall(nested, call.intercept);

	call.reflected = 0;
	call.uds = 0;
	while ((exit = l2_run(nested)) != L2_EXIT_CPUID) {
		if (exit == L2_EXIT_UD)
			call.uds++;
		else
			l1_answer();
		l2_set_rip(nested, l2_rip(nested) + HYPERCALL_INSN_SIZE);
	}
	call.rip_after = l2_rip(nested);
	call.after = guest_regs;
}

static void guest_l1(void *first, void *second)
{
	void *nested[NR_L2] = { first, second };
	int i;

	call.early_answer = hypergraph_hypercall(HYPERGRAPH_NR_OFFER, 1, 0, 0, 0, NULL);
	for (i = 0; i < NR_L2; i++)
		l2_create(nested[i], (void *)L2_HYPERCALL);
	l1_offer();
	for (;;) {
		GUEST_SYNC(0);
		l2_select(nested[call.l2]);
		l1_do_call(nested[call.l2]);
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

/* L1 has made its offer when this returns. */
static struct test test_create(void)
{
	gva_t nested[NR_L2];
	struct test t;
	u8 *code;
	int i;

	t.vm = vm_create_with_one_vcpu(&t.vcpu, guest_l1);
	code = vm_add_low_page(t.vm);
	memcpy(code, hypercall_opcode(host_cpu_is_amd_compatible), HYPERCALL_INSN_SIZE);
	memcpy(code + L2_CPUID - LOW_PAGE, cpuid_insn, sizeof(cpuid_insn));

	for (i = 0; i < NR_L2; i++)
		nested[i] = vm_alloc_nested(t.vm, &t.nested_vcpu[i]);
	vcpu_args_set(t.vcpu, NR_L2, nested[0], nested[1]);
	t.call = addr_gva2hva(t.vm, (gva_t)&call);
	*t.call = (struct call) {
		.nr = HYPERGRAPH_NR_ENTRY,
		.mode = MODE_LONG,
		.rip = L2_HYPERCALL,
		.offer = OFFER_YES,
		.signature = true,
		.intercept = true,
	};
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
	t->call->rip = L2_HYPERCALL;
	return least;
}

static bool expect(const char *what, u64 is, u64 expected)
{
	if (is != expected)
		ksft_print_msg("%s: 0x%lx, not 0x%lx\n", what, is, expected);
	return is == expected;
}

/* Those from @first on are to be the same. */
static bool expect_registers(const struct call *c, const struct guest_regs *regs, int first)
{
	const u64 *before = (const u64 *)&c->before, *after = (const u64 *)regs;
	u64 mask = mode_mask(c->mode);
	bool ok = true;
	int i;

	for (i = first; i < NR_REGS; i++)
		ok &= expect("a register", after[i] & mask, before[i] & mask);
	return ok;
}

static bool expect_event(const struct test *t, const struct hypergraph_event *e)
{
	const struct call *c = t->call;
	u64 mask = mode_mask(c->mode);

	return expect("vm", e->vm, getpid()) &
	       expect("vcpu", e->vcpu, 0) &
	       expect("nested", e->nested, 1) &
	       expect("nested_vcpu", e->nested_vcpu, t->nested_vcpu[c->l2]) &
	       expect("nr", e->nr, c->nr & mask) &
	       expect("a0", e->a0, c->before.rbx & mask) &
	       expect("a1", e->a1, c->before.rcx & mask) &
	       expect("a2", e->a2, c->before.rdx & mask) &
	       expect("a3", e->a3, c->before.rsi & mask) &
	       expect("guest_rip", e->rip, L2_HYPERCALL);
}

/* What becomes of a hypercall of L2 */
enum outcome { ANSWERED_BY_L0, LEFT_TO_L1, UD_IN_L2 };

static const char * const outcome_names[] = {
	[ANSWERED_BY_L0] = "answered by L0",
	[LEFT_TO_L1] = "left to L1",
	[UD_IN_L2] = "#UD in L2",
};

static u64 rax_after(const struct call *c, enum outcome outcome)
{
	switch (outcome) {
	case ANSWERED_BY_L0:
		return 0;
	case LEFT_TO_L1:
		return L1_ANSWER & mode_mask(c->mode);
	default:
		return c->nr & mode_mask(c->mode);
	}
}

/* L2 does the hypercall, and again if L0 asks for a hello, which it does once. */
static void do_call(struct test *t)
{
	struct call *c = t->call;

	run_to_sync(t->vcpu);
	if (!c->reflected && !c->uds && c->after.rax == HYPERGRAPH_SAY_HELLO)
		run_to_sync(t->vcpu);
}

/* The answer is in rax, so that all registers but the first are compared. */
static_assert(offsetof(struct guest_regs, rax) == 0, "rax is the first register");

/* L2 does one hypercall.  Returns whether this and nothing else becomes of it. */
static bool check_call(struct test *t, u64 nr, enum vcpu_mode mode, enum outcome outcome)
{
	struct call *c = t->call;
	struct hypergraph_event event;
	bool ok = true;

	recording_clear();
	c->nr = nr;
	c->mode = mode;
	do_call(t);

	ok &= expect_registers(c, &c->after, 1);
	ok &= expect("rip", c->rip_after, L2_CPUID);
	ok &= expect("what L2 got", c->after.rax & mode_mask(mode), rax_after(c, outcome));
	ok &= expect("hypercalls that came to L1", c->reflected, outcome == LEFT_TO_L1);
	ok &= expect("#UD in L2", c->uds, outcome == UD_IN_L2);
	ok &= expect("events", recording_count(), outcome == ANSWERED_BY_L0);
	if (outcome == ANSWERED_BY_L0 && ok) {
		recording_read(&event, 1);
		ok &= expect_event(t, &event);
	} else if (c->reflected) {
		ok &= expect_registers(c, &c->reflected_regs, 0);
	}
	if (!ok)
		ksft_print_msg("number 0x%lx, %s\n", nr, vcpu_mode_names[mode]);
	return ok;
}

static const u64 other_numbers[] = {
	HYPERGRAPH_NR_OFFER, HYPERGRAPH_NR_TRIPLE_FAULT, HYPERGRAPH_NR_RESET,
	HYPERGRAPH_NR_ENTRY - 1, HYPERGRAPH_NR_SCHED_SWITCH - 1,
	BIT_ULL(8) | HYPERGRAPH_NR_ENTRY, BIT_ULL(31) | HYPERGRAPH_NR_ENTRY,
	KVM_HC_VAPIC_POLL_IRQ, KVM_HC_SCHED_YIELD, UINT32_MAX,
};

/* L0 answers if all of these are so. */
enum {
	PARAMETER = BIT(0),	/* the admin of L0 allows it */
	TRACEPOINT = BIT(1),	/* hypergraph_host is enabled in L0 */
	OFFER = BIT(2),		/* L1 has offered it */
	SIGNATURE = BIT(3),	/* L2 shows that it speaks hypergraph's hypercalls */
	KERNEL = BIT(4),	/* L2 is at CPL 0 */
	NUMBER = BIT(5),	/* it is one of hypergraph's */
	INTERCEPT = BIT(6),	/* the instruction exits to L1 */
	ALL = PARAMETER | TRACEPOINT | OFFER | SIGNATURE | KERNEL | NUMBER | INTERCEPT,
};

static const char * const condition_names[] = {
	"parameter", "tracepoint", "offer", "signature", "CPL 0", "number", "intercept",
};

static enum outcome outcome_of(int conditions)
{
	if (!(conditions & INTERCEPT))
		return UD_IN_L2;
	return conditions == ALL ? ANSWERED_BY_L0 : LEFT_TO_L1;
}

/* The row of the table where these conditions are not so */
static void row_result(bool ok, int conditions)
{
	char missing[128] = "";
	int i;

	for (i = 0; i < ARRAY_SIZE(condition_names); i++) {
		if (conditions & BIT(i))
			continue;
		strcat(missing, " ");
		strcat(missing, condition_names[i]);
	}
	ksft_test_result(ok, "%s without:%s\n", outcome_names[outcome_of(conditions)], missing);
}

/* A row is for all numbers of one kind.  32-bit code has no r11: it is never answered. */
static void check_row(struct test *t, int conditions)
{
	bool user = !(conditions & KERNEL), ours = conditions & NUMBER;
	const u64 *numbers = ours ? hypergraph_numbers : other_numbers;
	int i, nr = ours ? NR_NUMBERS : ARRAY_SIZE(other_numbers);
	enum outcome outcome = outcome_of(conditions);
	enum outcome of_32bit = outcome == ANSWERED_BY_L0 ? LEFT_TO_L1 : outcome;
	struct call *c = t->call;
	bool ok = true;

	recording_nested(conditions & PARAMETER);
	recording_enable(conditions & TRACEPOINT);
	c->offer = conditions & OFFER ? OFFER_YES : OFFER_NO;
	c->signature = conditions & SIGNATURE;
	c->intercept = conditions & INTERCEPT;
	for (i = 0; i < nr; i++) {
		ok &= check_call(t, numbers[i], user ? MODE_LONG_USER : MODE_LONG, outcome);
		ok &= check_call(t, numbers[i], user ? MODE_COMPAT_USER : MODE_COMPAT, of_32bit);
	}
	ok &= expect("the answer to L1's offer", c->offer_answer,
		     conditions & PARAMETER ? 0 : -KVM_ENOSYS);
	row_result(ok, conditions);
}

/* VMCALL always exits to L1. */
static int nr_rows(void)
{
	return host_cpu_is_amd_compatible ? ALL + 1 : INTERCEPT;
}

static void check_table(struct test *t)
{
	int i;

	for (i = 0; i < nr_rows(); i++)
		check_row(t, host_cpu_is_amd_compatible ? i : INTERCEPT | i);
}

/* From here on all conditions are so, if it is not said otherwise. */
static void set_all_conditions(struct test *t)
{
	recording_nested(true);
	recording_enable(true);
	t->call->offer = OFFER_YES;
	t->call->signature = true;
	t->call->intercept = true;
}

/* This number is hypergraph's by its lower half only. */
static void check_upper_half(struct test *t)
{
	bool ok;

	set_all_conditions(t);
	ok = check_call(t, BIT_ULL(32) | HYPERGRAPH_NR_ENTRY, MODE_LONG, LEFT_TO_L1);
	ksft_test_result(ok, "a number's upper half counts\n");
}

static void check_offer_argument(struct test *t)
{
	bool ok;

	set_all_conditions(t);
	t->call->offer = OFFER_INVALID;
	ok = check_call(t, HYPERGRAPH_NR_ENTRY, MODE_LONG, ANSWERED_BY_L0);
	ok &= expect("the answer to L1", t->call->offer_answer, -KVM_EINVAL);
	ksft_test_result(ok, "an offer that is neither 0 nor 1 is an error, and none\n");
}

static void check_exits(struct test *t)
{
	u64 without, answered, left;

	set_all_conditions(t);
	t->call->nr = HYPERGRAPH_NR_HELLO;
	t->call->mode = MODE_LONG;
	without = count_exits(t, L2_CPUID);
	answered = count_exits(t, L2_HYPERCALL) - without;
	recording_nested(false);
	left = count_exits(t, L2_HYPERCALL) - without;

	ksft_print_msg("exits of a hypercall: answered by L0 %lu, left to this L1 %lu\n",
		       answered, left);
	ksft_test_result(answered == 1 && left > 1, "a hypercall that L0 answers is one exit\n");
}

/* Who looks at kvm_nested_vmexit sees all exits of L2. */
static void check_nested_vmexit(struct test *t)
{
	bool ok;

	set_all_conditions(t);
	recording_nested_vmexits(true);
	recording_clear();
	t->call->nr = HYPERGRAPH_NR_HELLO;
	t->call->mode = MODE_LONG;
	run_to_sync(t->vcpu);
	ok = expect("hypercalls that came to L1", t->call->reflected, 0);
	ok &= expect("kvm_nested_vmexit for it", recording_count_nested_hypercalls(), 1);
	recording_nested_vmexits(false);
	ksft_test_result(ok, "kvm_nested_vmexit fires for what L0 answers\n");
}

/* L2s that take turns on L1's vCPU are each asked for a hello, and nothing of them is lost. */
static void check_turns(struct test *t)
{
	struct call *c = t->call;
	bool ok = true;

	recording_enable(false);
	set_all_conditions(t);
	c->nr = HYPERGRAPH_NR_ENTRY;
	c->mode = MODE_LONG;
	for (c->l2 = 0; c->l2 < NR_L2; c->l2++) {
		run_to_sync(t->vcpu);
		ok &= expect("the answer to an L2's first event", c->after.rax,
			     HYPERGRAPH_SAY_HELLO);
		ok &= check_call(t, HYPERGRAPH_NR_ENTRY, MODE_LONG, ANSWERED_BY_L0);
	}
	for (c->l2 = 0; c->l2 < NR_L2; c->l2++)
		ok &= check_call(t, HYPERGRAPH_NR_ENTRY, MODE_LONG, ANSWERED_BY_L0);
	c->l2 = 0;
	ksft_test_result(ok, "each of the L2s on a vCPU of L1 is asked for a hello\n");
}

/* Where the VMM has written a vCPU's registers, L2 may be another kernel, too. */
static void check_sregs(struct test *t)
{
	static const u64 answers[] = { HYPERGRAPH_SAY_HELLO, 0, HYPERGRAPH_SAY_HELLO, 0 };
	struct kvm_sregs sregs;
	bool ok = true;
	int i;

	recording_enable(false);
	set_all_conditions(t);
	t->call->nr = HYPERGRAPH_NR_ENTRY;
	t->call->mode = MODE_LONG;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		if (i == 2) {
			vcpu_sregs_get(t->vcpu, &sregs);
			vcpu_sregs_set(t->vcpu, &sregs);
		}
		run_to_sync(t->vcpu);
		ok &= expect("the answer to L2's event", t->call->after.rax, answers[i]);
	}
	ksft_test_result(ok, "L2 is asked for a hello after KVM_SET_SREGS\n");
}

/*
 * L1 has made its offer.  Each of these leaves the vCPU's state as it was.
 */

static void do_nothing(struct test *t)
{
}

static void load_state(struct test *t, struct kvm_x86_state *state)
{
	vcpu_load_state(t->vcpu, state);
	kvm_x86_state_cleanup(state);
}

static void send_init(struct test *t)
{
	struct kvm_x86_state *state = vcpu_save_state(t->vcpu);

	vcpu_send_init(t->vcpu);
	load_state(t, state);
}

/* What a VMM does that resets the machine */
static void reset(struct test *t)
{
	struct kvm_x86_state *state = vcpu_save_state(t->vcpu);
	struct kvm_nested_state nested = { .size = sizeof(nested) };
	struct kvm_sregs sregs = state->sregs;

	if (host_cpu_is_amd_compatible) {
		nested.format = KVM_STATE_NESTED_FORMAT_SVM;
		nested.flags = KVM_STATE_NESTED_GIF_SET;
	} else {
		nested.hdr.vmx.vmxon_pa = -1ull;
		nested.hdr.vmx.vmcs12_pa = -1ull;
	}
	vcpu_nested_state_set(t->vcpu, &nested);
	sregs.efer &= ~EFER_SVME;
	vcpu_set_mode(t->vcpu, sregs, MODE_REAL);
	load_state(t, state);
}

/* What a VMM does that moves it to another host */
static void move(struct test *t)
{
	struct kvm_x86_state *state = vcpu_save_state(t->vcpu);

	kvm_vm_release(t->vm);
	t->vcpu = vm_recreate_with_one_vcpu(t->vm);
	load_state(t, state);
}

/* VMX blocks an INIT while L1 may have guests. */
static const struct {
	const char *name;
	void (*happens)(struct test *t);
	enum outcome outcome;
	bool of_svm_only;
} ends_of_offers[] = {
	{ "nothing", do_nothing, ANSWERED_BY_L0 },
	{ "an INIT", send_init, LEFT_TO_L1, true },
	{ "a reset", reset, LEFT_TO_L1 },
	{ "a move to another host", move, LEFT_TO_L1 },
};

static void check_end_of_offer(int i)
{
	struct test t;
	bool ok;

	if (ends_of_offers[i].of_svm_only && !host_cpu_is_amd_compatible) {
		ksft_test_result_skip("%s: VMX blocks it\n", ends_of_offers[i].name);
		return;
	}

	recording_nested(true);
	t = test_create();
	ok = expect("the answer to an offer too early", t.call->early_answer, -KVM_ENOSYS);
	ok &= expect("the answer to L1's offer", t.call->offer_answer, 0);
	t.call->offer = OFFER_NOTHING;
	ends_of_offers[i].happens(&t);
	recording_enable(true);
	ok &= check_call(&t, HYPERGRAPH_NR_ENTRY, MODE_LONG, ends_of_offers[i].outcome);
	recording_enable(false);
	ksft_test_result(ok, "%s after an offer: %s\n", ends_of_offers[i].name,
			 outcome_names[ends_of_offers[i].outcome]);
	kvm_vm_free(t.vm);
}

static void check_all(void)
{
	struct test t = test_create();
	int i;

	check_table(&t);
	check_upper_half(&t);
	check_offer_argument(&t);
	check_exits(&t);
	check_nested_vmexit(&t);
	check_turns(&t);
	check_sregs(&t);
	recording_enable(false);
	kvm_vm_free(t.vm);

	for (i = 0; i < ARRAY_SIZE(ends_of_offers); i++)
		check_end_of_offer(i);
}

int main(void)
{
	const char *obstacle = recording_obstacle();

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	__TEST_REQUIRE(kvm_cpu_has_nested(), "no nested virtualization");

	ksft_print_header();
	ksft_set_plan(nr_rows() + 6 + ARRAY_SIZE(ends_of_offers));
	recording_create();
	recording_of(getpid());
	check_all();
	recording_nested(false);
	recording_destroy();
	ksft_finished();
}
