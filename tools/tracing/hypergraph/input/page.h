/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The pages of the kernel's ring buffer (include/linux/ring_buffer.h), whose records are
 * read one after the other. Nothing in a page is believed before it is checked.
 */
#ifndef HYPERGRAPH_PAGE_H
#define HYPERGRAPH_PAGE_H

#include <stdbool.h>
#include <linux/types.h>

/* What one event's record is */
struct raw_record {
	const char *data;	/* valid until the next one is read */
	__u32 size;
	int cpu;		/* of the host */
	__u64 ts;		/* in units of the recording's clock */
	long long missed;	/* events lost before it, negative: in unknown number */
};

struct page {
	const char *data;	/* behind its header */
	__u32 at;		/* of the next record there */
	__u32 end;		/* of those that there are */
	__u64 ts;
	long long missed;	/* before its first record */
};

/* The largest page that a ring buffer can have */
#define PAGE_MAX	(1024 * 1024)

/*
 * Begins to read the page at @data. A long of the kernel that wrote it has @long_size bytes,
 * 4 or 8. Returns false if the page's header is damaged.
 */
bool page_begin(struct page *p, const char *data, __u32 size, unsigned int long_size);

enum page_result { PAGE_RECORD, PAGE_END, PAGE_DAMAGED };

/* Reads the next record, but for its CPU. What comes behind damage cannot be found. */
enum page_result page_next(struct page *p, struct raw_record *r);

/*
 * Is all of the page what a kernel writes, and is there anything in it? *@looked is how much of
 * it was looked at, in bytes.
 */
bool page_is_sound(const char *data, __u32 size, unsigned int long_size, __u32 *looked);

#endif /* HYPERGRAPH_PAGE_H */
