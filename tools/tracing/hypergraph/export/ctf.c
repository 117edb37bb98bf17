// SPDX-License-Identifier: GPL-2.0
/*
 * Common Trace Format, written by babeltrace2's sink.ctf.fs: a stream for each vCPU.
 * Where there is one for it the names of events and fields are LTTng's, which Trace
 * Compass knows: sched_switch, kvm_x86_exit and kvm_x86_entry, cpu_id.
 *
 * babeltrace2 asks for the messages of each stream, while a trace is read in the order of
 * all: what is known of an event waits in a spool.
 */
#include <assert.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <babeltrace2/babeltrace.h>

#include "input/exit_reason.h"
#include "export/format.h"
#include "util/spool.h"
#include "util/util.h"

/*
 * A packet's size in the file grows with its events, and is allocated from its begin on each
 * time: one of all events takes quadratic time. Trace Compass finds a time by its packet, too.
 */
#define PACKET_RECORDS	4096

/* babeltrace2 fails, and 2.0 dies of that, at times that it cannot convert. */
#define MAX_TS	(INT64_MAX / 2)

enum record_type {
	RECORD_ENTRY,		/* of a function */
	RECORD_RETURN,
	RECORD_SWITCH,
	RECORD_EXIT,		/* of the VM */
	RECORD_VM_ENTRY,
	RECORD_LOST,
	RECORD_MARK,
	RECORD_TYPES,
};

/* A mark has its place before its text is known. */
struct ctf_mark {
	const char *kind;
	char *text;
};

/* A block holds a whole number of them. */
struct record {
	__u64 ts;
	union {
		const char *name;	/* of a function, NULL: unknown */
		const struct ctf_mark *mark;
	};
	union {
		struct {
			__u64 addr;	/* or the rip of an exit */
			__u64 value;	/* duration, number of lost events, ISA and reason */
		};
		char next_comm[16];
	};
	union {
		__u32 depth;
		__u32 state;	/* of the task that a switch leaves */
	};
	__u32 type;
	__s32 pid;
	__s32 next_pid;
	char comm[16];
};

static_assert(SPOOL_BLOCK % sizeof(struct record) == 0, "records do not fill a block");

/* The stream of a vCPU, and how far babeltrace2 has read it */
struct ctf_stream {
	struct spool_stream *records;
	const struct vcpu *vcpu;
	__u64 ts;		/* of the last record */
	struct record lost;	/* waits for what came before that; ts 0: nothing was lost */
	struct ctf_mark *mark;	/* has no text yet; or NULL */
	struct bt_stream *stream;
	struct bt_packet *packet;
	enum { AT_BEGIN, AT_PACKET, AT_RECORDS, ENDED } at;
	unsigned int nr_records;	/* of the packet, that were read */
	__u64 read_ts;		/* of the last one */
	size_t block, offset, size;
	char data[SPOOL_BLOCK];
};

struct ctf {
	struct export *e;
	struct spool spool;
	struct map marks;	/* by number */
	struct bt_event_class *events[RECORD_TYPES];
	bool failed;		/* to read the spool */
};

static int ctf_begin(struct export *e)
{
	struct ctf *c = xcalloc(1, sizeof(*c));

	c->e = e;
	e->priv = c;
	return spool_open(&c->spool);
}

static void ctf_vcpu_new(void *ctx, struct vcpu *v)
{
	struct ctf_stream *s = xcalloc(1, sizeof(*s));

	(void)ctx;
	s->records = xcalloc(1, sizeof(*s->records));
	s->vcpu = v;
	v->priv = s;
}

/* The clock does not go back in a stream, though CPUs of the host may differ by a little. */
static void put_record(struct export *e, const struct vcpu *v, const struct task *task,
		       struct record *r)
{
	struct ctf *c = e->priv;
	struct ctf_stream *s = v->priv;

	if (r->ts > MAX_TS)
		r->ts = MAX_TS;
	if (r->ts < s->ts)
		r->ts = s->ts;
	s->ts = r->ts;
	r->pid = format_pid(task);
	memcpy(r->comm, format_comm(task), sizeof(r->comm) - 1);
	spool_write(&c->spool, s->records, r, sizeof(*r));
}

