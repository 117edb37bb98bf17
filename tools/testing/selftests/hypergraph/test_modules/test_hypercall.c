// SPDX-License-Identifier: GPL-2.0
/*
 * Make hypercalls from a guest's kernel, and say what they returned and cost:
 *
 *	insmod test_hypercall.ko nr=100 count=1000
 *	test_hypercall: nr=100 ret=-1000 count=1000 tsc=3107000 cpuid_tsc=2954000
 *
 * tsc is what all of them took together, in ticks of the guest's TSC, and
 * cpuid_tsc what as many CPUIDs took.
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
	u64 start = rdtsc_ordered();
	long ret = 0;
	uint i;

	for (i = 0; i < count; i++)
		ret = kvm_hypercall4(nr, i, 1, 2, 3);

	*tsc = rdtsc_ordered() - start;
	return ret;
}

static u64 test_cpuids(void)
{
	u64 start = rdtsc_ordered();
	uint i;

	for (i = 0; i < count; i++)
		cpuid_eax(0);

	return rdtsc_ordered() - start;
}

static int __init test_hypercall_init(void)
{
	unsigned long flags;
	u64 tsc, cpuid_tsc;
	long ret;

	if (!kvm_para_available())
		return -ENODEV;

	local_irq_save(flags);
	ret = test_hypercalls(&tsc);
	cpuid_tsc = test_cpuids();
	local_irq_restore(flags);

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
