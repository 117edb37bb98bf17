// SPDX-License-Identifier: GPL-2.0
/*
 * Version 7 of trace.dat: sections, each with a header that tells its kind and size. Options
 * tell where the sections are, and in those where the events of each CPU are. The section
 * that ends the options leads to more of them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "input/dat_parts.h"
#include "input/unpack.h"
#include "util/util.h"

/* How far before its place a section is looked for, where bytes are missing */
#define MAX_MISSING	8192

/* To look at a section takes as long as so many bytes. */
#define TRY_SIZE	4096

/* No description is larger. */
#define MAX_SECTION	(256 * 1024 * 1024)

/* A section that is compressed has two sizes before it. */
static bool unpack_section(struct dat *d, struct cursor *in)
{
	__u32 size = cursor_number(in, 4), unpacked_size = cursor_number(in, 4);
	char *packed, *data = NULL;
	bool ok = false;

	if (in->ended || !d->unpacker || unpacked_size > MAX_SECTION)
		return false;
	packed = cursor_text(in, size);
	if (packed) {
		data = xcalloc(1, (size_t)unpacked_size + 1);
		ok = unpack(d->unpacker, packed, size, data, unpacked_size);
	}
	free(packed);
	if (ok) {
		*in = (struct cursor){ .data = data, .size = unpacked_size };
		return true;
	}
	free(data);
	dat_may_search(d, size + (__u64)unpacked_size);
	return false;
}

bool dat_read_section(struct cursor *in, struct section *s)
{
	struct cursor behind;

	s->at = in->at;
	s->id = cursor_number(in, 2);
	s->packed = cursor_number(in, 2) & SECTION_COMPRESSED;
	cursor_skip(in, 4);		/* where its name is */
	s->size = cursor_number(in, 8);
	behind = *in;
	/* libtracecmd writes another size for that one. */
	if (s->id == ID_STRINGS && s->packed)
		s->size = 8 + cursor_number(&behind, 4);
	return !in->ended;
}

bool dat_open_section(struct dat *d, __u64 at, unsigned int id, struct cursor *in)
{
	struct section s;

	*in = d->in;
	in->at = at;
	in->ended = false;
	if (!dat_read_section(in, &s) || s.id != id || !cursor_has(in, s.size))
		return false;
	in->size = in->at + s.size;
	return !s.packed || unpack_section(d, in);
}

void dat_close_section(struct cursor *in)
{
	free((void *)in->data);
}

/* What the options of a file tell */
struct options {
	__u64 sections[NR_IDS];		/* where they are, 0: not told */
	bool listed;			/* Where events are is told. */
	__u64 damaged_at;		/* Those from there on cannot be read. 0: all were */
};

/* The section that has the pages tells whether they are compressed. */
static bool are_packed(const struct dat *d, __u64 at)
{
	struct cursor in = d->in;
	struct section s;

	in.at = at;
	if (!dat_read_section(&in, &s) || s.id != ID_BUFFER)
		return d->unpacker;
	return s.packed;
}

static bool read_buffer(struct dat *d, struct cursor *in)
{
	__u64 section = cursor_number(in, 8);
	char name[CURSOR_STRING], clock[CURSOR_STRING];
	struct dat_buffer *buffer;
	__u32 page_size, cpus, i;

	cursor_string(in, name);
	cursor_string(in, clock);
	page_size = cursor_number(in, 4);
	if (in->ended || d->nr_buffers == MAX_BUFFERS)
		return false;
	buffer = dat_add_buffer(d, name);
	buffer->packed = are_packed(d, section);
	buffer->page_size = page_size;
	snprintf(buffer->clock, sizeof(buffer->clock), "%.31s", clock);
	make_printable(buffer->clock);
	cpus = cursor_number(in, 4);
	for (i = 0; i < cpus && i < MAX_CPUS && !in->ended; i++) {
		__u32 cpu = cursor_number(in, 4);
		__u64 at = cursor_number(in, 8), size = cursor_number(in, 8);

		/* Before trace-cmd 3.2, the number of chunks before them is not counted. */
		if (size && buffer->packed)
			size += 4;
		if (!in->ended && cpu < MAX_CPUS)
			dat_add_part(d, cpu, at, size);
	}
	return !in->ended;
}

static void read_option(struct dat *d, struct options *o, unsigned int id, struct cursor *in)
{
	if (id == ID_BUFFER)
		o->listed |= read_buffer(d, in);
	else if (id >= ID_HEADER_INFO && id < NR_IDS)
		o->sections[id] = cursor_number(in, 8);
	else
		dat_read_option(d, id, in);
}

/*
 * Reads those of a section, or only goes over them if @o is NULL. Returns false if they do not
 * end with the one that tells where the next section of options is, *@next.
 */
