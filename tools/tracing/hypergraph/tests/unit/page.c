// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "input/page.h"
#include "tests/unit/unit.h"
#include "util/util.h"

#define SIZE	4096
#define HEADER	16

#define MISSED	0x80000000ULL
#define STORED	0x40000000ULL

/* A record's header: type, and time since the one before it */
#define HEAD(type, delta)	((__u32)(type) | (__u32)(delta) << 5)

struct row {
	const char *name;
	__u64 commit;
	__u32 words[8];		/* behind the page's header */
	const char *wanted;	/* what is read: "time:size missed" of each record, and the end */
};

static const struct row rows[] = {
	{ "nothing", 0, { 0 }, "end" },
	{ "a record", 8, { HEAD(1, 5) }, "105:4 end" },
	{ "two", 20, { HEAD(1, 5), 0, HEAD(2, 7) }, "105:4 112:8 end" },
	{ "a long one", 20, { HEAD(0, 1), 16 }, "101:12 end" },
	{ "a long one is whole words", 20, { HEAD(0, 1), 13 }, "101:12 end" },
	{ "more time", 16, { HEAD(30, 3), 1, HEAD(1, 1) }, "134217832:4 end" },
	{ "another time", 16, { HEAD(31, 3), 0, HEAD(1, 1) }, "4:4 end" },
	{ "what was discarded", 20, { HEAD(29, 1), 8, 0, HEAD(1, 1) }, "102:4 end" },
	{ "padding to the end", 20, { HEAD(1, 0), 0, HEAD(29, 0) }, "100:4 end" },
	{ "some lost", MISSED | STORED | 8, { HEAD(1, 0), 0, 3 }, "100:4 lost 3 end" },
	{ "unknown lost", MISSED | 8, { HEAD(1, 0) }, "100:4 lost -1 end" },

	{ "more than the page has", 4081, { 0 }, "no page" },
	{ "far more", 0x7ffffff, { 0 }, "no page" },
	{ "an unknown flag", 1ULL << 32, { 0 }, "no page" },
	{ "another one", 0x10000000, { 0 }, "no page" },
	{ "a part of a header", 10, { HEAD(1, 5) }, "105:4 damaged" },
	{ "a record that is too long", 8, { HEAD(28, 5) }, "damaged" },
	{ "a long one that is too long", 12, { HEAD(0, 5), 16 }, "damaged" },
	{ "a long one of nearly 4 GiB", 12, { HEAD(0, 5), 0xffffffff }, "damaged" },
	{ "a long one that is too short", 12, { HEAD(0, 5), 3 }, "damaged" },
	{ "a time that is cut", 4, { HEAD(30, 5) }, "damaged" },
	{ "padding that is too long", 16, { HEAD(29, 1), 0x6000000 }, "damaged" },
	{ "padding of nearly 4 GiB", 16, { HEAD(29, 1), 0xfffffffc }, "damaged" },
};

static void make_page(char *page, const struct row *row)
{
	__u64 ts = 100;

	memset(page, 0, SIZE);
	memcpy(page, &ts, sizeof(ts));
	memcpy(page + 8, &row->commit, sizeof(row->commit));
	memcpy(page + HEADER, row->words, sizeof(row->words));
}

static void print_page(const char *page, FILE *out)
{
	enum page_result result;
	struct raw_record r;
	struct page p;

	if (!page_begin(&p, page, SIZE, 8)) {
		fputs("no page", out);
		return;
	}
	while ((result = page_next(&p, &r)) == PAGE_RECORD) {
		fprintf(out, "%llu:%u ", r.ts, r.size);
		if (r.missed)
			fprintf(out, "lost %lld ", r.missed);
	}
	fputs(result == PAGE_END ? "end" : "damaged", out);
}

static void test_pages(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char page[SIZE];

		make_page(page, &rows[i]);
		check_printed(rows[i].name, print_to_string(print_page, page), rows[i].wanted);
	}
}

static void test_sound(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool wanted = rows[i].commit && strstr(rows[i].wanted, "end");
		char page[SIZE];
		__u32 looked;

		make_page(page, &rows[i]);
		check(rows[i].name, page_is_sound(page, SIZE, 8, &looked) == wanted);
	}
}

/* Of a kernel of 32 bits */
static void test_short_longs(void)
{
	const __u32 words[] = { 100, 0, 8, HEAD(1, 5) };
	char page[SIZE] = { 0 };
	struct raw_record r;
	struct page p;

	memcpy(page, words, sizeof(words));
	check("", page_begin(&p, page, SIZE, 4));
	check("", page_next(&p, &r) == PAGE_RECORD && r.ts == 105 && r.size == 4);
	check("", page_next(&p, &r) == PAGE_END);
}

/* Is each record in the page, behind the one before it? */
static bool records_lie_in(const char *page, __u32 end, unsigned int *nr)
{
	const char *at = page + HEADER;
	struct raw_record r;
	struct page p;

	if (!page_begin(&p, page, SIZE, 8))
		return false;
	for (; page_next(&p, &r) == PAGE_RECORD; ++*nr) {
		if (r.data < at + 4 || r.data + r.size > page + HEADER + end)
			return false;
		at = r.data + r.size;
	}
	return true;
}

/* Nothing behind a page is looked at, whatever is in it: valgrind and ASan would see that. */
static void test_random(void)
{
	unsigned int random = 1, nr = 0, i, j;

	for (i = 0; i < 2000; i++) {
		char *page = malloc(SIZE);
		__u64 commit = SIZE - HEADER - i % 64;

		for (j = 0; j < SIZE; j++) {
			random = random * 1664525 + 1013904223;
			page[j] = random >> 24;
		}
		memcpy(page + 8, &commit, sizeof(commit));
		check("", records_lie_in(page, commit, &nr));
		free(page);
	}
	check("", nr > 2000);
}

const struct unit_test page_tests[] = {
	{ "records of a page, as far as they fit in", test_pages },
	{ "a page is sound", test_sound },
	{ "a page of 32 bits", test_short_longs },
	{ "pages of random bytes", test_random },
	{ NULL, NULL },
};
