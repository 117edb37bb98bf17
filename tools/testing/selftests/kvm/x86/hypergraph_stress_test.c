// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests do hypercalls with random numbers and arguments as fast as they can, in all
 * modes.  First they are recorded all the time, and then now and then.
 */
#include <pthread.h>
#include <stddef.h>
#include <time.h>
#include <linux/kvm_para.h>

#include "hypergraph.h"

#define DEFAULT_SECONDS	2
#define DEFAULT_VMS	2

/* The code that write_code() writes knows the layout. */
struct call {
	u64 nr, a0, a1, a2, a3;
	u64 ret;
};

/* A VM has this in its low page. */
struct batch {
	u8 code[256];
	struct call calls[80];
};

static_assert(sizeof(struct batch) <= PAGE_SIZE, "a batch is in one page");

struct vm {
	pthread_t thread;
	struct kvm_vm *vm;
	struct kvm_vcpu *vcpu;
	struct kvm_sregs sregs;
	struct kvm_random_state rng;
	u64 calls[NR_MODES];
	u64 recorded;	/* answered with 0 because of a recording */
	u64 asked;	/* answered with 1 */
};

static struct vm *vms;
static bool toggling, stop;
static u64 longest_ns;	/* the longest sleep of the main thread */

/* The code does the calls from rdi on, rbp of them, and an OUT. */
static void write_code(u8 *code, enum vcpu_mode mode)
{
	/* The prefix makes the operands 64 or 32 bits wide. */
	static const char * const load[] = {
		"\x8b\x07",		/* mov 0(%rdi), %rax */
		"\x8b\x5f\x08",	/* mov 8(%rdi), %rbx */
		"\x8b\x4f\x10",	/* mov 16(%rdi), %rcx */
		"\x8b\x57\x18",	/* mov 24(%rdi), %rdx */
		"\x8b\x77\x20",	/* mov 32(%rdi), %rsi */
	}, * const store[] = {
		"\x89\x47\x28",	/* mov %rax, 40(%rdi) */
		"\x83\xc7\x30",	/* add $48, %rdi */
		"\xff\xcd",		/* dec %rbp */
	};
	const char *prefix = "";
	u8 *p = code;
	int i;

	if (is_64bit_mode(mode))
		prefix = "\x48";
	else if (mode == MODE_REAL)
		prefix = "\x67\x66";

	for (i = 0; i < ARRAY_SIZE(load); i++)
		p += sprintf((char *)p, "%s%s", prefix, load[i]);
	memcpy(p, hypercall_opcode(host_cpu_is_amd_compatible), HYPERCALL_INSN_SIZE);
	p += HYPERCALL_INSN_SIZE;
	for (i = 0; i < ARRAY_SIZE(store); i++)
		p += sprintf((char *)p, "%s%s", prefix, store[i]);

	*p++ = 0x75;			/* jnz code */
	*p = code - (p + 1);
	p++;
	*p++ = 0xe6;			/* out %al, $DONE_PORT */
	*p++ = DONE_PORT;
}

/*
 * This leaves of KVM's own hypercalls those that do nothing, and KVM_HC_CLOCK_PAIRING.
 * A guest must not do that one, as it writes to memory.
 */
static void disable_pv_features(struct kvm_vcpu *vcpu)
{
	vcpu_enable_cap(vcpu, KVM_CAP_ENFORCE_PV_FEATURE_CPUID, 1);
	vcpu_clear_cpuid_entry(vcpu, KVM_CPUID_FEATURES);
	vcpu_set_cpuid_feature(vcpu, X86_FEATURE_KVM_HYPERGRAPH);
}

static u64 random_number(struct kvm_random_state *rng)
{
	u32 kind = kvm_random_u32(rng) % 8;
	u64 nr = hypergraph_numbers[kvm_random_u32(rng) % NR_NUMBERS];

	switch (kind) {
	case 0:
		nr += kvm_random_u32(rng) % 9 - 4ull;
		break;
	case 1:
		nr |= (u64)kvm_random_u32(rng) << 32;
		break;
	case 2:
		nr = kvm_random_u32(rng) % 2048;
		break;
	case 3:
		nr = kvm_random_u64(rng);
		break;
	case 4:
		nr ^= BIT_ULL(kvm_random_u32(rng) % 64);
		break;
	}
	return (u32)nr == KVM_HC_CLOCK_PAIRING ? HYPERGRAPH_NR_ENTRY : nr;
}

