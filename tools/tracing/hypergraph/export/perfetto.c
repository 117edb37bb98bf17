// SPDX-License-Identifier: GPL-2.0
/*
 * Perfetto's protobuf: each VM is a machine. Its calls and task switches are ftrace's
 * events of its CPUs, as if they had been recorded there, but on the host's clock; what
 * else is known of a vCPU is a track of its own: exits with the host's functions, marks,
 * and where events were lost.
 */
#include <stdlib.h>
#include <string.h>

#include "input/exit_reason.h"
#include "export/format.h"
#include "perfetto.pb-c.h"
#include "util/util.h"

/* Sequence flags, of trace_packet.proto */
#define SEQ_INCREMENTAL_STATE_CLEARED	1
#define SEQ_NEEDS_INCREMENTAL_STATE	2

/* A packet has so many that what is said once a packet does not count. */
#define MAX_EVENTS	256

/* An event and the message that it has */
struct slot {
	Perfetto__FtraceEvent event;
	union {
		Perfetto__SchedSwitchFtraceEvent sched;
		Perfetto__FuncgraphEntryFtraceEvent entry;
		Perfetto__FuncgraphExitFtraceEvent exit;
	};
	char comms[2][TASK_COMM_LEN + 1];
};

/* The packet of a vCPU that is being made. Its packets are a sequence with names of its own. */
struct bundle {
	__u32 id;		/* of the sequence, and of its track */
	__u32 machine;
	struct map ids;		/* of functions' names, by kernel_function_key() */
	unsigned int nr;
	unsigned int nr_names;
	bool lost;
	struct slot slots[MAX_EVENTS];
	struct Perfetto__FtraceEvent *events[MAX_EVENTS];
	Perfetto__InternedString names[MAX_EVENTS];
	struct Perfetto__InternedString *name_list[MAX_EVENTS];
	__u64 host_end;		/* when the exit ends that host calls are of */
	unsigned int open_host;
};

struct perfetto {
	struct map machines;	/* by id: the first vCPU's bundle */
	__u32 nr_sequences;
	unsigned char *packed;
	size_t alloc;
};

static int perfetto_begin(struct export *e)
{
	e->priv = xcalloc(1, sizeof(struct perfetto));
	return 0;
}

/* A file is a Trace; those with one packet each, one after the other, are a Trace too. */
static void write_packet(struct export *e, Perfetto__TracePacket *packet)
{
	struct perfetto *p = e->priv;
	Perfetto__Trace trace = PERFETTO__TRACE__INIT;
	size_t size;

	trace.n_packet = 1;
	trace.packet = &packet;
	size = perfetto__trace__get_packed_size(&trace);
	if (size > p->alloc) {
		p->packed = xrealloc(p->packed, 2 * size);
		p->alloc = 2 * size;
	}
	perfetto__trace__pack(&trace, p->packed);
	fwrite(p->packed, size, 1, e->out);
}

static void init_packet(Perfetto__TracePacket *packet, const struct bundle *b)
{
	perfetto__trace_packet__init(packet);
	packet->has_trusted_packet_sequence_id = true;
	packet->trusted_packet_sequence_id = b->id;
	packet->has_machine_id = true;
	packet->machine_id = b->machine;
}

static void print_vm_name(const struct guest *guest, FILE *out)
{
	fputs("VM ", out);
	guest_print_vm(guest, out);
}

static void describe_machine(struct export *e, const struct vcpu *v)
{
	Perfetto__Utsname utsname = PERFETTO__UTSNAME__INIT;
	Perfetto__SystemInfo info = PERFETTO__SYSTEM_INFO__INIT;
	Perfetto__TracePacket packet;

	/* Without a version the bits of states would be taken for those of Linux 4.4. */
	utsname.sysname = (char *)"Linux";
	utsname.release = (char *)"4.14.0 or later";
	utsname.machine = (char *)"x86_64";
	info.utsname = &utsname;
	info.machine_name = print_to_string(print_vm_name, v->guest);
	init_packet(&packet, v->priv);
	packet.system_info = &info;
	write_packet(e, &packet);
	free(info.machine_name);
}

static void print_track_name(const struct vcpu *v, FILE *out)
{
	print_vm_name(v->guest, out);
	fputs(" vCPU ", out);
	vcpu_print(v, out);
}

/* Begins the sequence, too. */
static void describe_track(struct export *e, const struct bundle *b, const struct vcpu *v)
{
	Perfetto__TrackDescriptor track = PERFETTO__TRACK_DESCRIPTOR__INIT;
	Perfetto__TracePacket packet;

	track.has_uuid = true;
	track.uuid = b->id;
	track.name = print_to_string(print_track_name, v);
	init_packet(&packet, b);
	packet.has_sequence_flags = true;
	packet.sequence_flags = SEQ_INCREMENTAL_STATE_CLEARED;
	packet.track_descriptor = &track;
	write_packet(e, &packet);
	free(track.name);
}

