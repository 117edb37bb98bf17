// SPDX-License-Identifier: GPL-2.0
/*
 * Turns a description of events on stdin into a trace.dat (version 6, see
 * trace-cmd.dat.v6(5)) on stdout, for tests without a VM. One event a line:
 *
 *	enter	CPU THREAD NS VM VCPU ADDRESS DEPTH
 *	return	CPU THREAD NS VM VCPU ADDRESS DURATION DEPTH
 *	switch	CPU THREAD NS VM VCPU PREV-PID NEXT-PID NEXT-COMM
 *	hello	CPU THREAD NS VM VCPU CPUS STEXT BUILD-ID
 *	mark	CPU THREAD NS VM VCPU KIND TEXT		one event or more, NS apart by 1
 *	frame	CPU THREAD NS VM VCPU ADDRESS DEPTH PID GUEST-CPU
 *	call	CPU THREAD NS VM VCPU NR A0 A1 A2 A3
 *	hypergraph_exit CPU THREAD NS VM VCPU ISA REASON RIP DURATION
 *	exit	CPU THREAD NS ISA REASON RIP
 *	entry	CPU THREAD NS
 *	lost	CPU COUNT		before the next event there, -1: unknown
 *
 * CPU, THREAD and NS are the host's. VCPU is "0", or "0/1a2b" for the nested vCPU
 * 0x1a2b that runs on it. An empty line or one with a # is left out.
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

/* Of the kernel's ring buffer: in commit, and what follows a page's data */
#define MISSED_EVENTS	0x80000000U
#define MISSED_STORED	0x40000000U

#define ID_HYPERGRAPH	1500
#define ID_EXIT		1501
#define ID_ENTRY	1502
#define ID_JOINED	1503

struct common {
	__u16 type;
	__u8 flags;
	__u8 preempt_count;
	__s32 pid;
};

struct hypergraph_host {
	struct common common;
	__u32 vm;
	__u16 vcpu, nested;
	__u32 nested_vcpu, nr;
	__u64 a[4], guest_rip, exit_overhead;
};

struct hypergraph_exit {
	struct common common;
	__u32 vm;
	__u16 vcpu;
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
};

struct kvm_entry {
	struct common common;
	__u32 vcpu_id;
};

/* One event a page is enough here. */
static struct cpu {
	char (*pages)[PAGE];
	size_t nr;
	long long lost;
} cpus[CPUS];

#define COMMON_FORMAT \
	"format:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

static const char hypergraph_format[] =
	"name: hypergraph_host\nID: 1500\n" COMMON_FORMAT
	"\tfield:u32 vm;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:u16 vcpu;\toffset:12;\tsize:2;\tsigned:0;\n"
	"\tfield:u16 nested;\toffset:14;\tsize:2;\tsigned:0;\n"
	"\tfield:u32 nested_vcpu;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 nr;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 a0;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 a1;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 a2;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 a3;\toffset:48;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 guest_rip;\toffset:56;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 exit_overhead;\toffset:64;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"vm=%u vcpu=%u nr=0x%x a0=0x%llx\", REC->vm, REC->vcpu, REC->nr, REC->a0\n";

static const char joined_format[] =
	"name: hypergraph_exit\nID: 1503\n" COMMON_FORMAT
	"\tfield:u32 vm;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:u16 vcpu;\toffset:12;\tsize:2;\tsigned:0;\n"
	"\tfield:u8 nested;\toffset:14;\tsize:1;\tsigned:0;\n"
	"\tfield:u8 isa;\toffset:15;\tsize:1;\tsigned:0;\n"
	"\tfield:u32 nested_vcpu;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 reason;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 guest_rip;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 info1;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 info2;\toffset:40;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 duration;\toffset:48;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 vmm;\toffset:56;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"vm=%u vcpu=%u reason=0x%x\", REC->vm, REC->vcpu, REC->reason\n";

/* The print format uses what libtraceevent 1.7 cannot parse, as the kernel's does. */
static const char exit_format[] =
	"name: kvm_exit\nID: 1501\n" COMMON_FORMAT
	"\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long guest_rip;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:u32 isa;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:u64 info1;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u64 info2;\toffset:40;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"reason %s\", __print_symbolic_u64(REC->exit_reason, { 0x7bULL, \"io\" })\n";

static const char entry_format[] =
	"name: kvm_entry\nID: 1502\n" COMMON_FORMAT
	"\tfield:unsigned int vcpu_id;\toffset:8;\tsize:4;\tsigned:0;\n\n"
	"print fmt: \"vcpu %u\", REC->vcpu_id\n";

static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

