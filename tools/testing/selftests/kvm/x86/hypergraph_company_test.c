// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypergraph hypercalls in company: of interrupts, signals, other vCPUs and other VMs, of
 * what KVM does by itself meanwhile, and the same of nested guests.
 *
 * A guest does a stream of them and nothing else, and each is answered and recorded once.
 */
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/bitmap.h>
#include <linux/kvm_para.h>

#include "kvm_test_harness.h"
#include "apic.h"
#include "hyperv.h"
#include "hypergraph.h"
#include "vmx.h"

#define IRQ_VECTOR	0x30
#define NR_VCPUS	2
#define TOGGLES		50
#define MOVES		50
#define STREAM_LENGTH	(MOVES * 100)
#define MAX_EVENTS	(2 * NR_VCPUS * STREAM_LENGTH)

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
	gpa_t virtual_apic;	/* L2's page of that, or 0 */
	bool stop;
} guest;

/* Returns where the host sees it. */
static struct guest *guest_of(struct kvm_vm *vm)
{
	return addr_gva2hva(vm, (gva_t)&guest);
}

static u64 stream_nr(u64 i)
{
	return hypergraph_numbers[i % NR_NUMBERS];
}

static u64 stream_a3(u64 i)
{
	return i * 0x9e3779b97f4a7c15ull;
}

/* In a stream a0 tells the vCPUs apart, and a1 their hypercalls. */
static void do_stream(u64 id, u64 tag, u64 max)
{
	struct guest_vcpu *v = &guest.vcpu[id];
	u64 i, ret;

	for (i = 0; i < max && !READ_ONCE(guest.stop); i++) {
		ret = hypergraph_send(stream_nr(i), tag, i, ~i, stream_a3(i), &v->rip);
		if (!ret)
			WRITE_ONCE(v->recorded, v->recorded + 1);
		else if (ret == (u64)-KVM_ENOSYS)
			WRITE_ONCE(v->refused, v->refused + 1);
		else
			GUEST_FAIL("hypercall %lu returned %ld", i, ret);
		WRITE_ONCE(v->calls, i + 1);
	}
}

static void guest_stream(u64 id, u64 tag, u64 max)
{
	do_stream(id, tag, max);
	GUEST_DONE();
}

/* The vCPU's thread lives as long as the host may move it. */
static void guest_stream_to_stop(u64 id, u64 tag, u64 max)
{
	do_stream(id, tag, max);
	while (!READ_ONCE(guest.stop))
		cpu_relax();
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

/*
 * Returns the answer, and in @rip where an interrupt that has waited for STI is due.  The
 * host never asks for a hello to be sent again.
 */
static u64 hypercall_after_sti(u64 a1, u64 *rip)
{
	register u64 signature asm("r11") = HYPERGRAPH_SIGNATURE;
	u64 nr = HYPERGRAPH_NR_HELLO;

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
		     : "+a"(nr), [rip] "=&r"(*rip)
		     : "b"(0), "c"(a1), "d"(0), "S"(0), "r"(signature),
		       [vmmcall] "q"(host_cpu_is_amd_compatible)
		     : "memory");
	return nr;
}

