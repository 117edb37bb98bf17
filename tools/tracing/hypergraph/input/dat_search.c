// SPDX-License-Identifier: GPL-2.0
/*
 * Finds the events of a trace.dat of version 7 whose end, which tells where they are, is
 * missing: events are written CPU by CPU. As what has no events cannot be seen, a CPU may
 * get the number of one before it.
 */
#include "input/dat_parts.h"

static __u64 page_align(const struct dat *d, __u64 at)
{
	return (at + d->page_size - 1) / d->page_size * d->page_size;
}

/* Counts the chunks of a CPU and finds their end: each has its size before it. */
static void walk_chunks(struct dat *d, struct part *part)
{
	__u32 chunks;

	d->in.at = part->at;
	chunks = cursor_number(&d->in, 4);
	/* Their number is 0 in the file until all are written. */
	while (!d->in.ended && (!chunks || part->chunks < chunks)) {
		__u32 size = cursor_number(&d->in, 4);

		cursor_skip(&d->in, 4);		/* its size when uncompressed */
		cursor_skip(&d->in, size);
		if (!d->in.ended) {
			part->size = d->in.at - part->at;
			part->chunks++;
		}
	}
	part->cut = d->in.ended;
}

static void find_compressed(struct dat *d)
{
	unsigned int cpu = 0;

	while (!d->in.ended && d->in.at < d->in.size && cpu < MAX_CPUS) {
		struct part *part = dat_add_part(d, cpu++);

		part->at = d->in.at;
		walk_chunks(d, part);
		d->in.at = page_align(d, d->in.at);
	}
}

/* The time of a page is its first number. Where it goes back, the next CPU begins. */
static void find_uncompressed(struct dat *d)
{
	struct part *part = NULL;
	__u64 last = 0;

	while (d->in.at + d->page_size <= d->in.size && d->nr_parts < MAX_CPUS) {
		__u64 at = d->in.at, time = cursor_number(&d->in, 8);

		if (!part || time < last) {
			part = dat_add_part(d, d->nr_parts);
			part->at = at;
		}
		last = time;
		part->size += d->page_size;
		d->in.at = at + d->page_size;
	}
	if (part)
		part->cut = true;
}

/* Goes to the section that has events, if there is one. */
static void find_buffer(struct dat *d)
{
	while (!d->in.ended) {
		__u64 at = d->in.at;
		__u16 id = cursor_number(&d->in, 2), flags = cursor_number(&d->in, 2);

		cursor_skip(&d->in, 4);
		if (id == ID_BUFFER && !d->in.ended) {
			d->buffer_at = at;
			d->compressed = flags & SECTION_COMPRESSED;
			d->in.at = page_align(d, at + SECTION_HEADER_SIZE);
			return;
		}
		cursor_skip(&d->in, cursor_number(&d->in, 8));
	}
}

void dat_search(struct dat *d)
{
	d->buffer_at = 0;
	d->nr_parts = 0;
	d->cpus = 0;
	find_buffer(d);
	if (!d->buffer_at)
		return;
	d->cut = true;
	if (d->compressed)
		find_compressed(d);
	else
		find_uncompressed(d);
}
