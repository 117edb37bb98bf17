/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest kernel's text symbols, from a file in the format of /proc/kallsyms.
 *
 * The file may be of another boot of that kernel: under KASLR, a guest's core
 * kernel is shifted as a whole against it, by what the guest's _stext tells.
 * Modules are not, so their symbols are of no use then.
 *
 * Guests are named by their guest_key(). Until a nested one has told its _stext,
 * nothing is known of where its kernel is.
 */
#ifndef HYPERGRAPH_SYMBOLS_H
#define HYPERGRAPH_SYMBOLS_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

/* That of a kernel which may be anywhere: no address has a symbol then. */
#define SHIFT_UNKNOWN	1ULL

struct symbols;

/* NULL after saying on stderr what is wrong with @file. */
struct symbols *symbols_read(const char *file);
void symbols_free(struct symbols *syms);

/* All below take a NULL for @syms, which has no symbol. */

/* Can it be told how a guest is shifted? */
bool symbols_have_stext(const struct symbols *syms);

/* Did @guest tell its _stext? */
bool symbols_know(const struct symbols *syms, __u64 guest);

/* @guest has its _stext at @stext now. Had it been told another one before? */
bool symbols_set_stext(struct symbols *syms, __u64 guest, __u64 stext);

/* What to add to the file's addresses to get those of @guest now */
__u64 symbols_shift(const struct symbols *syms, __u64 guest);

/*
 * Both print as %ps and %pS do, without the size: "name [module]" and
 * "name+0x4 [module]", or the bare address when no symbol covers it.
 */
void symbols_print_function(const struct symbols *syms, __u64 shift, __u64 addr, FILE *out);
void symbols_print_address(const struct symbols *syms, __u64 shift, __u64 addr, FILE *out);

/* The name of a function of the core kernel, by the file's address, or NULL */
const char *symbols_core_function(const struct symbols *syms, __u64 file_addr);

#endif /* HYPERGRAPH_SYMBOLS_H */
