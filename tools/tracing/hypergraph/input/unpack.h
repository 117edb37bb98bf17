/* SPDX-License-Identifier: GPL-2.0 */
/* Unpacks what trace-cmd compressed. */
#ifndef HYPERGRAPH_UNPACK_H
#define HYPERGRAPH_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

struct unpacker;

/* Returns NULL if no compression that is known is called @name; one thread at a time uses it. */
struct unpacker *unpacker_new(const char *name);

/* Does what @size bytes at @from hold fill @to_size bytes? It is written to @to then. */
bool unpack(struct unpacker *u, const void *from, size_t size, void *to, size_t to_size);

/* Can a block that unpack() takes begin so? Three bytes are looked at. */
bool unpack_begins(const struct unpacker *u, const void *from);

void unpacker_free(struct unpacker *u);

#endif /* HYPERGRAPH_UNPACK_H */
