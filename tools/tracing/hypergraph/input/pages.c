// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are not compressed follow each other. Others are in chunks of some, each with
 * its size before it; the number of chunks comes first, and is 0 if their end was not
 * written.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/page.h"
#include "input/pages.h"
#include "input/unpack.h"
#include "util/util.h"

/* trace-cmd packs 10 pages into one. */
#define CHUNK_PAGES	16

#define CHUNK_HEADER	8

/* How much a chunk of what cannot be compressed may be larger than that */
#define CHUNK_GROWTH	4096

/* A page that follows another one is not later by more, where bytes are missing. */
#define REALIGN_NS	3600000000000ULL

/* More of what is not compressed is not faster. */
#define PLAIN_MOST	(128 * 1024)

void pages_init(struct pages *p, struct dat *d, const struct dat_part *part, size_t ahead)
{
	const struct dat_buffer *buffer = &d->buffers[part->buffer];

	*p = (struct pages){
		.dat = d,
		.part = part,
		.page_size = buffer->page_size,
		.packed = buffer->packed,
		.at = part->at,
		.end = part->at + part->size,
	};
	if (p->packed)
		p->at += 4;
	else if (ahead > PLAIN_MOST)
		ahead = PLAIN_MOST;
	p->most = ahead < p->page_size ? p->page_size : ahead - ahead % p->page_size;
}

static bool read_at(const struct pages *p, void *to, size_t size, __u64 at)
{
	return pread(p->dat->in.fd, to, size, at) == (ssize_t)size;
}

/* What was in data goes. */
static void make_room(struct pages *p, size_t size)
{
	if (size <= p->alloc)
		return;
	free(p->data);
	p->data = xcalloc(1, size);
	p->alloc = size;
}

/* A part of a page is left where the file was cut, and nowhere else. */
static enum pages_result fill_plain(struct pages *p)
{
	__u64 left = p->at < p->end ? p->end - p->at : 0;
	size_t size = left < p->most ? left - left % p->page_size : p->most;

	p->data_at = p->at;
	p->at += size ? size : left;
	if (!left || (!size && p->part->cut))
		return PAGES_END;
	if (!size)
		return PAGES_DAMAGED;
	make_room(p, size);
	if (!read_at(p, p->data, size, p->data_at))
		return PAGES_DAMAGED;
	p->size = size;
	return PAGES_ONE;
}

struct chunk {
	__u32 size;
	__u32 unpacked;
};

static bool is_possible(const struct pages *p, const struct chunk *c, __u64 at)
{
	__u64 most = (__u64)CHUNK_PAGES * p->page_size;

	return c->size && c->unpacked && c->unpacked <= most &&
	       c->unpacked % p->page_size == 0 && c->size <= c->unpacked + CHUNK_GROWTH &&
	       c->size <= p->end - at - CHUNK_HEADER;
}

/* Reads the sizes of the chunk at @at. Is one there? */
static bool read_sizes(const struct pages *p, struct chunk *c, __u64 at)
{
	return p->end - at >= CHUNK_HEADER && read_at(p, c, sizeof(*c), at) &&
	       is_possible(p, c, at);
}

static bool unpack_chunk(const struct pages *p, const struct chunk *c, __u64 at, void *to)
{
	char *packed = xcalloc(1, c->size);
	bool ok = read_at(p, packed, c->size, at + CHUNK_HEADER) &&
		  unpack(p->dat->unpacker, packed, c->size, to, c->unpacked);

	free(packed);
	return ok;
}

/* The last one that was unpacked is there still, if no other CPU's was since. */
static bool unpack_whole(struct pages *p, const struct chunk *c, __u64 at)
{
	struct dat_chunk *whole = &p->dat->chunk;

	if (whole->at == at && whole->size == c->unpacked)
		return true;
	if (whole->size != c->unpacked) {
		free(whole->data);
		whole->data = xcalloc(1, c->unpacked);
		whole->size = c->unpacked;
	}
	whole->at = unpack_chunk(p, c, at, whole->data) ? at : 0;
	return whole->at;
}

/*
 * A chunk that is larger than what may be in memory is unpacked again for each part of it:
 * @rest is what was not handed out of the one at @at, or all of it.
 */
