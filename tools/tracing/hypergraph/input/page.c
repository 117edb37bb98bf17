// SPDX-License-Identifier: GPL-2.0
/*
 * A page begins with its time and with "commit": how many bytes of it are used, and whether
 * events were lost before it. A record begins with four bytes: what it is, or how long, and
 * the time since the one before it.
 */
#include <string.h>

#include "input/page.h"

#define TIME_SIZE	8

/* In commit */
#define SIZE_MASK	0x07ffffffU
#define MISSED_STORED	0x40000000U	/* how many were lost stands behind the records */
#define MISSED_EVENTS	0x80000000U

/* In a record's header; a smaller type is the length of its data in words. */
enum { TYPE_LONG = 0, TYPE_PADDING = 29, TYPE_TIME_EXTEND = 30, TYPE_TIME_STAMP = 31 };
#define TYPE_BITS	5
#define DELTA_BITS	27

/* An absolute time has no more bits: the page's own are in front of them. */
#define STAMP_BITS	59

static __u64 number(const char *at, unsigned int size)
{
	__u64 n = 0;

	memcpy(&n, at, size);
	return n;
}

static __u32 word(const struct page *p, __u32 at)
{
	__u32 n;

	memcpy(&n, p->data + at, sizeof(n));
	return n;
}

bool page_begin(struct page *p, const char *data, __u32 size, unsigned int long_size)
{
	__u32 header = TIME_SIZE + long_size;
	__u64 commit;

	if (size < header)
		return false;
	commit = number(data + TIME_SIZE, long_size);
	*p = (struct page){
		.data = data + header,
		.ts = number(data, TIME_SIZE),
		.end = commit & SIZE_MASK,
	};
	if (commit & ~(__u64)(SIZE_MASK | MISSED_STORED | MISSED_EVENTS) || p->end > size - header)
		return false;
	if (commit & MISSED_EVENTS)
		p->missed = -1;
	if (p->missed && commit & MISSED_STORED && size - header - p->end >= long_size)
		p->missed = number(p->data + p->end, long_size);
	return true;
}

/* What stands before a record's data, whose place is counted from there */
struct head {
	__u32 type;
	__u32 delta;
	__u32 begin;
	__u32 length;
};

/* The length of a record's data is behind its header, and counts itself. */
static bool find_long_data(struct head *h, __u32 length, __u32 left)
{
	h->begin = 8;
	h->length = (length - 4 + 3) & ~3U;
	return length >= 4 && length <= left && h->length <= left - h->begin;
}

/* Is there a header, and what it says to follow? @left bytes are. */
static bool read_head(const struct page *p, struct head *h, __u32 left)
{
	__u32 header = left < 4 ? 0 : word(p, p->at);

	h->type = header & ((1U << TYPE_BITS) - 1);
	h->delta = header >> TYPE_BITS;
	h->begin = 4;
	h->length = 4 * h->type;
	if (h->type != TYPE_LONG && h->type < TYPE_PADDING)
		return h->length <= left - h->begin;
	if (left < 8)
		return false;
	if (h->type == TYPE_LONG)
		return find_long_data(h, word(p, p->at + 4), left);
	h->length = h->type == TYPE_PADDING ? word(p, p->at + 4) : 4;
	return h->length <= left - h->begin;
}

/* Padding that took no time goes to the end of the page. */
static bool is_last(const struct page *p)
{
	return p->end - p->at >= 4 && word(p, p->at) == TYPE_PADDING;
}

static void take_time(struct page *p, const struct head *h)
{
	__u64 time = h->delta;

	if (h->type == TYPE_TIME_EXTEND || h->type == TYPE_TIME_STAMP)
		time |= (__u64)word(p, p->at + 4) << DELTA_BITS;
	if (h->type == TYPE_TIME_STAMP)
		p->ts = time | p->ts >> STAMP_BITS << STAMP_BITS;
	else
		p->ts += time;
}

enum page_result page_next(struct page *p, struct raw_record *r)
{
	struct head h;

	while (p->at < p->end && !is_last(p)) {
		const char *at = p->data + p->at;

		if (!read_head(p, &h, p->end - p->at))
			return PAGE_DAMAGED;
		take_time(p, &h);
		p->at += h.begin + h.length;
		if (h.type >= TYPE_PADDING)
			continue;
		r->data = at + h.begin;
		r->size = h.length;
		r->ts = p->ts;
		r->missed = p->missed;
		p->missed = 0;
		return PAGE_RECORD;
	}
	return PAGE_END;
}

bool page_is_sound(const char *data, __u32 size, unsigned int long_size, __u32 *looked)
{
	enum page_result result;
	struct raw_record r;
	struct page p;

	*looked = 0;
	if (!page_begin(&p, data, size, long_size) || !p.end)
		return false;
	do
		result = page_next(&p, &r);
	while (result == PAGE_RECORD);
	*looked = p.at;
	return result == PAGE_END;
}
