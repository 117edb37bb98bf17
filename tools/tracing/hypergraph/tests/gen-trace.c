// SPDX-License-Identifier: GPL-2.0
/*
 * Turns a description of events on stdin into a trace.dat (version 6, see
 * trace-cmd.dat.v6(5)) on stdout, for tests without a VM. One event a line:
 *
 *	enter	CPU THREAD NS VM VCPU ADDRESS DEPTH
 *	return	CPU THREAD NS VM VCPU ADDRESS DURATION DEPTH
 *	switch	CPU THREAD NS VM VCPU PREV-PID NEXT-PID NEXT-COMM
 *	who	CPU THREAD NS VM VCPU PID COMM		the task that runs there
 *						("\x0a" in a COMM is a newline)
 *	hello	CPU THREAD NS VM VCPU CPUS STEXT BUILD-ID BOOT	two events, at once
 *	off	CPU THREAD NS VM VCPU vcpu|all BOOT
 *	triple_fault, reset CPU THREAD NS VM VCPU	the host's
 *	mark	CPU THREAD NS VM VCPU KIND TEXT		one event or more, NS apart by 1
 *	frame	CPU THREAD NS VM VCPU ADDRESS DEPTH PID ON-VCPU
 *	call	CPU THREAD NS VM VCPU NR A0 A1 A2 A3
 *	hypergraph_exit CPU THREAD NS VM VCPU ISA REASON RIP DURATION
 *	exit	CPU THREAD NS ISA REASON RIP [VCPU]
 *	entry	CPU THREAD NS [VCPU]
 *	kvm_hypercall CPU THREAD NS NR A0 A1 A2 A3
 *	nested_vmexit CPU THREAD NS
 *	host_enter CPU THREAD NS ADDRESS DEPTH		a function of the host
 *	host_return CPU THREAD NS ADDRESS DURATION DEPTH
 *	lost	CPU COUNT		before the next event there, -1: unknown
 *
 * or what trace-cmd report -R -t prints of a hypergraph_host or hypergraph_exit.
 *
 * With --old the events have no fields that they got later. With --stock they are those of a
 * host that has none of hypergraph's: kvm_exit, kvm_hypercall and kvm_entry for each hypercall,
 * and kvm_exit for a triple fault. Only there kvm_exit has a VCPU. If it is not
 * given it is that of THREAD's last other event. With --stock --old there are no VCPU and no
 * kvm_entry. With --clock CLOCKS these are the host's, as trace_clock lists them. With
 * --without-hypergraph there is no format of hypergraph_host and hypergraph_exit. With --load
 * NR the trace has NR calls, exits and switches of 4 vCPUs at random, and stdin is not read.
 *
 * CPU, THREAD and NS are the host's. VM is a pid, or "100.7" for the VM of that pid whose
 * vm_id is 7. VCPU is "0", or "0/1a2b" for the nested vCPU 0x1a2b that runs on it. A switch
 * or who may have flags: "switch,gone,stale" or "who,untold". An empty line or one with a #
 * is left out.
 */
#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/hypergraph.h>
#include <linux/types.h>

#define PAGE		4096
#define PAGE_HEADER	16	/* timestamp and commit */
#define CPUS		4

/* In the commit of a page: events were lost, and how many is told behind its data. */
#define MISSED_EVENTS	0x80000000U
#define MISSED_STORED	0x40000000U

/* An event begins with its type_len, which counts words, and the time since the last one. */
#define TYPE_LEN_BITS	5
#define MAX_DELTA	((1U << 27) - 1)

#define ID_GRAPH_RETURN	10
#define ID_GRAPH_ENTRY	11
#define ID_HYPERGRAPH	1500
#define ID_EXIT		1501
#define ID_ENTRY	1502
#define ID_JOINED	1503
#define ID_HYPERCALL	1504
#define ID_NESTED_EXIT	1505

/* What an AMD host tells of them, and where the guest's kernel makes hypercalls */
#define ISA_SVM			2
#define EXIT_VMMCALL		0x81
#define EXIT_SHUTDOWN		0x7f
#define HYPERCALL_RIP		0xffffffff81000010ULL

struct common {
	__u16 type;
	__u8 flags;
	__u8 preempt_count;
	__s32 pid;
};

struct hypergraph_host {
	struct common common;
	__u32 vm;
	__u16 vcpu, vm_id, nr;
	__u8 nested, by_host;
	__u32 nested_vcpu;
	__u64 a[4], guest_rip, exit_overhead;
};

struct hypergraph_exit {
	struct common common;
	__u32 vm;
	__u16 vcpu, vm_id;
	__u8 nested, isa;
	__u32 nested_vcpu, reason;
	__u64 guest_rip, info1, info2, duration, vmm;
};

struct kvm_exit {
	struct common common;
	__u32 exit_reason;
	__u64 guest_rip;
	__u32 isa;
	__u64 info1, info2;
	__u32 vcpu_id;
};

struct kvm_hypercall {
	struct common common;
	__u64 nr, a[4];
};

