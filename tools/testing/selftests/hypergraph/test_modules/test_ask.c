// SPDX-License-Identifier: GPL-2.0
/*
 * Have this host ask its guests for hello more often than it does: each time that it asks
 * for one and gets it, it asks again at the next hypercall, "asks" times:
 *
 *	insmod test_ask.ko asks=4
 *
 * "waits" is whether it has asked for one that has not come.  There is to be one vCPU.
 */
#include <linux/kprobes.h>
#include <linux/kvm_host.h>
#include <linux/module.h>
#include <uapi/linux/hypergraph.h>

static uint asks;
module_param(asks, uint, 0);
MODULE_PARM_DESC(asks, "how often to ask again");

static bool waits;
module_param(waits, bool, 0444);
MODULE_PARM_DESC(waits, "whether a guest has yet to say hello");

/* kvm_hypertrace_ask() runs, of these arguments. */
struct test_ask {
	struct kvm_vcpu			*vcpu;
	struct kvm_hypertrace_hello	*hello;
};

static int test_ask_begins(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct test_ask *ask = (struct test_ask *)instance->data;

	ask->vcpu = (struct kvm_vcpu *)regs->di;
	ask->hello = (struct kvm_hypertrace_hello *)regs->si;
	return 0;
}

static int test_ask_ends(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	struct test_ask *ask = (struct test_ask *)instance->data;
	struct kvm_vcpu_hypertrace *ht = &ask->vcpu->arch.hypertrace;
	static uint asked;

	WRITE_ONCE(waits, ask->hello->due == U64_MAX);
	if (ht->nr != HYPERGRAPH_NR_HELLO || (ht->a0 >> 16 & 0xffff) != HYPERGRAPH_HELLO_PARTS - 1)
		return 0;

	asked = asked < asks ? asked + 1 : 0;
	if (asked)
		ask->hello->due = 0;
	return 0;
}

static struct kretprobe test_ask_probe = {
	.kp.symbol_name	= "kvm_hypertrace_ask",
	.entry_handler	= test_ask_begins,
	.handler	= test_ask_ends,
	.data_size	= sizeof(struct test_ask),
};

static int __init test_ask_init(void)
{
	return register_kretprobe(&test_ask_probe);
}
module_init(test_ask_init);

static void __exit test_ask_exit(void)
{
	unregister_kretprobe(&test_ask_probe);
}
module_exit(test_ask_exit);

MODULE_DESCRIPTION("A host that asks its guests for hello again and again, for tests");
MODULE_LICENSE("GPL");