static void put_lost(struct export *e, const struct vcpu *v)
{
	struct ctf_stream *s = v->priv;

	if (s->lost.ts)
		put_record(e, v, v->current, &s->lost);
	s->lost.ts = 0;
}

static void add_record_of(struct export *e, const struct vcpu *v, const struct task *task,
			  struct record *r)
{
	const struct ctf_stream *s = v->priv;

	if (r->ts >= s->lost.ts)
		put_lost(e, v);
	put_record(e, v, task, r);
}

static void add_record(struct export *e, const struct vcpu *v, struct record *r)
{
	add_record_of(e, v, v->current, r);
}

static void add_call(struct export *e, const struct vcpu *v, enum record_type type,
		     const struct frame *f, __u64 duration)
{
	struct kernel kernel = symbols_kernel(e->syms, v->boot->key);
	__u64 offset;
	struct record r = {
		.ts = e->cg->ts,
		.type = type,
		.name = kernel_function(&kernel, f->addr, &offset),
		.addr = f->addr,
		.depth = f->depth,
		.value = duration,
	};

	add_record(e, v, &r);
}

static void ctf_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	add_call(ctx, v, RECORD_ENTRY, f, 0);
}

static void ctf_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
		    __u64 duration)
{
	(void)entered;
	add_call(ctx, v, RECORD_RETURN, f, duration);
}

static void add_switch(struct export *e, const struct vcpu *v, const struct task *prev,
		       const struct task *next)
{
	struct record r = {
		.ts = e->cg->ts,
		.type = RECORD_SWITCH,
		.state = format_state(prev),
		.next_pid = format_pid(next),
	};

	memcpy(r.next_comm, format_comm(next), sizeof(r.next_comm) - 1);
	add_record_of(e, v, prev, &r);
}

static void ctf_switching(void *ctx, struct vcpu *v, const struct task *next)
{
	add_switch(ctx, v, v->current, next);
}

static void ctf_identified(void *ctx, struct vcpu *v)
{
	add_switch(ctx, v, v->unknown, v->current);
}

static void ctf_exit(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct record exit = {
		.ts = ev->ts,
		.type = RECORD_EXIT,
		.addr = ev->exit.rip,
		.value = map_key(ev->exit.isa, ev->exit.reason),
	};
	struct record entry = {
		.ts = ev->ts + ev->exit.duration,
		.type = RECORD_VM_ENTRY,
	};

	add_record(ctx, v, &exit);
	if (ev->exit.duration)
		add_record(ctx, v, &entry);
}

/* That its task is no longer known, and until when it was, is told next. */
static void ctf_lost(void *ctx, struct vcpu *v, const struct event *ev)
{
	struct ctf_stream *s = v->priv;

	put_lost(ctx, v);
	s->lost = (struct record){
		.ts = ev->ts,
		.type = RECORD_LOST,
		.value = ev->lost.count > 0 ? ev->lost.count : 0,
	};
}

static void ctf_mark_begin(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct export *e = ctx;
	struct ctf *c = e->priv;
	struct ctf_stream *s = v->priv;
	struct record r = { .ts = m->ts, .type = RECORD_MARK };

	s->mark = xcalloc(1, sizeof(*s->mark));
	s->mark->kind = mark_kind(m);
	map_add(&c->marks, c->marks.nr, s->mark);
	r.mark = s->mark;
	add_record(e, v, &r);
}

static void ctf_mark(void *ctx, struct vcpu *v, const struct mark *m)
{
	struct ctf_stream *s = v->priv;

	/* A filter may leave out its begin. */
	if (!s->mark)
		ctf_mark_begin(ctx, v, m);
	s->mark->text = mark_text(m);
	s->mark = NULL;
}

static const struct callgraph_ops ctf_ops = {
	.vcpu_new = ctf_vcpu_new,
	.entry = ctf_entry,
	.ret = ctf_ret,
	.exit = ctf_exit,
	.lost = ctf_lost,
	.switching = ctf_switching,
	.identified = ctf_identified,
	.mark_begin = ctf_mark_begin,
	.mark = ctf_mark,
};