static const char header_event[] =
	"# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
	"\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
	"\ttime_stamp : type == 31\n\tdata max type_len  == 28\n";

static void add_event(unsigned int nr, __u64 ns, const void *event, size_t size)
{
	struct cpu *cpu = &cpus[nr];
	__u32 words = (size + 3) / 4;	/* type_len of a small event, with a delta of 0 */
	__u64 commit = sizeof(words) + 4 * words;
	char *page;

	cpu->pages = realloc(cpu->pages, (cpu->nr + 1) * PAGE);
	if (!cpu->pages)
		err(1, NULL);
	page = cpu->pages[cpu->nr++];
	memset(page, 0, PAGE);
	memcpy(page + PAGE_HEADER, &words, sizeof(words));
	memcpy(page + PAGE_HEADER + sizeof(words), event, size);
	if (cpu->lost > 0)
		memcpy(page + PAGE_HEADER + commit, &cpu->lost, sizeof(cpu->lost));
	if (cpu->lost)
		commit |= MISSED_EVENTS | (cpu->lost > 0 ? MISSED_STORED : 0);
	cpu->lost = 0;
	memcpy(page, &ns, sizeof(ns));
	memcpy(page + 8, &commit, sizeof(commit));
}

static int parse_hello(const char *args, struct hypergraph_host *ev)
{
	__u64 cpus, *a = ev->a;

	ev->nr = HYPERGRAPH_NR_HELLO;
	if (sscanf(args, "%llu %llx %16llx%16llx", &cpus, &a[1], &a[2], &a[3]) != 4)
		return 0;
	a[0] = cpus << 32 | HYPERGRAPH_VERSION;
	a[2] = __builtin_bswap64(a[2]);
	a[3] = __builtin_bswap64(a[3]);
	return 1;
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
	char comm[16] = "";
	__u64 *a = ev->a;

	if (!strcmp(word, "enter")) {
		ev->nr = HYPERGRAPH_NR_ENTRY;
		return sscanf(args, "%llx %llu", &a[0], &a[1]) == 2;
	}
	if (!strcmp(word, "return")) {
		ev->nr = HYPERGRAPH_NR_RETURN;
		return sscanf(args, "%llx %llu %llu", &a[0], &a[1], &a[2]) == 3;
	}
	if (!strcmp(word, "switch")) {
		ev->nr = HYPERGRAPH_NR_SCHED_SWITCH;
		if (sscanf(args, "%llu %llu %15s", &a[0], &a[1], comm) != 3)
			return 0;
		memcpy(&a[2], comm + 8, 8);
		memcpy(&a[3], comm, 8);
		return 1;
	}
	if (!strcmp(word, "hello"))
		return parse_hello(args, ev);
	if (!strcmp(word, "frame"))
		return parse_frame(args, ev);
	return !strcmp(word, "call") &&
	       sscanf(args, "%x %llx %llx %llx %llx", &ev->nr, &a[0], &a[1], &a[2], &a[3]) == 5;
}

static __u64 mark_kind(const char *name)
{
	static const char * const names[] = {
		[HYPERGRAPH_MARK_USER]		= "user",
		[HYPERGRAPH_MARK_BOOT]		= "boot",
		[HYPERGRAPH_MARK_OOPS]		= "oops",
		[HYPERGRAPH_MARK_PANIC]		= "panic",
		[HYPERGRAPH_MARK_REBOOT]	= "reboot",
		[HYPERGRAPH_MARK_TRIPLE_FAULT]	= "triple_fault",
	};
	__u64 kind;

	for (kind = HYPERGRAPH_MARK_USER; kind <= HYPERGRAPH_MARK_TRIPLE_FAULT; kind++) {
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
		add_event(cpu, ns++, ev, sizeof(*ev));
		offset += HYPERGRAPH_MARK_BYTES;
	} while (offset < length);
}

static int parse_exit(const char *args, struct kvm_exit *ev)
{
	return sscanf(args, "%u %i %llx", &ev->isa, (int *)&ev->exit_reason, &ev->guest_rip) == 3;
}

static int parse_joined(const char *args, const struct hypergraph_host *of,
			struct hypergraph_exit *ev)
{
	ev->vm = of->vm;
	ev->vcpu = of->vcpu;
	ev->nested = of->nested;
	ev->nested_vcpu = of->nested_vcpu;
	return sscanf(args, "%hhu %i %llx %llu", &ev->isa, (int *)&ev->reason, &ev->guest_rip,
		      &ev->duration) == 4;
}

