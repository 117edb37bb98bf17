// SPDX-License-Identifier: GPL-2.0
/* What both versions of trace.dat have: descriptions, options, and parts of the CPUs */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input/dat_parts.h"
#include "input/format.h"
#include "util/util.h"

/* No event's format is longer. */
#define MAX_FORMAT	(1024 * 1024)

/* Nor are those of all events. */
#define MAX_FORMATS	(64 * 1024 * 1024)

struct dat_buffer *dat_add_buffer(struct dat *d, const char *name)
{
	struct dat_buffer *buffer;

	d->buffers = xrealloc(d->buffers, (d->nr_buffers + 1) * sizeof(*d->buffers));
	buffer = &d->buffers[d->nr_buffers++];
	*buffer = (struct dat_buffer){ .page_size = d->page_size };
	snprintf(buffer->name, sizeof(buffer->name), "%s", name);
	make_printable(buffer->name);
	return buffer;
}

/* How much of @size bytes at @at the file has: of pages only whole ones can be read. */
static __u64 size_there(const struct dat *d, __u64 at, __u64 size)
{
	const struct dat_buffer *buffer = &d->buffers[d->nr_buffers - 1];
	__u64 there = at < d->in.size ? d->in.size - at : 0;

	if (size <= there)
		return size;
	return buffer->packed || !buffer->page_size ? there : there - there % buffer->page_size;
}

void dat_add_part(struct dat *d, unsigned int cpu, __u64 at, __u64 size)
{
	__u64 there = size_there(d, at, size);

	if (!size)
		return;
	d->parts = xrealloc(d->parts, (d->nr_parts + 1) * sizeof(*d->parts));
	d->parts[d->nr_parts++] = (struct dat_part){
		.buffer = d->nr_buffers - 1,
		.cpu = cpu,
		.at = at,
		.size = there,
		.cut = there < size,
	};
}

/* Takes the chosen one of "local [mono] boot". */
static void read_clock(struct dat *d, const char *clocks)
{
	const char *begin = strchr(clocks, '['), *end = begin ? strchr(begin, ']') : NULL;

	if (!end)
		return;
	snprintf(d->clock, sizeof(d->clock), "%.*s", (int)(end - begin - 1), begin + 1);
	make_printable(d->clock);
}

/* Takes the last word of "Linux host 7.3.4 #1 SMP ... x86_64". */
static void read_machine(struct dat *d, const char *uname)
{
	size_t length = strlen(uname);
	const char *word;

	while (length && isspace((unsigned char)uname[length - 1]))
		length--;
	word = memrchr(uname, ' ', length);
	if (!word)
		return;
	snprintf(d->machine, sizeof(d->machine), "%.*s", (int)(uname + length - word - 1),
		 word + 1);
	make_printable(d->machine);
}

static void read_text_option(struct dat *d, unsigned int id, struct cursor *in)
{
	char *text = cursor_text(in, in->size - in->at);

	if (!text)
		return;
	if (id == ID_TRACE_CLOCK)
		read_clock(d, text);
	else if (id == ID_UNAME)
		read_machine(d, text);
	else if (id == ID_OFFSET)
		d->times.offset += strtoll(text, NULL, 0);
	else		/* microseconds */
		d->times.offset += 1000 * (__u64)strtoll(text, NULL, 0);
	free(text);
}

void dat_read_option(struct dat *d, unsigned int id, struct cursor *in)
{
	if (id == ID_TRACE_CLOCK || id == ID_UNAME || id == ID_OFFSET || id == ID_DATE) {
		read_text_option(d, id, in);
	} else if (id == ID_TSC2NSEC) {
		d->times.mult = cursor_number(in, 4);
		d->times.shift = cursor_number(in, 4) & 63;
	}
}

/* A program of 32 bits may record a kernel of 64: the kernel tells its long. */
void dat_read_header_info(struct dat *d, struct cursor *in)
{
	int offset, size;
	char *text;

	cursor_skip_string(in);
	text = cursor_text(in, cursor_number(in, 8));
	if (text && format_field(text, "commit", &offset, &size) && (size == 4 || size == 8))
		d->long_size = size;
	free(text);
	cursor_skip_string(in);
	cursor_skip(in, cursor_number(in, 8));
}

static void read_format(struct dat *d, struct cursor *in)
{
	__u64 size = cursor_number(in, 8);
	char *text = size < MAX_FORMAT ? cursor_text(in, size) : NULL;

	if (text)
		formats_add(d->formats, text);
	else
		cursor_skip(in, size);
}

void dat_read_ftrace_events(struct dat *d, struct cursor *in)
{
	__u32 events;

	for (events = cursor_number(in, 4); events && !in->ended; events--)
		read_format(d, in);
}

void dat_read_event_formats(struct dat *d, struct cursor *in)
{
	__u32 systems;

	for (systems = cursor_number(in, 4); systems && !in->ended; systems--) {
		cursor_skip_string(in);
		dat_read_ftrace_events(d, in);
	}
}

/* Returns where the next "name: kvm_exit\nID: " is, or NULL. */
static char *find_format(char *text, const char *end)
{
	static const char name[] = "name: ", id[] = "ID: ";
	char *line;

	while ((text = memmem(text, end - text, name, strlen(name)))) {
		line = memchr(text, '\n', end - text);
		if (line && (size_t)(end - line) > strlen(id) &&
		    !strncmp(line + 1, id, strlen(id)))
			return text;
		text += strlen(name);
	}
	return NULL;
}

void dat_find_formats(struct dat *d, struct cursor *in)
{
	__u64 left = in->size - in->at, size = left < MAX_FORMATS ? left : MAX_FORMATS;
	char *text = cursor_text(in, size), *at, *next;
	const char *end = text + size;

	for (at = text ? find_format(text, end) : NULL; at; at = next) {
		next = find_format(at + 1, end);
		formats_add(d->formats, xasprintf("%.*s", (int)((next ?: end) - at), at));
	}
	free(text);
}
