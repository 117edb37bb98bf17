// SPDX-License-Identifier: GPL-2.0
/* Finds where the fields of the host's events are, once, and reads records by that. */
#include <err.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "input/fields.h"
#include "util/util.h"

/* No event is larger than a page, and none of those is larger: more is damaged. */
#define MAX_OFFSET	65536

#define MAX_FIELDS	12

/* Which member of struct host_record a field becomes */
struct field_name {
	const char *name;
	size_t to;
	bool optional;		/* Older recordings do not have it. */
};

#define TO(member)	offsetof(struct host_record, member)

/* All events have these. The first one tells which event it is, and is kept nowhere. */
enum { COMMON_TYPE, COMMON_PID, NR_COMMON };
static const struct field_name common_names[NR_COMMON] = {
	[COMMON_TYPE]	= { .name = "common_type" },
	[COMMON_PID]	= { "common_pid", TO(pid) },
};

static const struct event_names {
	const char *event;
	struct field_name fields[MAX_FIELDS];
} names[NR_RECORDS] = {
	[RECORD_HYPERCALL] = { "hypergraph_host", {
		{ "vm", TO(vm) }, { "vcpu", TO(vcpu) },
		{ "nested", TO(nested) }, { "nested_vcpu", TO(nested_vcpu) },
		{ "nr", TO(call.nr) }, { "a0", TO(call.a[0]) }, { "a1", TO(call.a[1]) },
		{ "a2", TO(call.a[2]) }, { "a3", TO(call.a[3]) },
		{ "exit_overhead", TO(call.overhead) },
		{ "vm_id", TO(vm_id), true }, { "by_host", TO(call.by_host), true },
	} },
	[RECORD_JOINED] = { "hypergraph_exit", {
		{ "vm", TO(vm) }, { "vcpu", TO(vcpu) },
		{ "nested", TO(nested) }, { "nested_vcpu", TO(nested_vcpu) },
		{ "reason", TO(exit.reason) }, { "isa", TO(exit.isa) },
		{ "guest_rip", TO(exit.rip) }, { "duration", TO(exit.duration) },
		{ "vm_id", TO(vm_id), true },
	} },
	[RECORD_EXIT] = { "kvm_exit", {
		{ "exit_reason", TO(exit.reason) }, { "isa", TO(exit.isa) },
		{ "guest_rip", TO(exit.rip) }, { "vcpu_id", TO(vcpu), true },
	} },
	[RECORD_ENTRY] = { "kvm_entry", {
		{ "vcpu_id", TO(vcpu), true },
	} },
	[RECORD_HOST_ENTRY] = { "funcgraph_entry", {
		{ "func", TO(host.addr) }, { "depth", TO(host.depth) },
	} },
	[RECORD_HOST_RETURN] = { "funcgraph_exit", {
		{ "func", TO(host.addr) }, { "depth", TO(host.depth) },
		{ "calltime", TO(host.called) }, { "rettime", TO(host.returned) },
	} },
	[RECORD_KVM_HYPERCALL] = { "kvm_hypercall", {
		{ "nr", TO(call.nr) }, { "a0", TO(call.a[0]) }, { "a1", TO(call.a[1]) },
		{ "a2", TO(call.a[2]) }, { "a3", TO(call.a[3]) },
	} },
	[RECORD_NESTED_EXIT] = { .event = "kvm_nested_vmexit" },
};

/* The eight bytes of a record in which a field is, and what to keep of them once shifted */
struct field {
	__u32 at;
	__u32 shift;
	__u64 mask;
	size_t to;
};

struct format {
	int id;			/* negative: this trace does not have the event */
	__u32 size;		/* how much of a record is read */
	unsigned int nr;
	struct field fields[MAX_FIELDS];
};

struct fields {
	struct format common;
	struct format formats[NR_RECORDS];
};

/* What wrote it runs on x86, as this does: no bytes are swapped. */
static __u64 read_field(const struct field *f, const struct raw_record *rec)
{
	__u64 n;

	memcpy(&n, rec->data + f->at, sizeof(n));
	return n >> f->shift & f->mask;
}

static bool is_event(const struct format *fmt, int id, const struct raw_record *rec)
{
	return id == fmt->id && rec->size >= fmt->size;
}

static enum record_type find_type(const struct fields *f, const struct raw_record *rec)
{
	enum record_type type;
	int id;

	if (rec->size < f->common.size)
		return RECORD_OTHER;
	id = read_field(&f->common.fields[COMMON_TYPE], rec);
	for (type = RECORD_OTHER + 1; type < NR_RECORDS; type++) {
		if (is_event(&f->formats[type], id, rec))
			return type;
	}
	return RECORD_OTHER;
}

static void read_fields(const struct format *fmt, const struct raw_record *rec,
			struct host_record *r)
{
	unsigned int i;