/* Whose event it is: returns what follows that in the line, or NULL. */
static const char *parse_vcpu(const char *args, struct hypergraph_host *ev)
{
	int skip = 0, nested_skip = 0;

	if (sscanf(args, "%u %hu%n", &ev->vm, &ev->vcpu, &skip) != 2)
		return NULL;
	args += skip;
	if (sscanf(args, "/%x%n", &ev->nested_vcpu, &nested_skip) == 1)
		ev->nested = 1;
	return args + nested_skip;
}

static void parse_event(const char *word, const char *args)
{
	struct hypergraph_host ev = { .common.type = ID_HYPERGRAPH };
	struct hypergraph_exit joined = { .common.type = ID_JOINED };
	struct kvm_exit exit = { .common.type = ID_EXIT };
	struct kvm_entry entry = { .common.type = ID_ENTRY };
	unsigned int cpu, thread;
	int skip = 0;
	__u64 ns;

	if (sscanf(args, "%u %u %llu %n", &cpu, &thread, &ns, &skip) != 3 || cpu >= CPUS)
		errx(1, "bad line: %s %s", word, args);
	args += skip;
	ev.common.pid = thread;
	joined.common.pid = thread;
	exit.common.pid = thread;
	entry.common.pid = thread;
	if (!strcmp(word, "entry")) {
		add_event(cpu, ns, &entry, sizeof(entry));
		return;
	}
	if (!strcmp(word, "exit") && parse_exit(args, &exit)) {
		add_event(cpu, ns, &exit, sizeof(exit));
		return;
	}
	args = parse_vcpu(args, &ev);
	if (!args)
		errx(1, "bad line: %s", word);
	if (!strcmp(word, "mark")) {
		add_mark(cpu, ns, &ev, args);
		return;
	}
	if (!strcmp(word, "hypergraph_exit") && parse_joined(args, &ev, &joined)) {
		add_event(cpu, ns, &joined, sizeof(joined));
		return;
	}
	if (!parse_hypercall(word, args, &ev))
		errx(1, "bad line: %s ... %s", word, args);
	add_event(cpu, ns, &ev, sizeof(ev));
}

static void parse_line(const char *line)
{
	char word[16];
	unsigned int cpu;
	long long lost;
	int skip;

	if (sscanf(line, "%15s%n", word, &skip) != 1 || *word == '#')
		return;
	if (sscanf(line, "lost %u %lld", &cpu, &lost) == 2 && cpu < CPUS)
		cpus[cpu].lost = lost;
	else
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

static void put_events(FILE *out, int with_hypergraph)
{
	put32(out, 0);				/* of ftrace itself */
	put32(out, with_hypergraph ? 2 : 1);	/* systems */
	if (with_hypergraph) {
		put_string(out, "hypergraph");
		put32(out, 2);
		put_text(out, hypergraph_format);
		put_text(out, joined_format);
	}
	put_string(out, "kvm");
	put32(out, 2);
	put_text(out, exit_format);
	put_text(out, entry_format);
}

static void put_header(FILE *out, int with_hypergraph)
{
	fwrite("\x17\x08\x44tracing6\0\0\x08", 14, 1, out);	/* little endian, 64 bits */
	put32(out, PAGE);
	put_string(out, "header_page");
	put_text(out, header_page);
	put_string(out, "header_event");
	put_text(out, header_event);
	put_events(out, with_hypergraph);
	put32(out, 0);		/* no kallsyms */
	put32(out, 0);		/* no printk formats */
	put64(out, 0);		/* no command names */
	put32(out, CPUS);
	put_string(out, "flyrecord");
}

/* Where the pages of each CPU are, then the pages, from the next page boundary on */
static void put_data(FILE *out)
{
	long table_end = ftell(out) + 16 * CPUS;
	__u64 offset = (table_end + PAGE - 1) / PAGE * PAGE;
	int i;

	for (i = 0; i < CPUS; i++) {
		put64(out, offset);
		put64(out, cpus[i].nr * PAGE);
		offset += cpus[i].nr * PAGE;
	}
	while (ftell(out) % PAGE)
		putc(0, out);
	for (i = 0; i < CPUS; i++) {
		if (cpus[i].nr)
			fwrite(cpus[i].pages, PAGE, cpus[i].nr, out);
	}
}

int main(int argc, char **argv)
{
	char line[512];

	/* The format of kvm's events only, as a host without the patch has */
	int without = argc == 2 && !strcmp(argv[1], "--without-hypergraph");

	while (fgets(line, sizeof(line), stdin))
		parse_line(line);
	put_header(stdout, !without);
	put_data(stdout);
	return fflush(stdout) ? 1 : 0;
}