/* An interrupt waits for the end of the instruction that follows STI, no longer. */
static void guest_irq_shadow(void)
{
	struct guest_vcpu *v = &guest.vcpu[0];
	u64 rip;
	int i;

	x2apic_enable();
	x2apic_write_reg(APIC_ICR, APIC_DEST_SELF | APIC_INT_ASSERT | APIC_DM_FIXED |
			 IRQ_VECTOR);

	for (i = 0; i < 100; i++)
		GUEST_ASSERT_EQ(hypergraph_send(HYPERGRAPH_NR_ENTRY, 0, i, 0, 0, NULL), 0);
	GUEST_ASSERT_EQ(v->irqs, 0);

	GUEST_ASSERT_EQ(hypercall_after_sti(i, &rip), 0);
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

/*
 * L1 offers L2's hypercalls, again if one reaches it all the same, and tells L2 that it
 * does not listen itself.
 */
static void guest_l1(void *nested, void *l2_code)
{
	l2_create(nested, l2_code);
	if (guest.virtual_apic)
		l2_set_virtual_apic(guest.virtual_apic);
	hypergraph_hypercall(HYPERGRAPH_NR_OFFER, 1, 0, 0, 0, NULL);
	while (l2_run(nested) == L2_EXIT_HYPERCALL) {
		GUEST_ASSERT(is_hypergraph_number(guest_regs.rax));
		guest_regs.rax = -KVM_ENOSYS;
		l2_set_rip(nested, l2_rip(nested) + HYPERCALL_INSN_SIZE);
		WRITE_ONCE(guest.reflected, guest.reflected + 1);
		hypergraph_hypercall(HYPERGRAPH_NR_OFFER, 1, 0, 0, 0, NULL);
	}
	GUEST_FAIL("L2 did neither a hypercall nor an OUT");
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
		if (hypergraph_send(stream_nr(i), 0, i, ~i, stream_a3(i), &v->rip))
			GUEST_ASSERT_EQ(hypergraph_send(stream_nr(i), 0, i, ~i, stream_a3(i),
							&v->rip), 0);
		asm volatile("outb %%al, %[port]" : : "a"(0), [port] "i"(DONE_PORT));
	}
	GUEST_DONE();
}

static void l2_hello_after_out(void)
{
	asm volatile("outb %%al, %[port]" : : "a"(0), [port] "i"(DONE_PORT));
	GUEST_ASSERT_EQ(hypergraph_hypercall(HYPERGRAPH_NR_HELLO, 0, 0, 0, 0, NULL), 0);
	GUEST_DONE();
}

/* The first instruction that TF traps is the one after POPF. */
static void l2_trap_flag(void)
{
	register u64 signature asm("r11") = HYPERGRAPH_SIGNATURE;
	u64 rip, nr = HYPERGRAPH_NR_HELLO;

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
		     : "b"(0), "c"(1), "d"(2), "S"(3), "r"(signature), [tf] "i"(X86_EFLAGS_TF),
		       [vmmcall] "q"(host_cpu_is_amd_compatible)
		     : "memory", "cc");
	GUEST_ASSERT_EQ(nr, 0);
	GUEST_ASSERT_EQ(guest.vcpu[0].irqs, 1);
	GUEST_ASSERT_EQ(guest.vcpu[0].event_rip, rip);
	GUEST_DONE();
}

static void l2_vmcall(void)
{
	asm volatile("vmcall");
}

/* L2's VMCS is an enlightened one: VMX does not know where it is. */
static void guest_l1_evmcs(void *vmx, void *hv)
{
	struct hyperv_test_pages *pages = hv;

	wrmsr(HV_X64_MSR_GUEST_OS_ID, HYPERV_LINUX_OS_ID);
	enable_vp_assist(pages->vp_assist_gpa, pages->vp_assist);
	evmcs_enable();
	GUEST_ASSERT(prepare_for_vmx_operation(vmx));
	GUEST_ASSERT(load_evmcs(pages));
	prepare_vmcs(vmx, l2_vmcall);
	GUEST_ASSERT(!vmlaunch());
	GUEST_ASSERT_EQ(vmreadz(VM_EXIT_REASON), EXIT_REASON_VMCALL);
	GUEST_DONE();
}

#define XEN_RESULT	0xcafef00dfbfbffffull

static void guest_xen(void)
{
	int i;

	for (i = 0; i < NR_NUMBERS; i++)
		GUEST_ASSERT_EQ(hypergraph_hypercall(hypergraph_numbers[i], 0, 0, 0, 0, NULL),
				XEN_RESULT);
	GUEST_DONE();
}

#define HV_UNKNOWN_CODE	0x3fff

