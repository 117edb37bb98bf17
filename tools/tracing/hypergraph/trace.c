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

#include "exit_reason.h"
#include "map.h"
#include "trace.h"
#include "util.h"

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

enum { HC_NR = OF_FIELDS, HC_A0, HC_A1, HC_A2, HC_A3, HC_FIELDS };
static const char * const hypercall_fields[HC_FIELDS] = {
	"vm", "vcpu", "nested", "nested_vcpu", "nr", "a0", "a1", "a2", "a3",
};

enum { JOINED_REASON = OF_FIELDS, JOINED_ISA, JOINED_RIP, JOINED_DURATION, JOINED_FIELDS };
static const char * const joined_fields[JOINED_FIELDS] = {
	"vm", "vcpu", "nested", "nested_vcpu", "reason", "isa", "guest_rip", "duration",
};

enum { EXIT_REASON, EXIT_ISA, EXIT_RIP, EXIT_FIELDS };
static const char * const exit_fields[EXIT_FIELDS] = {
	"exit_reason", "isa", "guest_rip",
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
};

/* A thread of the host which runs a vCPU, and whatever that runs nested */
struct thread {
	struct thread *next;	/* in order of appearance */
	bool known;		/* a guest was heard from here: vm and vcpu are valid */
	bool held;		/* exit waits for the entry that ends it */
	int host_cpu;		/* where it was seen last */
	__u32 vm;
	__u32 vcpu;
	struct trace_event exit;
};

/* A vCPU of which there were events, or a nested one */
struct track {
	struct track *next;	/* in order of appearance */
	struct thread *thread;	/* which ran it last */
	__u32 vm;
	__u32 vcpu;
	bool nested;
	bool lost;		/* nothing was seen of it since events were lost */
};

struct trace {
	const char *file;
	struct tracecmd_input *input;
	struct tep_handle *tep;

	struct field common[COMMON_FIELDS];
	struct field hypercall_field[HC_FIELDS];
	struct field joined_field[JOINED_FIELDS];
	struct field exit_field[EXIT_FIELDS];
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

	trace_handler_t handler;
	void *ctx;
	bool stopped;
	struct trace_totals totals;
};

static __u64 read_field(struct trace *t, const struct field *f, struct tep_record *rec)
{
	return tep_read_number(t->tep, (char *)rec->data + f->offset, f->size);
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
	struct track *track = map_get(&t->track_map, vcpu_key(vm, vcpu, nested));

	if (!track)
		track = new_track(t, vm, vcpu, nested);
	track->thread = th;
	return track;
}

static void deliver(struct trace *t, struct track *track, struct trace_event *ev)
{
	track->lost = ev->type == TRACE_LOST;
	ev->vm = track->vm;
	ev->vcpu = track->vcpu;
	ev->nested = track->nested;
	t->handler(t->ctx, ev);
}

/* @duration is 0 when the entry was not recorded. */
static void end_exit(struct trace *t, struct thread *th, __u64 duration)
{
	if (!th->held)
		return;
	th->held = false;
	if (!th->known) {
		t->totals.foreign_exits++;
		return;
	}
	th->exit.exit.duration = duration;
	th->exit.exit.maybe_nested = map_get(&t->nested_map, th->vm);
	deliver(t, run_track(t, th, th->vm, th->vcpu, false), &th->exit);
}

static void handle_exit(struct trace *t, struct thread *th, struct tep_record *rec)
{
	struct trace_event *ev = &th->exit;

	end_exit(t, th, 0);
	ev->type = TRACE_EXIT;
	ev->exit.reason = read_field(t, &t->exit_field[EXIT_REASON], rec);
	ev->exit.isa = read_field(t, &t->exit_field[EXIT_ISA], rec);
	ev->exit.rip = read_field(t, &t->exit_field[EXIT_RIP], rec);
	ev->ts = rec->ts;
	th->held = true;
}

static void handle_hypercall(struct trace *t, struct track *track, struct tep_record *rec)
{
	struct trace_event ev = { .type = TRACE_HYPERCALL, .ts = rec->ts };
	int i;

	ev.call.nr = read_field(t, &t->hypercall_field[HC_NR], rec);
	for (i = 0; i < 4; i++)
		ev.call.a[i] = read_field(t, &t->hypercall_field[HC_A0 + i], rec);
	if (!t->totals.hypercalls++)
		t->totals.first_ts = rec->ts;
	t->totals.last_ts = rec->ts;
	deliver(t, track, &ev);
}