/* Above the pid there is room for some VMs of a process. */
static __u32 machine_id(const struct guest *guest)
{
	return guest->vm | (guest->several ? (__u32)guest->vm_id << 23 : 0);
}

static void perfetto_vcpu_new(void *ctx, struct vcpu *v)
{
	struct export *e = ctx;
	struct perfetto *p = e->priv;
	struct bundle *b = xcalloc(1, sizeof(*b));

	v->priv = b;
	b->id = ++p->nr_sequences;
	b->machine = machine_id(v->guest);
	describe_track(e, b, v);
	if (map_get(&p->machines, b->machine))
		return;
	map_add(&p->machines, b->machine, b);
	describe_machine(e, v);
}

static void flush_bundle(struct export *e, const struct vcpu *v)
{
	struct bundle *b = v->priv;
	Perfetto__FtraceEventBundle bundle = PERFETTO__FTRACE_EVENT_BUNDLE__INIT;
	Perfetto__InternedData interned = PERFETTO__INTERNED_DATA__INIT;
	Perfetto__TracePacket packet;

	if (!b->nr)
		return;
	bundle.has_cpu = true;
	bundle.cpu = format_cpu(v);
	bundle.n_event = b->nr;
	bundle.event = b->events;
	bundle.has_lost_events = b->lost;
	bundle.lost_events = b->lost;
	interned.n_kernel_symbols = b->nr_names;
	interned.kernel_symbols = b->name_list;
	init_packet(&packet, b);
	packet.ftrace_events = &bundle;
	packet.interned_data = &interned;
	packet.has_sequence_flags = true;
	packet.sequence_flags = SEQ_NEEDS_INCREMENTAL_STATE;
	write_packet(e, &packet);
	while (b->nr_names)
		free(b->names[--b->nr_names].str.data);
	b->nr = 0;
	b->lost = false;
}

/* A name is sent once, in the packet of the first event that has it. */
static __u64 name_id(struct export *e, const struct vcpu *v, __u64 addr)
{
	struct bundle *b = v->priv;
	struct kernel kernel = symbols_kernel(e->syms, v->boot->key);
	__u64 key = kernel_function_key(&kernel, addr);
	size_t id = (size_t)map_get(&b->ids, key);
	Perfetto__InternedString *interned;

	if (id)
		return id;
	id = b->ids.nr + 1;
	map_add(&b->ids, key, (void *)id);
	interned = &b->names[b->nr_names];
	perfetto__interned_string__init(interned);
	interned->has_iid = true;
	interned->iid = id;
	interned->has_str = true;
	interned->str.data = (void *)print_to_string(kernel_print_function, &kernel, addr);
	interned->str.len = strlen((char *)interned->str.data);
	b->name_list[b->nr_names++] = interned;
	return id;
}

static struct slot *add_event(struct export *e, const struct vcpu *v)
{
	struct bundle *b = v->priv;
	struct slot *slot;

	if (b->nr == MAX_EVENTS)
		flush_bundle(e, v);
	slot = &b->slots[b->nr];
	b->events[b->nr++] = &slot->event;
	perfetto__ftrace_event__init(&slot->event);
	slot->event.has_timestamp = true;
	slot->event.timestamp = e->cg->ts;
	slot->event.has_pid = true;
	slot->event.pid = format_pid(v->current);
	return slot;
}

static void perfetto_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	struct slot *slot = add_event(ctx, v);
	Perfetto__FuncgraphEntryFtraceEvent *entry = &slot->entry;

	perfetto__funcgraph_entry_ftrace_event__init(entry);
	entry->has_depth = true;
	entry->depth = f->depth;
	entry->has_func = true;
	entry->func = name_id(ctx, v, f->addr);
	slot->event.funcgraph_entry = entry;
}

static void add_return(struct export *e, struct vcpu *v, const struct frame *f, __u64 duration)
{
	struct slot *slot = add_event(e, v);
	Perfetto__FuncgraphExitFtraceEvent *exit = &slot->exit;

	perfetto__funcgraph_exit_ftrace_event__init(exit);
	exit->has_depth = true;
	exit->depth = f->depth;
	exit->has_func = true;
	exit->func = name_id(e, v, f->addr);
	exit->has_calltime = true;
	exit->calltime = slot->event.timestamp - duration;
	exit->has_rettime = true;
	exit->rettime = slot->event.timestamp;
	slot->event.funcgraph_exit = exit;
}

/* A return whose entry was not seen would end another call there. */
static void perfetto_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
			 __u64 duration)
{
	if (entered)
		add_return(ctx, v, f, duration);
}

static void perfetto_no_return(void *ctx, struct vcpu *v, const struct frame *f)
{
	add_return(ctx, v, f, 0);
}

