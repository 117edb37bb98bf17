/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the hypergraph hypercalls have in common: the host's
 * recording, in a tracefs instance of its own, the modes a vCPU can be in, and
 * nested guests.
 */
#ifndef SELFTEST_KVM_HYPERGRAPH_H
#define SELFTEST_KVM_HYPERGRAPH_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <linux/hypergraph.h>
#include <linux/kvm_para.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "svm_util.h"
#include "vmx.h"

#define TRACEFS			"/sys/kernel/tracing/"
#define HYPERGRAPH_EVENT	"events/hypergraph/hypergraph_host/"
#define HYPERGRAPH_INSTANCE	TRACEFS "instances/kvm_hypergraph_test/"

#define HYPERCALL_INSN_SIZE	3
#define NR_NUMBERS		5

static const u64 hypergraph_numbers[NR_NUMBERS] = {
	HYPERGRAPH_NR_ENTRY, HYPERGRAPH_NR_RETURN, HYPERGRAPH_NR_HELLO,
	HYPERGRAPH_NR_MARK, HYPERGRAPH_NR_SCHED_SWITCH,
};

static inline bool is_hypergraph_number(u64 nr)
{
	int i;

	for (i = 0; i < NR_NUMBERS; i++) {
		if (nr == hypergraph_numbers[i])
			return true;
	}
	return false;
}

static inline const void *hypercall_insn(bool vmmcall)
{
	return vmmcall ? "\x0f\x01\xd9" : "\x0f\x01\xc1";
}

/* The recording. */

static inline void recording_write(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_TRUNC);

	TEST_ASSERT(fd >= 0, "Can't open %s: %s", file, strerror(errno));
	TEST_ASSERT(write(fd, value, strlen(value)) == strlen(value),
		    "Can't write '%s' to %s: %s", value, file, strerror(errno));
	close(fd);
}

static inline void recording_clear(void)
{
	recording_write(HYPERGRAPH_INSTANCE "trace", "");
}

static inline void recording_enable(bool enable)
{
	recording_write(HYPERGRAPH_INSTANCE HYPERGRAPH_EVENT "enable", enable ? "1" : "0");
}

/* Another VM's events are of no interest.  0: those of every process. */
static inline void recording_of(pid_t pid)
{
	char filter[32] = "0";

	if (pid)
		snprintf(filter, sizeof(filter), "vm == %d", pid);
	recording_write(HYPERGRAPH_INSTANCE HYPERGRAPH_EVENT "filter", filter);
}

/* Why nothing can be recorded, or NULL. */
static inline const char *recording_obstacle(void)
{
	char enabled = 0;
	int fd;

	if (!kvm_has_cap(KVM_CAP_IMMEDIATE_EXIT))
		return "no KVM_CAP_IMMEDIATE_EXIT";

	fd = open(TRACEFS HYPERGRAPH_EVENT "enable", O_RDONLY);
	if (fd < 0)
		return "no hypergraph_host event: needs root, tracefs, CONFIG_KVM_HYPERTRACE";
	if (read(fd, &enabled, 1) != 1)
		enabled = 0;
	close(fd);
	return enabled == '0' ? NULL : "hypergraph_host is already enabled";
}

static inline void recording_destroy(void)
{
	recording_enable(false);
	TEST_ASSERT(!rmdir(HYPERGRAPH_INSTANCE), "Can't remove %s: %s",
		    HYPERGRAPH_INSTANCE, strerror(errno));
}

static inline void recording_create(void)
{
	int ret = mkdir(HYPERGRAPH_INSTANCE, 0700);

	if (ret && errno == EEXIST) {
		/* A test was killed. */
		recording_destroy();
		ret = mkdir(HYPERGRAPH_INSTANCE, 0700);
	}
	TEST_ASSERT(!ret, "Can't make %s: %s", HYPERGRAPH_INSTANCE, strerror(errno));

	/* A clock by which the events of a vCPU that migrates are in order. */
	recording_write(HYPERGRAPH_INSTANCE "trace_clock", "global");
	recording_write(HYPERGRAPH_INSTANCE "buffer_size_kb", "8192");
}