static void handle_joined(struct trace *t, struct track *track, struct tep_record *rec)
{
	struct trace_event ev = { .type = TRACE_EXIT };

	if (!track) {
		t->totals.foreign_exits++;
		return;
	}
	ev.exit.reason = read_field(t, &t->joined_field[JOINED_REASON], rec);
	ev.exit.isa = read_field(t, &t->joined_field[JOINED_ISA], rec);
	ev.exit.rip = read_field(t, &t->joined_field[JOINED_RIP], rec);
	ev.exit.duration = read_field(t, &t->joined_field[JOINED_DURATION], rec);
	ev.ts = rec->ts - ev.exit.duration;
	deliver(t, track, &ev);
}

/* @fields are those of an event of hypergraph. */
static struct track *read_track(struct trace *t, struct thread *th, const struct field *fields,
				struct tep_record *rec)
{
	bool nested = read_field(t, &fields[OF_NESTED], rec);
	const struct field *vcpu = &fields[nested ? OF_NESTED_VCPU : OF_VCPU];

	return run_track(t, th, read_field(t, &fields[OF_VM], rec),
			 read_field(t, vcpu, rec), nested);
}

/* Ends what the thread did before a hypercall, and learns its vCPU from that. */
static struct track *begin_hypercall(struct trace *t, struct thread *th, struct tep_record *rec)
{
	/* An unfiltered kvm_exit shows this very hypercall's exit as well. */
	if (th->held && exit_is_hypercall(th->exit.exit.isa, th->exit.exit.reason))
		th->held = false;
	end_exit(t, th, 0);

	th->vm = read_field(t, &t->hypercall_field[OF_VM], rec);
	th->vcpu = read_field(t, &t->hypercall_field[OF_VCPU], rec);
	th->known = true;
	return read_track(t, th, t->hypercall_field, rec);
}

/* NULL if the exit is of a thread that had sent nothing yet */
static struct track *begin_joined(struct trace *t, struct thread *th, struct tep_record *rec)
{
	/* If kvm_exit is recorded as well, it was of this very exit. */
	th->held = false;
	t->joined_seen = true;
	return th->known ? read_track(t, th, t->joined_field, rec) : NULL;
}

/*
 * Hit is all that @th was the last to run: any of that may have run in between.
 * A nested guest may be long gone, though: it is told once until it is seen again.
 */
static void lose_tracks(struct trace *t, const struct thread *th, struct trace_event *ev)
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
	struct trace_event ev = {
		.type = TRACE_LOST,
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

static bool is_event(const struct event_format *fmt, int type, struct tep_record *rec)
{
	return type == fmt->id && rec->size >= fmt->size;
}

static enum record record_type(struct trace *t, struct tep_record *rec)
{
	int type = read_field(t, &t->common[COMMON_TYPE], rec);

	if (is_event(&t->hypercall, type, rec))
		return RECORD_HYPERCALL;
	if (is_event(&t->joined, type, rec))
		return RECORD_JOINED;
	if (is_event(&t->exit, type, rec))
		return RECORD_EXIT;
	return is_event(&t->entry, type, rec) ? RECORD_ENTRY : RECORD_OTHER;
}

static int handle_record(struct tracecmd_input *input, struct tep_record *rec, int cpu,
			 void *data)
{
	struct trace *t = data;
	enum record type = record_type(t, rec);
	struct track *track = NULL;
	struct thread *th = NULL;

	(void)input;
	(void)cpu;
	if (type != RECORD_OTHER)
		th = get_thread(t, read_field(t, &t->common[COMMON_PID], rec));
	if (type == RECORD_HYPERCALL)
		track = begin_hypercall(t, th, rec);
	else if (type == RECORD_JOINED)
		track = begin_joined(t, th, rec);
	if (rec->missed_events)
		handle_lost(t, th, rec);
	if (!th)
		return 0;

	th->host_cpu = rec->cpu;
	if (type == RECORD_HYPERCALL)
		handle_hypercall(t, track, rec);
	else if (type == RECORD_JOINED)
		handle_joined(t, track, rec);
	else if (type == RECORD_ENTRY)
		end_exit(t, th, rec->ts - th->exit.ts);
	else if (!t->joined_seen)
		handle_exit(t, th, rec);
	/* A negative one ends the iteration. libtracecmd 1.3 then leaks a record a CPU. */
	return t->stopped ? -1 : 0;
}

int trace_read(struct trace *t, trace_handler_t handler, void *ctx)
{
	struct thread *th;
	int ret;

	t->handler = handler;
	t->ctx = ctx;
	ret = tracecmd_iterate_events(t->input, NULL, 0, handle_record, t);
	if (t->stopped)
		return 0;
	if (ret < 0) {
		warnx("%s: reading failed", t->file);
		return -1;
	}
	for (th = t->threads; th; th = th->next)
		end_exit(t, th, 0);

	if (!t->totals.hypercalls) {
		warnx("%s: no hypergraph_host events were recorded: did a guest trace?", t->file);
		return -1;
	}
	return 0;
}

void trace_stop(struct trace *t)
{
	t->stopped = true;
}

const struct trace_totals *trace_totals(const struct trace *t)
{
	return &t->totals;
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
		fields[i] = (struct field){ f->offset, f->size };
	}
	return true;
}

