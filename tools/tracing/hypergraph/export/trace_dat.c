// SPDX-License-Identifier: GPL-2.0
/*
 * A trace.dat of one guest, with the events of function_graph and sched_switch as if they
 * had been recorded in it, but on the host's clock.
 *
 * The format is version 6 of trace-cmd.dat(5), which all of trace-cmd, KernelShark and
 * Trace Compass read. libtracecmd offers only to read.
 */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "export/format.h"
#include "util/spool.h"
#include "util/util.h"

#define PAGE		SPOOL_BLOCK
#define PAGE_HEADER	16	/* timestamp and commit */

/* In commit: events were lost before those of this page. */
#define MISSED_EVENTS	0x80000000ULL

/*
 * In an event's header, type_len counts words, and the rest is the time since the last one.
 * If it is 0 the next word counts bytes, with itself. In a time extend the next word has the
 * upper bits of that time.
 */
#define TYPE_LEN_BITS	5
#define MAX_TYPE_LEN	28
#define TYPE_TIME_EXTEND 30
#define DELTA_BITS	27
#define MAX_DELTA	((1U << DELTA_BITS) - 1)
#define MAX_EXTEND_BITS	(DELTA_BITS + 32)

/* No kernel for x86 has more. */
#define MAX_CPUS	8192

/* A header of two words behind a time extend */
#define EVENT_OVERHEAD	16

/* In the file's options */
#define OPTION_DONE	0
#define OPTION_CLOCK	4

/* The kernel has these in its enum trace_type. */
#define ID_GRAPH_RETURN	10
#define ID_GRAPH_ENTRY	11
#define ID_PRINT	5
/* Any that is free */
#define ID_SWITCH	300

struct common {
	__u16 type;
	__u8 flags;
	__u8 preempt_count;
	__s32 pid;
};

struct graph_entry {
	struct common common;
	__u64 func;
	__u64 depth;
};

struct graph_return {
	struct common common;
	__u64 func;
	__u32 depth;
	__u32 overrun;
	__u64 calltime;
	__u64 rettime;
};

struct sched_switch {
	struct common common;
	char prev_comm[16];
	__s32 prev_pid;
	__s32 prev_prio;
	__s64 prev_state;
	char next_comm[16];
	__s32 next_pid;
	__s32 next_prio;
};

/* A guest's CPU */
struct cpu {
	struct spool_stream *pages;
	__u64 ts;		/* of the last event */
	__u64 lost;		/* when events were, which is before the next one; or 0 */
	bool page_lost;		/* before the first one of this page */
};

struct trace_dat {
	struct spool spool;
	struct map functions;	/* that were called, by address */
	const struct guest *guest;	/* which is written, NULL: none was seen yet */
	bool several;			/* Other ones were seen, too. */
};

#define COMMON_FORMAT \
	"format:\n" \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n" \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n" \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n" \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"

/* A field, in a print format */
#define REC(field)	"REC->" #field

static const char entry_format[] =
	"name: funcgraph_entry\nID: 11\n" COMMON_FORMAT
	"\tfield:unsigned long func;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long depth;\toffset:16;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"--> %ps (%lu)\", (void *)REC->func, REC->depth\n";

static const char return_format[] =
	"name: funcgraph_exit\nID: 10\n" COMMON_FORMAT
	"\tfield:unsigned long func;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned int depth;\toffset:16;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned int overrun;\toffset:20;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long long calltime;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:unsigned long long rettime;\toffset:32;\tsize:8;\tsigned:0;\n\n"
	"print fmt: \"<-- %ps (%u)\", (void *)REC->func, REC->depth\n";

static const char print_format[] =
	"name: print\nID: 5\n" COMMON_FORMAT
	"\tfield:char buf[];\toffset:8;\tsize:0;\tsigned:0;\n\n"
	"print fmt: \"%s\", " REC(buf) "\n";

