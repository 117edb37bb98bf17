// SPDX-License-Identifier: GPL-2.0
/*
 * Reads a host's trace.dat: what guests sent, and their VM exits, each joined
 * with the vCPU it belongs to and with the time until the next VM entry.
 *
 * A hypergraph_exit says all that. A kvm_exit does not say which VM it is of. But
 * a vCPU is one thread of its VMM, so the hypergraph_host events of that thread say
 * it for its exits too. They do not say whether the vCPU ran a nested guest then,
 * nor does kvm_nested_vmexit say which one: such an exit stays with the vCPU.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <trace-cmd/trace-cmd.h>

#include "input/decode.h"
#include "input/exit_reason.h"
#include "input/sound.h"
#include "input/dat.h"
#include "util/map.h"
#include "input/trace.h"
#include "input/join.h"
#include "util/util.h"

/* More than a page, so than any event, has; what says otherwise is damaged. */
#define MAX_OFFSET	65536

#define TRACE_MAGIC	"\x17\x08\x44tracing"

struct field {
	int offset;
	int size;
};

/* An event of the host, and where its fields are: found once, read often. */
struct event_format {
	int id;			/* negative: not in this trace */
	int size;
};

/* Whose an event of hypergraph is: its first fields */
enum { OF_VM, OF_VCPU, OF_NESTED, OF_NESTED_VCPU, OF_FIELDS };

enum { HC_NR = OF_FIELDS, HC_A0, HC_A1, HC_A2, HC_A3, HC_OVERHEAD, HC_FIELDS };
static const char * const hypercall_fields[HC_FIELDS] = {
	"vm", "vcpu", "nested", "nested_vcpu", "nr", "a0", "a1", "a2", "a3", "exit_overhead",
};

enum { JOINED_REASON = OF_FIELDS, JOINED_ISA, JOINED_RIP, JOINED_DURATION, JOINED_FIELDS };
static const char * const joined_fields[JOINED_FIELDS] = {
	"vm", "vcpu", "nested", "nested_vcpu", "reason", "isa", "guest_rip", "duration",
};

enum { EXIT_REASON, EXIT_ISA, EXIT_RIP, EXIT_FIELDS };
static const char * const exit_fields[EXIT_FIELDS] = {
	"exit_reason", "isa", "guest_rip",
};

/* Of function_graph on the host */
enum { GRAPH_FUNC, GRAPH_DEPTH, GRAPH_ENTRY_FIELDS };
enum { GRAPH_CALLTIME = GRAPH_ENTRY_FIELDS, GRAPH_RETTIME, GRAPH_FIELDS };
static const char * const graph_fields[GRAPH_FIELDS] = {
	"func", "depth", "calltime", "rettime",
};

enum { COMMON_TYPE, COMMON_PID, COMMON_FIELDS };
static const char * const common_fields[COMMON_FIELDS] = {
	"common_type", "common_pid",
};

enum record {
	RECORD_OTHER,
	RECORD_HYPERCALL,	/* hypergraph_host */
	RECORD_JOINED,		/* hypergraph_exit: an exit and the entry after it */
	RECORD_EXIT,
	RECORD_ENTRY,
	RECORD_HOST_ENTRY,	/* of a function of the host */
	RECORD_HOST_RETURN,
};

/*
 * What the host called since a kvm_exit, until it is known whose exit that was. Times do not
 * tell this from what the VM entry before called: the event of an exit is written some time
 * after the exit's duration ended. More than a screenful of screens of them is not a call
 * graph that one reads.
 */
#define MAX_HOST_CALLS	4096

struct host_calls {
	struct event *list;
	unsigned int nr;
	unsigned int alloc;
};

/* A thread of the host which runs a vCPU, and whatever that runs nested */
struct thread {
	struct thread *next;	/* in order of appearance */
	bool known;		/* a guest was heard from here: vm and vcpu are valid */
	bool held;		/* a kvm_exit waits for what ends it */
	int host_cpu;		/* where it was seen last */
	__u32 vm;
	__u32 vcpu;
	struct event exit;	/* if held */
	struct track *track;	/* which it ran last */
	struct host_calls calls;
};