/* Half of the arguments are random, the others are at a limit. */
static u64 random_argument(struct kvm_random_state *rng)
{
	static const u64 limits[] = {
		0, 1, INT32_MAX, UINT32_MAX, 1ull << 47, INT64_MAX, 1ull << 63, UINT64_MAX,
	};

	if (kvm_random_bool(rng))
		return kvm_random_u64(rng);
	return limits[kvm_random_u32(rng) % ARRAY_SIZE(limits)];
}

/* Whether @ret is what an event is answered if it is not recorded. */
static bool is_unrecorded(struct vm *v, u64 nr, u64 ret, u64 mask)
{
	if (ret == HYPERGRAPH_SAY_HELLO && nr != HYPERGRAPH_NR_HELLO) {
		v->asked++;
		return true;
	}
	return toggling && ret == (-KVM_ENOSYS & mask);
}

static void check_call(struct vm *v, enum vcpu_mode mode, struct call *call)
{
	u64 mask = mode_mask(mode);
	u64 ret = call->ret & mask;
	u64 expected;

	if (!is_user_mode(mode) && (call->nr & mask) == KVM_HC_VAPIC_POLL_IRQ)
		expected = 0;
	else
		expected = hypercall_answer(mode, call->nr, true);

	if (!is_user_mode(mode) && is_hypergraph_number(call->nr & mask) &&
	    is_unrecorded(v, call->nr & mask, ret, mask))
		return;
	TEST_ASSERT(ret == expected,
		    "%s: hypercall 0x%lx (0x%lx, 0x%lx, 0x%lx, 0x%lx) returned %ld, not %ld",
		    vcpu_mode_names[mode], call->nr, call->a0, call->a1, call->a2, call->a3,
		    (long)ret, (long)expected);
	v->recorded += !ret && is_hypergraph_number(call->nr & mask);
}

static void run_batch(struct vm *v, struct batch *b, enum vcpu_mode mode)
{
	struct kvm_regs regs = {
		.rip = LOW_PAGE + offsetof(struct batch, code),
		.rdi = LOW_PAGE + offsetof(struct batch, calls),
		.rbp = ARRAY_SIZE(b->calls),
		/* OUT needs an IOPL of 3 at CPL 3. */
		.rflags = X86_EFLAGS_FIXED | (3 * X86_EFLAGS_IOPL),
	};
	struct call *call;

	for (call = b->calls; call < b->calls + ARRAY_SIZE(b->calls); call++) {
		*call = (struct call) {
			.nr = random_number(&v->rng),
			.a0 = random_argument(&v->rng),
			.a1 = random_argument(&v->rng),
			.a2 = random_argument(&v->rng),
			.a3 = random_argument(&v->rng),
			.ret = 0x5a5a5a5a5a5a5a5a,
		};
	}
	vcpu_regs_set(v->vcpu, &regs);
	vcpu_run_to_out(v->vcpu, &regs);
	for (call = b->calls; call < b->calls + ARRAY_SIZE(b->calls); call++)
		check_call(v, mode, call);
	v->calls[mode] += ARRAY_SIZE(b->calls);
}

static void *run_vm(void *arg)
{
	struct vm *v = arg;
	struct batch *b = addr_gpa2hva(v->vm, LOW_PAGE);
	enum vcpu_mode mode;
	int i;

	while (!READ_ONCE(stop)) {
		mode = kvm_random_u32(&v->rng) % NR_MODES;
		vcpu_set_mode(v->vcpu, v->sregs, mode);
		write_code(b->code, mode);
		for (i = 0; i < 32 && !READ_ONCE(stop); i++)
			run_batch(v, b, mode);
	}
	return NULL;
}

static void sleep_10ms(void)
{
	struct timespec start;
	u64 ns;

	clock_gettime(CLOCK_MONOTONIC, &start);
	usleep(10000);
	ns = timespec_to_ns(timespec_elapsed(start));
	if (ns > longest_ns)
		longest_ns = ns;
}

