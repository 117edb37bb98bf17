// SPDX-License-Identifier: GPL-2.0
/* Runs the unit tests, prints TAP, and last how long they took. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>

#include "tests/unit/unit.h"
#include "util/util.h"

static const struct {
	const char *name;
	const struct unit_test *tests;
} modules[] = {
	{ "util", util_tests },
	{ "map", map_tests },
	{ "output", output_tests },
	{ "spool", spool_tests },
	{ "page", page_tests },
	{ "merge", merge_tests },
	{ "format", format_tests },
	{ "decode", decode_tests },
	{ "guest", guest_tests },
	{ "filter", filter_tests },
	{ "marks", marks_tests },
	{ "symbols", symbols_tests },
};

static bool test_ok;
static FILE *real_stderr;
static char *said;
static size_t said_size;

static void fail(const char *row, const char *file, int line)
{
	test_ok = false;
	printf("# %s:%d%s%s", file, line, *row ? ", " : "", row);
}

void unit_check(bool ok, const char *row, const char *condition, const char *file, int line)
{
	if (ok)
		return;
	fail(row, file, line);
	printf(": not so: %s\n", condition);
}

void unit_check_text(const char *got, const char *wanted, const char *row, const char *file,
		     int line)
{
	if (!strcmp(got, wanted))
		return;
	fail(row, file, line);
	printf(": \"%s\" instead of \"%s\"\n", got, wanted);
}

void unit_check_printed(char *got, const char *wanted, const char *row, const char *file,
			int line)
{
	unit_check_text(got, wanted, row, file, line);
	free(got);
}

char *unit_file(const void *data, size_t size)
{
	int fd = memfd_create("unit", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		err(1, "a file in memory");
	return xasprintf("/proc/self/fd/%d", fd);
}

void unit_begin_stderr(void)
{
	real_stderr = stderr;
	stderr = xmemstream(&said, &said_size);
}

char *unit_end_stderr(void)
{
	xclose(stderr);
	stderr = real_stderr;
	return said;
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return 1e3 * ts.tv_sec + ts.tv_nsec / 1e6;
}

static bool run_test(unsigned int nr, const char *module, const struct unit_test *test)
{
	test_ok = true;
	test->run();
	printf("%sok %u - %s: %s\n", test_ok ? "" : "not ", nr, module, test->name);
	return test_ok;
}

int main(void)
{
	double begin = now_ms();
	const struct unit_test *test;
	unsigned int nr = 0;
	bool ok = true;
	size_t i;

	/* A test that ends the program does not take with it what was printed. */
	setlinebuf(stdout);
	puts("TAP version 13");
	for (i = 0; i < ARRAY_SIZE(modules); i++) {
		for (test = modules[i].tests; test->name; test++)
			ok &= run_test(++nr, modules[i].name, test);
	}
	printf("1..%u\n# unit tests: %.0f ms\n", nr, now_ms() - begin);
	return !ok;
}
