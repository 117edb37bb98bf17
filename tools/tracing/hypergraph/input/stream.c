// SPDX-License-Identifier: GPL-2.0
/* The records of a CPU, one after the other, whatever of its pages is damaged */
#include "input/stream.h"

/*
 * The times of a CPU's records do not go back, but that some clocks may do so a bit. By more
 * than a second, one of the two times is damaged.
 */
#define MAX_BACK	1000000000ULL

/* How many pages are asked for their times: that of one may be damaged, too. */
#define LOOK_AHEAD	4

void stream_init(struct stream *s, struct dat *d, const struct dat_part *part, size_t ahead)
{
	*s = (struct stream){ .record.cpu = part->cpu };
	pages_init(&s->pages, d, part, ahead);
}

/* Damage that follows on damage is the same. */
static void begin_damage(struct stream *s, __u64 at)
{
	s->missed = -1;
	if (s->damaged)
		return;
	s->damaged = true;
	s->damaged_at = at;
	s->damaged_ts = s->last_ts;
}

/* The next record was read, or there is none. */
static void end_damage(struct stream *s, bool read)
{
	struct dat *d = s->pages.dat;
	double from = dat_ns(d, s->damaged_ts) / 1e9, to = dat_ns(d, s->record.ts) / 1e9;
	int cpu = s->record.cpu;

	s->damaged = false;
	if (!read && !s->damaged_ts)
		dat_damage(d, s->damaged_at, "what CPU %d recorded is lost", cpu);
	else if (!read)
		dat_damage(d, s->damaged_at, "what CPU %d recorded after %.9f s is lost", cpu,
			   from);
	else if (!s->damaged_ts)
		dat_damage(d, s->damaged_at, "what CPU %d recorded before %.9f s is lost", cpu, to);
	else if (s->record.ts < s->damaged_ts)
		dat_damage(d, s->damaged_at, "the time of CPU %d goes back from %.9f s to %.9f s",
			   cpu, from, to);
	else
		dat_damage(d, s->damaged_at, "what CPU %d recorded from %.9f s to %.9f s is lost",
			   cpu, from, to);
}

static bool is_before(__u64 ts, __u64 other)
{
	return ts < other && other - ts > MAX_BACK;
}

/* Is that a time which the next record can have? */
static bool is_in_order(const struct stream *s, __u64 ts)
{
	return !is_before(ts, s->last_ts) && !is_before(s->bound, ts);
}

/* Finds how late a record may be. Returns false if all pages go back behind the last one. */
static bool find_bound(struct stream *s)
{
	unsigned int i, before = 0;
	__u64 ts;

	s->bound = ~0ULL;
	for (i = 0; i < LOOK_AHEAD && pages_peek(&s->pages, i, &ts); i++) {
		if (is_before(ts, s->last_ts))
			before++;
		else if (ts < s->bound)
			s->bound = ts;
	}
	return !before || before < i;
}

/* What no page agrees with was no time. */
static void look_ahead(struct stream *s)
{
	if (find_bound(s))
		return;
	begin_damage(s, s->page_at);
	s->last_ts = 0;
	find_bound(s);
}

/* Without a record, but with something in it, it may be parts of two. */
static bool hides_page(const struct page *page, const char *end)
{
	const char *at = page->data;

	if (page->end)
		return false;
	while (at < end && !*at)
		at++;
	return at < end;
}

static bool begin_page(struct stream *s, const char *data)
{
	return page_begin(&s->page, data, s->pages.page_size, s->pages.dat->long_size) &&
	       is_in_order(s, s->page.ts);
}

/* Returns false behind the last page. */
static bool next_page(struct stream *s)
{
	enum pages_result result;
	const char *data = NULL;

	result = pages_next(&s->pages, &data, &s->page_at);
	if (result == PAGES_DAMAGED)
		begin_damage(s, s->page_at);
	if (result != PAGES_ONE)
		return result == PAGES_DAMAGED;
	look_ahead(s);
	s->in_page = begin_page(s, data);
	if (!s->in_page) {
		begin_damage(s, s->page_at);
		pages_realign(&s->pages, s->last_ts);
	} else if (hides_page(&s->page, data + s->pages.page_size) &&
		   pages_realign(&s->pages, s->last_ts)) {
		s->in_page = false;
		begin_damage(s, s->page_at);
	} else if (s->page.missed && s->missed >= 0) {
		s->missed = s->page.missed;
	}
	return true;
}

/* Returns false if the page has no more records that can be read. */
static bool next_record(struct stream *s)
{
	struct raw_record *r = &s->record;
	enum page_result result = page_next(&s->page, r);

	if (result == PAGE_RECORD && is_in_order(s, r->ts))
		return true;
	s->in_page = false;
	if (result == PAGE_END)
		return false;
	begin_damage(s, s->page_at);
	pages_realign(&s->pages, s->last_ts);
	return false;
}

bool stream_next(struct stream *s)
{
	while (!s->in_page || !next_record(s)) {
		if (!s->in_page && !next_page(s)) {
			if (s->damaged)
				end_damage(s, false);
			return false;
		}
	}
	if (s->damaged)
		end_damage(s, true);
	/* What was recorded between the two times is not known. */
	s->record.missed = s->record.ts < s->last_ts ? -1 : s->missed;
	s->missed = 0;
	s->last_ts = s->record.ts;
	return true;
}

void stream_free(struct stream *s)
{
	pages_free(&s->pages);
}
