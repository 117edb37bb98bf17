/* SPDX-License-Identifier: GPL-2.0 */
/* The pages of a CPU, one after the other, whether they are compressed or not */
#ifndef HYPERGRAPH_PAGES_H
#define HYPERGRAPH_PAGES_H

#include "input/dat.h"

struct pages {
	struct dat *dat;
	const struct dat_part *part;
	__u32 page_size;
	bool packed;
	char *data;		/* those that were read: whole ones */
	size_t most;		/* as much of it as there may be, in bytes */
	size_t alloc;
	size_t size;		/* of data */
	size_t rest;		/* of the chunk, behind what is in data */
	size_t used;		/* how much of it was handed out */
	__u64 data_at;		/* where in the file it begins, or what it was unpacked of */
	__u64 at;		/* what of the file is read next */
	__u64 end;
};

/* @ahead is how much memory may be used, in bytes, but for one page. The end frees it. */
void pages_init(struct pages *p, struct dat *d, const struct dat_part *part, size_t ahead);

enum pages_result { PAGES_ONE, PAGES_END, PAGES_DAMAGED };

/*
 * Finds the next page, *@data, which is there until the next call, and where in the file it
 * or what holds it is, *@at. Damage is where no page can be found; there may be more behind.
 */
enum pages_result pages_next(struct pages *p, const char **data, __u64 *at);

/* Is there a page @nr pages behind the one that comes next? *@ts is its time then. */
bool pages_peek(const struct pages *p, unsigned int nr, __u64 *ts);

/*
 * The last page was none. If one begins before that would have ended, as where bytes are
 * missing, it comes next, and true is returned. Its time is not before @ts, if that is not 0.
 */
bool pages_realign(struct pages *p, __u64 ts);

void pages_free(struct pages *p);

#endif /* HYPERGRAPH_PAGES_H */