/* A vCPU of which there were events, or a nested one */
struct track {
	struct track *next;	/* in order of appearance */
	struct thread *thread;	/* which ran it last */
	__u32 vm;
	__u32 vcpu;
	bool nested;
	bool lost;		/* nothing was seen of it since events were lost */
	void *priv;
};

/* What was read of a CPU's pages, whose offsets are libtracecmd's */
struct progress {
	__u64 first;
	__u64 last;		/* 0: none */
	__u64 ts;
};

struct trace {
	const char *file;
	struct dat *dat;
	FILE *copy;		/* that is read instead, if the file is cut */
	struct progress *progress;	/* of each CPU */
	struct tracecmd_input *input;
	struct tep_handle *tep;

	struct field common[COMMON_FIELDS];
	int common_size;
	struct field hypercall_field[HC_FIELDS];
	struct field joined_field[JOINED_FIELDS];
	struct field exit_field[EXIT_FIELDS];
	struct field graph_entry_field[GRAPH_ENTRY_FIELDS];
	struct field graph_return_field[GRAPH_FIELDS];
	struct event_format graph_entry;
	struct event_format graph_return;
	struct event_format hypercall;
	struct event_format joined;
	struct event_format exit;
	struct event_format entry;

	struct map thread_map;		/* by pid */
	struct thread *threads;
	struct thread **last_thread;

	struct map track_map;		/* by vcpu_key() */
	struct track *tracks;
	struct track **last_track;
	struct map nested_map;		/* a nested track of each VM that has any */
	bool joined_seen;
	bool exit_seen;
	bool host_call_seen;

	event_handler_t handler;
	void *ctx;
	struct totals totals;
	__u64 last_ts;		/* of any event */
};

/* As what wrote it, this runs on x86: no bytes are swapped. */
static __u64 read_field(const struct field *f, const struct tep_record *rec)
{
	const void *p = (const char *)rec->data + f->offset;
	__u64 n = 0;

	switch (f->size) {
	case 8:
		memcpy(&n, p, 8);
		break;
	case 4:
		memcpy(&n, p, 4);
		break;
	case 2:
		memcpy(&n, p, 2);
		break;
	default:
		memcpy(&n, p, 1);
	}
	return n;
}

static struct thread *get_thread(struct trace *t, __u32 pid)
{
	struct thread *th = map_get(&t->thread_map, pid);

	if (th)
		return th;
	th = xcalloc(1, sizeof(*th));
	map_add(&t->thread_map, pid, th);
	*t->last_thread = th;
	t->last_thread = &th->next;
	return th;
}

static struct track *new_track(struct trace *t, __u32 vm, __u32 vcpu, bool nested)
{
	struct track *track = xcalloc(1, sizeof(*track));

	track->vm = vm;
	track->vcpu = vcpu;
	track->nested = nested;
	*t->last_track = track;
	t->last_track = &track->next;
	map_add(&t->track_map, vcpu_key(vm, vcpu, nested), track);
	if (nested && !map_get(&t->nested_map, vm))
		map_add(&t->nested_map, vm, track);
	return track;
}

/* What @th runs now */
static struct track *run_track(struct trace *t, struct thread *th, __u32 vm, __u32 vcpu,
			       bool nested)
{
	struct track *track = th->track;

	if (track && track->vm == vm && track->vcpu == vcpu && track->nested == nested &&
	    track->thread == th)
		return track;
	track = map_get(&t->track_map, vcpu_key(vm, vcpu, nested));
	if (!track)
		track = new_track(t, vm, vcpu, nested);
	track->thread = th;
	th->track = track;
	return track;
}

static void deliver(struct trace *t, struct track *track, struct event *ev)
{
	track->lost = ev->type == EVENT_LOST;
	ev->vm = track->vm;
	ev->vcpu = track->vcpu;
	ev->nested = track->nested;
	ev->priv = &track->priv;
	t->handler(t->ctx, ev);
}

