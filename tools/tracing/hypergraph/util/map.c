// SPDX-License-Identifier: GPL-2.0
/* A hash table from 64-bit keys to pointers, which keeps their order: linear probing. */
#include <stdlib.h>

#include "util/map.h"
#include "util/util.h"

#define MAP_MIN_SIZE	64

/* The slot that holds @key, or the free one where it belongs. */
static struct map_slot *map_slot(const struct map *map, __u64 key)
{
	size_t i = map_hash(key);

	for (;; i++) {
		struct map_slot *slot = &map->slots[i & (map->size - 1)];

		if (!slot->value || slot->key == key)
			return slot;
	}
}

static void map_grow(struct map *map)
{
	struct map old = *map;
	size_t i;

	map->size = old.size ? 2 * old.size : MAP_MIN_SIZE;
	map->slots = xcalloc(map->size, sizeof(*map->slots));
	for (i = 0; i < old.size; i++) {
		if (old.slots[i].value)
			*map_slot(map, old.slots[i].key) = old.slots[i];
	}
	free(old.slots);
	map->values = xrealloc(map->values, map->size / 2 * sizeof(*map->values));
}

void *map_get(const struct map *map, __u64 key)
{
	return map->size ? map_slot(map, key)->value : NULL;
}

void map_add(struct map *map, __u64 key, void *value)
{
	struct map_slot *slot;

	/* At most half full, so that probing stays short and ends. */
	if (2 * map->nr >= map->size)
		map_grow(map);
	slot = map_slot(map, key);
	slot->key = key;
	slot->value = value;
	map->values[map->nr++] = value;
}

void *map_sort(const struct map *map, int (*compare)(const void *, const void *))
{
	void **sorted = xcalloc(map->nr, sizeof(*sorted));
	size_t i;

	for (i = 0; i < map->nr; i++)
		sorted[i] = map->values[i];
	qsort(sorted, map->nr, sizeof(*sorted), compare);
	return sorted;
}

void map_free(struct map *map)
{
	free(map->slots);
	free(map->values);
}
