// SPDX-License-Identifier: GPL-2.0
/*
 * The records of all CPUs in the order of their times: a heap has the next one of each, and
 * the earliest on top.
 */
#include <stdlib.h>

#include "input/merge.h"
#include "util/util.h"

/* Memory to read ahead, in bytes, of all CPUs together */
#define AHEAD_ALL	(32 * 1024 * 1024)

/* A page of each CPU must be there, but no more than this: there may be few bytes of a file. */
#define PAGES_ALL	(256 * 1024 * 1024)

struct entry {
	__u64 ts;
	struct stream *stream;
};

struct merge {
	struct stream *streams;
	unsigned int nr_streams;
	struct entry *heap;	/* An entry is not later than those at 2i + 1 and 2i + 2. */
	unsigned int nr;
	bool begun;
};

/* Of records with the same time, that of the lower CPU comes first. */
static bool is_earlier(const struct entry *a, const struct entry *b)
{
	if (a->ts != b->ts)
		return a->ts < b->ts;
	if (a->stream->record.cpu != b->stream->record.cpu)
		return a->stream->record.cpu < b->stream->record.cpu;
	return a->stream < b->stream;
}

static void sift_down(struct merge *m, unsigned int i)
{
	struct entry entry = m->heap[i];
	unsigned int child;

	while ((child = 2 * i + 1) < m->nr) {
		if (child + 1 < m->nr && is_earlier(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (is_earlier(&entry, &m->heap[child]))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	m->heap[i] = entry;
}

static void begin(struct merge *m)
{
	unsigned int i;

	m->begun = true;
	for (i = 0; i < m->nr_streams; i++) {
		struct stream *s = &m->streams[i];

		if (stream_next(s))
			m->heap[m->nr++] = (struct entry){ s->record.ts, s };
	}
	for (i = m->nr / 2; i--;)
		sift_down(m, i);
}

/* The record on top was handed out: its CPU's next one takes its place. */
static void replace_top(struct merge *m)
{
	struct entry *top = &m->heap[0];

	if (stream_next(top->stream))
		top->ts = top->stream->record.ts;
	else
		*top = m->heap[--m->nr];
	if (m->nr > 1)
		sift_down(m, 0);
}

const struct raw_record *merge_next(struct merge *m)
{
	if (!m->begun)
		begin(m);
	else if (m->nr)
		replace_top(m);
	return m->nr ? &m->heap[0].stream->record : NULL;
}

static void add_stream(struct merge *m, struct dat *d, const struct dat_part *part, size_t *left)
{
	__u32 page_size = d->buffers[part->buffer].page_size;

	if (page_size > *left) {
		dat_damage(d, part->at, "of CPU %u, as of too many, nothing is read", part->cpu);
		return;
	}
	*left -= page_size;
	stream_init(&m->streams[m->nr_streams++], d, part, AHEAD_ALL / d->nr_parts);
}

struct merge *merge_new(struct dat *d)
{
	struct merge *m = xcalloc(1, sizeof(*m));
	size_t left = PAGES_ALL;
	unsigned int i;

	m->streams = xcalloc(d->nr_parts, sizeof(*m->streams));
	m->heap = xcalloc(d->nr_parts, sizeof(*m->heap));
	for (i = 0; i < d->nr_parts; i++)
		add_stream(m, d, &d->parts[i], &left);
	return m;
}

void merge_free(struct merge *m)
{
	unsigned int i;

	if (!m)
		return;
	for (i = 0; i < m->nr_streams; i++)
		stream_free(&m->streams[i]);
	free(m->streams);
	free(m->heap);
	free(m);
}