static void guest_hyperv(void)
{
	int i;

	wrmsr(HV_X64_MSR_GUEST_OS_ID, HYPERV_LINUX_OS_ID);
	for (i = 0; i < NR_NUMBERS; i++)
		GUEST_ASSERT_EQ(hypergraph_hypercall(hypergraph_numbers[i], 0,
						     HV_UNKNOWN_CODE, 0, 0, NULL),
				HV_STATUS_INVALID_HYPERCALL_CODE);
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

/* Waits until a running guest has moved a counter.  The harness' timeout ends a stuck one. */
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

static void check_all_recorded(const struct guest_vcpu *v)
{
	TEST_ASSERT_EQ(v->recorded, v->calls);
	TEST_ASSERT_EQ(recording_count(), v->calls);
}

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

/*
 * Interrupts and signals.  A test_*() function is for guests and nested guests.
 */

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

	check_all_recorded(v);
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

/* SIGALRM interrupts @run after @first_us, and then every @interval_us if that is not 0. */
static void start_timer(struct kvm_run *run, int first_us, int interval_us)
{
	struct itimerval timer = {
		.it_interval.tv_usec = interval_us,
		.it_value.tv_usec = first_us,
	};
	struct sigaction action = { .sa_handler = request_immediate_exit };

	interrupted_run = run;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
}

static void stop_timer(void)
{
	struct itimerval timer = { };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void run_to_interruption(struct kvm_vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	TEST_ASSERT(__vcpu_run(vcpu) == -1 && errno == EINTR,
		    "KVM_RUN was not interrupted: exit %u (%s)", run->exit_reason,
		    exit_reason_str(run->exit_reason));
	WRITE_ONCE(run->immediate_exit, 0);
}

/* Hypercalls do not keep KVM_RUN from returning, and none of them is lost or done twice. */
static void test_immediate_exit(struct kvm_vm *vm, struct kvm_vcpu *vcpu)
{
	struct guest *g = guest_of(vm);
	struct guest_vcpu *v = &g->vcpu[0];
	u64 calls = 0, moved = 0;
	int i;

	recording_of(getpid());
	start_timer(vcpu->run, 1000, 1000);
	for (i = 0; i < 200; i++) {
		run_to_interruption(vcpu);
		moved += v->calls != calls;
		calls = v->calls;
	}
	stop_timer();
	TEST_ASSERT(moved > 10, "The guest got no further");

	/* The guest may stand after a hypercall that it has not yet counted. */
	for (i = 0; i < 10; i++) {
		vcpu->run->immediate_exit = 1;
		run_to_interruption(vcpu);
		TEST_ASSERT_EQ(v->calls, calls);
	}

	g->stop = true;
	run_to_done(vcpu);
	check_all_recorded(v);
	kvm_vm_free(vm);
}

TEST_F(hypergraph, immediate_exit)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, guest_stream);

	vcpu_args_set(vcpu, 3, 0ul, 0ul, -1ul);
	test_immediate_exit(vm, vcpu);
}

/*
 * Other vCPUs and other VMs.
 */

static void toggle(struct guest *g, int nr_vcpus, void (*enable)(bool))
{
	int i, j;

	for (j = 0; j < TOGGLES; j++) {
		enable(true);
		for (i = 0; i < nr_vcpus; i++)
			wait_for(&g->vcpu[i].recorded, 20);
		enable(false);
		for (i = 0; i < nr_vcpus; i++)
			wait_for(&g->vcpu[i].refused, 1);
	}
}

/* Answers change with what is enabled, and so many hypercalls are recorded. */
static void test_toggle(struct kvm_vm *vm, struct kvm_vcpu **vcpus, int nr_vcpus,
			void (*enable)(bool))
{
	struct guest *g = guest_of(vm);
	pthread_t threads[NR_VCPUS];
	u64 recorded = 0, count;
	int i;

	recording_of(getpid());
	for (i = 0; i < nr_vcpus; i++)
		threads[i] = start(vcpus[i]);
	toggle(g, nr_vcpus, enable);
	WRITE_ONCE(g->stop, true);
	for (i = 0; i < nr_vcpus; i++) {
		pthread_join(threads[i], NULL);
		TEST_ASSERT_EQ(g->vcpu[i].recorded + g->vcpu[i].refused, g->vcpu[i].calls);
		recorded += g->vcpu[i].recorded;
	}

	/* A vCPU's last one that is answered when the recording ends may miss it. */
	count = recording_count();
	TEST_ASSERT(count <= recorded && count + TOGGLES * nr_vcpus >= recorded,
		    "%lu recorded, but %lu were answered so", count, recorded);
	kvm_vm_free(vm);
}