/* A field of a structure's class: all of them are of these kinds. */
enum kind { UNSIGNED, SIGNED, STRING, HEX };

struct member {
	const char *name;
	enum kind kind;
	unsigned int bits;
};

static const struct member packet_members[] = { { "cpu_id", UNSIGNED, 32 }, { NULL, 0, 0 } };

static const struct member context_members[] = {
	{ "vm", UNSIGNED, 32 }, { "vm_id", UNSIGNED, 16 }, { "nested", UNSIGNED, 8 },
	{ "vcpu_id", UNSIGNED, 32 }, { "tid", SIGNED, 32 }, { "procname", STRING, 0 },
	{ NULL, 0, 0 },
};

static const struct member entry_members[] = {
	{ "addr", HEX, 64 }, { "name", STRING, 0 }, { "depth", UNSIGNED, 32 }, { NULL, 0, 0 },
};

static const struct member return_members[] = {
	{ "addr", HEX, 64 }, { "name", STRING, 0 }, { "depth", UNSIGNED, 32 },
	{ "duration", UNSIGNED, 64 }, { NULL, 0, 0 },
};

static const struct member switch_members[] = {
	{ "prev_comm", STRING, 0 }, { "prev_tid", SIGNED, 32 }, { "prev_prio", SIGNED, 32 },
	{ "prev_state", SIGNED, 64 }, { "next_comm", STRING, 0 }, { "next_tid", SIGNED, 32 },
	{ "next_prio", SIGNED, 32 }, { NULL, 0, 0 },
};

static const struct member exit_members[] = {
	{ "vcpu_id", UNSIGNED, 32 }, { "exit_reason", UNSIGNED, 32 }, { "isa", UNSIGNED, 32 },
	{ "guest_rip", HEX, 64 }, { "reason", STRING, 0 }, { NULL, 0, 0 },
};

static const struct member vm_entry_members[] = {
	{ "vcpu_id", UNSIGNED, 32 }, { NULL, 0, 0 },
};

static const struct member lost_members[] = { { "count", UNSIGNED, 64 }, { NULL, 0, 0 } };

static const struct member mark_members[] = {
	{ "kind", STRING, 0 }, { "text", STRING, 0 }, { NULL, 0, 0 },
};

static const struct {
	const char *name;
	const struct member *members;
} event_types[RECORD_TYPES] = {
	[RECORD_ENTRY]		= { "func_entry", entry_members },
	[RECORD_RETURN]		= { "func_exit", return_members },
	[RECORD_SWITCH]		= { "sched_switch", switch_members },
	[RECORD_EXIT]		= { "kvm_x86_exit", exit_members },
	[RECORD_VM_ENTRY]	= { "kvm_x86_entry", vm_entry_members },
	[RECORD_LOST]		= { "lost_events", lost_members },
	[RECORD_MARK]		= { "mark", mark_members },
};

#define HEXADECIMAL	BT_FIELD_CLASS_INTEGER_PREFERRED_DISPLAY_BASE_HEXADECIMAL

static bt_field_class *make_member(bt_trace_class *tc, const struct member *m)
{
	bt_field_class *fc;

	if (m->kind == STRING)
		return bt_field_class_string_create(tc);
	fc = m->kind == SIGNED ? bt_field_class_integer_signed_create(tc) :
				 bt_field_class_integer_unsigned_create(tc);
	bt_field_class_integer_set_field_value_range(fc, m->bits);
	if (m->kind == HEX)
		bt_field_class_integer_set_preferred_display_base(fc, HEXADECIMAL);
	return fc;
}

static bt_field_class *make_structure(bt_trace_class *tc, const struct member *members)
{
	bt_field_class *fc = bt_field_class_structure_create(tc);

	for (; members->name; members++) {
		bt_field_class *member = make_member(tc, members);

		bt_field_class_structure_append_member(fc, members->name, member);
		bt_field_class_put_ref(member);
	}
	return fc;
}

