// SPDX-License-Identifier: GPL-2.0
/*
 * Finds out what there is of a trace.dat that ends too early: the copy of it was
 * interrupted, or the disk was full. Its format is in trace-cmd.dat(5). Events are written
 * CPU by CPU.
 *
 * Version 6 has a table of where those of each CPU are before them: in the copy it is cut
 * to what the file has. Version 7 has it behind them, as an option in the last section of
 * options: such a section is made anew, from where each CPU's events are seen to begin and
 * end, and the last section of options that there is leads to it. As what has no events
 * cannot be seen, a CPU may get the number of one before it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/dat.h"
#include "util/util.h"

#define MAGIC		"\x17\x08\x44tracing"
#define MAX_STRING	256
#define MAX_PAGE	65536
#define MAX_CPUS	8192

/* Of sections and of options */
enum { ID_OPTIONS = 0, ID_BUFFER = 3, ID_TRACE_CLOCK = 4, ID_TSC2NSEC = 14, ID_STRINGS = 15 };
#define SECTION_COMPRESSED	1
#define SECTION_HEADER_SIZE	16

/* Where the events of a CPU are, in bytes from the begin of the file */
struct part {
	unsigned int cpu;
	__u64 at;
	__u64 size;
	__u64 entry_at;		/* version 6: of the table */
	__u32 chunks;		/* of a compressed one, if it is cut: how many there are */
	bool cut;
};

struct dat {
	int fd;
	__u64 size;
	__u64 at;		/* what is read next */
	bool ended;		/* that was behind the end */
	bool cut;		/* something that it says to have is not there */
	bool sections;		/* version 7 */
	bool compressed;
	__u32 page_size;
	__u64 options_at;	/* version 7: of the first section of options */
	__u64 link_at;		/* of what leads to the next section of options */
	bool listed;		/* version 7: an option says where events are */
	__u64 buffer_at;	/* of the section that has the events */
	char clock[32];
	bool converted;		/* libtracecmd makes ns of that clock's times */
	struct part *parts;
	unsigned int nr_parts;
	unsigned int cpus;
};

static void read_bytes(struct dat *l, void *to, size_t size)
{
	if (pread(l->fd, to, size, l->at) != (ssize_t)size) {
		memset(to, 0, size);
		l->ended = true;
	}
	l->at += size;
}

/* The host is of x86, as this is: no bytes are swapped. */
static __u64 read_number(struct dat *l, size_t size)
{
	__u64 n = 0;

	read_bytes(l, &n, size);
	return n;
}

static void skip(struct dat *l, __u64 size)
{
	if (l->at > l->size || size > l->size - l->at)
		l->ended = true;
	else
		l->at += size;
}

static void read_string(struct dat *l, char text[MAX_STRING])
{
	unsigned int i;

	for (i = 0; i < MAX_STRING; i++) {
		text[i] = read_number(l, 1);
		if (!text[i])
			return;
	}
	l->ended = true;
	text[0] = '\0';
}

static void skip_string(struct dat *l)
{
	char text[MAX_STRING];

	read_string(l, text);
}

static __u64 page_align(const struct dat *l, __u64 at)
{
	return (at + l->page_size - 1) / l->page_size * l->page_size;
}

static struct part *add_part(struct dat *l, unsigned int cpu)
{
	struct part *part;

	l->parts = xrealloc(l->parts, (l->nr_parts + 1) * sizeof(*l->parts));
	part = &l->parts[l->nr_parts++];
	*part = (struct part){ .cpu = cpu };
	if (cpu >= l->cpus)
		l->cpus = cpu + 1;
	return part;
}

/* False: this is none that is known. */
static bool read_begin(struct dat *l)
{
	char magic[sizeof(MAGIC) - 1];
	unsigned char version;
	bool little_endian;

	read_bytes(l, magic, sizeof(magic));
	version = read_number(l, 1);
	if (memcmp(magic, MAGIC, sizeof(magic)) || (version != '6' && version != '7') ||
	    read_number(l, 1))
		return false;
	l->sections = version == '7';
	little_endian = !read_number(l, 1);
	skip(l, 1);
	l->page_size = read_number(l, 4);
	if (l->sections) {
		skip_string(l);		/* the compression, */
		skip_string(l);		/* its version */
		l->options_at = read_number(l, 8);
	}
	return little_endian && !l->ended && l->page_size && l->page_size <= MAX_PAGE;
}

