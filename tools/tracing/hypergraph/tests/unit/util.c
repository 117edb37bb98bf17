// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "util/util.h"

static void test_hex(void)
{
	static const struct {
		__u64 n;
		const char *text;
	} rows[] = {
		{ 0, "0x0" },
		{ 0x1a2b, "0x1a2b" },
		{ 0xffffffff81000000, "0xffffffff81000000" },
		{ ~0ULL, "0xffffffffffffffff" },
	};
	char text[HEX_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check_text("", format_hex(rows[i].n, text), rows[i].text);
}

static void test_count(void)
{
	static const char * const wanted[] = { "0 calls", "1 call", "2 calls" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		check_printed("", print_to_string(print_count, i, "call"), wanted[i]);
}

static void test_name(void)
{
	check_printed("", print_to_string(print_name, "vfs_write", 0x10), "vfs_write");
	check_printed("", print_to_string(print_name, NULL, 0x10), "0x10");
}

static const struct {
	const char *text, *escaped, *printable;
} texts[] = {
	{ "", "", "" },
	{ " az~", " az~", " az~" },
	{ "a\nb\tc", "a\\nb\\tc", "a?b?c" },
	{ "\\", "\\\\", "\\" },
	{ "\033[2J", "\\x1b[2J", "?[2J" },
	{ "\x7f\x80\xff", "\\x7f\\x80\\xff", "???" },
};

static void test_escape(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = texts[i].text;

		check_printed("", print_to_string(print_escaped, text, strlen(text)),
			      texts[i].escaped);
	}
}

static void test_escape_nul(void)
{
	check_printed("", print_to_string(print_escaped, "a\0b", 3), "a\\x00b");
}

static void test_printable(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		char *text = xstrdup(texts[i].text);

		make_printable(text);
		check_printed("", text, texts[i].printable);
	}
}

const struct unit_test util_tests[] = {
	{ "a number in hex", test_hex },
	{ "a count is one or several", test_count },
	{ "what has no name is an address", test_name },
	{ "a text is escaped", test_escape },
	{ "a NUL in a text is escaped", test_escape_nul },
	{ "a text is made printable", test_printable },
	{ NULL, NULL },
};