	for (i = 0; i < fmt->nr; i++)
		*(__u64 *)((char *)r + fmt->fields[i].to) = read_field(&fmt->fields[i], rec);
}

bool fields_have(const struct fields *f, enum record_type type)
{
	return f->formats[type].id >= 0;
}

void fields_read(const struct fields *f, const struct raw_record *rec, struct host_record *r)
{
	r->type = find_type(f, rec);
	r->cpu = rec->cpu;
	r->missed = rec->missed;
	r->ts = rec->ts;
	if (r->type == RECORD_OTHER)
		return;
	r->vm_id = 0;
	r->vcpu = VCPU_UNKNOWN;
	r->call.overhead = 0;
	r->call.by_host = 0;
	r->pid = read_field(&f->common.fields[COMMON_PID], rec);
	read_fields(&f->formats[r->type], rec, r);
}

static bool is_number(int offset, int size)
{
	return offset >= 0 && offset <= MAX_OFFSET &&
	       (size == 1 || size == 2 || size == 4 || size == 8);
}

static void add_field(struct format *fmt, int offset, int size, size_t to)
{
	int end = offset + size, at = end < 8 ? 0 : end - 8;

	fmt->fields[fmt->nr++] = (struct field){
		.at = at,
		.shift = 8 * (offset - at),
		.mask = ~0ULL >> (64 - 8 * size),
		.to = to,
	};
	if (at + 8U > fmt->size)
		fmt->size = at + 8;
}

/* What becomes of an event that lacks a field: nothing else tells what hypergraph_host does. */
static const char *fate(const char *event)
{
	return strcmp(event, names[RECORD_HYPERCALL].event) ? ": it is left out" : "";
}

/* @text is the format of @event. */
static bool find_field(struct format *fmt, const char *text, const char *event,
		       const struct field_name *name, const char *file)
{
	int offset, size;

	if (!format_field(text, name->name, &offset, &size)) {
		if (name->optional)
			return true;
		warnx("%s: event %s has no field %s%s", file, event, name->name, fate(event));
		return false;
	}
	if (!is_number(offset, size)) {
		warnx("%s: event %s has field %s of %d bytes at %d%s", file, event, name->name,
		      size, offset, fate(event));
		return false;
	}
	add_field(fmt, offset, size, name->to);
	return true;
}

static bool find_fields(struct format *fmt, const char *text, const char *event,
			const struct field_name *names, size_t nr, const char *file)
{
	size_t i;

	for (i = 0; i < nr && names[i].name; i++) {
		if (!find_field(fmt, text, event, &names[i], file))
			return false;
	}
	return true;
}

/* They are where the first event that has them all has them. */
static bool find_common(struct fields *f, const char *text, const char *event, const char *file)
{
	if (f->common.nr == NR_COMMON)
		return true;
	f->common = (struct format){ .nr = 0 };
	return find_fields(&f->common, text, event, common_names, NR_COMMON, file);
}

/* Returns false if the trace has the event, but it cannot be read. */
static bool find_event(struct fields *f, const struct formats *formats, enum record_type type,
		       const char *file)
{
	const char *event = names[type].event, *text = formats_find(formats, event);
	struct format *fmt = &f->formats[type];

	fmt->id = -1;
	if (!text)
		return true;
	if (!find_common(f, text, event, file) ||
	    !find_fields(fmt, text, event, names[type].fields, MAX_FIELDS, file))
		return false;
	fmt->id = format_id(text);
	if (fmt->id >= 0)
		return true;
	warnx("%s: event %s has no ID%s", file, event, fate(event));
	return false;
}

/* What hypergraph_host tells is not read from anything else, and not twice. */
static bool find_events(struct fields *f, const struct formats *formats, const char *file)
{
	enum record_type type;

	if (!find_event(f, formats, RECORD_HYPERCALL, file))
		return false;
	for (type = RECORD_HYPERCALL + 1; type < NR_RECORDS; type++)
		find_event(f, formats, type, file);
	if (fields_have(f, RECORD_HYPERCALL))
		f->formats[RECORD_KVM_HYPERCALL].id = -1;
	if (fields_have(f, RECORD_HYPERCALL) || fields_have(f, RECORD_KVM_HYPERCALL) ||
	    fields_have(f, RECORD_JOINED) || fields_have(f, RECORD_EXIT))
		return true;
	warnx("%s: has no event of guests: hypergraph record tells which to record", file);
	return false;
}

struct fields *fields_new(const struct formats *formats, const char *file)
{
	struct fields *f = xcalloc(1, sizeof(*f));

	if (find_events(f, formats, file))
		return f;
	fields_free(f);
	return NULL;
}

void fields_free(struct fields *f)
{
	free(f);
}
