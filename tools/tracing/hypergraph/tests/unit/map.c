// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "tests/unit/unit.h"
#include "util/map.h"

/* More than a map begins with: it grows several times. */
#define NR	10000

static unsigned int values[NR];

/* Keys which differ in their high bits only, in their low ones, and which go down */
static const struct {
	const char *name;
	__u64 first;
	__u64 step;
} kinds[] = {
	{ "0 and up", 0, 1 },
	{ "addresses", 0xffffffff81000000, 16 },
	{ "high bits", 5, 1ULL << 40 },
	{ "the last ones", ~0ULL, -1ULL },
};

static void fill(struct map *map, int kind)
{
	__u64 i;

	for (i = 0; i < NR; i++)
		map_add(map, kinds[kind].first + i * kinds[kind].step, &values[i]);
}

static void test_find(void)
{
	for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
		struct map map = { 0 };
		bool found = true;
		__u64 i;

		fill(&map, kind);
		for (i = 0; i < NR; i++)
			found &= map_get(&map, kinds[kind].first + i * kinds[kind].step) ==
				 &values[i];
		check(kinds[kind].name, found);
		check(kinds[kind].name, map.nr == NR);
		map_free(&map);
	}
}

/* A key that is there gets another value; the one before stays in the order. */
static void test_again(void)
{
	struct map map = { 0 };
	__u64 i;

	fill(&map, 0);
	for (i = 0; i < NR; i++)
		map_add(&map, i, &values[NR - 1 - i]);
	check("the latest", map_get(&map, 0) == &values[NR - 1] &&
	      map_get(&map, NR - 1) == &values[0]);
	check("both", map.nr == 2 * NR && map_nth(&map, 0) == &values[0] &&
	      map_nth(&map, NR) == &values[NR - 1]);
	map_free(&map);
}

static void test_order(void)
{
	struct map map = { 0 };
	unsigned int *value, i = 0;
	bool in_order = true;

	fill(&map, 3);
	map_for_each(value, &map)
		in_order &= value == &values[i++];
	check("", in_order);
	check("", i == NR);
	check("", map_nth(&map, NR - 1) == &values[NR - 1]);
	check("", !map_nth(&map, NR));
	map_free(&map);
}

static void test_missing(void)
{
	struct map map = { 0 };
	unsigned int *value;

	check("empty", !map_get(&map, 0));
	check("empty", !map_nth(&map, 0));
	map_for_each(value, &map)
		check("empty", false);
	map_add(&map, 1, values);
	check("0", !map_get(&map, 0));
	check("another one's low half", !map_get(&map, map_key(1, 1)));
	map_free(&map);
}

static int compare_down(const void *pa, const void *pb)
{
	const unsigned int *a = *(unsigned int **)pa, *b = *(unsigned int **)pb;

	return a < b ? 1 : -1;
}

static void test_sort(void)
{
	struct map map = { 0 };
	unsigned int **sorted, i;
	bool down = true;

	fill(&map, 0);
	sorted = map_sort(&map, compare_down);
	for (i = 0; i < NR; i++)
		down &= sorted[i] == &values[NR - 1 - i];
	check("", down);
	check("the map stays", map_nth(&map, 0) == &values[0]);
	free(sorted);
	map_free(&map);
}

const struct unit_test map_tests[] = {
	{ "finds what was added, of any keys", test_find },
	{ "a key gets another value", test_again },
	{ "keeps the order", test_order },
	{ "does not find what was not added", test_missing },
	{ "sorts its values", test_sort },
	{ NULL, NULL },
};
