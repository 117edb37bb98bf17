// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of the hypergraph hypercalls have in common.
 */
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <linux/kvm_para.h>

#include "test_util.h"
#include "kvm_util.h"
#include "processor.h"
#include "apic.h"
#include "svm_util.h"
#include "vmx.h"
#include "hypergraph.h"

#define TRACEFS			"/sys/kernel/tracing/"
#define INSTANCE		TRACEFS "instances/kvm_hypergraph_test%d/"
#define HOST_EVENT		"events/hypergraph/hypergraph_host/"
#define EXIT_EVENT		"events/hypergraph/hypergraph_exit/"
#define NESTED_VMEXIT_EVENT	"events/kvm/kvm_nested_vmexit/"
#define PARAMETER_NESTED	"/sys/module/kvm/parameters/hypertrace_nested"

noinline u64 hypergraph_hypercall(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rip)
{
	register u64 signature asm("r11") = HYPERGRAPH_SIGNATURE;
	u64 insn;

	asm volatile("test	%b[vmmcall], %b[vmmcall]\n\t"
		     "jnz	2f\n\t"
		     "lea	1f(%%rip), %[insn]\n\t"
		     "1: vmcall\n\t"
		     "jmp	4f\n\t"
		     "2: lea	3f(%%rip), %[insn]\n\t"
		     "3: vmmcall\n\t"
		     "4:"
		     : "+a"(nr), [insn] "=&r"(insn)
		     : "b"(a0), "c"(a1), "d"(a2), "S"(a3), "r"(signature),
		       [vmmcall] "q"(host_cpu_is_amd_compatible)
		     : "memory");
	if (rip)
		*rip = insn;
	return nr;
}

u64 hypergraph_send(u64 nr, u64 a0, u64 a1, u64 a2, u64 a3, u64 *rip)
{
	u64 answer = hypergraph_hypercall(nr, a0, a1, a2, a3, rip);

	if (answer == HYPERGRAPH_SAY_HELLO)
		answer = hypergraph_hypercall(nr, a0, a1, a2, a3, rip);
	return answer;
}

static void write_file(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY | O_TRUNC);

	TEST_ASSERT(fd >= 0, "Can't open %s: %s", file, strerror(errno));
	TEST_ASSERT(write(fd, value, strlen(value)) == strlen(value),
		    "Can't write '%s' to %s: %s", value, file, strerror(errno));
	close(fd);
}

static void write_bool(const char *file, bool value)
{
	write_file(file, value ? "1" : "0");
}

const char *recording_obstacle(void)
{
	char enabled = 0;
	int fd;

	if (!kvm_has_cap(KVM_CAP_IMMEDIATE_EXIT))
		return "no KVM_CAP_IMMEDIATE_EXIT";

	fd = open(TRACEFS HOST_EVENT "enable", O_RDONLY);
	if (fd < 0)
		return "no hypergraph_host event: needs root, tracefs, CONFIG_KVM_HYPERTRACE";
	if (read(fd, &enabled, 1) != 1)
		enabled = 0;
	close(fd);
	return enabled == '0' ? NULL : "hypergraph_host is already enabled";
}

static int selected;

void recording_select(int nr)
{
	selected = nr;
}

/* Returns the path of a file of the selected recording, until the next call. */
static const char *path_of(const char *file)
{
	static char path[128];
	int n = snprintf(path, sizeof(path), INSTANCE, selected);

	snprintf(path + n, sizeof(path) - n, "%s", file);
	return path;
}

void recording_create(void)
{
	int ret = mkdir(path_of(""), 0700);

	if (ret && errno == EEXIST) {
		recording_destroy();
		ret = mkdir(path_of(""), 0700);
	}
	TEST_ASSERT(!ret, "Can't make %s: %s", path_of(""), strerror(errno));

	/*
	 * This keeps the events of a vCPU in order when it moves between CPUs: their clocks
	 * may be apart, and two events may have the same time.
	 */
	write_file(path_of("trace_clock"), "counter");
	write_file(path_of("buffer_size_kb"), "8192");
}

void recording_destroy(void)
{
	recording_enable(false);
	TEST_ASSERT(!rmdir(path_of("")), "Can't remove %s: %s", path_of(""), strerror(errno));
}

void recording_enable(bool enable)
{
	write_bool(path_of(HOST_EVENT "enable"), enable);
}

void recording_clear(void)
{
	write_file(path_of("trace"), "");
}

void recording_of(pid_t pid)
{
	char filter[32];

	snprintf(filter, sizeof(filter), "vm == %d", pid);
	write_file(path_of(HOST_EVENT "filter"), filter);
}