/* How many events were recorded, those that were overwritten included. */
static inline u64 recording_count(void)
{
	int cpu, nr_cpus = get_nprocs_conf();
	char path[128], line[128];
	u64 value, count = 0;
	FILE *f;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		snprintf(path, sizeof(path), HYPERGRAPH_INSTANCE "per_cpu/cpu%d/stats", cpu);
		f = fopen(path, "r");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "entries: %lu", &value) == 1 ||
			    sscanf(line, "overrun: %lu", &value) == 1)
				count += value;
			else if (sscanf(line, "dropped events: %lu", &value) == 1)
				TEST_ASSERT(!value, "The ring buffer dropped %lu events", value);
		}
		fclose(f);
	}
	return count;
}

struct hypergraph_event {
	u32 vm, vcpu, nested, nested_vcpu;
	u64 nr, a0, a1, a2, a3;
	u64 rip;
};

static inline u64 event_field(const char *event, const char *name)
{
	const char *value = strstr(event, name);

	TEST_ASSERT(value, "No '%s' in event '%s'", name, event);
	return strtoull(value + strlen(name), NULL, 0);
}

/* The events recorded, in order, and their number, which is at most @max. */
static inline int recording_read(struct hypergraph_event *events, int max)
{
	FILE *f = fopen(HYPERGRAPH_INSTANCE "trace", "r");
	char line[1024], *text;
	int n = 0;

	TEST_ASSERT(f, "Can't open the trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		text = strstr(line, " hypergraph_host: ");
		if (!text)
			continue;
		TEST_ASSERT(n < max, "More than the %d events expected; next:\n%s", max, line);
		events[n++] = (struct hypergraph_event) {
			.vm = event_field(text, " vm="),
			.vcpu = event_field(text, " vcpu="),
			.nested = event_field(text, " nested="),
			.nested_vcpu = event_field(text, " nested_vcpu="),
			.nr = event_field(text, " nr="),
			.a0 = event_field(text, " a0="),
			.a1 = event_field(text, " a1="),
			.a2 = event_field(text, " a2="),
			.a3 = event_field(text, " a3="),
			.rip = event_field(text, " guest_rip="),
		};
	}
	fclose(f);
	return n;
}

/* The modes of a vCPU. */

enum vcpu_mode {
	MODE_LONG,
	MODE_LONG_USER,
	MODE_COMPAT,
	MODE_COMPAT_USER,
	MODE_PROTECTED,
	MODE_REAL,
	NR_MODES,
};

static const char * const mode_names[NR_MODES] = {
	[MODE_LONG] = "64-bit CPL 0",
	[MODE_LONG_USER] = "64-bit CPL 3",
	[MODE_COMPAT] = "compatibility CPL 0",
	[MODE_COMPAT_USER] = "compatibility CPL 3",
	[MODE_PROTECTED] = "protected",
	[MODE_REAL] = "real",
};

static inline bool is_64bit_mode(enum vcpu_mode mode)
{
	return mode == MODE_LONG || mode == MODE_LONG_USER;
}

static inline bool is_user_mode(enum vcpu_mode mode)
{
	return mode == MODE_LONG_USER || mode == MODE_COMPAT_USER;
}

/* The part of a register that counts. */
static inline u64 mode_mask(enum vcpu_mode mode)
{
	return is_64bit_mode(mode) ? UINT64_MAX : UINT32_MAX;
}

/* What a hypercall is to return whose number is @nr, and no other one of KVM's. */
static inline u64 hypercall_answer(enum vcpu_mode mode, u64 nr, u64 a0, bool recording)
{
	u64 mask = mode_mask(mode);
	u64 ret = -KVM_ENOSYS;

	if (is_user_mode(mode))
		ret = -KVM_EPERM;
	else if ((nr & mask) == HYPERGRAPH_NR_PRIVATE)
		ret = (a0 & mask) > 1 ? -KVM_EINVAL : 0;
	else if (recording && is_hypergraph_number(nr & mask))
		ret = 0;
	return ret & mask;
}

