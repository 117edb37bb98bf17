// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "input/format.h"
#include "tests/unit/unit.h"
#include "util/util.h"

static const char text[] =
	"name: kvm_exit\nID: 1501\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\n"
	"\tfield:unsigned int exit_reason;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:char comm[16];\toffset:12;\tsize:16;\tsigned:0;\n"
	"\tfield:char *at;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:u32 negative;\toffset:-4;\tsize:4;\tsigned:0;\n"
	"\tfield:u32 huge;\toffset:40;\tsize:99999999999;\tsigned:0;\n"
	"\tfield:u32 nowhere;\tsigned:0;\n"
	"\tfield:u32 empty;\toffset:;\tsize:\n"
	"\tfield:u32 last;\toffset:44;\tsize:4;\tsigned:0;\n"
	"\nprint fmt: \"%u\", REC->exit_reason\n";

static void test_fields(void)
{
	static const struct {
		const char *name;
		bool there;
		int offset, size;
	} rows[] = {
		{ "common_type", true, 0, 2 },
		{ "exit_reason", true, 8, 4 },
		{ "comm", true, 12, 16 },
		{ "at", true, 32, 8 },
		{ "negative", true, -1, 4 },
		{ "huge", true, 40, -1 },
		{ "nowhere", true, -1, -1 },
		{ "empty", true, -1, -1 },
		{ "last", true, 44, 4 },
		{ "reason", false, 0, 0 },
		{ "exit", false, 0, 0 },
		{ "", false, 0, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int offset = 0, size = 0;

		check(rows[i].name, format_field(text, rows[i].name, &offset, &size) ==
				    rows[i].there);
		check(rows[i].name, offset == rows[i].offset && size == rows[i].size);
	}
}

static void test_id(void)
{
	/* valgrind and ASan see what is read behind the last byte. */
	char *line = xstrdup("name: event\n");

	check("", format_id(text) == 1501);
	check("the first line is all", format_id(line) == -1);
	free(line);
	check("not there", format_id("name: event\nformat:\nID: 5\n") == -1);
	check("no line", format_id("name: event") == -1);
}

static void test_list(void)
{
	struct formats *f = formats_new();

	formats_add(f, xstrdup(text));
	formats_add(f, xstrdup("nothing"));
	formats_add(f, xstrdup(""));
	formats_add(f, xstrdup("name: kvm\nID: 2\n"));
	formats_add(f, xstrdup("name: kvm\nID: 3\n"));
	check("", formats_find(f, "kvm_exit") && !strcmp(formats_find(f, "kvm_exit"), text));
	check("the first one", formats_find(f, "kvm") && format_id(formats_find(f, "kvm")) == 2);
	check("a part of a name", !formats_find(f, "kvm_ex"));
	check("no name", !formats_find(f, ""));
	formats_free(f);
}

const struct unit_test format_tests[] = {
	{ "fields of a format", test_fields },
	{ "the number of an event", test_id },
	{ "formats by name", test_list },
	{ NULL, NULL },
};