static const char switch_format[] =
	"name: sched_switch\nID: 300\n" COMMON_FORMAT
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\tfield:int prev_prio;\toffset:28;\tsize:4;\tsigned:1;\n"
	"\tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;\n"
	"\tfield:char next_comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t next_pid;\toffset:56;\tsize:4;\tsigned:1;\n"
	"\tfield:int next_prio;\toffset:60;\tsize:4;\tsigned:1;\n\n"
	"print fmt: \"%s:%d %s ==> %s:%d\", " REC(prev_comm) ", " REC(prev_pid)
	", __print_symbolic(" REC(prev_state) ", { 0, \"R\" }, { 0x10, \"X\" }, { 0x200, \"?\" }), "
	REC(next_comm) ", " REC(next_pid) "\n";

static const char header_page[] =
	"\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
	"\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
	"\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
	"\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n";

static const char header_event[] =
	"# compressed entry header\n\ttype_len    :    5 bits\n\ttime_delta  :   27 bits\n"
	"\tarray       :   32 bits\n\n\tpadding     : type == 29\n\ttime_extend : type == 30\n"
	"\ttime_stamp : type == 31\n\tdata max type_len  == 28\n";

static int trace_dat_begin(struct export *e)
{
	struct trace_dat *d = xcalloc(1, sizeof(*d));

	e->priv = d;
	return spool_open(&d->spool);
}

/* A nested guest is meant only if its vCPU is asked for. */
static bool is_meant(const struct filter *f, const struct guest *guest)
{
	if (!filter_wants_vm(f, guest->vm, guest->vm_id))
		return false;
	if (!f->one_vcpu)
		return !guest->nested;
	return f->nested == guest->nested && (!guest->nested || f->vcpu == guest->nested_nr);
}

static void trace_dat_guest_new(void *ctx, struct guest *guest)
{
	struct export *e = ctx;
	struct trace_dat *d = e->priv;

	if (!is_meant(e->cg->filter, guest))
		return;
	d->several = d->guest;
	d->guest = guest;
}

static void trace_dat_vcpu_new(void *ctx, struct vcpu *v)
{
	struct export *e = ctx;
	struct cpu *cpu;

	if (!filter_wants_vcpu(e->cg->filter, v))
		return;
	cpu = xcalloc(1, sizeof(*cpu));
	cpu->pages = xcalloc(1, sizeof(*cpu->pages));
	v->priv = cpu;
}

static void end_page(struct trace_dat *d, struct cpu *cpu)
{
	struct spool_stream *pages = cpu->pages;
	__u64 commit = pages->used - PAGE_HEADER;

	if (!pages->used)
		return;
	if (cpu->page_lost)
		commit |= MISSED_EVENTS;
	memcpy(pages->data + 8, &commit, sizeof(commit));
	spool_end_block(&d->spool, pages);
}

/* What was known before events were lost may be told after that. */
static bool is_after_lost(const struct cpu *cpu, __u64 ts)
{
	return cpu->lost && ts >= cpu->lost;
}

static void begin_page(struct cpu *cpu, __u64 ts)
{
	cpu->page_lost = is_after_lost(cpu, ts);
	if (cpu->page_lost)
		cpu->lost = 0;
	memcpy(cpu->pages->data, &ts, sizeof(ts));
	cpu->pages->used = PAGE_HEADER;
	cpu->ts = ts;
}

static void put_word(struct spool_stream *pages, __u32 word)
{
	memcpy(pages->data + pages->used, &word, sizeof(word));
	pages->used += sizeof(word);
}

/* The time since the last event is in the header of the next one, or else before that. */
static __u32 put_time(struct cpu *cpu, __u64 ts)
{
	__u64 delta = ts - cpu->ts;

	cpu->ts = ts;
	if (delta <= MAX_DELTA)
		return delta << TYPE_LEN_BITS;
	put_word(cpu->pages, (delta & MAX_DELTA) << TYPE_LEN_BITS | TYPE_TIME_EXTEND);
	put_word(cpu->pages, delta >> DELTA_BITS);
	return 0;
}

