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

/* Goes over the chunks of a CPU: each has its size before it. */
static void walk_chunks(struct dat *d, unsigned int cpu)
{
	__u64 begin = d->in.at, end = begin;
	unsigned int before = d->nr_parts;
	__u32 chunks = cursor_number(&d->in, 4), nr = 0;

	/* Their number is 0 in the file until all are written. */
	while (!d->in.ended && (!chunks || nr < chunks)) {
		__u32 size = cursor_number(&d->in, 4);

		cursor_skip(&d->in, 4);		/* its size when uncompressed */
		cursor_skip(&d->in, size);
		if (!d->in.ended) {
			end = d->in.at;
			nr++;
		}
	}
	dat_add_part(d, cpu, begin, end - begin);
	if (d->in.ended && d->nr_parts > before)
		d->parts[d->nr_parts - 1].cut = true;
}

static void find_compressed(struct dat *d)
{
	unsigned int cpu = 0;

	while (!d->in.ended && d->in.at < d->in.size && cpu < MAX_CPUS) {
		walk_chunks(d, cpu++);
		d->in.at = page_align(d, d->in.at);
	}
}

/* The time of a page is its first number. Where it goes back, the next CPU begins. */
static void find_uncompressed(struct dat *d)
{
	__u64 begin = d->in.at, last = 0;
	unsigned int cpu = 0;

	while (cursor_has(&d->in, d->page_size) && cpu < MAX_CPUS) {
		__u64 at = d->in.at, time = cursor_number(&d->in, 8);

		if (time < last) {
			dat_add_part(d, cpu++, begin, at - begin);
			begin = at;
		}
		last = time;
		d->in.at = at + d->page_size;
	}
	dat_add_part(d, cpu, begin, d->in.at - begin);
}

/* One that was not written to its end tells no size. */
static void search_section(struct dat *d, const struct section *s)
{
	__u64 file_end = d->in.size, end = d->in.at + s->size;
	bool cut = !s->size || !cursor_has(&d->in, s->size);
	unsigned int before = d->nr_parts;

	dat_add_buffer(d, "")->packed = s->packed;
	if (!cut)
		d->in.size = end;
	d->in.at = page_align(d, s->at + SECTION_HEADER_SIZE);
	if (s->packed)
		find_compressed(d);
	else
		find_uncompressed(d);
	d->in.size = file_end;
	d->in.at = end;
	d->in.ended = cut;
	d->cut |= cut;
	if (cut && d->nr_parts > before)
		d->parts[d->nr_parts - 1].cut = true;
}

void dat_search_7(struct dat *d)
{
	struct section s;

	while (dat_read_section(&d->in, &s)) {
		if (s.id == ID_BUFFER)
			search_section(d, &s);
		else
			cursor_skip(&d->in, s.size);
	}
	d->in.ended = false;
}