/* What the host called for a hypercall is no one's. */
static void drop_host_calls(struct thread *th)
{
	th->calls.nr = 0;
}

static void deliver_host_calls(struct trace *t, struct thread *th, struct track *track)
{
	struct host_calls *calls = &th->calls;
	__u32 base = ~0U;
	unsigned int i;

	for (i = 0; i < calls->nr; i++) {
		if (calls->list[i].host.depth < base)
			base = calls->list[i].host.depth;
	}
	for (i = 0; i < calls->nr; i++) {
		calls->list[i].host.depth -= base;
		deliver(t, track, &calls->list[i]);
	}
	drop_host_calls(th);
}

static struct event *add_host_call(struct thread *th, enum event_type type,
				   const struct tep_record *rec)
{
	struct host_calls *calls = &th->calls;
	struct event *ev;

	if (calls->nr == calls->alloc) {
		calls->alloc = calls->alloc ? 2 * calls->alloc : 64;
		calls->list = xrealloc(calls->list, calls->alloc * sizeof(*calls->list));
	}
	ev = &calls->list[calls->nr++];
	*ev = (struct event){ .type = type, .ts = rec->ts };
	return ev;
}

static void handle_host_entry(struct trace *t, struct thread *th, const struct tep_record *rec)
{
	struct event *ev;

	t->host_call_seen = true;
	if (!th->held)
		return;
	/* Returns, of which there are no more than of entries, may go beyond it. */
	if (th->calls.nr >= MAX_HOST_CALLS) {
		t->totals.host_calls_left_out++;
		return;
	}
	ev = add_host_call(th, EVENT_HOST_ENTRY, rec);
	ev->host.addr = read_field(&t->graph_entry_field[GRAPH_FUNC], rec);
	ev->host.depth = read_field(&t->graph_entry_field[GRAPH_DEPTH], rec);
	ev->host.open = true;
}

/* The innermost call that has not returned yet, if it is @addr's at @depth: or NULL */
static struct event *find_open(const struct host_calls *calls, __u64 addr, __u32 depth)
{
	unsigned int i = calls->nr;

	while (i--) {
		struct event *ev = &calls->list[i];

		if (ev->type == EVENT_HOST_ENTRY && ev->host.open && ev->host.depth <= depth)
			return ev->host.depth == depth && ev->host.addr == addr ? ev : NULL;
	}
	return NULL;
}

/* A function that was entered before the guest was is not of this exit alone. */
static void handle_host_return(struct trace *t, struct thread *th, const struct tep_record *rec)
{
	__u64 addr = read_field(&t->graph_return_field[GRAPH_FUNC], rec);
	__u32 depth = read_field(&t->graph_return_field[GRAPH_DEPTH], rec);
	struct event *ev = find_open(&th->calls, addr, depth);

	if (!ev)
		return;
	ev->host.open = false;
	ev = add_host_call(th, EVENT_HOST_RETURN, rec);
	ev->host.addr = addr;
	ev->host.depth = depth;
	ev->host.duration = read_field(&t->graph_return_field[GRAPH_RETTIME], rec) -
			    read_field(&t->graph_return_field[GRAPH_CALLTIME], rec);
}

/*
 * Of a kvm_exit without a hypergraph_exit. If those are recorded, it was of another VM,
 * or was lost. @duration is 0 when the entry was not recorded.
 */
static void end_exit(struct trace *t, struct thread *th, __u64 duration)
{
	if (!th->held)
		return;
	th->held = false;
	if (t->joined_seen) {
		drop_host_calls(th);
		return;
	}
	if (!th->known) {
		t->totals.foreign_exits++;
		drop_host_calls(th);
		return;
	}
	th->exit.exit.duration = duration;
	th->exit.exit.maybe_nested = map_get(&t->nested_map, th->vm);
	deliver(t, run_track(t, th, th->vm, th->vcpu, false), &th->exit);
	deliver_host_calls(t, th, th->track);
}

