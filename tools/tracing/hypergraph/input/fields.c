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
		{ "guest_rip", TO(exit.rip) },
	} },
	[RECORD_ENTRY] = { .event = "kvm_entry" },
	[RECORD_HOST_ENTRY] = { "funcgraph_entry", {
		{ "func", TO(host.addr) }, { "depth", TO(host.depth) },
	} },
	[RECORD_HOST_RETURN] = { "funcgraph_exit", {
		{ "func", TO(host.addr) }, { "depth", TO(host.depth) },
		{ "calltime", TO(host.called) }, { "rettime", TO(host.returned) },
	} },
};

/* The eight bytes of a record in which a field is, and what to shift out of them */
struct field {
	int at;
	unsigned char left;
	unsigned char right;
	size_t to;
};

struct format {
	int id;			/* negative: this trace does not have the event */
	int size;		/* how much of a record is read */
	unsigned int nr;
	struct field fields[MAX_FIELDS];
};

struct fields {
	struct format common;
	struct format formats[NR_RECORDS];
};

/* What wrote it runs on x86, as this does: no bytes are swapped. */
static __u64 read_field(const struct field *f, const struct tep_record *rec)
{
	__u64 n;

	memcpy(&n, (const char *)rec->data + f->at, sizeof(n));
	return n << f->left >> f->right;
}

static bool is_event(const struct format *fmt, int id, const struct tep_record *rec)
{
	return id == fmt->id && rec->size >= fmt->size;
}

static enum record_type find_type(const struct fields *f, const struct tep_record *rec)
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

static void read_fields(const struct format *fmt, const struct tep_record *rec,
			struct host_record *r)
{
	unsigned int i;

	for (i = 0; i < fmt->nr; i++)
		*(__u64 *)((char *)r + fmt->fields[i].to) = read_field(&fmt->fields[i], rec);
}

void fields_read(const struct fields *f, const struct tep_record *rec, struct host_record *r)
{
	r->type = find_type(f, rec);
	r->cpu = rec->cpu;
	r->missed = rec->missed_events;
	r->ts = rec->ts;
	if (r->type == RECORD_OTHER)
		return;
	r->vm_id = 0;
	r->call.by_host = 0;
	r->pid = read_field(&f->common.fields[COMMON_PID], rec);
	read_fields(&f->formats[r->type], rec, r);
}

static bool is_number(const struct tep_format_field *field)
{
	return field->offset >= 0 && field->offset <= MAX_OFFSET &&
	       (field->size == 1 || field->size == 2 || field->size == 4 || field->size == 8);
}

static void add_field(struct format *fmt, const struct tep_format_field *field, size_t to)
{
	int end = field->offset + field->size, at = end < 8 ? 0 : end - 8;

	fmt->fields[fmt->nr++] = (struct field){
		.at = at,
		.left = 64 - 8 * (end - at),
		.right = 64 - 8 * field->size,
		.to = to,
	};
	if (at + 8 > fmt->size)
		fmt->size = at + 8;
}

static bool find_field(struct format *fmt, struct tep_event *event,
		       const struct field_name *name, const char *file)
{
	const struct tep_format_field *field = tep_find_any_field(event, name->name);

	if (!field && name->optional)
		return true;
	if (!field) {
		warnx("%s: event %s has no field %s", file, event->name, name->name);
		return false;
	}
	if (!is_number(field)) {
		warnx("%s: event %s has field %s of %d bytes at %d", file, event->name,
		      name->name, field->size, field->offset);
		return false;
	}
	add_field(fmt, field, name->to);
	return true;
}

static bool find_fields(struct format *fmt, struct tep_event *event,
			const struct field_name *names, size_t nr, const char *file)
{
	size_t i;

	for (i = 0; i < nr && names[i].name; i++) {
		if (!find_field(fmt, event, &names[i], file))
			return false;
	}
	return true;
}

/* Returns true also for a trace without the event. */
static bool find_event(struct format *fmt, struct tep_handle *tep,
		       const struct event_names *names, const char *file)
{
	struct tep_event *event = tep_find_event_by_name(tep, NULL, names->event);

	fmt->id = event ? event->id : -1;
	return !event || find_fields(fmt, event, names->fields, MAX_FIELDS, file);
}

static bool find_events(struct fields *f, struct tep_handle *tep, const char *file)
{
	struct tep_event *event = tep_find_event_by_name(tep, NULL, names[RECORD_HYPERCALL].event);
	enum record_type type;

	if (!event) {
		warnx("%s: has no hypergraph_host event: record with -e hypergraph_host", file);
		return false;
	}
	if (!find_fields(&f->common, event, common_names, NR_COMMON, file))
		return false;
	for (type = RECORD_OTHER + 1; type < NR_RECORDS; type++) {
		if (!find_event(&f->formats[type], tep, &names[type], file))
			return false;
	}
	return true;
}

struct fields *fields_new(struct tep_handle *tep, const char *file)
{
	struct fields *f;

	if (tep_is_file_bigendian(tep)) {
		warnx("%s: not of an x86 host: it is big-endian", file);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	if (find_events(f, tep, file))
		return f;
	fields_free(f);
	return NULL;
}

void fields_free(struct fields *f)
{
	free(f);
}
