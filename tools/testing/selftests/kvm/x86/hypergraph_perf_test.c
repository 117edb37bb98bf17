// SPDX-License-Identifier: GPL-2.0
/*
 * Measure what a VM-Exit and the VM-Entry after it cost a guest, in ticks of its TSC,
 * while the host records nothing and while it records one kind of event or
 * another.  Each is the least of many, less what measuring it costs: in no other
 * has the host done less besides.  Under an emulator whose TSC counts instructions
 * these are instructions of guest and host together.
 *
 * The program prints "EXIT RECORDED ticks N" for each, and "EXIT RECORDED bytes N" for what
 * the events of one such exit take up in the host's trace.  -e EXIT and -r RECORDED
 * measure only that.
 */
#include <stdio.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <linux/hypergraph.h>
#include <linux/kvm_para.h>

#include "apic.h"
#include "kvm_util.h"
#include "processor.h"
#include "test_util.h"

#define TRACEFS		"/sys/kernel/tracing"
#define INSTANCE	TRACEFS "/instances/hypergraph_perf_test"

#define RUNS		1000
#define WAKE_VECTOR	0x20
#define KERNEL_CS	0x08
#define KERNEL_CS32	0x28

/* Calls far into 32-bit code, and jumps back. */
#define IN_32BIT_CODE(code, ret)				\
	({							\
		asm volatile("pushq %[cs32]\n\t"		\
			     "pushq $1f\n\t"			\
			     "lretq\n\t"			\
			     ".code32\n\t"			\
			     "1: " code "\n\t"			\
			     "ljmp %[cs], $2f\n\t"		\
			     ".code64\n\t"			\
			     "2:"				\
			     : "+a" (ret)			\
			     : [cs] "i" (KERNEL_CS),		\
			       [cs32] "i" (KERNEL_CS32),	\
			       "b" (0), "c" (1), "d" (2), "S" (3) \
			     : "memory");			\
	})

static u64 measure_nothing(void)
{
	u64 start = rdtsc();

	return rdtsc() - start;
}

static u64 measure_nothing32(void)
{
	u64 start = rdtsc(), ret = HYPERGRAPH_NR_ENTRY;

	IN_32BIT_CODE("nop", ret);
	return rdtsc() - start;
}

/* With the signature, without which L0 leaves what is L2's to L1 */
static u64 measure_hypercall(void)
{
	register u64 signature asm("r11") = HYPERGRAPH_SIGNATURE;
	u64 start, ret = HYPERGRAPH_NR_ENTRY;

	asm volatile("" : "+r" (signature));
	start = rdtsc();
	if (host_cpu_is_amd_compatible)
		asm volatile("vmmcall" : "+a" (ret) : "b" (0), "c" (1), "d" (2), "S" (3),
			     "r" (signature) : "memory");
	else
		asm volatile("vmcall" : "+a" (ret) : "b" (0), "c" (1), "d" (2), "S" (3),
			     "r" (signature) : "memory");
	return rdtsc() - start;
}

static u64 measure_hypercall32(void)
{
	u64 start = rdtsc(), ret = HYPERGRAPH_NR_ENTRY;

	if (host_cpu_is_amd_compatible)
		IN_32BIT_CODE("vmmcall", ret);
	else
		IN_32BIT_CODE("vmcall", ret);
	return rdtsc() - start;
}

static u64 measure_cpuid(void)
{
	u64 start = rdtsc();
	u32 eax, ebx, ecx, edx;

	cpuid(0, &eax, &ebx, &ecx, &edx);
	return rdtsc() - start;
}

static u64 measure_invd(void)
{
	u64 start = rdtsc();

	asm volatile("invd" : : : "memory");
	return rdtsc() - start;
}

static u64 measure_msr(void)
{
	u64 start = rdtsc();

	wrmsr(MSR_KVM_POLL_CONTROL, 1);
	return rdtsc() - start;
}

/* This includes the interrupt that ends it, and its EOI. */
static u64 measure_hlt(void)
{
	u64 start;

	asm volatile("cli");
	x2apic_write_reg(APIC_SELF_IPI, WAKE_VECTOR);
	start = rdtsc();
	safe_halt();
	return rdtsc() - start;
}