static void handle_exit(struct trace *t, struct thread *th, struct tep_record *rec)
{
	struct event *ev = &th->exit;

	end_exit(t, th, 0);
	t->exit_seen = true;
	ev->type = EVENT_EXIT;
	ev->exit.reason = read_field(&t->exit_field[EXIT_REASON], rec);
	ev->exit.isa = read_field(&t->exit_field[EXIT_ISA], rec);
	ev->exit.rip = read_field(&t->exit_field[EXIT_RIP], rec);
	ev->ts = rec->ts;
	th->held = true;
}

static void handle_hypercall(struct trace *t, struct track *track, struct tep_record *rec)
{
	struct event ev = { .ts = rec->ts };
	__u64 a[4];
	int i;

	for (i = 0; i < 4; i++)
		a[i] = read_field(&t->hypercall_field[HC_A0 + i], rec);
	decode_hypercall(&ev, read_field(&t->hypercall_field[HC_NR], rec), a);
	ev.overhead = read_field(&t->hypercall_field[HC_OVERHEAD], rec);
	t->totals.overhead += ev.overhead;
	if (!t->totals.hypercalls++)
		t->totals.first_ts = rec->ts;
	t->totals.last_ts = rec->ts;
	deliver(t, track, &ev);
}

static void handle_joined(struct trace *t, struct thread *th, struct track *track,
			  struct tep_record *rec)
{
	struct event ev = { .type = EVENT_EXIT };

	ev.exit.duration = read_field(&t->joined_field[JOINED_DURATION], rec);
	ev.ts = th->held ? th->exit.ts : rec->ts - ev.exit.duration;
	th->held = false;
	if (!track) {
		t->totals.foreign_exits++;
		drop_host_calls(th);
		return;
	}
	ev.exit.reason = read_field(&t->joined_field[JOINED_REASON], rec);
	ev.exit.isa = read_field(&t->joined_field[JOINED_ISA], rec);
	ev.exit.rip = read_field(&t->joined_field[JOINED_RIP], rec);
	deliver(t, track, &ev);
	deliver_host_calls(t, th, track);
}

/* @fields are those of an event of hypergraph. */
static struct track *read_track(struct trace *t, struct thread *th, const struct field *fields,
				struct tep_record *rec)
{
	bool nested = read_field(&fields[OF_NESTED], rec);
	const struct field *vcpu = &fields[nested ? OF_NESTED_VCPU : OF_VCPU];

	return run_track(t, th, read_field(&fields[OF_VM], rec),
			 read_field(vcpu, rec), nested);
}

/* Ends what the thread did before a hypercall, and learns its vCPU from that. */
static struct track *begin_hypercall(struct trace *t, struct thread *th, struct tep_record *rec)
{
	/* An unfiltered kvm_exit shows this very hypercall's exit as well. */
	if (th->held && exit_is_hypercall(th->exit.exit.isa, th->exit.exit.reason))
		th->held = false;
	end_exit(t, th, 0);
	drop_host_calls(th);

	th->vm = read_field(&t->hypercall_field[OF_VM], rec);
	th->vcpu = read_field(&t->hypercall_field[OF_VCPU], rec);
	th->known = true;
	return read_track(t, th, t->hypercall_field, rec);
}

/* NULL if the exit is of a thread that had sent nothing yet */
static struct track *begin_joined(struct trace *t, struct thread *th, struct tep_record *rec)
{
	t->joined_seen = true;
	return th->known ? read_track(t, th, t->joined_field, rec) : NULL;
}

/*
 * Hit is all that @th was the last to run: any of that may have run in between.
 * A nested guest may be long gone, though: it is told once until it is seen again.
 */
static void lose_tracks(struct trace *t, const struct thread *th, struct event *ev)
{
	struct track *track;

	for (track = t->tracks; track; track = track->next) {
		if (track->thread == th && !(track->nested && track->lost))
			deliver(t, track, ev);
	}
}

/*
 * The buffer of a host CPU lost events. Hit are the vCPUs which ran there before,
 * and the one that runs there now. A vCPU that came and went in between shows
 * only by its depths, which is why those are never taken on trust.
 */
