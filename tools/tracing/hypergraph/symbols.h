/* SPDX-License-Identifier: GPL-2.0 */
/* The guest kernel's text symbols, from a file in the format of /proc/kallsyms. */
#ifndef HYPERGRAPH_SYMBOLS_H
#define HYPERGRAPH_SYMBOLS_H

#include <stdio.h>
#include <linux/types.h>

struct symbols;

/* NULL after saying on stderr what is wrong with @file. */
struct symbols *symbols_read(const char *file);
void symbols_free(struct symbols *syms);

/*
 * Both print as %ps and %pS do, without the size: "name [module]" and
 * "name+0x4 [module]", or the bare address when no symbol covers it or @syms is NULL.
 */
void symbols_print_function(const struct symbols *syms, __u64 addr, FILE *out);
void symbols_print_address(const struct symbols *syms, __u64 addr, FILE *out);

#endif /* HYPERGRAPH_SYMBOLS_H */