static bool take_rest(struct pages *p, const struct chunk *c, __u64 at, size_t rest)
{
	size_t size = rest < p->most ? rest : p->most;

	p->rest = 0;
	if (rest > c->unpacked)		/* The file has changed. */
		return false;
	make_room(p, size);
	if (c->unpacked <= p->most) {
		if (!unpack_chunk(p, c, at, p->data))
			return false;
	} else {
		if (!unpack_whole(p, c, at))
			return false;
		memcpy(p->data, p->dat->chunk.data + c->unpacked - rest, size);
		p->rest = rest - size;
	}
	p->size = size;
	return true;
}

/* Unpacks the chunk that begins at @at, and goes behind it. */
static bool take_chunk(struct pages *p, __u64 at)
{
	struct chunk c;

	if (!read_sizes(p, &c, at))
		return false;
	p->at = at + CHUNK_HEADER + c.size;
	if (take_rest(p, &c, at, p->rest ?: c.unpacked))
		return true;
	dat_may_search(p->dat, c.size + (__u64)c.unpacked);
	return false;
}

/* Goes to what may be the next chunk, looking at each byte behind one that is damaged. */
static void find_chunk(struct pages *p)
{
	char block[4096];
	const size_t room = CHUNK_HEADER + 4;

	while (p->at < p->end && p->end - p->at >= room) {
		__u64 left = p->end - p->at;
		size_t i, size = left < sizeof(block) ? left : sizeof(block);

		if (!dat_may_search(p->dat, size) || !read_at(p, block, size, p->at))
			break;
		for (i = 0; i + room <= size; i++) {
			struct chunk c;

			memcpy(&c, block + i, sizeof(c));
			if (is_possible(p, &c, p->at + i) &&
			    unpack_begins(p->dat->unpacker, block + i + CHUNK_HEADER)) {
				p->at += i;
				return;
			}
		}
		p->at += i;
	}
	p->at = p->end;
}

/*
 * What follows the last chunk of a file that was cut is the begin of one. Others may have some
 * bytes of what comes next there, as the size of all may count their number or not.
 */
static enum pages_result fill_packed(struct pages *p)
{
	if (!p->rest)
		p->data_at = p->at;
	if (p->data_at >= p->end || p->end - p->data_at < CHUNK_HEADER)
		return PAGES_END;
	if (take_chunk(p, p->data_at))
		return PAGES_ONE;
	p->at = p->data_at + 1;
	find_chunk(p);
	return p->part->cut && p->at == p->end ? PAGES_END : PAGES_DAMAGED;
}

enum pages_result pages_next(struct pages *p, const char **data, __u64 *at)
{
	enum pages_result result = PAGES_ONE;

	if (p->used == p->size) {
		p->used = 0;
		p->size = 0;
		result = p->packed ? fill_packed(p) : fill_plain(p);
	}
	*at = p->data_at + (p->packed ? 0 : p->used);
	if (result == PAGES_END)
		pages_free(p);
	if (result != PAGES_ONE)
		return result;
	*data = p->data + p->used;
	p->used += p->page_size;
	return PAGES_ONE;
}

/* Behind what is in memory are pages that are not compressed. */
bool pages_peek(const struct pages *p, unsigned int nr, __u64 *ts)
{
	size_t at = p->used + (size_t)nr * p->page_size;

	if (at < p->size) {
		memcpy(ts, p->data + at, sizeof(*ts));
		return true;
	}
	return !p->packed && p->data_at + at + p->page_size <= p->end &&
	       read_at(p, ts, sizeof(*ts), p->data_at + at);
}

static bool may_begin(const struct pages *p, const char *data, __u64 ts)
{
	__u32 looked;
	__u64 time;
	bool sound;

	memcpy(&time, data, sizeof(time));
	if (!time || (ts && (time < ts || time - ts > REALIGN_NS)))
		return false;
	sound = page_is_sound(data, p->page_size, p->dat->long_size, &looked);
	return dat_may_search(p->dat, looked) && sound;
}

bool pages_realign(struct pages *p, __u64 ts)
{
	__u64 at = p->data_at + p->used - p->page_size;
	size_t size = 2 * (size_t)p->page_size, i = p->page_size;
	char *data;

	if (p->packed || at + size > p->end || !dat_may_search(p->dat, size))
		return false;
	data = xcalloc(1, size);
	if (read_at(p, data, size, at))
		i = 1;
	while (i < p->page_size && p->dat->search_left && !may_begin(p, data + i, ts))
		i++;
	free(data);
	if (i == p->page_size || !p->dat->search_left)
		return false;
	p->used = 0;
	p->size = 0;
	p->at = at + i;
	return true;
}

void pages_free(struct pages *p)
{
	free(p->data);
	p->data = NULL;
	p->alloc = 0;
}