/* sregs: the lib's, of 64-bit mode at CPL 0.  Segments are flat. */
static inline void vcpu_set_mode(struct kvm_vcpu *vcpu, struct kvm_sregs sregs,
				 enum vcpu_mode mode)
{
	struct kvm_segment *data[] = {
		&sregs.ss, &sregs.ds, &sregs.es, &sregs.fs, &sregs.gs,
	};
	int i, dpl = is_user_mode(mode) ? 3 : 0;
	bool real = mode == MODE_REAL;
	struct kvm_segment seg = {
		.limit = real ? 0xffff : 0xffffffff,
		.selector = real ? 0 : 0x10 | dpl,
		.type = 0x3,
		.present = 1,
		.dpl = dpl,
		.db = !real,
		.s = 1,
		.g = !real,
	};

	for (i = 0; i < ARRAY_SIZE(data); i++)
		*data[i] = seg;

	seg.selector = real ? 0 : 0x8 | dpl;
	seg.type = 0xb;
	if (is_64bit_mode(mode)) {
		seg.db = 0;
		seg.l = 1;
	}
	sregs.cs = seg;

	if (mode == MODE_PROTECTED || real) {
		sregs.cr0 &= ~X86_CR0_PG;
		sregs.efer &= ~(EFER_LME | EFER_LMA);
	}
	if (real) {
		sregs.cr0 &= ~X86_CR0_PE;
		sregs.idt.base = 0;
		sregs.idt.limit = 0xffff;
	}
	vcpu_sregs_set(vcpu, &sregs);
}

/*
 * A page that every mode can execute, read and write at the same address: below
 * 64 KiB, where the lib allocates nothing by itself; and the code in it ends
 * with OUT, which changes no register and has the same encoding in every mode.
 */
#define LOW_PAGE	0x1000ull
#define DONE_PORT	0xe9

static inline void *vm_add_low_page(struct kvm_vm *vm)
{
	struct kvm_mmu *mmu = &vm->mmu;
	gpa_t table = mmu->pgd;
	int level;
	u64 *pte;

	TEST_ASSERT_EQ(vm_phy_page_alloc(vm, LOW_PAGE, 0), LOW_PAGE);
	virt_map(vm, LOW_PAGE, LOW_PAGE, 1);

	for (level = mmu->pgtable_levels; level >= PG_LEVEL_4K; level--) {
		pte = addr_gpa2hva(vm, table);
		pte += (LOW_PAGE >> PG_LEVEL_SHIFT(level)) & 0x1ff;
		*pte |= PTE_USER_MASK(mmu);
		table = PTE_GET_PA(*pte);
	}
	return addr_gpa2hva(vm, LOW_PAGE);
}

/* Run until the OUT, and return with the registers that are seen there. */
static inline void vcpu_run_to_out(struct kvm_vcpu *vcpu, struct kvm_regs *regs)
{
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.port, DONE_PORT);
	vcpu_regs_get(vcpu, regs);
	vcpu_run_complete_io(vcpu);
}

/* A nested guest, L2: what L0, which is the test, and L1 do to have one. */

#define PARAMETER_NESTED	"/sys/module/kvm/parameters/hypertrace_nested"

static inline bool has_nested(void)
{
	return kvm_cpu_has(X86_FEATURE_SVM) || kvm_cpu_has(X86_FEATURE_VMX);
}

/* Whether L2's hypercalls are recorded, if L1 does not mind. */
static inline void recording_nested(bool nested)
{
	recording_write(PARAMETER_NESTED, nested ? "1" : "0");
}