/* Makes a VM whose vCPUs do endless streams. */
static struct kvm_vm *create_streams(struct kvm_vcpu **vcpus)
{
	struct kvm_vm *vm = vm_create_with_vcpus(NR_VCPUS, guest_stream, vcpus);
	int i;

	for (i = 0; i < NR_VCPUS; i++)
		vcpu_args_set(vcpus[i], 3, (u64)i, 0ul, -1ul);
	return vm;
}

TEST_F_TIMEOUT(hypergraph, toggle, 120)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = create_streams(vcpus);

	test_toggle(vm, vcpus, NR_VCPUS, recording_enable);
}

static u64 stream_tag(u32 pid, u32 vcpu)
{
	return (u64)pid << 32 | vcpu;
}

/*
 * Moves the thread from CPU to CPU during its vCPU's stream.  How often does not depend on
 * the time: a move may take longer than what the vCPU does in between.
 */
static void move_during_stream(pthread_t thread, const struct guest_vcpu *v,
			       cpu_set_t *possible_cpus)
{
	int i;

	for (i = 1; i <= MOVES; i++) {
		pin_task_to_random_cpu(thread, possible_cpus);
		while (READ_ONCE(v->calls) < i * (STREAM_LENGTH / MOVES))
			usleep(100);
	}
}

/* Runs the VM of this process, and returns the rip of its hypercalls. */
static u64 run_streams(void)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	struct kvm_vm *vm = vm_create_with_vcpus(NR_VCPUS, guest_stream_to_stop, vcpus);
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
	for (i = 0; i < NR_VCPUS; i++)
		move_during_stream(threads[i], &g->vcpu[i], &possible_cpus);
	WRITE_ONCE(g->stop, true);
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

/* Returns the process of a VM that does endless streams. */
static pid_t fork_streams(void)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	pid_t child = fork();
	int i;

	TEST_ASSERT(child >= 0, "fork()");
	if (child)
		return child;

	create_streams(vcpus);
	for (i = 0; i < NR_VCPUS; i++)
		start(vcpus[i]);
	while (1)
		pause();
}

/* A VM that comes after others is recorded as if there had been none. */
static void check_next_vm(struct hypergraph_event *events, int calls)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, guest_stream);
	int i;

	recording_of(getpid());
	recording_clear();
	vcpu_args_set(vcpu, 3, 0ul, 0ul, (u64)calls);
	run_to_done(vcpu);
	TEST_ASSERT_EQ(recording_read(events, calls), calls);
	for (i = 0; i < calls; i++)
		check_stream_event(&events[i], getpid(), 0, 0, i, guest_of(vm)->vcpu[0].rip);
	kvm_vm_free(vm);
}

/* A process is killed while its vCPUs do hypercalls. */
TEST_F_TIMEOUT(hypergraph, vm_killed, 120)
{
	int i, status;
	pid_t child;
	u64 count;

	for (i = 0; i < 5; i++) {
		child = fork_streams();
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
	check_next_vm(self->events, 100);
}

/*
 * What KVM does by itself, or leaves to the VMM.
 */

/* From now on each exception is a triple fault.  Returns the registers that say so. */
static struct kvm_sregs remove_idt(struct kvm_vcpu *vcpu)
{
	struct kvm_sregs sregs;

	vcpu_sregs_get(vcpu, &sregs);
	sregs.idt.limit = 0;
	vcpu_sregs_set(vcpu, &sregs);
	return sregs;
}

static void run_to_triple_fault(struct kvm_vcpu *vcpu)
{
	memcpy(addr_gpa2hva(vcpu->vm, LOW_PAGE), "\x0f\x0b", 2);	/* UD2 */
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_SHUTDOWN);
}