/* Version 6: everything before the number of CPUs */
static void skip_descriptions(struct dat *l)
{
	__u64 systems, events;

	skip_string(l);
	skip(l, read_number(l, 8));	/* header_page */
	skip_string(l);
	skip(l, read_number(l, 8));	/* header_event */
	for (events = read_number(l, 4); events && !l->ended; events--)
		skip(l, read_number(l, 8));
	for (systems = read_number(l, 4); systems && !l->ended; systems--) {
		skip_string(l);
		for (events = read_number(l, 4); events && !l->ended; events--)
			skip(l, read_number(l, 8));
	}
	skip(l, read_number(l, 4));	/* kallsyms */
	skip(l, read_number(l, 4));	/* printk */
	skip(l, read_number(l, 8));	/* comms */
}

static void read_entry(struct dat *l, unsigned int cpu)
{
	struct part *part = add_part(l, cpu);

	part->entry_at = l->at;
	part->at = read_number(l, 8);
	part->size = read_number(l, 8);
	if (part->at <= l->size && part->size <= l->size - part->at)
		return;
	part->cut = true;
	part->size = part->at < l->size ? l->size - part->at : 0;
	part->size -= part->size % l->page_size;
	l->cut = true;
}

/* "local [mono] boot": the chosen one */
static void read_clock(struct dat *l, __u32 size)
{
	char clocks[512] = "", *begin, *end;

	if (size >= sizeof(clocks))
		return;
	read_bytes(l, clocks, size);
	begin = strchr(clocks, '[');
	end = begin ? strchr(begin, ']') : NULL;
	if (end)
		snprintf(l->clock, sizeof(l->clock), "%.*s", (int)(end - begin - 1), begin + 1);
}

static void read_option(struct dat *l, __u16 id, __u32 size)
{
	__u64 at = l->at;

	if (id == ID_TRACE_CLOCK)
		read_clock(l, size);
	else if (id == ID_TSC2NSEC)
		l->converted = true;
	if (!l->ended)
		l->at = at;
	skip(l, size);
}

static void read_table(struct dat *l)
{
	char type[MAX_STRING];
	__u32 i, cpus;
	__u16 id;

	skip_descriptions(l);
	cpus = read_number(l, 4);
	read_string(l, type);
	if (!strcmp(type, "options  ")) {
		while (!l->ended && (id = read_number(l, 2)))
			read_option(l, id, read_number(l, 4));
		read_string(l, type);
	}
	/* Else it holds text. */
	if (strcmp(type, "flyrecord"))
		cpus = 0;
	for (i = 0; i < cpus && i < MAX_CPUS && !l->ended; i++)
		read_entry(l, i);
	l->cut |= l->ended;
}

/* Of the top instance, which has no name: hypergraph uses no other one. */
static void read_buffer(struct dat *l)
{
	char name[MAX_STRING];
	__u32 i, cpus;
	__u64 at;

	l->listed = true;
	at = read_number(l, 8);
	read_string(l, name);
	if (*name || l->buffer_at)
		return;
	l->buffer_at = at;
	skip_string(l);			/* the clock */
	skip(l, 4);			/* the size of a page */
	cpus = read_number(l, 4);
	for (i = 0; i < cpus && !l->ended; i++) {
		__u32 cpu = read_number(l, 4);
		struct part *part = add_part(l, cpu < MAX_CPUS ? cpu : 0);

		part->at = read_number(l, 8);
		part->size = read_number(l, 8);
	}
}

/* The next section of options, or 0. An option without an id ends them. */
static __u64 read_options(struct dat *l)
{
	__u16 section = read_number(l, 2), flags = read_number(l, 2);

	skip(l, SECTION_HEADER_SIZE - 4);
	if (section != ID_OPTIONS || flags & SECTION_COMPRESSED)
		l->ended = true;
	while (!l->ended) {
		__u16 id = read_number(l, 2);
		__u32 size = read_number(l, 4);
		__u64 at = l->at;

		if (id == ID_OPTIONS) {
			__u64 next = read_number(l, 8);

			if (!l->ended)
				l->link_at = at;
			return next;
		}
		if (id == ID_BUFFER) {
			read_buffer(l);
			if (!l->ended)
				l->at = at;
		}
		read_option(l, id, size);
	}
	return 0;
}

static void read_all_options(struct dat *l)
{
	__u64 at = l->options_at, next;

	do {
		l->at = at;
		next = read_options(l);
		/* They are written one after the other: what leads backwards is damaged. */
		l->cut = l->ended || (next && next <= at);
		at = next;
	} while (next && !l->cut);
	l->ended = false;
}

