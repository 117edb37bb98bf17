// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "graph/marks.h"
#include "tests/unit/unit.h"
#include "util/util.h"

#define MAX_PARTS	4

/* A part with the bytes that @text has, of a mark that has @length */
struct row_part {
	__u32 offset;
	const char *text;
};

static const struct {
	const char *name;
	__u8 kind;
	__u32 length;
	struct row_part parts[MAX_PARTS];	/* ended by one without text */
	bool ended;
	const char *text;
} rows[] = {
	{ "no text", HYPERGRAPH_MARK_REBOOT, 0, { { 0, "" } }, true, "reboot" },
	{ "one part", HYPERGRAPH_MARK_USER, 5, { { 0, "hello" } }, true, "mark: hello" },
	{ "one that is full", HYPERGRAPH_MARK_BOOT, 24, { { 0, "123456789012345678901234" } },
	  true, "boot: 123456789012345678901234" },
	{ "several", HYPERGRAPH_MARK_PANIC, 26,
	  { { 0, "123456789012345678901234" }, { 24, "56" } }, true,
	  "panic: 12345678901234567890123456" },
	{ "the end is missing", HYPERGRAPH_MARK_OOPS, 26, { { 0, "123456789012345678901234" } },
	  false, "oops: 123456789012345678901234 (only bytes 0 to 23 of 26)" },
	{ "the begin is missing", HYPERGRAPH_MARK_OOPS, 26, { { 24, "56" } }, true,
	  "oops: 56 (only bytes 24 to 25 of 26)" },
	{ "hostile text", HYPERGRAPH_MARK_USER, 6, { { 0, "\033[2J\n\\" } }, true,
	  "mark: \\x1b[2J\\n\\\\" },
	{ "a triple fault", MARK_TRIPLE_FAULT, 0, { { 0, "" } }, true,
	  "triple fault" },
};

static struct mark_part make_part(__u8 kind, __u32 length, const struct row_part *from)
{
	struct mark_part part = {
		.kind = kind,
		.length = length,
		.offset = from->offset,
		.nr = strlen(from->text),
	};

	memcpy(part.bytes, from->text, part.nr);
	return part;
}

static void test_parts(void)
{
	size_t i, nr;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mark m = { 0 };

		for (nr = 0; nr < MAX_PARTS && rows[i].parts[nr].text; nr++) {
			struct mark_part part = make_part(rows[i].kind, rows[i].length,
							  &rows[i].parts[nr]);

			check(rows[i].name, mark_continues(&m, &part) == (nr > 0));
			if (!nr)
				mark_begin(&m, &part, 7);
			mark_append(&m, &part);
		}
		check(rows[i].name, m.ts == 7 && mark_ended(&m) == rows[i].ended);
		check_printed(rows[i].name, mark_name(&m), rows[i].text);
	}
}

/* What does not follow the part that is there begins a mark of its own. */
static void test_continues(void)
{
	static const struct row_part first = { 0, "123456789012345678901234" };
	static const struct {
		const char *name;
		__u8 kind;
		__u32 length;
		__u32 offset;
		bool continues;
	} next[] = {
		{ "next", HYPERGRAPH_MARK_USER, 60, 24, true },
		{ "the same again", HYPERGRAPH_MARK_USER, 60, 0, false },
		{ "one is missing", HYPERGRAPH_MARK_USER, 60, 48, false },
		{ "another length", HYPERGRAPH_MARK_USER, 61, 24, false },
		{ "another kind", HYPERGRAPH_MARK_OOPS, 60, 24, false },
	};
	struct mark_part part = make_part(HYPERGRAPH_MARK_USER, 60, &first);
	struct mark m = { 0 };
	size_t i;

	mark_begin(&m, &part, 0);
	mark_append(&m, &part);
	for (i = 0; i < ARRAY_SIZE(next); i++) {
		struct row_part after = { next[i].offset, "5" };
		struct mark_part other = make_part(next[i].kind, next[i].length, &after);

		check(next[i].name, mark_continues(&m, &other) == next[i].continues);
	}
}

static void test_crash(void)
{
	static const bool crash[] = {
		[HYPERGRAPH_MARK_USER] = false,
		[HYPERGRAPH_MARK_BOOT] = false,
		[HYPERGRAPH_MARK_OOPS] = true,
		[HYPERGRAPH_MARK_PANIC] = true,
		[HYPERGRAPH_MARK_REBOOT] = false,
		[MARK_TRIPLE_FAULT] = true,
	};
	__u8 kind;

	for (kind = HYPERGRAPH_MARK_USER; kind < ARRAY_SIZE(crash); kind++)
		check("", mark_is_crash(&(struct mark){ .kind = kind }) == crash[kind]);
}

const struct unit_test marks_tests[] = {
	{ "parts become a mark, and what is missing is told", test_parts },
	{ "what does not follow begins another mark", test_continues },
	{ "which marks are crashes", test_crash },
	{ NULL, NULL },
};
