// SPDX-License-Identifier: GPL-2.0
/* Opens a trace.dat: reads its header, and checks what else it says about itself. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "input/dat_open.h"
#include "input/dat_parts.h"
#include "input/format.h"
#include "input/page.h"
#include "input/unpack.h"
#include "util/util.h"

/* What a trace.dat begins with */
#define MAGIC		"\x17\x08\x44tracing"

#define PAGE_MIN	4096

/* Searches may look at so many bytes, and at each of the file's so often. */
#define SEARCH_BYTES	(64 * 1024 * 1024)
#define SEARCH_TIMES	16

/* Names with which x86 hosts call themselves; no name is taken for one. */
static const char * const machines[] = { "x86_64", "i686", "i586", "i486", "i386", "" };

bool dat_begins(const char *data)
{
	return !memcmp(data, MAGIC, DAT_MAGIC_SIZE);
}

static bool read_magic(struct dat *d)
{
	char magic[DAT_MAGIC_SIZE];

	cursor_read(&d->in, magic, sizeof(magic));
	if (!d->in.size)
		warnx("%s: empty file", d->file);
	else if (!dat_begins(magic))
		warnx("%s: not a trace.dat file", d->file);
	else
		return true;
	return false;
}

static bool read_version(struct dat *d, char version[CURSOR_STRING])
{
	cursor_string(&d->in, version);
	if (d->in.ended && !cursor_has(&d->in, 1)) {
		warnx("%s: truncated at offset %llu, in its header", d->file, d->in.size);
		return false;
	}
	if (!strcmp(version, "6") || !strcmp(version, "7"))
		return true;
	make_printable(version);
	warnx("%s: of version \"%s\": those that are known are 6 and 7", d->file, version);
	return false;
}

static bool read_sizes(struct dat *d)
{
	if (cursor_number(&d->in, 1)) {
		warnx("%s: not of an x86 host: it is big-endian", d->file);
		return false;
	}
	d->long_size = cursor_number(&d->in, 1);
	d->page_size = cursor_number(&d->in, 4);
	if (d->long_size != 4 && d->long_size != 8)
		warnx("%s: with a long of %u bytes: 4 and 8 are known", d->file, d->long_size);
	else if (d->page_size < PAGE_MIN || d->page_size > PAGE_MAX)
		warnx("%s: with pages of %u bytes: %u to %u are known", d->file, d->page_size,
		      PAGE_MIN, PAGE_MAX);
	else
		return true;
	return false;
}

static bool read_packing(struct dat *d)
{
	cursor_string(&d->in, d->packing);
	cursor_skip_string(&d->in);		/* its version */
	if (!*d->packing || !strcmp(d->packing, "none"))
		return true;
	d->unpacker = unpacker_new(d->packing);
	if (d->unpacker)
		return true;
	make_printable(d->packing);
	warnx("%s: compressed with %s: zstd and zlib are known", d->file, d->packing);
	return false;
}

static bool read_file(struct dat *d)
{
	char version[CURSOR_STRING];
	__u64 options_at;

	if (!read_magic(d) || !read_version(d, version) || !read_sizes(d))
		return false;
	if (*version == '6') {
		dat_read_6(d);
		return true;
	}
	if (!read_packing(d))
		return false;
	options_at = cursor_number(&d->in, 8);
	if (!d->in.ended)
		dat_read_7(d, options_at);
	d->cut |= d->in.ended;
	return true;
}

static bool is_x86(const struct dat *d)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(machines); i++) {
		if (!strcmp(d->machine, machines[i]))
			return true;
	}
	warnx("%s: not of an x86 host: of %s", d->file, d->machine);
	return false;
}

static int compare_parts(const void *a, const void *b)
{
	const struct dat_part *one = a, *other = b;

	if (one->at != other->at)
		return one->at < other->at ? -1 : 1;
	return one->cpu < other->cpu ? -1 : one->cpu > other->cpu;
}

/* Where the next CPU's events begin, those of @part end: what is read twice could be endless. */
static void end_part(struct dat *d, struct dat_part *part, const struct dat_part *next)
{
	if (next->at - part->at >= part->size)
		return;
	dat_damage(d, next->at, "it is said to be of CPU %u, but also of CPU %u", part->cpu,
		   next->cpu);
	part->size = next->at - part->at;
	part->cut = false;
}