struct graph_entry {
	struct common common;
	__u64 func, depth;
};

struct graph_return {
	struct common common;
	__u64 func;
	__u32 depth, overrun;
	__u64 calltime, rettime;
};

struct kvm_entry {
	struct common common;
	__u32 vcpu_id;
};

#define TSC_KHZ		2000000U

#define LOAD_TEXT	0xffffffff81000000ULL
#define LOAD_TASKS	20
#define LOAD_DEPTH	12
#define LOAD_FUNCTIONS	3000

static struct cpu {
	char (*pages)[PAGE];
	size_t nr;
	size_t alloc;
	__u64 commit;		/* bytes of the last page that are in use */
	__u64 ns;		/* of its last event */
	long long lost;		/* before the next event */
	int sealed;		/* the last page takes no more */
} cpus[CPUS];

#define COMMON_FORMAT \
	"format:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* A field in a print format, and its argument */
#define FMT(field, format)	#field "=" format " "
#define REC(field)		", REC->" #field

/* Begins the line of a field that older recordings do not have. put_format() takes it off. */
#define NEW_FIELD	"\v"

static const char hypergraph_format[] =
	"name: hypergraph_host\nID: 1500\n" COMMON_FORMAT
	"\tfield:u32 vm;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:u16 vcpu;\toffset:12;\tsize:2;\tsigned:0;\n"
	NEW_FIELD "\tfield:u16 vm_id;\toffset:14;\tsize:2;\tsigned:0;\n"
	"\tfield:u16 nr;\toffset:16;\tsize:2;\tsigned:0;\n"
	"\tfield:u8 nested;\toffset:18;\tsize:1;\tsigned:0;\n"
	NEW_FIELD "\tfield:u8 by_host;\toffset:19;\tsize:1;\tsigned:0;\n"
	"\tfield:u32 nested_vcpu;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 a0;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 a1;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 a2;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 a3;\toffset:48;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 guest_rip;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 exit_overhead;\toffset:64;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \""
	FMT(vm, "%u") FMT(vcpu, "%u") FMT(nested, "%u") FMT(nested_vcpu, "0x%x")
	FMT(nr, "0x%x") FMT(a0, "0x%llx") FMT(a1, "0x%llx") FMT(a2, "0x%llx") FMT(a3, "0x%llx")
	FMT(guest_rip, "0x%llx") FMT(exit_overhead, "%llu") "\""
	REC(vm) REC(vcpu) REC(nested) REC(nested_vcpu) REC(nr) REC(a0) REC(a1) REC(a2) REC(a3)
	REC(guest_rip) REC(exit_overhead) "\n";

static const char joined_format[] =
	"name: hypergraph_exit\nID: 1503\n" COMMON_FORMAT
	"\tfield:u32 vm;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:u16 vcpu;\toffset:12;\tsize:2;\tsigned:0;\n"
	NEW_FIELD "\tfield:u16 vm_id;\toffset:14;\tsize:2;\tsigned:0;\n"
	"\tfield:u8 nested;\toffset:16;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 isa;\toffset:17;\tsize:1;\tsigned:0;\n"
	"\tfield:u32 nested_vcpu;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 reason;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 guest_rip;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 info1;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 info2;\toffset:48;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 duration;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 vmm;\toffset:64;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \""
	FMT(vm, "%u") FMT(vcpu, "%u") FMT(nested, "%u") FMT(nested_vcpu, "0x%x") FMT(isa, "%u")
	FMT(reason, "0x%x") FMT(guest_rip, "0x%llx") FMT(info1, "0x%llx") FMT(info2, "0x%llx")
	FMT(duration, "%llu") FMT(vmm, "%llu") "\""
	REC(vm) REC(vcpu) REC(nested) REC(nested_vcpu) REC(isa) REC(reason) REC(guest_rip)
	REC(info1) REC(info2) REC(duration) REC(vmm) "\n";

/* The print format uses what libtraceevent 1.7 cannot parse, as the kernel's does. */
static const char exit_format[] =
	"name: kvm_exit\nID: 1501\n" COMMON_FORMAT
	"\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long guest_rip;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u32 isa;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 info1;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 info2;\toffset:40;\tsize:8;\tsigned:0;\n"
	NEW_FIELD "\tfield:unsigned int vcpu_id;\toffset:48;\tsize:4;\tsigned:0;\n"
	"\nprint fmt: \"reason %s\", __print_symbolic_u64(REC->exit_reason, { 0x7bULL, \"io\" })\n";

static const char entry_format[] =
	"name: kvm_entry\nID: 1502\n" COMMON_FORMAT
	"\tfield:unsigned int vcpu_id;\toffset:8;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"vcpu %u\", REC->vcpu_id\n";

static const char nested_exit_format[] =
	"name: kvm_nested_vmexit\nID: 1505\n" COMMON_FORMAT "print fmt: \"\"\n";