static void handle_lost(struct trace *t, struct thread *current, struct tep_record *rec)
{
	struct event ev = {
		.type = EVENT_LOST,
		.ts = rec->ts,
		.lost = { .count = rec->missed_events, .host_cpu = rec->cpu },
	};
	struct thread *th;

	if (rec->missed_events > 0)
		t->totals.lost += rec->missed_events;
	else
		t->totals.lost_uncounted = true;

	for (th = t->threads; th; th = th->next) {
		if (th != current && th->host_cpu != rec->cpu)
			continue;
		end_exit(t, th, 0);
		lose_tracks(t, th, &ev);
	}
}

static bool is_event(const struct event_format *fmt, int type, const struct tep_record *rec)
{
	return type == fmt->id && rec->size >= fmt->size;
}

static enum record record_type(const struct trace *t, const struct tep_record *rec)
{
	int type;

	if (rec->size < t->common_size)
		return RECORD_OTHER;
	type = read_field(&t->common[COMMON_TYPE], rec);
	if (is_event(&t->hypercall, type, rec))
		return RECORD_HYPERCALL;
	if (is_event(&t->joined, type, rec))
		return RECORD_JOINED;
	if (is_event(&t->exit, type, rec))
		return RECORD_EXIT;
	if (is_event(&t->entry, type, rec))
		return RECORD_ENTRY;
	if (is_event(&t->graph_entry, type, rec))
		return RECORD_HOST_ENTRY;
	return is_event(&t->graph_return, type, rec) ? RECORD_HOST_RETURN : RECORD_OTHER;
}

static void handle_thread(struct trace *t, struct thread *th, enum record type,
			  struct tep_record *rec)
{
	struct track *track = NULL;

	if (type == RECORD_HYPERCALL)
		track = begin_hypercall(t, th, rec);
	else if (type == RECORD_JOINED)
		track = begin_joined(t, th, rec);
	if (rec->missed_events)
		handle_lost(t, th, rec);

	th->host_cpu = rec->cpu;
	if (type == RECORD_HYPERCALL)
		handle_hypercall(t, track, rec);
	else if (type == RECORD_JOINED)
		handle_joined(t, th, track, rec);
	else if (type == RECORD_ENTRY)
		end_exit(t, th, rec->ts - th->exit.ts);
	else if (type == RECORD_HOST_ENTRY)
		handle_host_entry(t, th, rec);
	else if (type == RECORD_HOST_RETURN)
		handle_host_return(t, th, rec);
	else
		handle_exit(t, th, rec);
}

void trace_record(struct trace *t, struct tep_record *rec)
{
	enum record type = record_type(t, rec);

	t->totals.events++;
	t->last_ts = rec->ts;
	if (type != RECORD_OTHER)
		handle_thread(t, get_thread(t, read_field(&t->common[COMMON_PID], rec)), type,
			      rec);
	else if (rec->missed_events)
		handle_lost(t, NULL, rec);
}

/*
 * False if libtracecmd goes back, as it does by an event whose damaged size is negative, or
 * has events of a CPU that has none.
 */
static bool note_progress(struct trace *t, unsigned int cpu, const struct tep_record *rec)
{
	struct progress *p;

	if (cpu >= dat_cpus(t->dat))
		return false;
	p = &t->progress[cpu];
	if (p->last && rec->offset <= p->last)
		return false;
	if (!p->last)
		p->first = rec->offset;
	p->last = rec->offset;
	p->ts = rec->ts;
	return true;
}

static int handle_record(struct tracecmd_input *input, struct tep_record *rec, int cpu,
			 void *data)
{
	struct trace *t = data;

	(void)input;
	if (!note_progress(t, cpu, rec))
		return -1;
	trace_record(t, rec);
	return 0;
}

/* libtracecmd reads no more of a CPU after what is damaged, and does not tell. */
static bool read_all_of(struct trace *t, unsigned int cpu)
{
	const struct progress *p = &t->progress[cpu];
	__u32 size = dat_page_size(t->dat);
	__u64 pages = p->last ? p->last / size - p->first / size + 1 : 0;
	__u64 at = dat_find_page(t->dat, cpu, pages);

	if (at)
		warnx("%s: damaged at offset %llu: what CPU %u recorded after %.9f s is lost",
		      t->file, at, cpu, p->ts / 1e9);
	return !at;
}

