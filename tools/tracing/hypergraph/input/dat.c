// SPDX-License-Identifier: GPL-2.0
/*
 * Reads what a trace.dat says about where its events are, and notices if it ends too early:
 * the copying of it was interrupted, or the disk was full. Its format is in
 * trace-cmd.dat(5).
 *
 * Version 6 has a table of where the events of each CPU are before them, version 7 has it
 * behind them, as an option in the last section of options.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/dat.h"
#include "input/dat_parts.h"
#include "util/util.h"

#define MAX_PAGE	65536

/* Returns false if no version is known that begins so. */
static bool read_begin(struct dat *d)
{
	char magic[sizeof(DAT_MAGIC) - 1];
	unsigned char version;
	bool little_endian;

	cursor_read(&d->in, magic, sizeof(magic));
	version = cursor_number(&d->in, 1);
	if (memcmp(magic, DAT_MAGIC, sizeof(magic)) || (version != '6' && version != '7') ||
	    cursor_number(&d->in, 1))
		return false;
	d->sections = version == '7';
	little_endian = !cursor_number(&d->in, 1);
	cursor_skip(&d->in, 1);
	d->page_size = cursor_number(&d->in, 4);
	if (d->sections) {
		cursor_skip_string(&d->in);		/* the compression, */
		cursor_skip_string(&d->in);		/* its version */
		d->options_at = cursor_number(&d->in, 8);
	}
	return little_endian && !d->in.ended && d->page_size && d->page_size <= MAX_PAGE;
}

/* Skips what version 6 has before the number of CPUs. */
static void skip_descriptions(struct dat *d)
{
	__u64 systems, events;

	cursor_skip_string(&d->in);
	cursor_skip(&d->in, cursor_number(&d->in, 8));	/* header_page */
	cursor_skip_string(&d->in);
	cursor_skip(&d->in, cursor_number(&d->in, 8));	/* header_event */
	for (events = cursor_number(&d->in, 4); events && !d->in.ended; events--)
		cursor_skip(&d->in, cursor_number(&d->in, 8));
	for (systems = cursor_number(&d->in, 4); systems && !d->in.ended; systems--) {
		cursor_skip_string(&d->in);
		for (events = cursor_number(&d->in, 4); events && !d->in.ended; events--)
			cursor_skip(&d->in, cursor_number(&d->in, 8));
	}
	cursor_skip(&d->in, cursor_number(&d->in, 4));	/* kallsyms */
	cursor_skip(&d->in, cursor_number(&d->in, 4));	/* printk */
	cursor_skip(&d->in, cursor_number(&d->in, 8));	/* comms */
}

static void read_entry(struct dat *d, unsigned int cpu)
{
	struct part *part = dat_add_part(d, cpu);

	part->entry_at = d->in.at;
	part->at = cursor_number(&d->in, 8);
	part->size = cursor_number(&d->in, 8);
	if (part->at <= d->in.size && part->size <= d->in.size - part->at)
		return;
	part->cut = true;
	part->size = part->at < d->in.size ? d->in.size - part->at : 0;
	part->size -= part->size % d->page_size;
	d->cut = true;
}