void recording_nested(bool nested)
{
	write_bool(PARAMETER_NESTED, nested);
}

void recording_exits(bool enable)
{
	write_bool(path_of(EXIT_EVENT "enable"), enable);
}

void recording_nested_vmexits(bool enable)
{
	write_bool(path_of(NESTED_VMEXIT_EVENT "enable"), enable);
}

static u64 count_in_stats(FILE *stats)
{
	u64 value, count = 0;
	char line[128];

	while (fgets(line, sizeof(line), stats)) {
		if (sscanf(line, "entries: %lu", &value) == 1 ||
		    sscanf(line, "overrun: %lu", &value) == 1)
			count += value;
		else if (sscanf(line, "dropped events: %lu", &value) == 1)
			TEST_ASSERT(!value, "The ring buffer dropped %lu events", value);
	}
	return count;
}

u64 recording_count(void)
{
	int cpu, nr_cpus = get_nprocs_conf();
	char file[32];
	u64 count = 0;
	FILE *stats;

	for (cpu = 0; cpu < nr_cpus; cpu++) {
		snprintf(file, sizeof(file), "per_cpu/cpu%d/stats", cpu);
		stats = fopen(path_of(file), "r");
		if (!stats)
			continue;
		count += count_in_stats(stats);
		fclose(stats);
	}
	return count;
}

static FILE *open_trace(void)
{
	FILE *trace = fopen(path_of("trace"), "r");

	TEST_ASSERT(trace, "Can't open the trace: %s", strerror(errno));
	return trace;
}

/* Counts those events @name that have this @reason. */
static int count_events(const char *name, const char *reason)
{
	char line[1024], field[64];
	FILE *trace = open_trace();
	int n = 0;

	snprintf(field, sizeof(field), "reason%s ", reason);
	while (fgets(line, sizeof(line), trace))
		n += strstr(line, name) && strstr(line, field);
	fclose(trace);
	return n;
}

int recording_count_exits(const char *reason)
{
	char field[32];

	snprintf(field, sizeof(field), "=%s", reason);
	return count_events(" hypergraph_exit: ", field);
}

int recording_count_nested_hypercalls(void)
{
	return count_events(" kvm_nested_vmexit: ",
			    host_cpu_is_amd_compatible ? " hypercall" : " VMCALL");
}

static u64 field_of(const char *event, const char *name)
{
	const char *value = strstr(event, name);

	TEST_ASSERT(value, "No '%s' in event '%s'", name, event);
	return strtoull(value + strlen(name), NULL, 0);
}

u64 recording_vmm_time(void)
{
	FILE *trace = open_trace();
	char line[1024];
	u64 ns = 0;

	while (fgets(line, sizeof(line), trace)) {
		if (strstr(line, " hypergraph_exit: "))
			ns += field_of(line, " vmm=");
	}
	fclose(trace);
	return ns;
}

u32 recording_nested_vcpu(void)
{
	FILE *trace = open_trace();
	u32 nested_vcpu = 0;
	char line[1024];
	int n = 0;

	while (fgets(line, sizeof(line), trace)) {
		if (!strstr(line, " hypergraph_exit: ") || !field_of(line, " nested="))
			continue;
		if (n++)
			TEST_ASSERT_EQ(field_of(line, " nested_vcpu="), nested_vcpu);
		nested_vcpu = field_of(line, " nested_vcpu=");
	}
	fclose(trace);
	TEST_ASSERT(n, "No exit of a nested guest was recorded");
	return nested_vcpu;
}

static struct hypergraph_event parse_event(const char *text)
{
	return (struct hypergraph_event) {
		.vm = field_of(text, " vm="),
		.vm_id = field_of(text, " vm_id="),
		.vcpu = field_of(text, " vcpu="),
		.nested = field_of(text, " nested="),
		.nested_vcpu = field_of(text, " nested_vcpu="),
		.by_host = field_of(text, " by_host="),
		.nr = field_of(text, " nr="),
		.a0 = field_of(text, " a0="),
		.a1 = field_of(text, " a1="),
		.a2 = field_of(text, " a2="),
		.a3 = field_of(text, " a3="),
		.rip = field_of(text, " guest_rip="),
	};
}

int recording_read(struct hypergraph_event *events, int max)
{
	FILE *trace = open_trace();
	char line[1024], *text;
	int n = 0;

	while (fgets(line, sizeof(line), trace)) {
		text = strstr(line, " hypergraph_host: ");
		if (!text)
			continue;
		TEST_ASSERT(n < max, "More than the %d events expected; next:\n%s", max, line);
		events[n++] = parse_event(text);
	}
	fclose(trace);
	return n;
}

