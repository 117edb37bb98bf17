// SPDX-License-Identifier: GPL-2.0
#include <err.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <sys/mman.h>

#include "input/merge.h"
#include "input/unpack.h"
#include "tests/unit/unit.h"
#include "util/util.h"

#define MIB		(1024 * 1024)
#define PAGE		65536		/* a sub-buffer */
#define HEADER		16		/* of a page */
#define RECORDS		4		/* of a page */
#define CHUNK_PAGES	10		/* as trace-cmd has them */

/* All parts have the same bytes: what is in memory of each counts, and not what is in the file. */
static void make_dat(struct dat *d, struct dat_buffer *buffer, unsigned int cpus,
		     const void *data, size_t size)
{
	unsigned int i;

	*d = (struct dat){
		.file = "made", .long_size = 8, .buffers = buffer, .nr_buffers = 1,
		.in = { .fd = memfd_create("merge", 0), .size = size },
		.parts = xcalloc(cpus, sizeof(*d->parts)), .nr_parts = cpus,
		.search_left = 4 * size,
	};
	if (d->in.fd < 0 || write(d->in.fd, data, size) != (ssize_t)size)
		err(1, "a file in memory");
	for (i = 0; i < cpus; i++)
		d->parts[i] = (struct dat_part){ .cpu = i, .size = size };
}

static void free_dat(struct dat *d)
{
	unpacker_free(d->unpacker);
	free(d->chunk.data);
	free(d->parts);
	close(d->in.fd);
}

/* Pages that have a record each microsecond: the type of a record is how many words it has. */
static void make_pages(char *pages, unsigned int nr, __u64 *ts)
{
	unsigned int i, record;

	memset(pages, 0, (size_t)nr * PAGE);
	for (i = 0; i < nr; i++) {
		char *page = pages + (size_t)i * PAGE;
		__u64 commit = RECORDS * 8;

		memcpy(page, ts, sizeof(*ts));
		memcpy(page + 8, &commit, sizeof(commit));
		for (record = 0; record < RECORDS; record++) {
			__u32 head = 1 | (record ? 1000 : 0) << 5;

			memcpy(page + HEADER + 8 * record, &head, sizeof(head));
		}
		*ts += 1000 * RECORDS;
	}
}

/* Returns their size. */
static size_t make_chunks(char *to, size_t room, unsigned int nr)
{
	char *pages = xcalloc(CHUNK_PAGES, PAGE), *at = to + 4;
	__u64 ts = 1000;

	memcpy(to, &nr, 4);
	while (nr--) {
		__u32 sizes[2] = { 0, CHUNK_PAGES * PAGE };

		make_pages(pages, CHUNK_PAGES, &ts);
		sizes[0] = ZSTD_compress(at + 8, room - (at + 8 - to), pages, sizes[1], 1);
		memcpy(at, sizes, sizeof(sizes));
		at += 8 + sizes[0];
	}
	free(pages);
	return at - to;
}

static size_t memory_used(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* A quarter of the records are of another CPU than the one before, as on a host. */
static void test_memory(void)
{
	enum { CPUS = 256, CHUNKS = 3 };
	struct dat_buffer buffer = { .page_size = PAGE, .packed = true };
	char *packed = xcalloc(1, MIB);
	size_t size = make_chunks(packed, MIB, CHUNKS), before, most = 0;
	const struct raw_record *r;
	unsigned int records = 0;
	struct merge *merge;
	__u64 last = 0;
	struct dat d;

	make_dat(&d, &buffer, CPUS, packed, size);
	d.unpacker = unpacker_new("zstd");
	before = memory_used();
	merge = merge_new(&d);
	while ((r = merge_next(merge))) {
		check("in order", r->ts >= last);
		last = r->ts;
		if (records++ % 64 == 0 && memory_used() - before > most)
			most = memory_used() - before;
	}
	check("all", records == CPUS * CHUNKS * CHUNK_PAGES * RECORDS && !d.damaged);
	check("little memory", most < 48 * MIB);
	check("of which nothing is left", memory_used() - before < 2 * MIB);
	merge_free(merge);
	free_dat(&d);
	free(packed);
}

/* The page that each CPU must have, of a file that may be small */
static void test_many_cpus(void)
{
	enum { CPUS = 300 };
	struct dat_buffer buffer = { .page_size = MIB, .packed = true };
	struct dat d;
	char *said;

	make_dat(&d, &buffer, CPUS, "", 1);
	unit_begin_stderr();
	merge_free(merge_new(&d));
	said = unit_end_stderr();
	check("damaged", d.damaged);
	check_text("", said + strlen(said) - strlen("nothing is read\n"), "nothing is read\n");
	free(said);
	free_dat(&d);
}

static void read_damaged(const char *name, struct dat *d)
{
	struct merge *merge = merge_new(d);

	unit_begin_stderr();
	while (merge_next(merge))
		;
	free(unit_end_stderr());
	check(name, d->damaged && !d->search_left);
	merge_free(merge);
	free_dat(d);
}

/* Files in which something may begin everywhere, but does nowhere: they must not take hours. */
static void test_hostile(void)
{
	static const __u32 chunk[] = { MIB, 16 * PAGE, 0xfd2fb528 }, page[] = { 0xf001, 1 };
	struct dat_buffer plain = { .page_size = PAGE };
	struct dat_buffer packed = { .page_size = PAGE, .packed = true };
	char *data = xcalloc(1, 2 * MIB);
	struct dat d;
	size_t i;

	for (i = 4; i + sizeof(chunk) < 2 * MIB; i += sizeof(chunk))
		memcpy(data + i, chunk, sizeof(chunk));
	make_dat(&d, &packed, 1, data, 2 * MIB);
	d.unpacker = unpacker_new("zstd");
	read_damaged("chunks", &d);
	for (i = 0; i < 2 * MIB; i += sizeof(page))
		memcpy(data + i, page, sizeof(page));
	make_dat(&d, &plain, 1, data, 2 * MIB);
	d.long_size = 4;
	read_damaged("pages", &d);
	free(data);
}

const struct unit_test merge_tests[] = {
	{ "memory of many CPUs with large pages", test_memory },
	{ "too many CPUs", test_many_cpus },
	{ "hostile files", test_hostile },
	{ NULL, NULL },
};