/* @size is a multiple of 4, and of not more than a mark has. */
static void add_event_at(struct export *e, const struct vcpu *v, __u64 ts, const void *event,
			 size_t size)
{
	struct trace_dat *d = e->priv;
	struct cpu *cpu = v->priv;
	struct spool_stream *pages = cpu->pages;
	__u32 time;

	if (ts < cpu->ts)
		ts = cpu->ts;
	if (!pages->used || is_after_lost(cpu, ts) || (ts - cpu->ts) >> MAX_EXTEND_BITS ||
	    pages->used + EVENT_OVERHEAD + size > PAGE) {
		end_page(d, cpu);
		begin_page(cpu, ts);
	}
	time = put_time(cpu, ts);
	if (size <= MAX_TYPE_LEN * 4) {
		put_word(pages, time | size / 4);
	} else {
		put_word(pages, time);
		put_word(pages, size + 4);
	}
	memcpy(pages->data + pages->used, event, size);
	pages->used += size;
}

static void add_event(struct export *e, const struct vcpu *v, const void *event, size_t size)
{
	add_event_at(e, v, e->cg->ts, event, size);
}

static void note_function(struct export *e, __u64 addr)
{
	struct trace_dat *d = e->priv;

	if (addr && !map_get(&d->functions, addr))
		map_add(&d->functions, addr, (void *)addr);
}

static void trace_dat_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct graph_entry event = {
		.common = { .type = ID_GRAPH_ENTRY, .pid = format_pid(v->current) },
		.func = f->addr,
		.depth = f->depth,
	};

	if (!v->priv)
		return;
	note_function(ctx, f->addr);
	add_event(ctx, v, &event, sizeof(event));
}

static void trace_dat_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
			  __u64 duration)
{
	struct export *e = ctx;
	struct graph_return event = {
		.common = { .type = ID_GRAPH_RETURN, .pid = format_pid(v->current) },
		.func = f->addr,
		.depth = f->depth,
		.calltime = e->cg->ts - duration,
		.rettime = e->cg->ts,
	};

	if (!v->priv)
		return;
	if (!entered)
		note_function(ctx, f->addr);
	add_event(ctx, v, &event, sizeof(event));
}

static void add_switch(struct export *e, const struct vcpu *v, const struct task *prev,
		       const struct task *next)
{
	struct sched_switch event = {
		.common = { .type = ID_SWITCH, .pid = format_pid(prev) },
		.prev_pid = format_pid(prev),
		.prev_prio = DEFAULT_PRIO,
		.prev_state = format_state(prev),
		.next_pid = format_pid(next),
		.next_prio = DEFAULT_PRIO,
	};

	if (!v->priv)
		return;
	memcpy(event.prev_comm, format_comm(prev), sizeof(event.prev_comm) - 1);
	memcpy(event.next_comm, format_comm(next), sizeof(event.next_comm) - 1);
	add_event(e, v, &event, sizeof(event));
}

static void trace_dat_switching(void *ctx, struct vcpu *v, const struct task *next)
{
	add_switch(ctx, v, v->current, next);
}

static void trace_dat_identified(void *ctx, struct vcpu *v)
{
	add_switch(ctx, v, v->unknown, v->current);
}

static void trace_dat_lost(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct cpu *cpu = v->priv;

	(void)ctx;
	if (cpu)
		cpu->lost = ev->ts;
}

/* As ftrace records what is written to trace_marker */
static void trace_dat_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct common common = { .type = ID_PRINT, .pid = format_pid(v->current) };
	char *text, *event;
	size_t size;

	if (!v->priv)
		return;
	text = mark_name(m);
	size = (sizeof(common) + strlen(text) + 1 + 3) / 4 * 4;
	event = xcalloc(1, size);
	memcpy(event, &common, sizeof(common));
	memcpy(event + sizeof(common), text, strlen(text));
	add_event_at(ctx, v, m->ts, event, size);
	free(event);
	free(text);
}

static const struct callgraph_ops trace_dat_ops = {
	.guest_new = trace_dat_guest_new,
	.vcpu_new = trace_dat_vcpu_new,
	.entry = trace_dat_entry,
	.ret = trace_dat_ret,
	.lost = trace_dat_lost,
	.switching = trace_dat_switching,
	.identified = trace_dat_identified,
	.mark = trace_dat_mark,
};

static void put16(FILE *out, __u16 n)
{
	fwrite(&n, sizeof(n), 1, out);
}

