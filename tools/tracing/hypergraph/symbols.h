/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest kernel's text symbols, from a file in the format of /proc/kallsyms.
 *
 * The file may be of another boot of that kernel: under KASLR, a guest's core
 * kernel is shifted as a whole against it, by what the guest's _stext tells.
 * Modules are not, so their symbols are of no use then.
 */
#ifndef HYPERGRAPH_SYMBOLS_H
#define HYPERGRAPH_SYMBOLS_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct symbols;

/* NULL after saying on stderr what is wrong with @file. */
struct symbols *symbols_read(const char *file);
void symbols_free(struct symbols *syms);

/* All below take a NULL for @syms, which has no symbol. */

/* Can it be told how a guest is shifted? */
bool symbols_have_stext(const struct symbols *syms);

/* @vm has its _stext at @stext now. Had it been told another one before? */
bool symbols_set_stext(struct symbols *syms, __u32 vm, __u64 stext);

/* What to add to the file's addresses to get those of @vm now */
__u64 symbols_shift(const struct symbols *syms, __u32 vm);

/*
 * Both print as %ps and %pS do, without the size: "name [module]" and
 * "name+0x4 [module]", or the bare address when no symbol covers it.
 */
void symbols_print_function(const struct symbols *syms, __u64 shift, __u64 addr, FILE *out);
void symbols_print_address(const struct symbols *syms, __u64 shift, __u64 addr, FILE *out);

/* The name of a function of the core kernel, by the file's address, or NULL */
const char *symbols_core_function(const struct symbols *syms, __u64 file_addr);

#endif /* HYPERGRAPH_SYMBOLS_H */
