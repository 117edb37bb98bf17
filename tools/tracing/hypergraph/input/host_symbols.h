/* SPDX-License-Identifier: GPL-2.0 */
/* The names of a recorded host's functions */
#ifndef HYPERGRAPH_HOST_SYMBOLS_H
#define HYPERGRAPH_HOST_SYMBOLS_H

#include <linux/types.h>

struct host_symbols;

/* Takes the lines of kallsyms in @text, which is changed. NULL stands for no lines. */
struct host_symbols *host_symbols_new(char *text);

/* Returns the name of the function that covers @addr, or NULL. */
const char *host_symbols_find(struct host_symbols *s, __u64 addr);
void host_symbols_free(struct host_symbols *s);

#endif /* HYPERGRAPH_HOST_SYMBOLS_H */