/* Finds how many there are, and their end: each has its size before it. */
static void walk_chunks(struct dat *l, struct part *part)
{
	__u32 chunks;

	l->at = part->at;
	chunks = read_number(l, 4);
	/* 0 is what is written until all are. */
	while (!l->ended && (!chunks || part->chunks < chunks)) {
		__u32 size = read_number(l, 4);

		skip(l, 4);		/* when uncompressed */
		skip(l, size);
		if (!l->ended) {
			part->size = l->at - part->at;
			part->chunks++;
		}
	}
	part->cut = l->ended;
}

static void find_compressed(struct dat *l)
{
	unsigned int cpu = 0;

	while (!l->ended && l->at < l->size && cpu < MAX_CPUS) {
		struct part *part = add_part(l, cpu++);

		part->at = l->at;
		walk_chunks(l, part);
		l->at = page_align(l, l->at);
	}
}

/* The time of a page is its first number. Where it goes back, the next CPU begins. */
static void find_uncompressed(struct dat *l)
{
	struct part *part = NULL;
	__u64 last = 0;

	while (l->at + l->page_size <= l->size && l->nr_parts < MAX_CPUS) {
		__u64 at = l->at, time = read_number(l, 8);

		if (!part || time < last) {
			part = add_part(l, l->nr_parts);
			part->at = at;
		}
		last = time;
		part->size += l->page_size;
		l->at = at + l->page_size;
	}
	if (part)
		part->cut = true;
}

/* libtracecmd follows the sizes of sections even where one is negative: without end. */
static bool sections_end(struct dat *l)
{
	while (!l->ended) {
		__u16 id = read_number(l, 2), flags = read_number(l, 2);
		__u64 size;

		skip(l, 4);
		size = read_number(l, 8);
		if ((__s64)size < 0)
			return false;
		if (id == ID_STRINGS && flags & SECTION_COMPRESSED)
			size = 4 + read_number(l, 4);
		skip(l, size);
	}
	l->ended = false;
	return true;
}

/* Goes to the section that has events, if there is one. */
static void find_buffer(struct dat *l)
{
	while (!l->ended) {
		__u64 at = l->at;
		__u16 id = read_number(l, 2), flags = read_number(l, 2);

		skip(l, 4);
		if (id == ID_BUFFER && !l->ended) {
			l->buffer_at = at;
			l->compressed = flags & SECTION_COMPRESSED;
			l->at = page_align(l, at + SECTION_HEADER_SIZE);
			return;
		}
		skip(l, read_number(l, 8));
	}
}

/* False: they are of no use. */
static bool read_sections(struct dat *l)
{
	__u64 sections_at = l->at;

	if (!sections_end(l))
		return false;
	read_all_options(l);
	if (l->listed && !l->cut) {
		l->at = l->buffer_at + 2;
		l->compressed = read_number(l, 2) & SECTION_COMPRESSED;
		return true;
	}
	l->buffer_at = 0;
	l->nr_parts = 0;
	l->cpus = 0;
	l->at = sections_at;
	find_buffer(l);
	if (!l->buffer_at)
		return true;
	l->cut = true;
	if (l->compressed)
		find_compressed(l);
	else
		find_uncompressed(l);
	return true;
}

static bool has_events(const struct dat *l)
{
	unsigned int i;

	for (i = 0; i < l->nr_parts; i++) {
		if (l->parts[i].size)
			return true;
	}
	return false;
}

static void copy_all(struct dat *l, FILE *out)
{
	char block[65536];
	ssize_t size;

	l->at = 0;
	while ((size = pread(l->fd, block, sizeof(block), l->at)) > 0) {
		fwrite(block, size, 1, out);
		l->at += size;
	}
}

static void write_number(FILE *out, __u64 n, size_t size)
{
	fwrite(&n, size, 1, out);
}

static void write_number_at(FILE *out, __u64 at, __u64 n, size_t size)
{
	fseeko(out, at, SEEK_SET);
	write_number(out, n, size);
}

