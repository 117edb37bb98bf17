// SPDX-License-Identifier: GPL-2.0
/*
 * Make hypercalls from a guest's kernel, and say what they returned and cost:
 *
 *	insmod test_hypercall.ko nr=100 count=1000
 *	test_hypercall: nr=100 ret=-1000 count=1000 tsc=3107 cpuid_tsc=2954
 *
 * tsc is what the quickest of them took, in ticks of the guest's TSC, and
 * cpuid_tsc the quickest of as many CPUIDs: no other has the host done less
 * besides, such as take an interrupt of its own. Between two of them the guest
 * takes its interrupts, as one that waits adds to what each exit costs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/irqflags.h>
#include <linux/kvm_para.h>
#include <linux/module.h>
#include <asm/cpuid/api.h>
#include <asm/msr.h>

static uint nr;
module_param(nr, uint, 0);
MODULE_PARM_DESC(nr, "hypercall number");

static uint count = 1;
module_param(count, uint, 0);
MODULE_PARM_DESC(count, "how many hypercalls to make");

static long test_hypercalls(u64 *tsc)
{
	unsigned long flags;
	long ret = 0;
	u64 start;
	uint i;

	*tsc = U64_MAX;
	for (i = 0; i < count; i++) {
		local_irq_save(flags);
		start = rdtsc_ordered();
		ret = kvm_hypercall4(nr, i, 1, 2, 3);
		*tsc = min(*tsc, rdtsc_ordered() - start);
		local_irq_restore(flags);
	}

	return ret;
}

static u64 test_cpuids(void)
{
	u64 tsc = U64_MAX;
	unsigned long flags;
	u64 start;
	uint i;

	for (i = 0; i < count; i++) {
		local_irq_save(flags);
		start = rdtsc_ordered();
		cpuid_eax(0);
		tsc = min(tsc, rdtsc_ordered() - start);
		local_irq_restore(flags);
	}

	return tsc;
}

static int __init test_hypercall_init(void)
{
	u64 tsc, cpuid_tsc;
	long ret;

	if (!kvm_para_available())
		return -ENODEV;

	ret = test_hypercalls(&tsc);
	cpuid_tsc = test_cpuids();

	pr_info("nr=%u ret=%ld count=%u tsc=%llu cpuid_tsc=%llu\n", nr, ret,
		count, tsc, cpuid_tsc);
	return 0;
}
module_init(test_hypercall_init);

static void __exit test_hypercall_exit(void)
{
}
module_exit(test_hypercall_exit);

MODULE_DESCRIPTION("Hypercalls from a KVM guest's kernel, for tests");
MODULE_LICENSE("GPL");
