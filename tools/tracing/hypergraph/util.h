/* SPDX-License-Identifier: GPL-2.0 */
/* Allocation that ends the program when memory is out. */
#ifndef HYPERGRAPH_UTIL_H
#define HYPERGRAPH_UTIL_H

#include <stddef.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);

#endif /* HYPERGRAPH_UTIL_H */