void check_event(const struct hypergraph_event *event,
		 const struct hypergraph_event *expected)
{
	TEST_ASSERT_EQ(event->vm, expected->vm);
	TEST_ASSERT_EQ(event->vcpu, expected->vcpu);
	TEST_ASSERT_EQ(event->by_host, expected->by_host);
	TEST_ASSERT_EQ(event->nr, expected->nr);
	TEST_ASSERT_EQ(event->a0, expected->a0);
	TEST_ASSERT_EQ(event->a1, expected->a1);
	TEST_ASSERT_EQ(event->a2, expected->a2);
	TEST_ASSERT_EQ(event->a3, expected->a3);
	TEST_ASSERT_EQ(event->rip, expected->rip);
}

const char * const vcpu_mode_names[NR_MODES] = {
	[MODE_LONG] = "64-bit CPL 0",
	[MODE_LONG_USER] = "64-bit CPL 3",
	[MODE_COMPAT] = "compatibility CPL 0",
	[MODE_COMPAT_USER] = "compatibility CPL 3",
	[MODE_PROTECTED] = "protected",
	[MODE_REAL] = "real",
};

u64 hypercall_answer(enum vcpu_mode mode, u64 nr, bool recording)
{
	u64 mask = mode_mask(mode);
	u64 ret = -KVM_ENOSYS;

	if (is_user_mode(mode))
		ret = -KVM_EPERM;
	else if (recording && is_hypergraph_number(nr & mask))
		ret = 0;
	return ret & mask;
}

static struct kvm_segment data_segment(enum vcpu_mode mode)
{
	int dpl = is_user_mode(mode) ? 3 : 0;
	bool real = mode == MODE_REAL;

	return (struct kvm_segment) {
		.limit = real ? 0xffff : 0xffffffff,
		.selector = real ? 0 : 0x10 | dpl,
		.type = 0x3,
		.present = 1,
		.dpl = dpl,
		.db = !real,
		.s = 1,
		.g = !real,
	};
}

static struct kvm_segment code_segment(enum vcpu_mode mode)
{
	struct kvm_segment seg = data_segment(mode);

	seg.selector = mode == MODE_REAL ? 0 : 0x8 | seg.dpl;
	seg.type = 0xb;
	if (is_64bit_mode(mode)) {
		seg.db = 0;
		seg.l = 1;
	}
	return seg;
}

void vcpu_set_mode(struct kvm_vcpu *vcpu, struct kvm_sregs sregs, enum vcpu_mode mode)
{
	struct kvm_segment *data[] = {
		&sregs.ss, &sregs.ds, &sregs.es, &sregs.fs, &sregs.gs,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(data); i++)
		*data[i] = data_segment(mode);
	sregs.cs = code_segment(mode);

	if (mode == MODE_PROTECTED || mode == MODE_REAL) {
		sregs.cr0 &= ~X86_CR0_PG;
		sregs.efer &= ~(EFER_LME | EFER_LMA);
	}
	if (mode == MODE_REAL) {
		sregs.cr0 &= ~X86_CR0_PE;
		sregs.idt.base = 0;
		sregs.idt.limit = 0xffff;
	}
	vcpu_sregs_set(vcpu, &sregs);
}

void *vm_add_low_page(struct kvm_vm *vm)
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

void vcpu_run_to_out(struct kvm_vcpu *vcpu, struct kvm_regs *regs)
{
	vcpu_run(vcpu);
	TEST_ASSERT_KVM_EXIT_REASON(vcpu, KVM_EXIT_IO);
	TEST_ASSERT_EQ(vcpu->run->io.port, DONE_PORT);
	vcpu_regs_get(vcpu, regs);
	vcpu_run_complete_io(vcpu);
}

void vcpu_send_init(struct kvm_vcpu *vcpu)
{
	struct kvm_msi msi = {
		.address_lo = APIC_DEFAULT_GPA,
		.data = APIC_DM_INIT,
	};
	struct kvm_lapic_state lapic;
	struct kvm_mp_state mp_state;
	struct kvm_regs regs;

	/* Before its APIC is set or used KVM does not find a vCPU by its APIC id. */
	vcpu_ioctl(vcpu, KVM_GET_LAPIC, &lapic);
	vcpu_ioctl(vcpu, KVM_SET_LAPIC, &lapic);
	TEST_ASSERT_EQ(__vm_ioctl(vcpu->vm, KVM_SIGNAL_MSI, &msi), 1);
	vcpu_mp_state_get(vcpu, &mp_state);
	vcpu_regs_get(vcpu, &regs);
	TEST_ASSERT_EQ(regs.rip, 0xfff0);
}

