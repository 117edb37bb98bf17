/* SPDX-License-Identifier: GPL-2.0 */
/* The records of a CPU, one after the other, whatever of its pages is damaged */
#ifndef HYPERGRAPH_STREAM_H
#define HYPERGRAPH_STREAM_H

#include "input/page.h"
#include "input/pages.h"

struct stream {
	struct pages pages;
	struct page page;
	bool in_page;
	__u64 page_at;		/* where the file has it, or what holds it */
	__u64 bound;		/* what its times are not after, as the next pages tell */
	__u64 last_ts;		/* of the last record, 0: none was read */
	bool damaged;		/* Nothing was read since there was damage. */
	__u64 damaged_at;
	__u64 damaged_ts;	/* last_ts when that was found */
	long long missed;	/* before the next record, as in struct raw_record */
	struct raw_record record;	/* the last one that was read */
};

/* Begins to read what is at @part, as pages_init(). */
void stream_init(struct stream *s, struct dat *d, const struct dat_part *part, size_t ahead);

/*
 * Reads the next record; false at the end. Damage is said, and in the next record events are
 * missed in unknown number.
 */
bool stream_next(struct stream *s);
void stream_free(struct stream *s);

#endif /* HYPERGRAPH_STREAM_H */