/* Takes the chosen one of "local [mono] boot". */
static void read_clock(struct dat *d, __u32 size)
{
	char clocks[512] = "", *begin, *end;

	if (size >= sizeof(clocks))
		return;
	cursor_read(&d->in, clocks, size);
	begin = strchr(clocks, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (end)
		snprintf(d->clock, sizeof(d->clock), "%.*s", (int)(end - begin - 1), begin + 1);
}

static void read_option(struct dat *d, __u16 id, __u32 size)
{
	__u64 at = d->in.at;

	if (id == ID_TRACE_CLOCK)
		read_clock(d, size);
	else if (id == ID_TSC2NSEC)
		d->converted = true;
	if (!d->in.ended)
		d->in.at = at;
	cursor_skip(&d->in, size);
}

static void read_table(struct dat *d)
{
	char type[CURSOR_STRING];
	__u32 i, cpus;
	__u16 id;

	skip_descriptions(d);
	cpus = cursor_number(&d->in, 4);
	cursor_string(&d->in, type);
	if (!strcmp(type, "options  ")) {
		while (!d->in.ended && (id = cursor_number(&d->in, 2)))
			read_option(d, id, cursor_number(&d->in, 4));
		cursor_string(&d->in, type);
	}
	/* A file without such records holds text. */
	if (strcmp(type, "flyrecord"))
		cpus = 0;
	for (i = 0; i < cpus && i < MAX_CPUS && !d->in.ended; i++)
		read_entry(d, i);
	d->cut |= d->in.ended;
}

/* Only the top instance, which has no name, is read: hypergraph uses no other one. */
static void read_buffer(struct dat *d)
{
	char name[CURSOR_STRING];
	__u32 i, cpus;
	__u64 at;

	d->listed = true;
	at = cursor_number(&d->in, 8);
	cursor_string(&d->in, name);
	if (*name || d->buffer_at)
		return;
	d->buffer_at = at;
	cursor_skip_string(&d->in);			/* the clock */
	cursor_skip(&d->in, 4);			/* the size of a page */
	cpus = cursor_number(&d->in, 4);
	for (i = 0; i < cpus && !d->in.ended; i++) {
		__u32 cpu = cursor_number(&d->in, 4);
		struct part *part = dat_add_part(d, cpu < MAX_CPUS ? cpu : 0);

		part->at = cursor_number(&d->in, 8);
		part->size = cursor_number(&d->in, 8);
	}
}

/* Returns where the next section of options is, as the last one of these says, or 0. */
static __u64 read_options(struct dat *d)
{
	__u16 section = cursor_number(&d->in, 2), flags = cursor_number(&d->in, 2);

	cursor_skip(&d->in, SECTION_HEADER_SIZE - 4);
	if (section != ID_OPTIONS || flags & SECTION_COMPRESSED)
		d->in.ended = true;
	while (!d->in.ended) {
		__u16 id = cursor_number(&d->in, 2);
		__u32 size = cursor_number(&d->in, 4);
		__u64 at = d->in.at;

		if (id == ID_OPTIONS) {
			__u64 next = cursor_number(&d->in, 8);

			if (!d->in.ended)
				d->link_at = at;
			return next;
		}
		if (id == ID_BUFFER) {
			read_buffer(d);
			if (!d->in.ended)
				d->in.at = at;
		}
		read_option(d, id, size);
	}
	return 0;
}

static void read_all_options(struct dat *d)
{
	__u64 at = d->options_at, next;

	do {
		d->in.at = at;
		next = read_options(d);
		/* They are written one after the other: what leads backwards is damaged. */
		d->cut = d->in.ended || (next && next <= at);
		at = next;
	} while (next && !d->cut);
	d->in.ended = false;
}

/* libtracecmd follows the sizes of sections even if one is negative, and then without end. */
static bool sections_end(struct dat *d)
{
	while (!d->in.ended) {
		__u16 id = cursor_number(&d->in, 2), flags = cursor_number(&d->in, 2);
		__u64 size;

		cursor_skip(&d->in, 4);
		size = cursor_number(&d->in, 8);
		if ((__s64)size < 0)
			return false;
		if (id == ID_STRINGS && flags & SECTION_COMPRESSED)
			size = 4 + cursor_number(&d->in, 4);
		cursor_skip(&d->in, size);
	}
	d->in.ended = false;
	return true;
}

/* Returns false if libtracecmd must not read them. */
static bool read_sections(struct dat *d)
{
	__u64 sections_at = d->in.at;

	if (!sections_end(d))
		return false;
	read_all_options(d);
	if (d->listed && !d->cut) {
		d->in.at = d->buffer_at + 2;
		d->compressed = cursor_number(&d->in, 2) & SECTION_COMPRESSED;
		return true;
	}
	d->in.at = sections_at;
	dat_search(d);
	return true;
}

void dat_warn(const struct dat *d, const char *file)
{
	unsigned int i = 0;

	if (!dat_has_events(d)) {
		warnx("%s: truncated at offset %llu, before any events", file, d->in.size);
		return;
	}
	while (i < d->nr_parts - 1 && !d->parts[i].cut)
		i++;
	warnx("%s: truncated at offset %llu, in the events of CPU %u: what comes later is lost",
	      file, d->in.size, d->parts[i].cpu);
}

struct dat *dat_read(const char *path)
{
	struct dat *d = xcalloc(1, sizeof(*d));
	bool ok;

	d->in.fd = open(path, O_RDONLY | O_CLOEXEC);
	d->in.size = d->in.fd < 0 ? 0 : lseek(d->in.fd, 0, SEEK_END);
	ok = d->in.fd >= 0 && read_begin(d);
	if (ok && d->sections)
		ok = read_sections(d);
	else if (ok)
		read_table(d);
	if (!ok) {
		dat_free(d);
		return NULL;
	}
	return d;
}

void dat_free(struct dat *d)
{
	if (!d)
		return;
	if (d->in.fd >= 0)
		close(d->in.fd);
	free(d->parts);
	free(d);
}

bool dat_is_cut(const struct dat *d)
{
	return d->cut;
}

const char *dat_foreign_clock(const struct dat *d)
{
	static const char * const ns[] = {
		"local", "global", "perf", "mono", "mono_raw", "boot", "tai", "",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		if (!strcmp(d->clock, ns[i]))
			return NULL;
	}
	return d->converted ? NULL : d->clock;
}

__u32 dat_page_size(const struct dat *d)
{
	return d->page_size;
}

unsigned int dat_cpus(const struct dat *d)
{
	return d->cpus;
}

static __u64 find_in_chunks(struct dat *d, const struct part *part, __u64 offset)
{
	__u64 end = 0;
	__u32 chunks;

	d->in.ended = false;
	d->in.at = part->at;
	for (chunks = cursor_number(&d->in, 4); chunks && !d->in.ended; chunks--) {
		__u64 at = d->in.at;
		__u32 size = cursor_number(&d->in, 4);

		end += cursor_number(&d->in, 4);
		if (offset < end)
			return at;
		cursor_skip(&d->in, size);
	}
	return 0;
}

static __u64 find_in_part(struct dat *d, const struct part *part, __u64 nr)
{
	__u64 offset = nr * d->page_size;

	if (!part->size)
		return 0;
	if (d->compressed)
		return find_in_chunks(d, part, offset);
	return offset < part->size ? part->at + offset : 0;
}

__u64 dat_find_page(struct dat *d, unsigned int cpu, __u64 nr)
{
	unsigned int i;

	for (i = 0; i < d->nr_parts; i++) {
		if (d->parts[i].cpu == cpu)
			return find_in_part(d, &d->parts[i], nr);
	}
	return 0;
}