static void put32(FILE *out, __u32 n)
{
	fwrite(&n, sizeof(n), 1, out);
}

static void put64(FILE *out, __u64 n)
{
	fwrite(&n, sizeof(n), 1, out);
}

static void put_string(FILE *out, const char *string)
{
	fwrite(string, strlen(string) + 1, 1, out);
}

static void put_text(FILE *out, const char *text)
{
	put64(out, strlen(text));
	fputs(text, out);
}

/* One table has room for one kernel's addresses. */
static struct kernel guest_kernel(const struct export *e, const struct guest *guest)
{
	const struct boot *boot = guest->nr_told > 1 ? map_nth(&guest->boots, 0) : guest->boot;

	return symbols_kernel(e->syms, boot->key);
}

/* Of a function without a name trace-cmd 3.4 does not show the address either. */
static void print_symbols(const struct export *e, FILE *out)
{
	const struct trace_dat *d = e->priv;
	struct kernel kernel = guest_kernel(e, d->guest);
	__u64 offset;
	void *addr;

	kernel_write_symbols(&kernel, out);
	map_for_each(addr, &d->functions) {
		if (!kernel_function(&kernel, (__u64)addr, &offset))
			fprintf(out, "%016llx t 0x%llx\n", (__u64)addr, (__u64)addr);
	}
}

static void put_kallsyms(struct export *e)
{
	char *text = print_to_string(print_symbols, e);

	put32(e->out, strlen(text));
	fputs(text, e->out);
	free(text);
}

/* "57 dd", a line for each task */
static void print_comms(const struct export *e, FILE *out)
{
	const struct trace_dat *d = e->priv;
	const struct task *task;

	map_for_each(task, &e->cg->tasks) {
		if (task->boot->guest == d->guest && task->pid > 0 && *task->comm)
			fprintf(out, "%d %s\n", task->pid, task->comm);
	}
}

static void put_comms(struct export *e)
{
	char *text = print_to_string(print_comms, e);

	put_text(e->out, text);
	free(text);
}

/* The clock is the one that "[]" chooses. */
static void put_options(struct export *e)
{
	char *clock = xasprintf("[%s]", trace_clock(e->trace));

	put_string(e->out, "options  ");
	put16(e->out, OPTION_CLOCK);
	put32(e->out, strlen(clock) + 1);
	put_string(e->out, clock);
	put16(e->out, OPTION_DONE);
	free(clock);
}

static void put_header(struct export *e, __u32 nr_cpus)
{
	fwrite("\x17\x08\x44tracing6\0\0\x08", 14, 1, e->out);	/* little endian, 64 bits */
	put32(e->out, PAGE);
	put_string(e->out, "header_page");
	put_text(e->out, header_page);
	put_string(e->out, "header_event");
	put_text(e->out, header_event);
	put32(e->out, 3);		/* of ftrace itself */
	put_text(e->out, entry_format);
	put_text(e->out, return_format);
	put_text(e->out, print_format);
	put32(e->out, 1);		/* systems */
	put_string(e->out, "sched");
	put32(e->out, 1);
	put_text(e->out, switch_format);
	put_kallsyms(e);
	put32(e->out, 0);		/* no printk formats */
	put_comms(e);
	put32(e->out, nr_cpus);
	put_options(e);
	put_string(e->out, "flyrecord");
}

static bool is_written(const struct export *e, const struct vcpu *v)
{
	const struct trace_dat *d = e->priv;

	return v->priv && v->guest == d->guest;
}

static int compare_ids(const void *a, const void *b)
{
	const struct vcpu *const *v = a, *const *w = b;

	return ((*v)->id > (*w)->id) - ((*v)->id < (*w)->id);
}

/* The guest's vCPUs by id, to be freed */
static struct vcpu **sort_vcpus(struct export *e, __u32 *nr)
{
	struct map written = { 0 };
	struct vcpu **sorted, *v;

	map_for_each(v, &e->cg->vcpus) {
		if (is_written(e, v))
			map_add(&written, written.nr, v);
	}
	*nr = written.nr;
	sorted = map_sort(&written, compare_ids);
	map_free(&written);
	return sorted;
}