/* What L1 has to know of the memory for L2, and which vCPU L0 says L2's is. */
static inline gva_t vm_alloc_nested(struct kvm_vm *vm, u32 *nested_vcpu)
{
	gva_t nested;

	if (host_cpu_is_amd_compatible)
		*nested_vcpu = vcpu_alloc_svm(vm, &nested)->vmcb_gpa >> PAGE_SHIFT;
	else
		*nested_vcpu = vcpu_alloc_vmx(vm, &nested)->vmcs_gpa >> PAGE_SHIFT;
	return nested;
}

/*
 * L2 will run @code in 64-bit mode at CPL 0, in L1's address space, with the general
 * registers that guest_regs then has.  All MSRs, so its APIC too, are L1's.
 */
static inline void l2_create(void *nested, void *code)
{
	struct svm_test_data *svm = nested;

	if (host_cpu_is_amd_compatible) {
		generic_svm_setup(svm, code);
		svm->vmcb->control.intercept |= BIT_ULL(INTERCEPT_CPUID);
	} else {
		GUEST_ASSERT(prepare_for_vmx_operation(nested));
		GUEST_ASSERT(load_vmcs(nested));
		prepare_vmcs(nested, code);
		vmwrite(CPU_BASED_VM_EXEC_CONTROL, vmreadz(CPU_BASED_VM_EXEC_CONTROL) |
						   CPU_BASED_USE_MSR_BITMAPS);
	}
	guest_regs.rflags = X86_EFLAGS_FIXED;
}

/* Until L2's next exit to L1.  True if that is for a hypercall, false if for a CPUID. */
static inline bool l2_run(void *nested)
{
	struct svm_test_data *svm = nested;
	u32 reason;

	if (host_cpu_is_amd_compatible) {
		run_guest(svm->vmcb, svm->vmcb_gpa);
		reason = svm->vmcb->control.exit_code;
		if (reason == SVM_EXIT_VMMCALL)
			return true;
		GUEST_ASSERT_EQ(reason, SVM_EXIT_CPUID);
	} else {
		if (vmresume())
			GUEST_ASSERT(!vmlaunch());
		reason = vmreadz(VM_EXIT_REASON);
		if (reason == EXIT_REASON_VMCALL)
			return true;
		GUEST_ASSERT_EQ(reason, EXIT_REASON_CPUID);
	}
	return false;
}

static inline u64 l2_rip(void *nested)
{
	struct svm_test_data *svm = nested;

	return host_cpu_is_amd_compatible ? svm->vmcb->save.rip : vmreadz(GUEST_RIP);
}

static inline void l2_set_rip(void *nested, u64 rip)
{
	struct svm_test_data *svm = nested;

	if (host_cpu_is_amd_compatible)
		svm->vmcb->save.rip = rip;
	else
		vmwrite(GUEST_RIP, rip);
}

/* Long mode's only: L2 has L1's page tables. */
static inline void l2_set_mode(void *nested, enum vcpu_mode mode)
{
	struct svm_test_data *svm = nested;
	u16 dpl = is_user_mode(mode) ? 3 : 0;
	u16 cs_ar = 0x809b | dpl << 5 | (is_64bit_mode(mode) ? 0x2000 : 0x4000);
	u16 ss_ar = 0xc093 | dpl << 5;

	if (host_cpu_is_amd_compatible) {
		svm->vmcb->save.cs.selector = 0x8 | dpl;
		svm->vmcb->save.ss.selector = 0x10 | dpl;
		/* Its bits 8 to 11 are the others' 12 to 15. */
		svm->vmcb->save.cs.attrib = (cs_ar & 0xff) | (cs_ar >> 4 & 0xf00);
		svm->vmcb->save.ss.attrib = (ss_ar & 0xff) | (ss_ar >> 4 & 0xf00);
		svm->vmcb->save.cpl = dpl;
	} else {
		vmwrite(GUEST_CS_SELECTOR, 0x8 | dpl);
		vmwrite(GUEST_SS_SELECTOR, 0x10 | dpl);
		vmwrite(GUEST_CS_AR_BYTES, cs_ar);
		vmwrite(GUEST_SS_AR_BYTES, ss_ar);
	}
}

#endif /* SELFTEST_KVM_HYPERGRAPH_H */
