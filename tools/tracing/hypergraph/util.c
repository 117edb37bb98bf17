// SPDX-License-Identifier: GPL-2.0
/* Allocation that ends the program when memory is out. */
#include <err.h>
#include <stdlib.h>

#include "util.h"

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		err(1, "%zu bytes", n * size);
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		err(1, "%zu bytes", size);
	return p;
}