/* Is its id the number of a guest's CPU? Those of nested vCPUs and of threads are not. */
static bool is_cpu(const struct vcpu *v)
{
	return !v->guest->nested && v->id < MAX_CPUS;
}

/*
 * Lists the CPUs of the file by number, with NULL where there is no vCPU; to be freed. Ids of
 * which one is no CPU's tell only their order.
 */
static struct cpu **list_cpus(struct export *e, __u32 *nr)
{
	__u32 i, nr_vcpus;
	struct vcpu **sorted = sort_vcpus(e, &nr_vcpus);
	struct cpu **list;
	bool dense = nr_vcpus && !is_cpu(sorted[nr_vcpus - 1]);

	*nr = !nr_vcpus || dense ? nr_vcpus : sorted[nr_vcpus - 1]->id + 1;
	list = xcalloc(*nr, sizeof(*list));
	for (i = 0; i < nr_vcpus; i++)
		list[dense ? i : sorted[i]->id] = sorted[i]->priv;
	free(sorted);
	return list;
}

/* Where the pages of each CPU are, then the pages, from the next page boundary on */
static int put_data(struct export *e, struct cpu **list, __u32 nr, size_t header)
{
	static const char zeroes[PAGE];
	struct trace_dat *d = e->priv;
	__u64 table_end = header + 16 * (__u64)nr;
	__u64 begin = (table_end + PAGE - 1) / PAGE * PAGE, offset = begin;
	__u32 i;

	for (i = 0; i < nr; i++) {
		__u64 size = list[i] ? list[i]->pages->nr * PAGE : 0;

		put64(e->out, offset);
		put64(e->out, size);
		offset += size;
	}
	fwrite(zeroes, begin - table_end, 1, e->out);
	for (i = 0; i < nr; i++) {
		if (list[i] && spool_copy(&d->spool, list[i]->pages, e->out))
			return -1;
	}
	return 0;
}

/* The header is made in memory, as stdout does not tell how much was written to it. */
static size_t write_header(struct export *e, __u32 nr)
{
	FILE *out = e->out;
	char *header;
	size_t size;

	e->out = xmemstream(&header, &size);
	put_header(e, nr);
	xclose(e->out);
	e->out = out;
	fwrite(header, size, 1, out);
	free(header);
	return size;
}

static int write_file(struct export *e)
{
	struct vcpu *v;
	struct cpu **list;
	__u32 nr;
	int ret;

	map_for_each(v, &e->cg->vcpus) {
		if (v->priv)
			end_page(e->priv, v->priv);
	}
	list = list_cpus(e, &nr);
	if (nr <= MAX_CPUS) {
		ret = put_data(e, list, nr, write_header(e, nr));
	} else {
		warnx("%s: has %u vCPUs: a trace.dat has at most %u", e->file, nr, MAX_CPUS);
		ret = -1;
	}
	free(list);
	return ret;
}

static int trace_dat_end(struct export *e)
{
	const struct trace_dat *d = e->priv;

	if (!d->guest) {
		warnx("%s: a trace.dat has a guest's calls, task switches and marks: here is none",
		      e->file);
		return -1;
	}
	if (d->several) {
		warnx("%s: has several guests: choose one with --vm, a nested one with --vcpu",
		      e->file);
		return -1;
	}
	return write_file(e);
}

static void trace_dat_free(struct export *e)
{
	struct trace_dat *d = e->priv;
	struct vcpu *v;

	map_for_each(v, &e->cg->vcpus) {
		struct cpu *cpu = v->priv;

		if (cpu)
			spool_free(cpu->pages);
		free(cpu);
	}
	if (!d)
		return;
	map_free(&d->functions);
	spool_close(&d->spool);
	free(d);
}

const struct format format_trace_dat = {
	.name = "trace-dat",
	.help = "trace.dat of one guest: trace-cmd, KernelShark, Trace Compass",
	.ops = &trace_dat_ops,
	.begin = trace_dat_begin,
	.end = trace_dat_end,
	.free = trace_dat_free,
};