/* A triple fault is an event of the host, and an exit if the vCPU is run again. */
TEST_F(hypergraph, triple_fault)
{
	const char *reason = host_cpu_is_amd_compatible ? "shutdown" : "TRIPLE_FAULT";
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, NULL);
	void *code = vm_add_low_page(vm);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	recording_of(getpid());
	recording_exits(true);
	sregs = remove_idt(vcpu);
	vcpu_regs_get(vcpu, &regs);
	regs.rip = LOW_PAGE;
	vcpu_regs_set(vcpu, &regs);
	run_to_triple_fault(vcpu);

	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);
	check_event(&self->events[0], &(struct hypergraph_event) {
		.vm = getpid(),
		.nr = HYPERGRAPH_NR_TRIPLE_FAULT,
		.by_host = 1,
	});
	TEST_ASSERT_EQ(recording_count_exits(reason), 0);

	memcpy(code, "\xe6\xe9", 2);	/* OUT to DONE_PORT */
	vcpu_sregs_set(vcpu, &sregs);
	vcpu_regs_set(vcpu, &regs);
	vcpu_run_to_out(vcpu, &regs);
	TEST_ASSERT_EQ(recording_count_exits(reason), 1);
	TEST_ASSERT_EQ(recording_read(self->events, 1), 1);
	kvm_vm_free(vm);
}

static u64 run_to_answer(struct kvm_vcpu *vcpu, struct kvm_regs regs, u64 nr)
{
	u8 *code = addr_gpa2hva(vcpu->vm, LOW_PAGE);

	memcpy(code, hypercall_opcode(host_cpu_is_amd_compatible), HYPERCALL_INSN_SIZE);
	memcpy(code + HYPERCALL_INSN_SIZE, "\xe6\xe9", 2);	/* OUT to DONE_PORT */
	regs.rax = nr;
	vcpu_regs_set(vcpu, &regs);
	vcpu_run_to_out(vcpu, &regs);
	return regs.rax;
}

/* A guest that has said hello, or was asked for it, is asked after a triple fault. */
TEST_F(hypergraph, asks_after_triple_fault)
{
	static const u64 expected[] = {
		HYPERGRAPH_NR_HELLO, HYPERGRAPH_NR_TRIPLE_FAULT, HYPERGRAPH_NR_ENTRY,
		HYPERGRAPH_NR_TRIPLE_FAULT, HYPERGRAPH_NR_ENTRY,
	};
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm = vm_create_with_one_vcpu(&vcpu, NULL);
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int i;

	vm_add_low_page(vm);
	recording_of(getpid());
	recording_exits(true);
	sregs = remove_idt(vcpu);
	vcpu_regs_get(vcpu, &regs);
	regs.rip = LOW_PAGE;
	TEST_ASSERT_EQ(run_to_answer(vcpu, regs, HYPERGRAPH_NR_HELLO), 0);
	for (i = 0; i < 2; i++) {
		vcpu_regs_set(vcpu, &regs);
		run_to_triple_fault(vcpu);
		/* AMD's registers are those of a reset now. */
		if (host_cpu_is_amd_compatible)
			vcpu_sregs_set(vcpu, &sregs);
		TEST_ASSERT_EQ(run_to_answer(vcpu, regs, HYPERGRAPH_NR_ENTRY),
			       HYPERGRAPH_SAY_HELLO);
		TEST_ASSERT_EQ(run_to_answer(vcpu, regs, HYPERGRAPH_NR_ENTRY), 0);
	}

	TEST_ASSERT_EQ(recording_read(self->events, ARRAY_SIZE(expected)), ARRAY_SIZE(expected));
	for (i = 0; i < ARRAY_SIZE(expected); i++)
		TEST_ASSERT_EQ(self->events[i].nr, expected[i]);
	kvm_vm_free(vm);
}

