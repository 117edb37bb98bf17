// SPDX-License-Identifier: GPL-2.0
/*
 * Version 7 of trace.dat: sections, each with a header that tells its kind and size. Options
 * tell where the sections are, and in those where the events of each CPU are. The section
 * that ends the options leads to more of them.
 */
#include <stdlib.h>
#include <string.h>

#include "input/dat_parts.h"
#include "input/unpack.h"
#include "util/util.h"

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
	if (ok)
		*in = (struct cursor){ .data = data, .size = unpacked_size };
	else
		free(data);
	return ok;
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
		s->size = 4 + cursor_number(&behind, 4);
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
	return dat_read_section(&in, &s) && s.packed;
}

static bool read_buffer(struct dat *d, struct cursor *in)
{
	__u64 section = cursor_number(in, 8);
	char name[CURSOR_STRING], clock[CURSOR_STRING];
	struct dat_buffer *buffer;
	__u32 page_size, cpus;

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
	for (cpus = cursor_number(in, 4); cpus && !in->ended; cpus--) {
		__u32 cpu = cursor_number(in, 4);
		__u64 at = cursor_number(in, 8), size = cursor_number(in, 8);

		/* The number of chunks before them is not counted. */
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

/* Returns where the next section of options is, or 0. */
static __u64 read_options(struct dat *d, struct options *o, __u64 at)
{
	struct cursor in;
	__u64 next = 0;
	bool ended = false;

	if (!dat_open_section(d, at, ID_OPTIONS, &in)) {
		d->cut |= at >= d->in.size;
		o->damaged_at = at;
		return 0;
	}
	while (!ended && !in.ended) {
		__u16 id = cursor_number(&in, 2);
		__u32 size = cursor_number(&in, 4);
		struct cursor option = in;

		cursor_skip(&in, size);
		if (in.ended)
			break;
		option.size = in.at;
		ended = id == ID_OPTIONS;
		if (ended)
			next = cursor_number(&option, 8);
		else
			read_option(d, o, id, &option);
	}
	dat_close_section(&in);
	/* They are written one after the other: what leads backwards is damaged. */
	if (!ended || (next && next <= at))
		o->damaged_at = at;
	return o->damaged_at ? 0 : next;
}

/* Sections that no option told are where they follow each other. */
static void find_sections(struct dat *d, struct options *o)
{
	struct cursor in = d->in;
	struct section s;

	while (dat_read_section(&in, &s)) {
		cursor_skip(&in, s.size);
		if (!in.ended && s.id < NR_IDS && !o->sections[s.id])
			o->sections[s.id] = s.at;
	}
}

static void read_description(struct dat *d, struct options *o, unsigned int id,
			     void (*read)(struct dat *d, struct cursor *in))
{
	__u64 at = o->sections[id];
	struct cursor in;
	bool ok;

	if (!at)
		return;
	ok = dat_open_section(d, at, id, &in);
	if (ok) {
		read(d, &in);
		ok = !in.ended;
		dat_close_section(&in);
	}
	if (!ok)
		dat_damage(d, at, "formats of events are lost");
}

static void read_descriptions(struct dat *d, struct options *o)
{
	read_description(d, o, ID_HEADER_INFO, dat_read_header_info);
	read_description(d, o, ID_FTRACE_EVENTS, dat_read_ftrace_events);
	read_description(d, o, ID_EVENT_FORMATS, dat_read_event_formats);
	d->kallsyms.at = o->sections[ID_KALLSYMS];
}

void dat_read_7(struct dat *d, __u64 options_at)
{
	struct options o = { .listed = false };
	__u64 at = options_at;

	while (at)
		at = read_options(d, &o, at);
	if (o.damaged_at || !o.listed)
		find_sections(d, &o);
	read_descriptions(d, &o);
	if (!o.listed)
		dat_search_7(d);
	if (o.damaged_at && !d->cut)
		dat_damage(d, o.damaged_at, "what it tells about the recording is lost");
}