/* The VMM, which is this program, serves it. */
static u64 measure_pio(void)
{
	u64 start = rdtsc();

	asm volatile("outb %%al, $0x80" : : "a" (0));
	return rdtsc() - start;
}

static const struct {
	const char *name;
	u64 (*measure)(void);
	u64 (*measure_base)(void);	/* measures what measuring costs */
} exits[] = {
	{ "hypercall", measure_hypercall, measure_nothing },
	{ "hypercall32", measure_hypercall32, measure_nothing32 },
	{ "cpuid", measure_cpuid, measure_nothing },
	{ "invd", measure_invd, measure_nothing },
	{ "msr", measure_msr, measure_nothing },
	{ "hlt", measure_hlt, measure_nothing },
	{ "pio", measure_pio, measure_nothing },
};

/* The events are named as below the directory "events". */
static const struct {
	const char *name;
	const char *events[3];
} recordings[] = {
	{ "nothing" },
	{ "kvm_hypercall", { "kvm/kvm_hypercall" } },
	{ "three_events", { "kvm/kvm_exit", "kvm/kvm_hypercall", "kvm/kvm_entry" } },
	{ "hypergraph_host", { "hypergraph/hypergraph_host" } },
	{ "hypergraph_exit", { "hypergraph/hypergraph_exit" } },
};

/* The options leave these out. */
static bool skip_exit[ARRAY_SIZE(exits)], skip_recording[ARRAY_SIZE(recordings)];

static u64 least(u64 (*measure)(void))
{
	u64 ticks, min = -1ull;
	int i;

	for (i = 0; i < RUNS; i++) {
		ticks = measure();
		if (ticks < min)
			min = ticks;
	}
	return min;
}

static void wake_handler(struct ex_regs *regs)
{
	x2apic_write_reg(APIC_EOI, 0);
}

/*
 * Measures each exit once for each recording.  To the first hypercall of a recording the
 * host answers by asking for a hello, and to no other as none comes.
 */
static void guest_code(void)
{
	int r, i;

	x2apic_enable();
	for (r = 0; r < ARRAY_SIZE(recordings); r++) {
		if (skip_recording[r])
			continue;
		kvm_hypercall(HYPERGRAPH_NR_ENTRY, 0, 1, 2, 3);
		for (i = 0; i < ARRAY_SIZE(exits); i++) {
			u64 base;

			if (skip_exit[i])
				continue;
			base = least(exits[i].measure_base);
			GUEST_SYNC2(i, least(exits[i].measure) - base);
		}
		GUEST_SYNC2(ARRAY_SIZE(exits), 0);
	}
	GUEST_DONE();
}

static bool tracefs_has(const char *event)
{
	char path[256];

	snprintf(path, sizeof(path), TRACEFS "/events/%s/enable", event);
	return !access(path, F_OK);
}

static void tracefs_write(const char *file, const char *val)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), INSTANCE "/%s", file);
	fd = open(path, O_WRONLY | O_TRUNC);
	TEST_ASSERT(fd >= 0, "Cannot open %s", path);
	TEST_ASSERT(write(fd, val, strlen(val)) > 0, "Cannot write %s to %s", val, path);
	close(fd);
}

static bool has_recording(int r)
{
	return !recordings[r].events[0] || tracefs_has(recordings[r].events[0]);
}

static void measure_only_exit(const char *name)
{
	bool found = false;
	int i;

	for (i = 0; i < ARRAY_SIZE(exits); i++) {
		skip_exit[i] = strcmp(name, exits[i].name);
		found |= !skip_exit[i];
	}
	TEST_ASSERT(found, "-e %s: no such exit", name);
}

static void measure_only_recording(const char *name)
{
	bool found = false;
	int r;

	for (r = 0; r < ARRAY_SIZE(recordings); r++) {
		skip_recording[r] = strcmp(name, recordings[r].name);
		found |= !skip_recording[r];
	}
	TEST_ASSERT(found, "-r %s: no such recording", name);
}

