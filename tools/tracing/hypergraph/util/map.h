/* SPDX-License-Identifier: GPL-2.0 */
/* A hash table from 64-bit keys to pointers. Nothing is ever taken out. */
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
	size_t used;
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

/* NULL when there is none. */
void *map_get(const struct map *map, __u64 key);

/* @key must not be in the map yet. */
void map_add(struct map *map, __u64 key, void *value);

void map_free(struct map *map);

#endif /* HYPERGRAPH_MAP_H */