static void run_to_xen_hypercall(struct kvm_vcpu *vcpu, u64 nr)
{
	struct kvm_xen_exit *xen = &vcpu->run->xen;

	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_XEN);
	TEST_ASSERT_EQ(xen->type, KVM_EXIT_XEN_HCALL);
	TEST_ASSERT_EQ(xen->u.hcall.input, nr);
	xen->u.hcall.result = XEN_RESULT;
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
	for (i = 0; i < NR_NUMBERS; i++)
		run_to_xen_hypercall(vcpu, hypergraph_numbers[i]);
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
 * L2's hypercalls, which L0 answers where it is allowed to.
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

/* Does what a VMM does that moves the VM to another machine. */
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

static void run_to_l2_out(struct kvm_vcpu *vcpu)
{
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.port, DONE_PORT);
}

/* Returns whether what L0's debugger has just stepped over is a hypercall. */
static bool step(struct kvm_vcpu *vcpu)
{
	struct kvm_debug_exit_arch *debug = &vcpu->run->debug.arch;
	const void *insn;

	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_DEBUG);
	insn = addr_gva2hva(vcpu->vm, debug->pc - HYPERCALL_INSN_SIZE);
	return !memcmp(insn, hypercall_opcode(host_cpu_is_amd_compatible), HYPERCALL_INSN_SIZE);
}

static void set_single_step(struct kvm_vcpu *vcpu, bool on)
{
	struct kvm_guest_debug debug = {
		.control = on ? KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP : 0,
	};

	vcpu_guest_debug_set(vcpu, &debug);
}

/* L0's debugger steps through L2. */
TEST_F(hypergraph_nested, single_step)
{
	struct nested_machine m = nested_machine_create(l2_hello_after_out);

	recording_of(getpid());
	run_to_l2_out(m.vcpu);
	set_single_step(m.vcpu, true);
	while (!step(m.vcpu))
		;
	set_single_step(m.vcpu, false);
	run_to_done(m.vcpu);
	TEST_ASSERT_EQ(m.guest->reflected, 0);
	TEST_ASSERT_EQ(recording_count(), 1);
	kvm_vm_free(m.vm);
}

/*
 * Returns whether the dirty log has this page, and takes that from it.  The log of other
 * pages stays: those that hold page tables would have to be logged again, by exits.
 */
static bool was_dirtied(struct kvm_vm *vm, gpa_t page)
{
	u64 nr, pages = memslot2region(vm, 0)->region.memory_size >> vm->page_shift;
	unsigned long *log = bitmap_zalloc(pages), one = 0;
	bool dirty;

	nr = page >> vm->page_shift;
	kvm_vm_get_dirty_log(vm, 0, log);
	dirty = test_bit(nr, log);
	__set_bit(nr % BITS_PER_LONG, &one);
	kvm_vm_clear_dirty_log(vm, 0, &one, nr - nr % BITS_PER_LONG, BITS_PER_LONG);
	free(log);
	return dirty;
}

/*
 * Where L2's exit ends in user space, a VMM that moves the VM now has to know that the
 * CPU may have written to L2's virtual-APIC page, which only the CPU does.
 */