static bool read_all(struct trace *t)
{
	unsigned int cpu;
	bool all = true;

	for (cpu = 0; cpu < dat_cpus(t->dat); cpu++)
		all &= read_all_of(t, cpu);
	return all;
}

int trace_read(struct trace *t, event_handler_t handler, void *ctx)
{
	struct thread *th;
	int ret;

	t->handler = handler;
	t->ctx = ctx;
	ret = tracecmd_iterate_events(t->input, NULL, 0, handle_record, t);
	for (th = t->threads; th; th = th->next)
		end_exit(t, th, 0);

	if (ret < 0) {
		warnx("%s: damaged: reading stopped after %llu events, at %llu.%09llu s", t->file,
		      t->totals.events, t->last_ts / 1000000000, t->last_ts % 1000000000);
		return -1;
	}
	if (t->host_call_seen && !t->exit_seen)
		warnx("%s: recorded without kvm_exit: functions of the host are left out",
		      t->file);
	if (!t->totals.hypercalls) {
		warnx("%s: no hypergraph_host events were recorded: did a guest trace?", t->file);
		return -1;
	}
	return read_all(t) && !t->copy ? 0 : -1;
}

const char *trace_host_function(const struct trace *t, __u64 addr)
{
	return tep_find_function(t->tep, addr);
}

const struct totals *trace_totals(const struct trace *t)
{
	return &t->totals;
}

static bool is_number(const struct tep_format_field *f)
{
	return f->offset >= 0 && f->offset <= MAX_OFFSET &&
	       (f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8);
}

static bool find_fields(struct trace *t, struct tep_event *event, struct field *fields,
			const char * const *names, int nr)
{
	int i;

	for (i = 0; i < nr; i++) {
		struct tep_format_field *f = tep_find_any_field(event, names[i]);

		if (!f) {
			warnx("%s: event %s has no field %s", t->file, event->name, names[i]);
			return false;
		}
		if (!is_number(f)) {
			warnx("%s: event %s has field %s of %d bytes at %d", t->file,
			      event->name, names[i], f->size, f->offset);
			return false;
		}
		fields[i] = (struct field){ f->offset, f->size };
	}
	return true;
}

/* How much of an event holds all @fields */
static int end_of_fields(const struct field *fields, int nr)
{
	int i, end = 0;

	for (i = 0; i < nr; i++) {
		if (fields[i].offset + fields[i].size > end)
			end = fields[i].offset + fields[i].size;
	}
	return end;
}

/* An event which is not in this trace is no error here. */
static bool find_event(struct trace *t, const char *name, struct event_format *fmt,
		       struct field *fields, const char * const *names, int nr)
{
	struct tep_event *event = tep_find_event_by_name(t->tep, NULL, name);

	fmt->id = -1;
	if (!event)
		return true;
	if (!find_fields(t, event, fields, names, nr))
		return false;
	fmt->id = event->id;
	fmt->size = end_of_fields(fields, nr);
	return true;
}

static bool find_events(struct trace *t)
{
	struct tep_event *event = tep_find_event_by_name(t->tep, NULL, "hypergraph_host");

	if (!event) {
		warnx("%s: has no hypergraph_host event: record with -e hypergraph_host", t->file);
		return false;
	}
	if (!find_fields(t, event, t->common, common_fields, COMMON_FIELDS))
		return false;
	t->common_size = end_of_fields(t->common, COMMON_FIELDS);
	return find_event(t, "hypergraph_host", &t->hypercall, t->hypercall_field,
			  hypercall_fields, HC_FIELDS) &&
	       find_event(t, "hypergraph_exit", &t->joined, t->joined_field,
			  joined_fields, JOINED_FIELDS) &&
	       find_event(t, "kvm_exit", &t->exit, t->exit_field, exit_fields, EXIT_FIELDS) &&
	       find_event(t, "kvm_entry", &t->entry, NULL, NULL, 0) &&
	       find_event(t, "funcgraph_entry", &t->graph_entry, t->graph_entry_field,
			  graph_fields, GRAPH_ENTRY_FIELDS) &&
	       find_event(t, "funcgraph_exit", &t->graph_return, t->graph_return_field,
			  graph_fields, GRAPH_FIELDS);
}