static void make_event_classes(struct ctf *c, bt_trace_class *tc, bt_stream_class *sc)
{
	int i;

	for (i = 0; i < RECORD_TYPES; i++) {
		bt_field_class *payload = make_structure(tc, event_types[i].members);

		c->events[i] = bt_event_class_create(sc);
		bt_event_class_set_name(c->events[i], event_types[i].name);
		bt_event_class_set_payload_field_class(c->events[i], payload);
		bt_field_class_put_ref(payload);
	}
}

/* It begins when the host's trace clock does, whatever that is. */
static bt_clock_class *make_clock(bt_self_component *comp)
{
	bt_clock_class *clock = bt_clock_class_create(comp);

	bt_clock_class_set_name(clock, "host");
	bt_clock_class_set_frequency(clock, 1000000000);
	bt_clock_class_set_origin_is_unix_epoch(clock, BT_FALSE);
	return clock;
}

static bt_stream_class *make_stream_class(bt_self_component *comp, bt_trace_class *tc)
{
	bt_stream_class *sc = bt_stream_class_create(tc);
	bt_field_class *packet = make_structure(tc, packet_members);
	bt_field_class *context = make_structure(tc, context_members);
	bt_clock_class *clock = make_clock(comp);

	bt_stream_class_set_default_clock_class(sc, clock);
	bt_stream_class_set_supports_packets(sc, BT_TRUE, BT_TRUE, BT_TRUE);
	bt_stream_class_set_packet_context_field_class(sc, packet);
	bt_stream_class_set_event_common_context_field_class(sc, context);
	bt_clock_class_put_ref(clock);
	bt_field_class_put_ref(context);
	bt_field_class_put_ref(packet);
	return sc;
}

static bt_field *member_of(bt_field *structure, int i)
{
	return bt_field_structure_borrow_member_field_by_index(structure, i);
}

static void set_number(bt_field *structure, int i, __u64 n)
{
	bt_field_integer_unsigned_set_value(member_of(structure, i), n);
}

static void set_signed(bt_field *structure, int i, __s64 n)
{
	bt_field_integer_signed_set_value(member_of(structure, i), n);
}

/* babeltrace2 2.0 reads another one's text from an event whose own is empty: none is. */
static void set_string(bt_field *structure, int i, const char *s)
{
	bt_field_string_set_value(member_of(structure, i), s);
}

static void print_stream_name(const struct vcpu *v, FILE *out)
{
	fputs("vm", out);
	guest_print_vm(v->guest, out);
	putc('_', out);
	vcpu_print(v, out);
}

static void make_streams(struct ctf *c, bt_self_component_source *source, bt_trace *trace,
			 bt_stream_class *sc)
{
	const struct vcpu *v;

	map_for_each(v, &c->e->cg->vcpus) {
		struct ctf_stream *s = v->priv;
		char *name = print_to_string(print_stream_name, v);

		s->stream = bt_stream_create(sc, trace);
		bt_stream_set_name(s->stream, name);
		bt_self_component_source_add_output_port(source, name, s, NULL);
		free(name);
	}
}

