// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "util/spool.h"
#include "util/util.h"

/* All of @s as a text; to be freed. */
static char *all_of(struct spool *spool, const struct spool_stream *s)
{
	char *text;
	size_t size;
	FILE *out = xmemstream(&text, &size);

	check("", !spool_copy(spool, s, out));
	xclose(out);
	return text;
}

/* Two that grow side by side, over several blocks each */
static void test_streams(void)
{
	struct spool_stream *a = xcalloc(1, sizeof(*a)), *b = xcalloc(1, sizeof(*b));
	char *text, *wanted_a, *wanted_b, number[16];
	struct spool spool = { 0 };
	size_t size;
	FILE *out_a = xmemstream(&wanted_a, &size), *out_b = xmemstream(&wanted_b, &size);
	int i;

	check("", !spool_open(&spool));
	for (i = 0; i < 20000; i++) {
		snprintf(number, sizeof(number), "%d,", i);
		spool_write(&spool, i % 3 ? a : b, number, strlen(number));
		fputs(number, i % 3 ? out_a : out_b);
	}
	xclose(out_a);
	xclose(out_b);
	check("several blocks", a->nr > 2 && b->nr > 1);
	text = all_of(&spool, a);
	check("", !strcmp(text, wanted_a));
	free(text);
	text = all_of(&spool, b);
	check("", !strcmp(text, wanted_b));
	free(text);
	free(wanted_a);
	free(wanted_b);
	spool_free(a);
	spool_free(b);
	spool_close(&spool);
}

static void test_blocks(void)
{
	struct spool_stream *s = xcalloc(1, sizeof(*s));
	struct spool spool = { 0 };
	char data[SPOOL_BLOCK];

	check("", !spool_open(&spool));
	spool_end_block(&spool, s);
	check("nothing is no block", !s->nr);
	spool_write(&spool, s, "one", 3);
	spool_end_block(&spool, s);
	spool_write(&spool, s, "two", 3);
	check("a block is whole", spool_read(&spool, s, 0, data) == SPOOL_BLOCK);
	check("its rest is zeroes", !memcmp(data, "one\0\0", 5) && !data[SPOOL_BLOCK - 1]);
	check("the last one", spool_read(&spool, s, 1, data) == 3 && !memcmp(data, "two", 3));
	check("behind it", !spool_read(&spool, s, 2, data));
	spool_free(s);
	spool_close(&spool);
}

/* Larger than a block, and ends with one */
static void test_large(void)
{
	struct spool_stream *s = xcalloc(1, sizeof(*s));
	char data[SPOOL_BLOCK], *large = xcalloc(2, SPOOL_BLOCK);
	struct spool spool = { 0 };

	memset(large, 'x', SPOOL_BLOCK);
	memset(large + SPOOL_BLOCK, 'y', SPOOL_BLOCK);
	check("", !spool_open(&spool));
	spool_write(&spool, s, large, 2 * SPOOL_BLOCK);
	check("", s->nr == 2 && !s->used);
	check("", spool_read(&spool, s, 1, data) == SPOOL_BLOCK && data[0] == 'y');
	check("", !spool_read(&spool, s, 2, data));
	free(large);
	spool_free(s);
	spool_close(&spool);
}

/* Some is read, then more is written: neither disturbs the other. */
static void test_read_between(void)
{
	struct spool_stream *a = xcalloc(1, sizeof(*a)), *b = xcalloc(1, sizeof(*b));
	char data[SPOOL_BLOCK], block[SPOOL_BLOCK];
	struct spool spool = { 0 };

	check("", !spool_open(&spool));
	memset(block, 'a', sizeof(block));
	spool_write(&spool, a, block, sizeof(block));
	spool_write(&spool, a, block, sizeof(block));
	check("", spool_read(&spool, a, 0, data) == SPOOL_BLOCK && data[0] == 'a');
	memset(block, 'b', sizeof(block));
	spool_write(&spool, b, block, sizeof(block));
	check("what was there", spool_read(&spool, a, 1, data) == SPOOL_BLOCK && data[0] == 'a');
	check("what is new", spool_read(&spool, b, 0, data) == SPOOL_BLOCK && data[0] == 'b');
	spool_free(a);
	spool_free(b);
	spool_close(&spool);
}

/* Whatever errno is when it is read, the reason is that of the write. */
static void test_full(void)
{
	struct spool spool = { .file = fopen("/dev/full", "w+") };
	struct spool_stream *s = xcalloc(1, sizeof(*s));
	char data[SPOOL_BLOCK] = "";
	char *text;

	spool_write(&spool, s, data, sizeof(data));
	errno = 0;
	unit_begin_stderr();
	check("", spool_read(&spool, s, 0, data) < 0);
	text = unit_end_stderr();
	check("", strstr(text, "the temporary file: No space left on device\n"));
	free(text);
	spool_free(s);
	spool_close(&spool);
}

const struct unit_test spool_tests[] = {
	{ "streams do not mix", test_streams },
	{ "a block ends when it is asked to", test_blocks },
	{ "what is larger than a block is in several", test_large },
	{ "some is read before more is written", test_read_between },
	{ "why it could not be written is told", test_full },
	{ NULL, NULL },
};
