// SPDX-License-Identifier: GPL-2.0
/*
 * Functions to trace, which call each other in known ways:
 *
 *	echo NAME >/sys/module/test_calls/parameters/run
 *
 * runs one of them, and with "ticks" after it tells what it took, in ticks of the
 * TSC and as the least of several runs: "test_calls: parent ticks=10012".
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/irqflags.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/panic.h>
#include <linux/string.h>
#include <asm/cpuid/api.h>
#include <asm/desc.h>
#include <asm/msr.h>

/* No function is the same as another, nor is a call the last thing that it does. */
#define TEST_BODY()	({ asm volatile("# %0" : : "i" (__LINE__) : "memory"); })

static noinline void test_leaf(void)
{
	TEST_BODY();
}

static noinline void test_chain5(void)
{
	TEST_BODY();
}

static noinline void test_chain4(void)
{
	test_chain5();
	TEST_BODY();
}

static noinline void test_chain3(void)
{
	test_chain4();
	TEST_BODY();
}

static noinline void test_chain2(void)
{
	test_chain3();
	TEST_BODY();
}

static noinline void test_chain1(void)
{
	test_chain2();
	TEST_BODY();
}

static noinline void test_parent(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		test_leaf();
	TEST_BODY();
}

static noinline void test_inner_a(void)
{
	test_leaf();
	TEST_BODY();
}

static noinline void test_inner_b(void)
{
	test_leaf();
	TEST_BODY();
}

static noinline void test_inner_c(void)
{
	test_leaf();
	TEST_BODY();
}

static noinline void test_outer(void)
{
	test_inner_a();
	test_inner_b();
	test_inner_c();
	TEST_BODY();
}

/* A task's shadow stack has room for fewer. */
static noinline void test_deep(int calls)
{
	if (calls > 1)
		test_deep(calls - 1);
	TEST_BODY();
}

static noinline void test_deep_outer(void)
{
	test_deep(200);
	TEST_BODY();
}

/* Whether an interrupt comes before it or after is the same to all that trace it. */
static void leaf_without_irqs(void)
{
	local_irq_disable();
	test_leaf();
	local_irq_enable();
}

/* This takes longer than a tick, on the CPU. */
static noinline void test_spin(void)
{
	ktime_t end = ktime_add_ms(ktime_get(), 50);

	leaf_without_irqs();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	leaf_without_irqs();
	TEST_BODY();
}

static noinline void test_sleep(void)
{
	msleep(50);
	TEST_BODY();
}

/* Each CPUID is a VM exit. */
static noinline void test_exits(void)
{
	int i;

	for (i = 0; i < 3; i++)
		cpuid_eax(0);
	TEST_BODY();
}

static noinline void test_crash(const char *how)
{
	struct desc_ptr no_idt = { };

	if (!strcmp(how, "panic"))
		panic("test_calls: as asked");
	if (!strcmp(how, "triple-fault"))
		native_load_idt(&no_idt);
	WRITE_ONCE(*(int *)0, 0);
	TEST_BODY();
}

static noinline void test_crash_inner(const char *how)
{
	test_leaf();
	test_crash(how);
	TEST_BODY();
}

static noinline void test_crash_outer(const char *how)
{
	test_leaf();
	test_crash_inner(how);
	TEST_BODY();
}

static const struct {
	const char *name;
	void (*func)(void);
} tests[] = {
	{ "leaf", test_leaf },
	{ "chain", test_chain1 },
	{ "parent", test_parent },
	{ "outer", test_outer },
	{ "deep", test_deep_outer },
	{ "spin", test_spin },
	{ "sleep", test_sleep },
	{ "exits", test_exits },
};

#define RUNS	8

static u64 ticks_of_run(void (*func)(void))
{
	u64 start = rdtsc_ordered();

	func();
	return rdtsc_ordered() - start;
}

/* Interrupts are off, as they are no part of the function. */
static u64 ticks_of(void (*func)(void))
{
	u64 least = U64_MAX;
	unsigned long flags;
	int i;

	if (func == test_sleep) {
		/* Begin where a tick has just been. */
		msleep(20);
		return ticks_of_run(func);
	}

	local_irq_save(flags);
	for (i = 0; i < RUNS; i++)
		least = min(least, ticks_of_run(func));
	local_irq_restore(flags);
	return least;
}

static int run_set(const char *val, const struct kernel_param *kp)
{
	char name[16], rest[16] = "";
	int i;

	if (sscanf(val, "%15s %15s", name, rest) < 1)
		return -EINVAL;

	if (!strcmp(name, "crash")) {
		test_crash_outer(rest);
		return 0;
	}

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(name, tests[i].name))
			continue;
		if (strcmp(rest, "ticks"))
			tests[i].func();
		else
			pr_info("%s ticks=%llu\n", name, ticks_of(tests[i].func));
		return 0;
	}
	return -EINVAL;
}

static const struct kernel_param_ops run_ops = { .set = run_set };
module_param_cb(run, &run_ops, NULL, 0200);
MODULE_PARM_DESC(run, "what to call: leaf, chain, parent, outer, deep, spin, sleep or exits, and \"ticks\"; or crash and how: oops, panic or triple-fault");

/* This does nothing, and is registered while the module's "graph" is 1. */
static int graph_entry(struct ftrace_graph_ent *trace, struct fgraph_ops *gops,
		       struct ftrace_regs *fregs)
{
	return 1;
}

static void graph_return(struct ftrace_graph_ret *trace, struct fgraph_ops *gops,
			 struct ftrace_regs *fregs)
{
}

static struct fgraph_ops graph_ops = {
	.entryfunc	= graph_entry,
	.retfunc	= graph_return,
};

/* Modules may not call it otherwise. */
static unsigned long symbol_address(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	unsigned long addr;

	if (register_kprobe(&kp))
		return 0;
	addr = (unsigned long)kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

static bool graph_is_on;

static int graph_set(const char *val, const struct kernel_param *kp)
{
	void (*unregister)(struct fgraph_ops *gops);
	int (*enroll)(struct fgraph_ops *gops);
	char filter[] = "test_*";	/* ftrace writes to it. */
	bool on;
	int ret;

	ret = kstrtobool(val, &on);
	if (ret || on == graph_is_on)
		return ret;

	enroll = (void *)symbol_address("register_ftrace_graph");
	unregister = (void *)symbol_address("unregister_ftrace_graph");
	if (!enroll || !unregister)
		return -ENOENT;

	if (on) {
		ret = ftrace_set_filter(&graph_ops.ops, filter, strlen(filter), 1);
		if (!ret)
			ret = enroll(&graph_ops);
	} else {
		unregister(&graph_ops);
	}
	if (!ret)
		graph_is_on = on;
	return ret;
}

static const struct kernel_param_ops graph_param_ops = { .set = graph_set };
module_param_cb(graph, &graph_param_ops, NULL, 0200);
MODULE_PARM_DESC(graph, "1: trace the functions with an fgraph_ops that does nothing");

static int __init test_calls_init(void)
{
	test_leaf();
	return 0;
}
module_init(test_calls_init);

static void __exit test_calls_exit(void)
{
}
module_exit(test_calls_exit);

MODULE_DESCRIPTION("Functions to trace, for tests");
MODULE_LICENSE("GPL");