static bt_component_class_initialize_method_status
source_initialize(bt_self_component_source *source,
		  bt_self_component_source_configuration *configuration,
		  const bt_value *params, void *data)
{
	bt_self_component *comp = bt_self_component_source_as_self_component(source);
	bt_trace_class *tc = bt_trace_class_create(comp);
	bt_stream_class *sc = make_stream_class(comp, tc);
	bt_trace *trace = bt_trace_create(tc);

	(void)configuration;
	(void)params;
	bt_self_component_set_data(comp, data);
	bt_trace_set_environment_entry_string(trace, "tracer_name", "hypergraph");
	make_event_classes(data, tc, sc);
	make_streams(data, source, trace, sc);
	bt_trace_put_ref(trace);
	bt_stream_class_put_ref(sc);
	bt_trace_class_put_ref(tc);
	return BT_COMPONENT_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

static bt_message_iterator_class_initialize_method_status
iterator_initialize(bt_self_message_iterator *iterator,
		    bt_self_message_iterator_configuration *configuration,
		    bt_self_component_port_output *port)
{
	bt_self_component_port *base = bt_self_component_port_output_as_self_component_port(port);

	(void)configuration;
	bt_self_message_iterator_set_data(iterator, bt_self_component_port_get_data(base));
	return BT_MESSAGE_ITERATOR_CLASS_INITIALIZE_METHOD_STATUS_OK;
}

static void fill_exit(bt_field *payload, const struct ctf_stream *s, const struct record *r)
{
	__u32 isa = r->value >> 32, reason = r->value;
	char *name = exit_reason_name(isa, reason);

	set_number(payload, 0, vcpu_number(s->vcpu));
	set_number(payload, 1, reason);
	set_number(payload, 2, isa);
	set_number(payload, 3, r->addr);
	set_string(payload, 4, name);
	free(name);
}

static void fill_switch(bt_field *payload, const struct record *r)
{
	set_string(payload, 0, r->comm);
	set_signed(payload, 1, r->pid);
	set_signed(payload, 2, 0);
	set_signed(payload, 3, r->state);
	set_string(payload, 4, r->next_comm);
	set_signed(payload, 5, r->next_pid);
	set_signed(payload, 6, 0);
}

static void fill_call(bt_field *payload, const struct record *r)
{
	char hex[HEX_SIZE];

	set_number(payload, 0, r->addr);
	set_string(payload, 1, r->name ?: format_hex(r->addr, hex));
	set_number(payload, 2, r->depth);
}

static void fill_mark(bt_field *payload, const struct ctf_mark *m)
{
	set_string(payload, 0, m->kind);
	set_string(payload, 1, m->text && *m->text ? m->text : m->kind);
}

static void fill_payload(bt_field *payload, const struct ctf_stream *s, const struct record *r)
{
	switch (r->type) {
	case RECORD_RETURN:
		set_number(payload, 3, r->value);
		fill_call(payload, r);
		break;
	case RECORD_ENTRY:
		fill_call(payload, r);
		break;
	case RECORD_SWITCH:
		fill_switch(payload, r);
		break;
	case RECORD_EXIT:
		fill_exit(payload, s, r);
		break;
	case RECORD_VM_ENTRY:
		set_number(payload, 0, vcpu_number(s->vcpu));
		break;
	case RECORD_LOST:
		set_number(payload, 0, r->value);
		break;
	case RECORD_MARK:
		fill_mark(payload, r->mark);
		break;
	}
}

/* Their names leave no room for arguments. */
#define make_message		bt_message_event_create_with_packet_and_default_clock_snapshot
#define make_packet_beginning	bt_message_packet_beginning_create_with_default_clock_snapshot
#define make_packet_end		bt_message_packet_end_create_with_default_clock_snapshot

static const bt_message *make_event(const struct ctf *c, const struct ctf_stream *s,
				    bt_self_message_iterator *iterator, const struct record *r)
{
	bt_message *message;
	bt_event *event;
	bt_field *context;

	message = make_message(iterator, c->events[r->type], s->packet, r->ts);
	event = bt_message_event_borrow_event(message);
	context = bt_event_borrow_common_context_field(event);
	set_number(context, 0, s->vcpu->guest->vm);
	set_number(context, 1, s->vcpu->guest->vm_id);
	set_number(context, 2, s->vcpu->guest->nested);
	set_number(context, 3, vcpu_number(s->vcpu));
	set_signed(context, 4, r->pid);
	set_string(context, 5, r->comm);
	fill_payload(bt_event_borrow_payload_field(event), s, r);
	return message;
}

/* Returns the next record, which stays that. NULL: no more */
static const struct record *peek_record(struct ctf *c, struct ctf_stream *s)
{
	if (s->offset == s->size) {
		ssize_t size = spool_read(&c->spool, s->records, s->block++, s->data);

		c->failed |= size < 0;
		s->size = size > 0 ? size : 0;
		s->offset = 0;
	}
	return s->size ? (struct record *)(s->data + s->offset) : NULL;
}

static const bt_message *begin_packet(struct ctf_stream *s, bt_self_message_iterator *iterator,
				      const struct record *r)
{
	s->packet = bt_packet_create(s->stream);
	set_number(bt_packet_borrow_context_field(s->packet), 0, vcpu_number(s->vcpu));
	s->nr_records = 0;
	return make_packet_beginning(iterator, s->packet, r->ts);
}

static const bt_message *end_packet(struct ctf_stream *s, bt_self_message_iterator *iterator)
{
	const bt_message *message = make_packet_end(iterator, s->packet, s->read_ts);

	bt_packet_put_ref(s->packet);
	s->packet = NULL;
	return message;
}

static const bt_message *take_record(struct ctf *c, struct ctf_stream *s,
				     bt_self_message_iterator *iterator, const struct record *r)
{
	s->offset += sizeof(*r);
	s->nr_records++;
	s->read_ts = r->ts;
	return make_event(c, s, iterator, r);
}

/* NULL: the stream has ended. */
static const bt_message *next_message(struct ctf *c, struct ctf_stream *s,
				      bt_self_message_iterator *iterator)
{
	const struct record *r;

	switch (s->at) {
	case AT_BEGIN:
		s->at = AT_PACKET;
		return bt_message_stream_beginning_create(iterator, s->stream);
	case AT_PACKET:
		r = peek_record(c, s);
		s->at = r ? AT_RECORDS : ENDED;
		return r ? begin_packet(s, iterator, r) :
			   bt_message_stream_end_create(iterator, s->stream);
	case AT_RECORDS:
		r = s->nr_records < PACKET_RECORDS ? peek_record(c, s) : NULL;
		if (r)
			return take_record(c, s, iterator, r);
		s->at = AT_PACKET;
		return end_packet(s, iterator);
	default:
		return NULL;
	}
}

static bt_message_iterator_class_next_method_status
iterator_next(bt_self_message_iterator *iterator, bt_message_array_const messages,
	      uint64_t capacity, uint64_t *count)
{
	bt_self_component *comp = bt_self_message_iterator_borrow_component(iterator);
	struct ctf *c = bt_self_component_get_data(comp);
	struct ctf_stream *s = bt_self_message_iterator_get_data(iterator);

	for (*count = 0; *count < capacity; (*count)++) {
		messages[*count] = next_message(c, s, iterator);
		if (!messages[*count])
			break;
	}
	if (c->failed)
		return BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_ERROR;
	return *count ? BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_OK :
			BT_MESSAGE_ITERATOR_CLASS_NEXT_METHOD_STATUS_END;
}

static bt_component_class_source *make_source_class(void)
{
	bt_message_iterator_class *iterator = bt_message_iterator_class_create(iterator_next);
	bt_component_class_source *source;

	bt_message_iterator_class_set_initialize_method(iterator, iterator_initialize);
	source = bt_component_class_source_create("hypergraph", iterator);
	bt_component_class_source_set_initialize_method(source, source_initialize);
	bt_message_iterator_class_put_ref(iterator);
	return source;
}

/* Finds a plugin of babeltrace2's own. Returns NULL after an error message. */
static const bt_plugin *find_plugin(const char *name)
{
	const bt_plugin *plugin = NULL;

	bt_plugin_find(name, BT_TRUE, BT_TRUE, BT_TRUE, BT_TRUE, BT_TRUE, &plugin);
	if (!plugin)
		warnx("babeltrace2 has no plugin %s: is it installed?", name);
	return plugin;
}

#define add_source_component	bt_graph_add_source_component_with_initialize_method_data

static bool add_source(struct ctf *c, bt_graph *graph, const bt_component_source **source)
{
	bt_component_class_source *class = make_source_class();
	bool ok = !add_source_component(graph, class, "hypergraph", NULL, c,
					BT_LOGGING_LEVEL_WARNING, source);

	bt_component_class_source_put_ref(class);
	return ok;
}

static bool add_muxer(bt_graph *graph, const bt_component_filter **muxer)
{
	const bt_plugin *plugin = find_plugin("utils");
	const bt_component_class_filter *class;
	bool ok;

	if (!plugin)
		return false;
	class = bt_plugin_borrow_filter_component_class_by_name_const(plugin, "muxer");
	ok = !bt_graph_add_filter_component(graph, class, "muxer", NULL,
					    BT_LOGGING_LEVEL_WARNING, muxer);
	bt_plugin_put_ref(plugin);
	return ok;
}

static bool add_sink(const struct export *e, bt_graph *graph, const bt_component_sink **sink)
{
	const bt_plugin *plugin = find_plugin("ctf");
	const bt_component_class_sink *class;
	bt_value *params;
	bool ok;

	if (!plugin)
		return false;
	class = bt_plugin_borrow_sink_component_class_by_name_const(plugin, "fs");
	params = bt_value_map_create();
	bt_value_map_insert_string_entry(params, "path", e->output);
	bt_value_map_insert_bool_entry(params, "assume-single-trace", BT_TRUE);
	bt_value_map_insert_bool_entry(params, "quiet", BT_TRUE);
	/* From 2.1 on the default is CTF 2, which Trace Compass does not read. */
	if (bt_version_get_major() > 2 || bt_version_get_minor() > 0)
		bt_value_map_insert_string_entry(params, "ctf-version", "1.8");
	ok = !bt_graph_add_sink_component(graph, class, "sink", params, BT_LOGGING_LEVEL_WARNING,
					  sink);
	bt_value_put_ref(params);
	bt_plugin_put_ref(plugin);
	return ok;
}

#define output_of_source	bt_component_source_borrow_output_port_by_index_const
#define input_of_muxer		bt_component_filter_borrow_input_port_by_index_const
#define output_of_muxer		bt_component_filter_borrow_output_port_by_index_const
#define input_of_sink		bt_component_sink_borrow_input_port_by_index_const

static bool connect_all(bt_graph *graph, const bt_component_source *source,
			const bt_component_filter *muxer, const bt_component_sink *sink)
{
	__u64 i, nr = bt_component_source_get_output_port_count(source);

	/* The muxer always has one port more than are connected. */
	for (i = 0; i < nr; i++) {
		if (bt_graph_connect_ports(graph, output_of_source(source, i),
					   input_of_muxer(muxer, i), NULL))
			return false;
	}
	return !bt_graph_connect_ports(graph, output_of_muxer(muxer, 0), input_of_sink(sink, 0),
				       NULL);
}

static bool run_graph(struct export *e, bt_graph *graph)
{
	const bt_component_source *source;
	const bt_component_filter *muxer;
	const bt_component_sink *sink;

	return add_source(e->priv, graph, &source) && add_muxer(graph, &muxer) &&
	       add_sink(e, graph, &sink) && connect_all(graph, source, muxer, sink) &&
	       !bt_graph_run(graph);
}

static void warn_of_error(const struct export *e)
{
	const bt_error *error = bt_current_thread_take_error();
	const char *cause = "babeltrace2 failed";

	if (error && bt_error_get_cause_count(error))
		cause = bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0));
	warnx("writing %s: %s", e->output, cause);
	if (error)
		bt_error_release(error);
}