static bool check_magic(const char *file, const char *path)
{
	char magic[sizeof(TRACE_MAGIC) - 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, magic, sizeof(magic));
	bool ok = false;

	if (len < 0)
		warn("%s", file);
	else if (!len)
		warnx("%s: empty file", file);
	else if (len < (ssize_t)sizeof(magic) || memcmp(magic, TRACE_MAGIC, sizeof(magic)))
		warnx("%s: not a trace.dat file", file);
	else
		ok = true;
	if (fd >= 0)
		close(fd);
	return ok;
}

struct trace *trace_of_tep(struct tep_handle *tep, const char *name, event_handler_t handler,
			   void *ctx)
{
	struct trace *t = xcalloc(1, sizeof(*t));

	t->file = name;
	t->tep = tep;
	t->handler = handler;
	t->ctx = ctx;
	t->last_thread = &t->threads;
	t->last_track = &t->tracks;
	if (!tep_is_file_bigendian(tep) && find_events(t))
		return t;
	if (tep_is_file_bigendian(tep))
		warnx("%s: not of an x86 host: it is big-endian", name);
	trace_close(t);
	return NULL;
}

/* @path: NULL if it is of no known version */
static struct trace *open_trace(const char *file, const char *path)
{
	struct tracecmd_input *input = path && sound_check(path) ? sound_open(path) : NULL;
	struct trace *t;

	if (!input) {
		warnx("%s: unreadable: damaged or of an unknown version", file);
		return NULL;
	}
	t = trace_of_tep(tracecmd_get_tep(input), file, NULL, NULL);
	if (t)
		t->input = input;
	else
		tracecmd_close(input);
	return t;
}

/* What can be had of a file that is cut: *@dat becomes that of the copy. */
static struct trace *open_copy(const char *file, struct dat **dat)
{
	struct trace *t;
	FILE *copy;
	char *path;

	dat_warn(*dat, file);
	copy = dat_copy(*dat);
	if (!copy)
		return NULL;
	path = xasprintf("/proc/self/fd/%d", fileno(copy));
	dat_free(*dat);
	*dat = dat_read(path);
	t = open_trace(file, *dat ? path : NULL);
	if (t)
		t->copy = copy;
	else
		fclose(copy);
	free(path);
	return t;
}

static void warn_of_clock(const struct trace *t)
{
	const char *clock = dat_foreign_clock(t->dat);

	if (clock)
		warnx("%s: recorded with the clock %s: times of the host are not in ns",
		      t->file, clock);
}

struct trace *trace_open(const char *file, const char *path)
{
	struct dat *dat;
	struct trace *t;

	if (!check_magic(file, path))
		return NULL;
	dat = dat_read(path);
	if (dat && dat_is_cut(dat))
		t = open_copy(file, &dat);
	else
		t = open_trace(file, dat ? path : NULL);
	if (!t) {
		dat_free(dat);
		return NULL;
	}
	t->dat = dat;
	warn_of_clock(t);
	t->progress = xcalloc(dat_cpus(dat), sizeof(*t->progress));
	return t;
}

void trace_close(struct trace *t)
{
	struct thread *th;
	struct track *track;

	while ((th = t->threads)) {
		t->threads = th->next;
		free(th->calls.list);
		free(th);
	}
	while ((track = t->tracks)) {
		t->tracks = track->next;
		free(track);
	}
	map_free(&t->thread_map);
	map_free(&t->track_map);
	map_free(&t->nested_map);
	if (t->input)
		tracecmd_close(t->input);
	dat_free(t->dat);
	if (t->copy)
		fclose(t->copy);
	free(t->progress);
	free(t);
}