static const char hypercall_format[] =
	"name: kvm_hypercall\nID: 1504\n" COMMON_FORMAT
	"\tfield:unsigned long nr;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long a0;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long a1;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long a2;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long a3;\toffset:40;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"nr 0x%lx a0 0x%lx a1 0x%lx a2 0x%lx a3 0x%lx\""
	REC(nr) REC(a0) REC(a1) REC(a2) REC(a3) "\n";

static const char graph_entry_format[] =
	"name: funcgraph_entry\nID: 11\n" COMMON_FORMAT
	"\tfield:unsigned long func;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long depth;\toffset:16;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"--> %ps (%lu)\", (void *)REC->func, REC->depth\n";

static const char graph_return_format[] =
	"name: funcgraph_exit\nID: 10\n" COMMON_FORMAT
	"\tfield:unsigned long func;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int depth;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int overrun;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long long calltime;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long long rettime;\toffset:32;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"<-- %ps (%u)\", (void *)REC->func, REC->depth\n";

/* The symbols of the host */
static const char kallsyms[] =
	"ffffffff91000000 T _text\n"
	"ffffffff91000100 t handle_exit\t[kvm]\n"
	"ffffffff91000200 t emulate\t[kvm]\n"
	"ffffffff91000300 t queue_work\n"
	"ffffffff91000400 t vcpu_run\t[kvm]\n";

static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

static const char header_event[] =
	"# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
	"\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
	"\ttime_stamp : type == 31\n\tdata max type_len  == 28\n";

static char *last_page(const struct cpu *cpu)
{
	return cpu->pages[cpu->nr - 1];
}

static void add_page(struct cpu *cpu, __u64 ns)
{
	if (cpu->nr == cpu->alloc) {
		cpu->alloc = cpu->alloc ? 2 * cpu->alloc : 16;
		cpu->pages = realloc(cpu->pages, cpu->alloc * PAGE);
		if (!cpu->pages)
			err(1, NULL);
	}
	cpu->nr++;
	memset(last_page(cpu), 0, PAGE);
	memcpy(last_page(cpu), &ns, sizeof(ns));
	cpu->commit = 0;
	cpu->ns = ns;
	cpu->sealed = 0;
}

/* What was lost is told of a page, so of the first event in it. */
static void seal_page(struct cpu *cpu)
{
	__u64 commit = cpu->commit | MISSED_EVENTS | (cpu->lost > 0 ? MISSED_STORED : 0);

	if (cpu->lost > 0)
		memcpy(last_page(cpu) + PAGE_HEADER + cpu->commit, &cpu->lost,
		       sizeof(cpu->lost));
	memcpy(last_page(cpu) + 8, &commit, sizeof(commit));
	cpu->lost = 0;
	cpu->sealed = 1;
}

static void add_event(unsigned int nr, __u64 ns, const void *event, size_t size)
{
	struct cpu *cpu = &cpus[nr];
	__u32 words = (size + 3) / 4;
	__u32 header;
	char *end;

	if (!cpu->nr || cpu->sealed || cpu->lost || ns < cpu->ns || ns - cpu->ns > MAX_DELTA ||
	    PAGE_HEADER + cpu->commit + sizeof(header) + 4 * words > PAGE)
		add_page(cpu, ns);
	header = words | (ns - cpu->ns) << TYPE_LEN_BITS;
	end = last_page(cpu) + PAGE_HEADER + cpu->commit;
	memcpy(end, &header, sizeof(header));
	memcpy(end + sizeof(header), event, size);
	cpu->commit += sizeof(header) + 4 * words;
	cpu->ns = ns;
	memcpy(last_page(cpu) + 8, &cpu->commit, sizeof(cpu->commit));
	if (cpu->lost)
		seal_page(cpu);
}

static int stock, old;

/* None if there is no such event */
static void add_entry(unsigned int cpu, __u64 ns, int thread, __u32 vcpu)
{
	struct kvm_entry entry = {
		.common = { .type = ID_ENTRY, .pid = thread }, .vcpu_id = vcpu,
	};

	if (!stock || !old)
		add_event(cpu, ns, &entry, sizeof(entry));
}

/* What a host without hypergraph records of @ev: of a nested guest and of a reset, nothing */
static void add_stock(unsigned int cpu, __u64 ns, const struct hypergraph_host *ev)
{
	struct kvm_exit exit = {
		.common = { .type = ID_EXIT, .pid = ev->common.pid },
		.exit_reason = ev->by_host ? EXIT_SHUTDOWN : EXIT_VMMCALL,
		.guest_rip = HYPERCALL_RIP, .isa = ISA_SVM, .vcpu_id = ev->vcpu,
	};
	struct kvm_hypercall call = {
		.common = { .type = ID_HYPERCALL, .pid = ev->common.pid }, .nr = ev->nr,
		.a = { ev->a[0], ev->a[1], ev->a[2], ev->a[3] },
	};

	if (ev->nested || (ev->by_host && ev->nr != HYPERGRAPH_NR_TRIPLE_FAULT))
		return;
	add_event(cpu, ns - ev->exit_overhead, &exit, sizeof(exit));
	if (ev->by_host)
		return;
	add_event(cpu, ns, &call, sizeof(call));
	add_entry(cpu, ns, ev->common.pid, ev->vcpu);
}

