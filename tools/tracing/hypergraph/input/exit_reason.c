// SPDX-License-Identifier: GPL-2.0
/*
 * What the exit reasons of kvm_exit mean, on both vendors.
 *
 * The names come from the uapi headers, as the kernel's own do: libtraceevent 1.7
 * cannot parse the print format of kvm_exit (__print_symbolic_u64), and what its
 * kvm plugin prints depends on whether that is installed.
 */
#include <stddef.h>
#include <asm/kvm.h>	/* the exception vectors in svm.h */
#include <asm/svm.h>
#include <asm/vmx.h>

#include "input/exit_reason.h"
#include "util/util.h"

/* KVM_ISA_VMX in KVM's trace.h; every other exit is SVM's. */
#define ISA_VMX			1

#define VMX_BASIC_REASON	0xffff

struct reason {
	__u64 code;		/* one is -1, and wider in newer headers */
	const char *name;
};

static const struct reason vmx_reasons[] = { VMX_EXIT_REASONS };
static const struct reason svm_reasons[] = { SVM_EXIT_REASONS };

static const char *find_name(const struct reason *table, size_t nr, __u32 code)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if ((__u32)table[i].code == code)
			return table[i].name;
	}
	return NULL;
}

void exit_reason_print(__u32 isa, __u32 reason, FILE *out)
{
	__u32 code = isa == ISA_VMX ? reason & VMX_BASIC_REASON : reason;
	const char *name;

	if (isa == ISA_VMX)
		name = find_name(vmx_reasons, ARRAY_SIZE(vmx_reasons), code);
	else
		name = find_name(svm_reasons, ARRAY_SIZE(svm_reasons), code);
	if (name)
		fputs(name, out);
	else
		fprintf(out, "0x%x", code);
	if (reason != code)
		fprintf(out, "|0x%x", reason & ~code);
}

char *exit_reason_name(__u32 isa, __u32 reason)
{
	return print_to_string(exit_reason_print, isa, reason);
}

bool exit_is_hypercall(__u32 isa, __u32 reason)
{
	return reason == (isa == ISA_VMX ? EXIT_REASON_VMCALL : SVM_EXIT_VMMCALL);
}

bool exit_is_shutdown(__u32 isa, __u32 reason)
{
	return reason == (isa == ISA_VMX ? EXIT_REASON_TRIPLE_FAULT : SVM_EXIT_SHUTDOWN);
}

bool exit_enters_nested(__u32 isa, __u32 reason)
{
	if (isa == ISA_VMX)
		return reason == EXIT_REASON_VMLAUNCH || reason == EXIT_REASON_VMRESUME;
	return reason == SVM_EXIT_VMRUN;
}