static void parse_options(int argc, char **argv)
{
	int r, opt;

	while ((opt = getopt(argc, argv, "e:r:")) != -1) {
		switch (opt) {
		case 'e':
			measure_only_exit(optarg);
			break;
		case 'r':
			measure_only_recording(optarg);
			break;
		default:
			exit(KSFT_FAIL);
		}
	}
	for (r = 0; r < ARRAY_SIZE(recordings); r++)
		skip_recording[r] |= !has_recording(r);
}

static void record(int r, const char *val)
{
	char file[128];
	int i;

	for (i = 0; i < ARRAY_SIZE(recordings[r].events) && recordings[r].events[i]; i++) {
		snprintf(file, sizeof(file), "events/%s/enable", recordings[r].events[i]);
		tracefs_write(file, val);
	}
}

/* Returns what the events since the last call take up in the buffer, on all CPUs. */
static u64 bytes_recorded(void)
{
	int cpu, nr_cpus = get_nprocs_conf();
	char path[128], line[64];
	u64 n, bytes = 0;
	FILE *file;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		snprintf(path, sizeof(path), INSTANCE "/per_cpu/cpu%d/stats", cpu);
		file = fopen(path, "r");
		TEST_ASSERT(file, "Cannot open %s", path);
		while (fgets(line, sizeof(line), file)) {
			if (sscanf(line, "bytes: %lu", &n) == 1)
				bytes += n;
		}
		fclose(file);
	}
	tracefs_write("trace", "0");
	return bytes;
}

/* Costs less than vcpu_run(), which calls strerror() also when KVM_RUN has not failed. */
static void run_until_exit(struct kvm_vcpu *vcpu)
{
	int ret = _vcpu_run(vcpu);

	if (ret)
		TEST_FAIL(KVM_IOCTL_ERROR(KVM_RUN, ret));
}

/* Runs the guest until it has measured something; false when all of a recording is. */
static bool next_measurement(struct kvm_vcpu *vcpu, int *i, u64 *ticks)
{
	struct ucall uc;

	for (;;) {
		run_until_exit(vcpu);
		if (vcpu->run->exit_reason == KVM_EXIT_IO && vcpu->run->io.port == 0x80)
			continue;

		switch (get_ucall(vcpu, &uc)) {
		case UCALL_SYNC:
			*i = uc.args[0];
			*ticks = uc.args[1];
			return *i < ARRAY_SIZE(exits);
		default:
			REPORT_GUEST_ASSERT(uc);
		}
	}
}

static void add_32bit_code_segment(struct kvm_vm *vm)
{
	u64 *gdt = addr_gva2hva(vm, vm->arch.gdt);

	gdt[KERNEL_CS32 / 8] = 0x00cf9b000000ffffull;
}

int main(int argc, char **argv)
{
	struct kvm_vcpu *vcpu;
	struct kvm_vm *vm;
	u64 ticks;
	int r, i;

	TEST_REQUIRE(tracefs_has("kvm/kvm_exit"));

	parse_options(argc, argv);
	vm = vm_create_with_one_vcpu(&vcpu, guest_code);
	vm_install_exception_handler(vm, WAKE_VECTOR, wake_handler);
	add_32bit_code_segment(vm);
	sync_global_to_guest(vm, skip_exit);
	sync_global_to_guest(vm, skip_recording);
	TEST_ASSERT(!mkdir(INSTANCE, 0755), "Cannot make " INSTANCE);

	for (r = 0; r < ARRAY_SIZE(recordings); r++) {
		if (skip_recording[r])
			continue;
		record(r, "1");
		bytes_recorded();
		while (next_measurement(vcpu, &i, &ticks)) {
			printf("%s %s ticks %lu\n", exits[i].name, recordings[r].name, ticks);
			printf("%s %s bytes %lu\n", exits[i].name, recordings[r].name,
			       bytes_recorded() / RUNS);
		}
		record(r, "0");
	}

	kvm_vm_free(vm);
	rmdir(INSTANCE);
	return 0;
}