static void add_stock_exit(unsigned int cpu, __u64 ns, const struct hypergraph_exit *ev)
{
	struct kvm_exit exit = {
		.common = { .type = ID_EXIT, .pid = ev->common.pid },
		.exit_reason = ev->reason, .guest_rip = ev->guest_rip, .isa = ev->isa,
		.vcpu_id = ev->vcpu,
	};

	add_event(cpu, ns - ev->duration, &exit, sizeof(exit));
	add_entry(cpu, ns, ev->common.pid, ev->vcpu);
}

static void add_joined(unsigned int cpu, __u64 ns, const struct hypergraph_exit *ev)
{
	if (stock)
		add_stock_exit(cpu, ns, ev);
	else
		add_event(cpu, ns, ev, sizeof(*ev));
}

static void add_host(unsigned int cpu, __u64 ns, const struct hypergraph_host *ev)
{
	if (stock)
		add_stock(cpu, ns, ev);
	else
		add_event(cpu, ns, ev, sizeof(*ev));
}

/* A build id in 40 hexadecimal digits becomes bytes in memory order. */
static int parse_build_id(const char *digits, __u8 *id)
{
	int i;

	for (i = 0; i < HYPERGRAPH_BUILD_ID_BYTES; i++) {
		if (sscanf(digits + 2 * i, "%2hhx", &id[i]) != 1)
			return 0;
	}
	return 1;
}

static void add_hello(unsigned int cpu, __u64 ns, struct hypergraph_host *ev, const char *args)
{
	__u8 id[HYPERGRAPH_BUILD_ID_BYTES];
	__u64 cpus, stext, boot;
	__u32 high;
	char digits[2 * sizeof(id) + 1];

	if (sscanf(args, "%llu %llx %40s %llx", &cpus, &stext, digits, &boot) != 4 ||
	    !parse_build_id(digits, id))
		errx(1, "bad hello: %s", args);
	ev->nr = HYPERGRAPH_NR_HELLO;
	ev->a[0] = cpus << 32 | HYPERGRAPH_VERSION;
	ev->a[1] = stext;
	ev->a[2] = (__u64)HYPERGRAPH_CHANNEL_HYPERCALL << 32 | TSC_KHZ;
	ev->a[3] = boot;
	add_host(cpu, ns, ev);
	memcpy(&high, id + 16, sizeof(high));
	ev->a[0] = (__u64)high << 32 | 1 << 16 | HYPERGRAPH_VERSION;
	memcpy(&ev->a[1], id, 16);
	add_host(cpu, ns, ev);
}

static int parse_off(const char *args, struct hypergraph_host *ev)
{
	char which[8];

	ev->nr = HYPERGRAPH_NR_OFF;
	if (sscanf(args, "%7s %llx", which, &ev->a[1]) != 2)
		return 0;
	ev->a[0] = strcmp(which, "all") ? HYPERGRAPH_OFF_VCPU : HYPERGRAPH_OFF_ALL;
	return 1;
}

/* Copies up to the end of a line, with "\x0a" for a newline and the like. */
static void unescape(char *to, size_t size, const char *from)
{
	while (--size && *from && *from != '\n') {
		int skip = 1;

		if (sscanf(from, "\\x%2hhx%n", (unsigned char *)to, &skip) != 1)
			*to = *from;
		to++;
		from += skip;
	}
}

/* The comm goes to the end of the line, with spaces if it has any. */
static int set_switch(struct hypergraph_host *ev, const char *flags, __u64 prev, __u64 next,
		      const char *comm)
{
	char text[16] = "";

	ev->nr = HYPERGRAPH_NR_SCHED_SWITCH;
	unescape(text, sizeof(text), comm);
	memcpy(&ev->a[2], text + 8, 8);
	memcpy(&ev->a[3], text, 8);
	ev->a[0] = prev | (strstr(flags, ",gone") ? HYPERGRAPH_SCHED_GONE : 0) |
		   (strstr(flags, ",untold") ? HYPERGRAPH_SCHED_UNTOLD : 0);
	ev->a[1] = next | (strstr(flags, ",stale") ? HYPERGRAPH_SCHED_STALE : 0);
	return 1;
}

static int parse_switch(const char *word, const char *args, struct hypergraph_host *ev)
{
	__u64 prev, next;
	int skip = 0;

	if (!strncmp(word, "who", 3)) {
		return sscanf(args, "%llu %n", &next, &skip) == 1 &&
		       set_switch(ev, word, next, next, args + skip);
	}
	return sscanf(args, "%llu %llu %n", &prev, &next, &skip) == 2 &&
	       set_switch(ev, word, prev, next, args + skip);
}

static int parse_by_host(const char *word, struct hypergraph_host *ev)
{
	if (!strcmp(word, "triple_fault"))
		ev->nr = HYPERGRAPH_NR_TRIPLE_FAULT;
	else if (!strcmp(word, "reset"))
		ev->nr = HYPERGRAPH_NR_RESET;
	ev->by_host = ev->nr;
	return ev->nr;
}