/* An event which is not in this trace is no error here. */
static bool find_event(struct trace *t, const char *name, struct event_format *fmt,
		       struct field *fields, const char * const *names, int nr)
{
	struct tep_event *event = tep_find_event_by_name(t->tep, NULL, name);
	int i;

	fmt->id = -1;
	if (!event)
		return true;
	if (!find_fields(t, event, fields, names, nr))
		return false;
	fmt->id = event->id;
	for (i = 0; i < nr; i++) {
		if (fields[i].offset + fields[i].size > fmt->size)
			fmt->size = fields[i].offset + fields[i].size;
	}
	return true;
}

static bool find_events(struct trace *t)
{
	struct tep_event *event = tep_find_event_by_name(t->tep, NULL, "hypergraph_host");

	if (!event) {
		warnx("%s: has no hypergraph_host event: record with -e hypergraph_host", t->file);
		return false;
	}
	return find_fields(t, event, t->common, common_fields, COMMON_FIELDS) &&
	       find_event(t, "hypergraph_host", &t->hypercall, t->hypercall_field,
			  hypercall_fields, HC_FIELDS) &&
	       find_event(t, "hypergraph_exit", &t->joined, t->joined_field,
			  joined_fields, JOINED_FIELDS) &&
	       find_event(t, "kvm_exit", &t->exit, t->exit_field, exit_fields, EXIT_FIELDS) &&
	       find_event(t, "kvm_entry", &t->entry, NULL, NULL, 0);
}

static bool check_magic(const char *file)
{
	char magic[sizeof(TRACE_MAGIC) - 1];
	int fd = open(file, O_RDONLY | O_CLOEXEC);
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

/*
 * In two steps, since tracecmd_open() of libtracecmd 1.3 crashes while it cleans
 * up after a truncated file. The handle is left alone then: we are about to exit.
 */
static struct tracecmd_input *open_input(const char *file)
{
	struct tracecmd_input *input = tracecmd_open_head(file, TRACECMD_FL_LOAD_NO_PLUGINS);

	return input && !tracecmd_init_data(input) ? input : NULL;
}

/* libtracecmd tells of a truncated file on stdout, whatever the log level. */
static struct tracecmd_input *open_input_silently(const char *file)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int out = dup(STDOUT_FILENO);
	struct tracecmd_input *input;

	tracecmd_set_loglevel(TEP_LOG_NONE);
	fflush(stdout);
	dup2(null, STDOUT_FILENO);
	input = open_input(file);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	close(out);
	close(null);
	return input;
}

struct trace *trace_open(const char *file)
{
	struct tracecmd_input *input;
	struct trace *t;

	if (!check_magic(file))
		return NULL;
	input = open_input_silently(file);
	if (!input) {
		warnx("%s: unreadable: truncated, damaged or of an unknown version", file);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->file = file;
	t->input = input;
	t->tep = tracecmd_get_tep(input);
	t->last_thread = &t->threads;
	t->last_track = &t->tracks;
	if (!find_events(t)) {
		trace_close(t);
		return NULL;
	}
	return t;
}

void trace_close(struct trace *t)
{
	struct thread *th;
	struct track *track;

	while ((th = t->threads)) {
		t->threads = th->next;
		free(th);
	}
	while ((track = t->tracks)) {
		t->tracks = track->next;
		free(track);
	}
	map_free(&t->thread_map);
	map_free(&t->track_map);
	map_free(&t->nested_map);
	tracecmd_close(t->input);
	free(t);
}