static void add_switch(struct export *e, const struct vcpu *v, const struct task *prev,
		       const struct task *next)
{
	struct slot *slot = add_event(e, v);
	Perfetto__SchedSwitchFtraceEvent *sched = &slot->sched;

	perfetto__sched_switch_ftrace_event__init(sched);
	memcpy(slot->comms[0], format_comm(prev), sizeof(slot->comms[0]));
	memcpy(slot->comms[1], format_comm(next), sizeof(slot->comms[1]));
	sched->prev_comm = slot->comms[0];
	sched->next_comm = slot->comms[1];
	sched->has_prev_pid = true;
	sched->prev_pid = format_pid(prev);
	sched->has_next_pid = true;
	sched->next_pid = format_pid(next);
	sched->has_prev_prio = true;
	sched->prev_prio = DEFAULT_PRIO;
	sched->has_next_prio = true;
	sched->next_prio = DEFAULT_PRIO;
	sched->has_prev_state = true;
	sched->prev_state = format_state(prev);
	slot->event.sched_switch = sched;
}

static void perfetto_switching(void *ctx, struct vcpu *v, const struct task *next)
{
	add_switch(ctx, v, v->current, next);
}

static void perfetto_identified(void *ctx, struct vcpu *v)
{
	add_switch(ctx, v, v->unknown, v->current);
}

static void add_track_event(struct export *e, const struct vcpu *v,
			    Perfetto__TrackEvent__Type type, char *name, __u64 ts)
{
	char *category = (char *)"hypergraph";
	const struct bundle *b = v->priv;
	Perfetto__TrackEvent event = PERFETTO__TRACK_EVENT__INIT;
	Perfetto__TracePacket packet;

	event.has_type = true;
	event.type = type;
	event.has_track_uuid = true;
	event.track_uuid = b->id;
	event.name = name;
	if (name) {
		event.n_categories = 1;
		event.categories = &category;
	}
	init_packet(&packet, b);
	packet.has_timestamp = true;
	packet.timestamp = ts;
	packet.track_event = &event;
	write_packet(e, &packet);
}

static void end_exit(struct export *e, const struct vcpu *v)
{
	struct bundle *b = v->priv;

	if (!b->host_end)
		return;
	for (; b->open_host; b->open_host--)
		add_track_event(e, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END, NULL,
				b->host_end);
	add_track_event(e, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END, NULL, b->host_end);
	b->host_end = 0;
}

static void perfetto_exit(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct export *e = ctx;
	struct bundle *b = v->priv;
	char *name = exit_reason_name(ev->exit.isa, ev->exit.reason);

	end_exit(e, v);
	if (ev->exit.duration) {
		add_track_event(e, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN, name,
				ev->ts);
		b->host_end = ev->ts + ev->exit.duration;
	} else {
		add_track_event(e, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT, name, ev->ts);
	}
	free(name);
}

static void perfetto_host(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct export *e = ctx;
	struct bundle *b = v->priv;
	char *name;

	if (!b->host_end)
		return;
	/* What the exit's own events took is not in its duration. */
	if (b->host_end < ev->ts)
		b->host_end = ev->ts;
	if (ev->type == EVENT_HOST_RETURN) {
		add_track_event(e, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_END, NULL, ev->ts);
		b->open_host--;
		return;
	}
	name = print_to_string(print_name, trace_host_function(e->trace, ev->host.addr),
			       ev->host.addr);
	add_track_event(e, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_SLICE_BEGIN, name, ev->ts);
	b->open_host++;
	free(name);
}

static void perfetto_lost(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct bundle *b = v->priv;
	char *name = ev->lost.count > 0 ? xasprintf("%lld events lost", ev->lost.count) :
					  xstrdup("events lost");

	flush_bundle(ctx, v);
	b->lost = true;
	add_track_event(ctx, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT, name, ev->ts);
	free(name);
}

static void perfetto_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	char *name = mark_name(m);

	add_track_event(ctx, v, PERFETTO__TRACK_EVENT__TYPE__TYPE_INSTANT, name, m->ts);
	free(name);
}

static const struct callgraph_ops perfetto_ops = {
	.vcpu_new = perfetto_vcpu_new,
	.entry = perfetto_entry,
	.ret = perfetto_ret,
	.no_return = perfetto_no_return,
	.exit = perfetto_exit,
	.host = perfetto_host,
	.lost = perfetto_lost,
	.switching = perfetto_switching,
	.identified = perfetto_identified,
	.mark = perfetto_mark,
};

static int perfetto_end(struct export *e)
{
	struct vcpu *v;

	map_for_each(v, &e->cg->vcpus) {
		end_exit(e, v);
		flush_bundle(e, v);
	}
	return 0;
}

static void perfetto_free(struct export *e)
{
	struct perfetto *p = e->priv;
	struct vcpu *v;

	map_for_each(v, &e->cg->vcpus) {
		struct bundle *b = v->priv;

		map_free(&b->ids);
		free(b);
	}
	if (!p)
		return;
	map_free(&p->machines);
	free(p->packed);
	free(p);
}

const struct format format_perfetto = {
	.name = "perfetto",
	.help = "Perfetto's protobuf: a machine for each VM",
	.ops = &perfetto_ops,
	.begin = perfetto_begin,
	.end = perfetto_end,
	.free = perfetto_free,
};