static int parse_frame(const char *args, struct hypergraph_host *ev)
{
	__u64 pid, cpu, *a = ev->a;

	ev->nr = HYPERGRAPH_NR_MARK;
	a[0] = HYPERGRAPH_MARK_FRAME;
	if (sscanf(args, "%llx %llu %llu %llu", &a[1], &a[2], &pid, &cpu) != 4)
		return 0;
	a[3] = cpu << 32 | pid;
	return 1;
}

static int parse_hypercall(const char *word, const char *args, struct hypergraph_host *ev)
{
	__u64 *a = ev->a;

	if (!strcmp(word, "enter")) {
		ev->nr = HYPERGRAPH_NR_ENTRY;
		return sscanf(args, "%llx %llu", &a[0], &a[1]) == 2;
	}
	if (!strcmp(word, "return")) {
		ev->nr = HYPERGRAPH_NR_RETURN;
		return sscanf(args, "%llx %llu %llu", &a[0], &a[1], &a[2]) == 3;
	}
	if (!strncmp(word, "switch", 6) || !strncmp(word, "who", 3))
		return parse_switch(word, args, ev);
	if (!strcmp(word, "off"))
		return parse_off(args, ev);
	if (!strcmp(word, "frame"))
		return parse_frame(args, ev);
	if (parse_by_host(word, ev))
		return 1;
	return !strcmp(word, "call") &&
	       sscanf(args, "%hx %llx %llx %llx %llx", &ev->nr, &a[0], &a[1], &a[2], &a[3]) == 5;
}

static __u64 mark_kind(const char *name)
{
	static const char * const names[] = {
		[HYPERGRAPH_MARK_USER]		= "user",
		[HYPERGRAPH_MARK_BOOT]		= "boot",
		[HYPERGRAPH_MARK_OOPS]		= "oops",
		[HYPERGRAPH_MARK_PANIC]		= "panic",
		[HYPERGRAPH_MARK_REBOOT]	= "reboot",
	};
	__u64 kind;

	for (kind = HYPERGRAPH_MARK_USER; kind <= HYPERGRAPH_MARK_REBOOT; kind++) {
		if (!strcmp(names[kind], name))
			return kind;
	}
	errx(1, "no such kind of mark: %s", name);
}

static void add_mark(unsigned int cpu, __u64 ns, struct hypergraph_host *ev, const char *args)
{
	char name[16], text[HYPERGRAPH_MARK_MAX + HYPERGRAPH_MARK_BYTES] = "";
	__u64 offset = 0, length, kind;

	if (sscanf(args, "%15s %256[^\n]", name, text) < 1)
		errx(1, "bad mark: %s", args);
	kind = mark_kind(name);
	length = strlen(text);
	do {
		ev->nr = HYPERGRAPH_NR_MARK;
		ev->a[0] = offset << 32 | length << 8 | kind;
		memcpy(&ev->a[1], text + offset, HYPERGRAPH_MARK_BYTES);
		add_host(cpu, ns++, ev);
		offset += HYPERGRAPH_MARK_BYTES;
	} while (offset < length);
}

/* Which vCPU a thread ran last */
static __u16 vcpus[65536];

static int parse_exit(const char *args, struct kvm_exit *ev)
{
	return sscanf(args, "%u %i %llx %u", &ev->isa, (int *)&ev->exit_reason, &ev->guest_rip,
		      &ev->vcpu_id) >= 3;
}

/* True if it was an event of the host's function_graph. */
static int add_graph(const char *word, unsigned int cpu, unsigned int thread, __u64 ns,
		     const char *args)
{
	struct graph_entry entry = { .common = { .type = ID_GRAPH_ENTRY, .pid = thread } };
	struct graph_return ret = { .common = { .type = ID_GRAPH_RETURN, .pid = thread } };
	__u64 duration;

	if (!strcmp(word, "host_enter") &&
	    sscanf(args, "%llx %llu", &entry.func, &entry.depth) == 2) {
		add_event(cpu, ns, &entry, sizeof(entry));
		return 1;
	}
	if (strcmp(word, "host_return") ||
	    sscanf(args, "%llx %llu %u", &ret.func, &duration, &ret.depth) != 3)
		return 0;
	ret.calltime = ns - duration;
	ret.rettime = ns;
	add_event(cpu, ns, &ret, sizeof(ret));
	return 1;
}

static int parse_joined(const char *args, const struct hypergraph_host *of,
			struct hypergraph_exit *ev)
{
	ev->vm = of->vm;
	ev->vm_id = of->vm_id;
	ev->vcpu = of->vcpu;
	ev->nested = of->nested;
	ev->nested_vcpu = of->nested_vcpu;
	return sscanf(args, "%hhu %i %llx %llu", &ev->isa, (int *)&ev->reason, &ev->guest_rip,
		      &ev->duration) == 4;
}

