/* SPDX-License-Identifier: GPL-2.0 */
/* Opens a trace.dat. */
#ifndef HYPERGRAPH_DAT_OPEN_H
#define HYPERGRAPH_DAT_OPEN_H

#include "input/dat.h"

/* As much as tells whether a file is a trace.dat, in bytes */
#define DAT_MAGIC_SIZE	10

/* Do DAT_MAGIC_SIZE bytes begin a trace.dat? */
bool dat_begins(const char *data);

/*
 * Reads the file at @fd. What is wrong with it is said on stderr; returns NULL if nothing can
 * be read of it.
 */
struct dat *dat_open(int fd, const char *file);
void dat_close(struct dat *d);

/*
 * Returns the host's symbols, or NULL if it has none that can be read: *@damaged if that is
 * why. To be freed. Another thread may read events of @d meanwhile.
 */
char *dat_kallsyms(const struct dat *d, bool *damaged);

#endif /* HYPERGRAPH_DAT_OPEN_H */