static int ctf_end(struct export *e)
{
	struct ctf *c = e->priv;
	bt_graph *graph = bt_graph_create(0);
	const struct vcpu *v;
	bool ok;
	int i;

	map_for_each(v, &e->cg->vcpus)
		put_lost(e, v);
	ok = run_graph(e, graph);
	if (!ok)
		warn_of_error(e);
	map_for_each(v, &e->cg->vcpus) {
		struct ctf_stream *s = v->priv;

		bt_packet_put_ref(s->packet);
		bt_stream_put_ref(s->stream);
	}
	for (i = 0; i < RECORD_TYPES; i++)
		bt_event_class_put_ref(c->events[i]);
	bt_graph_put_ref(graph);
	return ok ? 0 : -1;
}

static void ctf_free(struct export *e)
{
	struct ctf *c = e->priv;
	const struct vcpu *v;
	struct ctf_mark *m;

	if (!c)
		return;
	map_for_each(m, &c->marks) {
		free(m->text);
		free(m);
	}
	map_free(&c->marks);
	map_for_each(v, &e->cg->vcpus) {
		struct ctf_stream *s = v->priv;

		spool_free(s->records);
		free(s);
	}
	spool_close(&c->spool);
	free(c);
}

const struct format format_ctf = {
	.name = "ctf",
	.help = "Common Trace Format, a directory: babeltrace2, Trace Compass",
	.directory = true,
	.ops = &ctf_ops,
	.begin = ctf_begin,
	.end = ctf_end,
	.free = ctf_free,
};