/* Whose event it is: returns what follows that in the line, or NULL. */
static const char *parse_vcpu(const char *args, struct hypergraph_host *ev)
{
	int skip = 0, id_skip = 0, nested_skip = 0;

	if (sscanf(args, "%u%n", &ev->vm, &skip) != 1)
		return NULL;
	args += skip;
	if (sscanf(args, ".%hu%n", &ev->vm_id, &id_skip) == 1)
		args += id_skip;
	if (sscanf(args, "%hu%n", &ev->vcpu, &skip) != 1)
		return NULL;
	args += skip;
	if (sscanf(args, "/%x%n", &ev->nested_vcpu, &nested_skip) == 1)
		ev->nested = 1;
	return args + nested_skip;
}

/* True if it was of KVM's own events. */
static int add_kvm(const char *word, unsigned int cpu, unsigned int thread, __u64 ns,
		   const char *args)
{
	__u32 vcpu = vcpus[thread % 65536];
	struct kvm_exit exit = { .common = { .type = ID_EXIT, .pid = thread }, .vcpu_id = vcpu };
	struct kvm_hypercall call = { .common = { .type = ID_HYPERCALL, .pid = thread } };
	struct common nested = { .type = ID_NESTED_EXIT, .pid = thread };

	if (!strcmp(word, "entry"))
		add_entry(cpu, ns, thread, *args ? strtoul(args, NULL, 10) : vcpu);
	else if (!strcmp(word, "kvm_hypercall") &&
		 sscanf(args, "%llx %llx %llx %llx %llx", &call.nr, &call.a[0], &call.a[1],
			&call.a[2], &call.a[3]) == 5)
		add_event(cpu, ns, &call, sizeof(call));
	else if (!strcmp(word, "nested_vmexit"))
		add_event(cpu, ns, &nested, sizeof(nested));
	else if (!strcmp(word, "exit") && parse_exit(args, &exit))
		add_event(cpu, ns, &exit, sizeof(exit));
	else
		return 0;
	return 1;
}

static void add_of_vcpu(const char *word, unsigned int cpu, __u64 ns,
			struct hypergraph_host *ev, const char *args)
{
	struct hypergraph_exit joined = { .common = { .type = ID_JOINED, .pid = ev->common.pid } };

	if (!strcmp(word, "mark"))
		add_mark(cpu, ns, ev, args);
	else if (!strcmp(word, "hello"))
		add_hello(cpu, ns, ev, args);
	else if (!strcmp(word, "hypergraph_exit") && parse_joined(args, ev, &joined))
		add_joined(cpu, ns, &joined);
	else if (parse_hypercall(word, args, ev))
		add_host(cpu, ns, ev);
	else
		errx(1, "bad line: %s ... %s", word, args);
}

static void parse_event(const char *word, const char *args)
{
	struct hypergraph_host ev = { .common.type = ID_HYPERGRAPH };
	unsigned int cpu, thread;
	int skip = 0;
	__u64 ns;

	if (sscanf(args, "%u %u %llu %n", &cpu, &thread, &ns, &skip) != 3 || cpu >= CPUS)
		errx(1, "bad line: %s %s", word, args);
	args += skip;
	if (add_kvm(word, cpu, thread, ns, args) || add_graph(word, cpu, thread, ns, args))
		return;
	ev.common.pid = thread;
	args = parse_vcpu(args, &ev);
	if (!args)
		errx(1, "bad line: %s", word);
	vcpus[thread % 65536] = ev.vcpu;
	add_of_vcpu(word, cpu, ns, &ev, args);
}

/* "name=12" or "name=0xc" in what trace-cmd report -R prints, 0 where it is not there */
static __u64 later_field(const char *line, const char *name)
{
	char text[32];
	const char *found;

	snprintf(text, sizeof(text), " %s=", name);
	found = strstr(line, text);
	return found ? strtoull(found + strlen(text), NULL, 0) : 0;
}

static __u64 recorded_field(const char *line, const char *name)
{
	if (!strstr(line, name))
		errx(1, "no %s: %s", name, line);
	return later_field(line, name);
}

static void add_recorded_host(const char *line, unsigned int cpu, __u64 ns, int thread)
{
	struct hypergraph_host ev = {
		.common = { .type = ID_HYPERGRAPH, .pid = thread },
		.vm = recorded_field(line, "vm"),
		.vcpu = recorded_field(line, "vcpu"),
		.vm_id = later_field(line, "vm_id"),
		.nested = recorded_field(line, "nested"),
		.nested_vcpu = recorded_field(line, "nested_vcpu"),
		.nr = recorded_field(line, "nr"),
		.by_host = later_field(line, "by_host"),
		.a = {
			recorded_field(line, "a0"), recorded_field(line, "a1"),
			recorded_field(line, "a2"), recorded_field(line, "a3"),
		},
		.exit_overhead = recorded_field(line, "exit_overhead"),
	};

	add_host(cpu, ns, &ev);
}