static void end_parts(struct dat *d)
{
	unsigned int i;

	if (d->nr_parts)
		qsort(d->parts, d->nr_parts, sizeof(*d->parts), compare_parts);
	for (i = 0; i < d->nr_parts; i++) {
		if (i + 1 < d->nr_parts)
			end_part(d, &d->parts[i], &d->parts[i + 1]);
		d->cut |= d->parts[i].cut;
	}
}

/* What is wrong with a buffer is said once. */
static bool is_known(struct dat *d, const struct dat_part *part)
{
	struct dat_buffer *buffer = &d->buffers[part->buffer];

	if (buffer->page_size >= PAGE_MIN && buffer->page_size <= PAGE_MAX &&
	    (d->unpacker || !buffer->packed))
		return true;
	if (buffer->page_size)
		dat_damage(d, part->at, "it is said to be of pages of %u bytes%s",
			   buffer->page_size, buffer->packed ? ", compressed" : "");
	buffer->page_size = 0;
	return false;
}

static void keep_known(struct dat *d)
{
	unsigned int i, nr = 0;

	for (i = 0; i < d->nr_parts; i++) {
		if (d->parts[i].size && is_known(d, &d->parts[i]))
			d->parts[nr++] = d->parts[i];
	}
	d->nr_parts = nr;
}

static bool has_events(const struct dat *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_parts; i++) {
		if (d->parts[i].size)
			return true;
	}
	return false;
}

/* The first CPU some of whose events are not there, or NULL */
static const struct dat_part *find_cut(const struct dat *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_parts; i++) {
		if (d->parts[i].cut)
			return &d->parts[i];
	}
	return NULL;
}

static void warn_of_cut(const struct dat *d)
{
	const struct dat_part *part = find_cut(d);

	if (!has_events(d)) {
		warnx("%s: truncated at offset %llu, before any events", d->file, d->in.size);
		return;
	}
	if (!part) {
		warnx("%s: truncated at offset %llu, behind events", d->file, d->in.size);
		return;
	}
	warnx("%s: truncated at offset %llu, in the events of CPU %u: what comes later is lost",
	      d->file, d->in.size, part->cpu);
}

struct dat *dat_open(int fd, const char *file)
{
	struct dat *d = xcalloc(1, sizeof(*d));
	struct stat st;

	d->file = file;
	d->in.fd = fd;
	d->in.size = fstat(fd, &st) ? 0 : st.st_size;
	d->search_left = SEARCH_BYTES + SEARCH_TIMES * d->in.size;
	d->formats = formats_new();
	if (read_file(d) && is_x86(d)) {
		end_parts(d);
		if (d->cut)
			warn_of_cut(d);
		d->damaged |= d->cut;
		keep_known(d);
		if (!d->cut || d->nr_parts)
			return d;
	}
	dat_close(d);
	return NULL;
}

/* The text of version 7 has its size before it. */
static char *read_kallsyms(struct dat *d)
{
	struct cursor in = d->in;
	char *text;

	if (d->kallsyms.size) {
		in.at = d->kallsyms.at;
		return cursor_text(&in, d->kallsyms.size);
	}
	if (!dat_open_section(d, d->kallsyms.at, ID_KALLSYMS, &in))
		return NULL;
	text = cursor_text(&in, cursor_number(&in, 4));
	dat_close_section(&in);
	return text;
}

/* Another thread may use the unpacker of @d, and change what it unpacked last. */
char *dat_kallsyms(const struct dat *d, bool *damaged)
{
	struct dat own = { .file = d->file, .in = d->in, .kallsyms = d->kallsyms };
	char *text;

	if (!d->kallsyms.at)
		return NULL;
	own.in.ended = false;
	own.unpacker = d->unpacker ? unpacker_new(d->packing) : NULL;
	text = read_kallsyms(&own);
	if (!text)
		dat_damage(&own, d->kallsyms.at, "symbols of the host are lost");
	*damaged |= !text;
	unpacker_free(own.unpacker);
	return text;
}

void dat_close(struct dat *d)
{
	if (!d)
		return;
	formats_free(d->formats);
	unpacker_free(d->unpacker);
	free(d->chunk.data);
	free(d->buffers);
	free(d->parts);
	free(d);
}