TEST_F(hypergraph_nested, single_step_dirty_log)
{
	struct nested_machine m = nested_machine_create(l2_hello_after_out);
	gpa_t page = addr_gva2gpa(m.vm, vm_alloc_page(m.vm));

	if (host_cpu_is_amd_compatible)
		SKIP(return, "SVM has no virtual-APIC page of L2's");

	m.guest->virtual_apic = page;
	recording_of(getpid());
	run_to_l2_out(m.vcpu);
	vm_enable_cap(m.vm, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		      KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE);
	vm_mem_region_set_flags(m.vm, 0, KVM_MEM_LOG_DIRTY_PAGES);
	set_single_step(m.vcpu, true);
	while (!step(m.vcpu))
		was_dirtied(m.vm, page);
	TEST_ASSERT(was_dirtied(m.vm, page), "The virtual-APIC page is not in the dirty log");
	set_single_step(m.vcpu, false);
	run_to_done(m.vcpu);
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

TEST_F_TIMEOUT(hypergraph_nested, toggle, 120)
{
	struct nested_machine m = nested_machine_create(l2_stream);

	test_toggle(m.vm, &m.vcpu, 1, recording_enable);
}

TEST_F_TIMEOUT(hypergraph_nested, toggle_parameter, 120)
{
	struct nested_machine m = nested_machine_create(l2_stream);

	test_toggle(m.vm, &m.vcpu, 1, recording_nested);
}

TEST_F(hypergraph_nested, evmcs)
{
	struct hyperv_test_pages *pages;
	struct kvm_vcpu *vcpu;
	gva_t vmx, hv;
	struct kvm_vm *vm;

	if (!kvm_cpu_has(X86_FEATURE_VMX) || !kvm_has_cap(KVM_CAP_HYPERV_ENLIGHTENED_VMCS))
		SKIP(return, "no KVM_CAP_HYPERV_ENLIGHTENED_VMCS");

	vm = vm_create_with_one_vcpu(&vcpu, guest_l1_evmcs);
	vcpu_set_hv_cpuid(vcpu);
	vcpu_enable_evmcs(vcpu);
	vcpu_alloc_vmx(vm, &vmx);
	pages = vcpu_alloc_hyperv_test_pages(vm, &hv);
	vcpu_args_set(vcpu, 2, vmx, hv);
	recording_exits(true);
	run_to_done(vcpu);
	recording_exits(false);

	TEST_ASSERT_EQ(recording_nested_vcpu(), pages->enlightened_vmcs_gpa >> PAGE_SHIFT);
	kvm_vm_free(vm);
}

/* Nested state is taken and given back between two hypercalls.  L1's offer is lost. */
TEST_F(hypergraph_nested, nested_state)
{
	struct nested_machine m = nested_machine_create(l2_stream_with_outs);
	struct hypergraph_event events[50];
	int i;

	recording_of(getpid());
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		run_to_l2_out(m.vcpu);
		move_vm(&m);
	}
	m.guest->stop = true;
	run_to_done(m.vcpu);

	TEST_ASSERT_EQ(m.guest->reflected, ARRAY_SIZE(events) - 1);
	TEST_ASSERT_EQ(recording_read(events, ARRAY_SIZE(events)), ARRAY_SIZE(events));
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		check_stream_event(&events[i], getpid(), 0, 0, i, m.guest->vcpu[0].rip);
		TEST_ASSERT_EQ(events[i].nested, 1);
		TEST_ASSERT_EQ(events[i].nested_vcpu, m.nested_vcpu);
	}
	kvm_vm_free(m.vm);
}

/* Nested state is taken and given back wherever a signal finds the vCPU. */
TEST_F(hypergraph_nested, nested_state_anywhere)
{
	struct nested_machine m = nested_machine_create(l2_stream);
	struct guest_vcpu *v = &m.guest->vcpu[0];
	u64 count, recorded, moves = 100;
	int i;

	recording_of(getpid());
	for (i = 0; i < moves; i++) {
		/* L2 may count one from before.  With the next L1 has made its offer. */
		recorded = v->recorded;
		do {
			start_timer(m.vcpu->run, 2000, 0);
			run_to_interruption(m.vcpu);
		} while (v->recorded - recorded < 2);
		move_vm(&m);
	}
	m.guest->stop = true;
	run_to_done(m.vcpu);

	TEST_ASSERT_EQ(m.guest->reflected, v->refused);
	TEST_ASSERT_EQ(v->recorded + v->refused, v->calls);
	TEST_ASSERT(v->refused <= moves, "%lu refused", v->refused);
	/* A vCPU may go before it records its last one. */
	count = recording_count();
	TEST_ASSERT(count <= v->recorded && count + moves >= v->recorded,
		    "%lu recorded, but %lu were answered so", count, v->recorded);
	kvm_vm_free(m.vm);
}

int main(int argc, char *argv[])
{
	const char *obstacle = recording_obstacle();

	__TEST_REQUIRE(!obstacle, "%s", obstacle);
	return test_harness_run(argc, argv);
}