static void add_recorded_exit(const char *line, unsigned int cpu, __u64 ns, int thread)
{
	struct hypergraph_exit ev = {
		.common = { .type = ID_JOINED, .pid = thread },
		.vm = recorded_field(line, "vm"),
		.vcpu = recorded_field(line, "vcpu"),
		.vm_id = later_field(line, "vm_id"),
		.nested = recorded_field(line, "nested"),
		.isa = recorded_field(line, "isa"),
		.nested_vcpu = recorded_field(line, "nested_vcpu"),
		.reason = recorded_field(line, "reason"),
		.guest_rip = recorded_field(line, "guest_rip"),
		.duration = recorded_field(line, "duration"),
	};

	add_joined(cpu, ns, &ev);
}

/* True if it was " comm-88  [000]  14.295264038: hypergraph_host:  vm=86 ..." */
static int parse_recorded(const char *line)
{
	const char *bracket = strchr(line, '['), *pid = bracket;
	unsigned int cpu;
	__u64 s, ns;

	if (!bracket || sscanf(bracket, "[%u] %llu.%9llu:", &cpu, &s, &ns) != 3 || cpu >= CPUS)
		return 0;
	while (pid > line && *pid != '-')
		pid--;
	if (strstr(bracket, ": hypergraph_host: "))
		add_recorded_host(line, cpu, s * 1000000000 + ns, atoi(pid + 1));
	else if (strstr(bracket, ": hypergraph_exit: "))
		add_recorded_exit(line, cpu, s * 1000000000 + ns, atoi(pid + 1));
	return 1;
}

static void parse_line(const char *line)
{
	char word[32];
	unsigned int cpu;
	long long lost;
	int skip;

	if (sscanf(line, "%31s%n", word, &skip) != 1 || *word == '#')
		return;
	if (sscanf(line, "lost %u %lld", &cpu, &lost) == 2 && cpu < CPUS)
		cpus[cpu].lost = lost;
	else if (!parse_recorded(line))
		parse_event(word, line + skip);
}

static void put(FILE *out, const void *data, size_t size)
{
	fwrite(data, size, 1, out);
}

static void put32(FILE *out, __u32 n)
{
	put(out, &n, sizeof(n));
}

static void put64(FILE *out, __u64 n)
{
	put(out, &n, sizeof(n));
}

static void put_text(FILE *out, const char *text)
{
	put64(out, strlen(text));
	fputs(text, out);
}

static void put_string(FILE *out, const char *string)
{
	put(out, string, strlen(string) + 1);
}

/* Without its new fields if it is to be @old */
static void put_format(FILE *out, const char *format, int older)
{
	char *text = strdup(format), *to = text;

	while (*format) {
		int new = *format == *NEW_FIELD;
		size_t len;

		format += new;
		len = strcspn(format, "\n") + 1;
		if (!new || !older) {
			memcpy(to, format, len);
			to += len;
		}
		format += len;
	}
	*to = '\0';
	put_text(out, text);
	free(text);
}

static void put_kvm_events(FILE *out)
{
	int with_entry = !stock || !old;

	put_string(out, "kvm");
	put32(out, 1 + with_entry + 2 * stock);
	put_format(out, exit_format, !stock || old);
	if (with_entry)
		put_text(out, entry_format);
	if (stock) {
		put_text(out, hypercall_format);
		put_text(out, nested_exit_format);
	}
}

static void put_events(FILE *out, int with_hypergraph)
{
	put32(out, 2);				/* of ftrace itself */
	put_text(out, graph_entry_format);
	put_text(out, graph_return_format);
	put32(out, with_hypergraph ? 2 : 1);	/* systems */
	if (with_hypergraph) {
		put_string(out, "hypergraph");
		put32(out, 2);
		put_format(out, hypergraph_format, old);
		put_format(out, joined_format, old);
	}
	put_kvm_events(out);
}

static void put_header(FILE *out, int with_hypergraph, const char *clock)
{
	fwrite("\x17\x08\x44tracing6\0\0\x08", 14, 1, out);	/* little endian, 64 bits */
	put32(out, PAGE);
	put_string(out, "header_page");
	put_text(out, header_page);
	put_string(out, "header_event");
	put_text(out, header_event);
	put_events(out, with_hypergraph);
	put32(out, sizeof(kallsyms) - 1);
	fputs(kallsyms, out);
	put32(out, 0);		/* no printk formats */
	put64(out, 0);		/* no command names */
	put32(out, CPUS);
	put_string(out, "options  ");
	if (clock) {
		put(out, "\4\0", 2);
		put32(out, strlen(clock) + 1);
		put_string(out, clock);
	}
	put(out, "\0\0", 2);
	put_string(out, "flyrecord");
}

/* Where the pages of each CPU are, then the pages, from the next page boundary after @at on */
static void put_data(FILE *out, size_t at)
{
	size_t table_end = at + 16 * CPUS;
	__u64 begin = (table_end + PAGE - 1) / PAGE * PAGE, offset = begin;
	int i;

	for (i = 0; i < CPUS; i++) {
		put64(out, offset);
		put64(out, cpus[i].nr * PAGE);
		offset += cpus[i].nr * PAGE;
	}
	for (; table_end < begin; table_end++)
		putc(0, out);
	for (i = 0; i < CPUS; i++) {
		if (cpus[i].nr)
			fwrite(cpus[i].pages, PAGE, cpus[i].nr, out);
	}
}

