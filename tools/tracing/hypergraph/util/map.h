/* SPDX-License-Identifier: GPL-2.0 */
/* A hash table from 64-bit keys to pointers, which keeps their order. Nothing is taken out. */
#ifndef HYPERGRAPH_MAP_H
#define HYPERGRAPH_MAP_H

#include <stddef.h>
#include <linux/types.h>

struct map_slot {
	__u64 key;
	void *value;		/* NULL: a free slot */
};

/* An empty map is all zeroes. */
struct map {
	struct map_slot *slots;
	size_t size;		/* 0 or a power of two */
	void **values;		/* in order of insertion */
	size_t nr;
};

/* The key of something that two 32-bit numbers name together. */
static inline __u64 map_key(__u32 high, __u32 low)
{
	return (__u64)high << 32 | low;
}

/* The golden ratio spreads keys which differ in a few bits only. */
static inline size_t map_hash(__u64 key)
{
	return key * 0x9e3779b97f4a7c15ULL >> 32;
}

/* Returns NULL when there is none. */
void *map_get(const struct map *map, __u64 key);

/*
 * @value must not be NULL. If @key has one already, that is found no more, but map_for_each()
 * goes through it, too.
 */
void map_add(struct map *map, __u64 key, void *value);

/* The value that was added as number @i, or NULL when there are not so many. */
static inline void *map_nth(const struct map *map, size_t i)
{
	return i < map->nr ? map->values[i] : NULL;
}

/* Goes through the values in the order in which they were added. */
#define map_for_each(value, map) \
	for (size_t __i = 0; ((value) = map_nth(map, __i)); __i++)

/* The values in the order of qsort()'s @compare, in an array that is to be freed. */
void *map_sort(const struct map *map, int (*compare)(const void *, const void *));

/* The values are the caller's to free. */
void map_free(struct map *map);

#endif /* HYPERGRAPH_MAP_H */
