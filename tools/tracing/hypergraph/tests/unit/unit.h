/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unit tests of what the commands are made of. Each file has a table of those of one
 * module, which a line without a name ends; unit.c runs all tables and prints TAP.
 */
#ifndef HYPERGRAPH_UNIT_H
#define HYPERGRAPH_UNIT_H

#include <stdbool.h>
#include <stddef.h>

struct unit_test {
	const char *name;
	void (*run)(void);
};

/*
 * Each of these fails the test that runs, and says where and why, if what it is given does
 * not hold; the test goes on. @row names the row of a table that is looked at. The last one
 * frees @got.
 */
#define check(row, condition) \
	unit_check(condition, row, #condition, __FILE__, __LINE__)
#define check_text(row, got, wanted) \
	unit_check_text(got, wanted, row, __FILE__, __LINE__)

#define check_printed(row, got, wanted) \
	unit_check_printed(got, wanted, row, __FILE__, __LINE__)

void unit_check(bool ok, const char *row, const char *condition, const char *file, int line);
void unit_check_text(const char *got, const char *wanted, const char *row, const char *file,
		     int line);
void unit_check_printed(char *got, const char *wanted, const char *row, const char *file,
			int line);

/* A path where @data can be read as a file, until the program ends; to be freed. */
char *unit_file(const void *data, size_t size);

/* From begin to end, what is printed to stderr goes to the text that end returns; to be freed. */
void unit_begin_stderr(void);
char *unit_end_stderr(void);

extern const struct unit_test util_tests[];
extern const struct unit_test map_tests[];
extern const struct unit_test output_tests[];
extern const struct unit_test spool_tests[];
extern const struct unit_test page_tests[];
extern const struct unit_test merge_tests[];
extern const struct unit_test format_tests[];
extern const struct unit_test decode_tests[];
extern const struct unit_test guest_tests[];
extern const struct unit_test filter_tests[];
extern const struct unit_test marks_tests[];
extern const struct unit_test symbols_tests[];

#endif /* HYPERGRAPH_UNIT_H */