static bool read_all_options(struct dat *d, struct options *o, struct cursor *in, __u64 *next)
{
	while (!in->ended) {
		__u16 id = cursor_number(in, 2);
		__u32 size = cursor_number(in, 4);
		struct cursor option = *in;

		cursor_skip(in, size);
		option.size = in->at;
		if (id == ID_OPTIONS) {
			*next = cursor_number(&option, 8);
			return !in->ended && !option.ended;
		}
		if (o && !in->ended)
			read_option(d, o, id, &option);
	}
	return false;
}

static bool are_options(struct dat *d, __u64 at)
{
	struct cursor in;
	__u64 next;
	bool are;

	if (!dat_open_section(d, at, ID_OPTIONS, &in))
		return false;
	are = read_all_options(d, NULL, &in, &next) && in.at == in.size;
	dat_may_search(d, in.data ? in.size : 0);
	dat_close_section(&in);
	return are;
}

/* Returns where the options are that should be at @at, but not before @from, or 0. */
static __u64 find_options(struct dat *d, __u64 at, __u64 from)
{
	__u64 end = at < d->in.size ? at : d->in.size, i;

	for (i = end; i > from && end - i < MAX_MISSING && dat_may_search(d, TRY_SIZE); i--) {
		if (are_options(d, i))
			return i;
	}
	return 0;
}

/*
 * Reads the options at @at, or those between @from and that, and returns where the next ones
 * are, or 0.
 */
static __u64 read_options(struct dat *d, struct options *o, __u64 at, __u64 from)
{
	struct cursor in;
	__u64 next = 0;
	bool whole;

	if (!dat_open_section(d, at, ID_OPTIONS, &in)) {
		__u64 found = find_options(d, at, from);

		d->cut |= !found && at >= d->in.size;
		o->damaged_at = at;
		if (!found || !dat_open_section(d, found, ID_OPTIONS, &in))
			return 0;
	}
	whole = read_all_options(d, o, &in, &next);
	dat_close_section(&in);
	/* They are written one after the other: what leads backwards is damaged. */
	if (whole && (!next || next > at))
		return next;
	o->damaged_at = at;
	return 0;
}

/* Returns where the first section of that kind is, or 0: they follow each other. */
static __u64 find_section(const struct dat *d, unsigned int id)
{
	struct cursor in = d->in;
	struct section s;

	while (dat_read_section(&in, &s)) {
		if (s.id == id)
			return s.at;
		cursor_skip(&in, s.size);
	}
	return 0;
}

static bool open_description(struct dat *d, struct options *o, unsigned int id,
			     struct cursor *in)
{
	if (o->sections[id] && dat_open_section(d, o->sections[id], id, in))
		return true;
	o->sections[id] = find_section(d, id);
	return o->sections[id] && dat_open_section(d, o->sections[id], id, in);
}

static void read_description(struct dat *d, struct options *o, unsigned int id,
			     void (*read)(struct dat *d, struct cursor *in))
{
	__u64 told = o->sections[id];
	struct cursor in;
	bool ok = open_description(d, o, id, &in);

	if (ok) {
		struct cursor begin = in;

		read(d, &in);
		ok = !in.ended;
		if (!ok)
			dat_find_formats(d, &begin);
		dat_close_section(&in);
	}
	if (!ok && (told || o->sections[id]))
		dat_damage(d, o->sections[id] ?: told, "not all that it tells of events is there");
}

static void read_descriptions(struct dat *d, struct options *o)
{
	read_description(d, o, ID_HEADER_INFO, dat_read_header_info);
	read_description(d, o, ID_FTRACE_EVENTS, dat_read_ftrace_events);
	read_description(d, o, ID_EVENT_FORMATS, dat_read_event_formats);
	d->kallsyms.at = o->sections[ID_KALLSYMS] ?: find_section(d, ID_KALLSYMS);
}

static bool is_section(const struct section *s)
{
	return s->size && (s->id == ID_OPTIONS || s->id == ID_BUFFER || s->id >= ID_STRINGS) &&
	       s->id < NR_IDS;
}

/* Nothing is read of what comes last. Others than trace-cmd may have put more behind it. */
static bool is_end_cut(const struct dat *d)
{
	struct cursor in = d->in;
	struct section s;

	while (in.at < in.size && dat_read_section(&in, &s) && is_section(&s))
		cursor_skip(&in, s.size);
	return in.ended;
}

void dat_read_7(struct dat *d, __u64 options_at)
{
	struct options o = { .listed = false };
	__u64 at = options_at, last = d->in.at;

	while (at) {
		__u64 next = read_options(d, &o, at, last);

		last = at;
		at = next;
	}
	read_descriptions(d, &o);
	if (!o.listed)
		dat_search_7(d);
	if (o.damaged_at && !d->cut)
		dat_damage(d, o.damaged_at, "what it tells about the recording is not there");
	d->cut |= is_end_cut(d);
}