/* @out may be a pipe, which does not tell how much was written. */
static void put_trace(FILE *out, int with_hypergraph, const char *clock)
{
	char *text = NULL;
	size_t size = 0;
	FILE *header = open_memstream(&text, &size);

	if (!header)
		err(1, NULL);
	put_header(header, with_hypergraph, clock);
	if (fclose(header))
		err(1, NULL);
	fwrite(text, size, 1, out);
	free(text);
	put_data(out, size);
}

/* A vCPU whose tasks call functions at random, and exit now and then */
struct load {
	__u32 random;
	__u64 ns;
	__u64 pid;		/* of the task that runs */
	__u64 depth[LOAD_TASKS];
	__u64 addr[LOAD_TASKS][LOAD_DEPTH];
};

static __u32 next_random(struct load *load)
{
	load->random = load->random * 1664525 + 1013904223;
	return load->random >> 8;
}

static void load_switch(struct load *load, struct hypergraph_host *ev)
{
	__u64 next = next_random(load) % LOAD_TASKS;

	ev->nr = HYPERGRAPH_NR_SCHED_SWITCH;
	ev->a[0] = 100 * (ev->vcpu + 1) + load->pid;
	ev->a[1] = 100 * (ev->vcpu + 1) + next;
	ev->a[2] = 0;
	memcpy(&ev->a[3], "worker\0\0", 8);
	load->pid = next;
}

static void load_call(struct load *load, struct hypergraph_host *ev)
{
	__u64 *depth = &load->depth[load->pid];
	int enter = next_random(load) % (2 * LOAD_DEPTH) >= LOAD_DEPTH / 2 + *depth;

	if (!*depth || (enter && *depth < LOAD_DEPTH)) {
		ev->nr = HYPERGRAPH_NR_ENTRY;
		ev->a[0] = LOAD_TEXT + 0x100 * (next_random(load) % LOAD_FUNCTIONS);
		ev->a[1] = *depth;
		load->addr[load->pid][(*depth)++] = ev->a[0];
		return;
	}
	ev->nr = HYPERGRAPH_NR_RETURN;
	ev->a[0] = load->addr[load->pid][--*depth];
	ev->a[1] = 100 + next_random(load) % 5000;
	ev->a[2] = *depth;
}

static void load_exit(unsigned int cpu, struct load *load)
{
	static const __u32 reasons[] = { 0x60, 0x78, 0x7b, 0x7c, 0x400 };
	struct hypergraph_exit ev = {
		.common = { .type = ID_JOINED, .pid = 101 + cpu },
		.vm = 100, .vcpu = cpu, .isa = 2,
		.reason = reasons[next_random(load) % (sizeof(reasons) / sizeof(*reasons))],
		.guest_rip = LOAD_TEXT + 0x100 * (next_random(load) % LOAD_FUNCTIONS) + 0x10,
		.duration = 1000 + next_random(load) % 20000,
	};

	load->ns += ev.duration;
	add_event(cpu, load->ns, &ev, sizeof(ev));
}

static void add_load(long nr)
{
	static struct load loads[CPUS];
	struct hypergraph_host hello = {
		.common = { .type = ID_HYPERGRAPH, .pid = 101 }, .vm = 100,
	};
	unsigned int cpu;

	for (cpu = 0; cpu < CPUS; cpu++)
		loads[cpu].random = cpu;
	add_hello(0, 0, &hello, "4 ffffffff81000000 0123456789abcdef0123456789abcdef01234567 1");

	while (nr--) {
		struct load *load = &loads[cpu = nr % CPUS];
		struct hypergraph_host ev = {
			.common = { .type = ID_HYPERGRAPH, .pid = 101 + cpu },
			.vm = 100, .vcpu = cpu, .exit_overhead = 1000,
		};
		__u32 what = next_random(load) % 1024;

		load->ns += 200 + next_random(load) % 2000;
		if (what < 50) {
			load_exit(cpu, load);
			continue;
		}
		if (what < 55)
			load_switch(load, &ev);
		else
			load_call(load, &ev);
		add_event(cpu, load->ns, &ev, sizeof(ev));
	}
}

int main(int argc, char **argv)
{
	char line[512];

	int without = argc == 2 && !strcmp(argv[1], "--without-hypergraph");
	const char *clock = argc == 3 && !strcmp(argv[1], "--clock") ? argv[2] : NULL;

	stock = argc >= 2 && !strcmp(argv[1], "--stock");
	old = argc >= 2 && !strcmp(argv[argc - 1], "--old");
	if (argc == 3 && !strcmp(argv[1], "--load")) {
		add_load(atol(argv[2]));
	} else {
		while (fgets(line, sizeof(line), stdin))
			parse_line(line);
	}
	put_trace(stdout, !without && !stock, clock);
	return fflush(stdout) ? 1 : 0;
}