gva_t vm_alloc_nested(struct kvm_vm *vm, u32 *nested_vcpu)
{
	gva_t nested;

	if (host_cpu_is_amd_compatible)
		*nested_vcpu = vcpu_alloc_svm(vm, &nested)->vmcb_gpa >> PAGE_SHIFT;
	else
		*nested_vcpu = vcpu_alloc_vmx(vm, &nested)->vmcs_gpa >> PAGE_SHIFT;
	return nested;
}

void l2_create(void *nested, void *code)
{
	struct svm_test_data *svm = nested;

	if (host_cpu_is_amd_compatible) {
		generic_svm_setup(svm, code);
		svm->vmcb->control.intercept |= BIT_ULL(INTERCEPT_CPUID);
		svm->vmcb->control.intercept_exceptions = BIT(UD_VECTOR);
	} else {
		if (!(get_cr4() & X86_CR4_VMXE))
			GUEST_ASSERT(prepare_for_vmx_operation(nested));
		GUEST_ASSERT(load_vmcs(nested));
		prepare_vmcs(nested, code);
		vmwrite(CPU_BASED_VM_EXEC_CONTROL, vmreadz(CPU_BASED_VM_EXEC_CONTROL) |
						   CPU_BASED_USE_MSR_BITMAPS);
	}
	guest_regs.rflags = X86_EFLAGS_FIXED;
}

void l2_select(void *nested)
{
	struct vmx_pages *vmx = nested;

	if (!host_cpu_is_amd_compatible)
		GUEST_ASSERT(!vmptrld(vmx->vmcs_gpa));
}

static enum l2_exit svm_run_l2(struct svm_test_data *svm)
{
	run_guest(svm->vmcb, svm->vmcb_gpa);
	switch (svm->vmcb->control.exit_code) {
	case SVM_EXIT_VMMCALL:
		return L2_EXIT_HYPERCALL;
	case SVM_EXIT_EXCP_BASE + UD_VECTOR:
		return L2_EXIT_UD;
	default:
		GUEST_ASSERT_EQ(svm->vmcb->control.exit_code, SVM_EXIT_CPUID);
		return L2_EXIT_CPUID;
	}
}

static enum l2_exit vmx_run_l2(void)
{
	u32 reason;

	if (vmresume())
		GUEST_ASSERT(!vmlaunch());
	reason = vmreadz(VM_EXIT_REASON);
	if (reason == EXIT_REASON_VMCALL)
		return L2_EXIT_HYPERCALL;
	GUEST_ASSERT_EQ(reason, EXIT_REASON_CPUID);
	return L2_EXIT_CPUID;
}

enum l2_exit l2_run(void *nested)
{
	return host_cpu_is_amd_compatible ? svm_run_l2(nested) : vmx_run_l2();
}

void l2_intercept_vmmcall(void *nested, bool intercept)
{
	struct svm_test_data *svm = nested;

	if (!host_cpu_is_amd_compatible)
		return;

	svm->vmcb->control.intercept &= ~BIT_ULL(INTERCEPT_VMMCALL);
	if (intercept)
		svm->vmcb->control.intercept |= BIT_ULL(INTERCEPT_VMMCALL);
}

void l2_set_virtual_apic(gpa_t page)
{
	vmwrite(CPU_BASED_VM_EXEC_CONTROL,
		vmreadz(CPU_BASED_VM_EXEC_CONTROL) | CPU_BASED_TPR_SHADOW);
	vmwrite(VIRTUAL_APIC_PAGE_ADDR, page);
	vmwrite(TPR_THRESHOLD, 0);
}

u64 l2_rip(void *nested)
{
	struct svm_test_data *svm = nested;

	return host_cpu_is_amd_compatible ? svm->vmcb->save.rip : vmreadz(GUEST_RIP);
}

void l2_set_rip(void *nested, u64 rip)
{
	struct svm_test_data *svm = nested;

	if (host_cpu_is_amd_compatible)
		svm->vmcb->save.rip = rip;
	else
		vmwrite(GUEST_RIP, rip);
}

void l2_set_mode(void *nested, enum vcpu_mode mode)
{
	struct svm_test_data *svm = nested;
	u16 dpl = is_user_mode(mode) ? 3 : 0;
	u16 cs_ar = 0x809b | dpl << 5 | (is_64bit_mode(mode) ? 0x2000 : 0x4000);
	u16 ss_ar = 0xc093 | dpl << 5;

	if (host_cpu_is_amd_compatible) {
		svm->vmcb->save.cs.selector = 0x8 | dpl;
		svm->vmcb->save.ss.selector = 0x10 | dpl;
		/* SVM has in bits 8 to 11 what VMX has in 12 to 15. */
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