/* Runs the VMs for a time, and returns how often the recording ended before they did. */
static u64 run_vms(int nr_vms, int seconds)
{
	time_t end = time(NULL) + seconds;
	u64 ends = 0;
	int i;

	recording_enable(true);
	stop = false;
	for (i = 0; i < nr_vms; i++)
		TEST_ASSERT(!pthread_create(&vms[i].thread, NULL, run_vm, &vms[i]),
			    "pthread_create()");
	while (time(NULL) < end) {
		sleep_10ms();
		if (toggling) {
			recording_enable(false);
			ends++;
			sleep_10ms();
			recording_enable(true);
		}
	}
	WRITE_ONCE(stop, true);
	for (i = 0; i < nr_vms; i++)
		pthread_join(vms[i].thread, NULL);
	recording_enable(false);
	return ends;
}

static void create_vm(struct vm *v, int i)
{
	v->vm = vm_create_with_one_vcpu(&v->vcpu, NULL);
	v->rng = new_kvm_random_state(kvm_random_seed + i);
	vcpu_sregs_get(v->vcpu, &v->sregs);
	vm_add_low_page(v->vm);
	disable_pv_features(v->vcpu);
}

static void stress(int nr_vms, int seconds)
{
	u64 recorded = 0, asked = 0, count, ends, calls;
	int i, mode;

	recording_clear();
	longest_ns = 0;
	for (i = 0; i < nr_vms; i++) {
		vms[i].recorded = 0;
		vms[i].asked = 0;
		memset(vms[i].calls, 0, sizeof(vms[i].calls));
	}

	ends = run_vms(nr_vms, seconds);

	pr_info("%s:\n", toggling ? "recorded now and then" : "recorded");
	for (mode = 0; mode < NR_MODES; mode++) {
		calls = 0;
		for (i = 0; i < nr_vms; i++)
			calls += vms[i].calls[mode];
		pr_info("%12lu hypercalls, %s\n", calls, vcpu_mode_names[mode]);
	}
	for (i = 0; i < nr_vms; i++) {
		recorded += vms[i].recorded;
		asked += vms[i].asked;
	}
	count = recording_count();
	pr_info("%12lu recorded, the recording ended %lu times\n", count, ends);
	pr_info("%12lu answered by asking for a hello\n", asked);
	pr_info("%12lu ms at most for a thread that slept 10\n", longest_ns / 1000000);

	/* A vCPU's last one that is answered when a recording ends may miss it. */
	TEST_ASSERT(count <= recorded && count + ends * nr_vms >= recorded,
		    "%lu recorded, but %lu were answered so", count, recorded);
}

static void help(const char *name)
{
	printf("usage: %s [-h] [-s SECONDS] [-n VMS]\n"
	       " -s: how long each of the two parts takes (%d)\n"
	       " -n: how many VMs of one vCPU run at a time (%d)\n",
	       name, DEFAULT_SECONDS, DEFAULT_VMS);
}

int main(int argc, char *argv[])
{
	int i, opt, seconds = DEFAULT_SECONDS, nr_vms = DEFAULT_VMS;
	const char *obstacle = recording_obstacle();

	while ((opt = getopt(argc, argv, "hs:n:")) != -1) {
		switch (opt) {
		case 's':
			seconds = atoi_positive("Seconds", optarg);
			break;
		case 'n':
			nr_vms = atoi_positive("VMs", optarg);
			break;
		default:
			help(argv[0]);
			exit(opt == 'h' ? KSFT_PASS : KSFT_FAIL);
		}
	}

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	TEST_REQUIRE(kvm_has_cap(KVM_CAP_ENFORCE_PV_FEATURE_CPUID));

	vms = calloc(nr_vms, sizeof(*vms));
	TEST_ASSERT(vms, "calloc()");
	for (i = 0; i < nr_vms; i++)
		create_vm(&vms[i], i);
	recording_create();
	atexit(recording_destroy);
	recording_of(getpid());
	stress(nr_vms, seconds);
	toggling = true;
	stress(nr_vms, seconds);
	for (i = 0; i < nr_vms; i++)
		kvm_vm_free(vms[i].vm);
	return 0;
}