/* A section of options, which has the one of where the events are */
static void write_options(const struct dat *l, FILE *out)
{
	const char *clock = *l->clock ? l->clock : "local";
	__u32 option_size = 8 + 1 + strlen(clock) + 1 + 4 + 4 + l->nr_parts * (4 + 8 + 8);
	unsigned int i;

	write_number(out, ID_OPTIONS, 2);
	write_number(out, 0, 2);
	write_number(out, 0, 4);
	write_number(out, 6 + option_size + 6 + 8, 8);

	write_number(out, ID_BUFFER, 2);
	write_number(out, option_size, 4);
	write_number(out, l->buffer_at, 8);
	write_number(out, 0, 1);		/* it has no name */
	fwrite(clock, strlen(clock) + 1, 1, out);
	write_number(out, l->page_size, 4);
	write_number(out, l->nr_parts, 4);
	for (i = 0; i < l->nr_parts; i++) {
		write_number(out, l->parts[i].cpu, 4);
		write_number(out, l->parts[i].at, 8);
		write_number(out, l->parts[i].size, 8);
	}
	write_number(out, ID_OPTIONS, 2);
	write_number(out, 8, 4);
	write_number(out, 0, 8);
}

static void mend(const struct dat *l, FILE *out)
{
	unsigned int i;

	if (l->sections) {
		write_number_at(out, l->link_at, l->size, 8);
		fseeko(out, l->size, SEEK_SET);
		write_options(l, out);
	}
	for (i = 0; i < l->nr_parts; i++) {
		const struct part *part = &l->parts[i];

		if (part->entry_at)
			write_number_at(out, part->entry_at + 8, part->size, 8);
		else if (part->chunks)
			write_number_at(out, part->at, part->chunks, 4);
	}
}

FILE *dat_copy(struct dat *l)
{
	FILE *out;

	/* Nothing leads to the events if there is no section of options. */
	if (!has_events(l) || (l->sections && !l->link_at))
		return NULL;
	out = tmpfile();
	if (!out) {
		warn("making a temporary file");
		return NULL;
	}
	copy_all(l, out);
	mend(l, out);
	if (!fflush(out) && !ferror(out))
		return out;
	warn("writing a temporary file");
	fclose(out);
	return NULL;
}

void dat_warn(const struct dat *l, const char *file)
{
	unsigned int i = 0;

	if (!has_events(l)) {
		warnx("%s: truncated at offset %llu, before any events", file, l->size);
		return;
	}
	while (i < l->nr_parts - 1 && !l->parts[i].cut)
		i++;
	warnx("%s: truncated at offset %llu, in the events of CPU %u: what comes later is lost",
	      file, l->size, l->parts[i].cpu);
}

struct dat *dat_read(const char *path)
{
	struct dat *l = xcalloc(1, sizeof(*l));
	bool ok;

	l->fd = open(path, O_RDONLY | O_CLOEXEC);
	l->size = l->fd < 0 ? 0 : lseek(l->fd, 0, SEEK_END);
	ok = l->fd >= 0 && read_begin(l);
	if (ok && l->sections)
		ok = read_sections(l);
	else if (ok)
		read_table(l);
	if (!ok) {
		dat_free(l);
		return NULL;
	}
	return l;
}

void dat_free(struct dat *l)
{
	if (!l)
		return;
	if (l->fd >= 0)
		close(l->fd);
	free(l->parts);
	free(l);
}

bool dat_is_cut(const struct dat *l)
{
	return l->cut;
}

const char *dat_foreign_clock(const struct dat *l)
{
	static const char * const ns[] = {
		"local", "global", "perf", "mono", "mono_raw", "boot", "tai", "",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		if (!strcmp(l->clock, ns[i]))
			return NULL;
	}
	return l->converted ? NULL : l->clock;
}

__u32 dat_page_size(const struct dat *l)
{
	return l->page_size;
}

unsigned int dat_cpus(const struct dat *l)
{
	return l->cpus;
}

static __u64 find_in_chunks(struct dat *l, const struct part *part, __u64 offset)
{
	__u64 end = 0;
	__u32 chunks;

	l->ended = false;
	l->at = part->at;
	for (chunks = read_number(l, 4); chunks && !l->ended; chunks--) {
		__u64 at = l->at;
		__u32 size = read_number(l, 4);

		end += read_number(l, 4);
		if (offset < end)
			return at;
		skip(l, size);
	}
	return 0;
}

static __u64 find_in_part(struct dat *l, const struct part *part, __u64 nr)
{
	__u64 offset = nr * l->page_size;

	if (!part->size)
		return 0;
	if (l->compressed)
		return find_in_chunks(l, part, offset);
	return offset < part->size ? part->at + offset : 0;
}

__u64 dat_find_page(struct dat *l, unsigned int cpu, __u64 nr)
{
	unsigned int i;

	for (i = 0; i < l->nr_parts; i++) {
		if (l->parts[i].cpu == cpu)
			return find_in_part(l, &l->parts[i], nr);
	}
	return 0;
}
