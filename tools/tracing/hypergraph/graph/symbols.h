/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guest kernels' text symbols, from files in the format of /proc/kallsyms or from
 * a vmlinux.
 *
 * A file may be of another boot of that kernel: under KASLR, a guest's core
 * kernel is shifted as a whole against it, by what the guest's _stext tells.
 * Modules are not, so their symbols are of no use then. It may be of another kernel, too:
 * those of a vmlinux are then refused by its build id.
 *
 * Kernels are known by their guest_key(). Until one has told its _stext, nothing is known of
 * which it is and where.
 */
#ifndef HYPERGRAPH_SYMBOLS_H
#define HYPERGRAPH_SYMBOLS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <linux/hypergraph.h>
#include <linux/types.h>

struct symbols;
struct symbol_table;

/* What a guest runs, and where: a copy stays valid when the guest boots another one. */
struct kernel {
	struct symbol_table *table;	/* NULL: it has no symbols */
	__u64 shift;			/* of its addresses against the table's */
};

struct symbols *symbols_new(void);
void symbols_free(struct symbols *syms);

/*
 * The symbols in @file are those of @vm's kernel, or if that is 0 of all VMs which
 * have no file of their own. False after saying on stderr what is wrong with it.
 */
bool symbols_add_file(struct symbols *syms, __u32 vm, const char *file);

/* Is @st of one of the files that were added? */
bool symbols_have_file(const struct symbols *syms, const struct stat *st);

/*
 * A recording has the symbols that were added behind all else, so that it needs no other
 * file, and is to other programs what it was. Without any it stays as it is. False if
 * an error is in errno.
 */
bool symbols_save(const struct symbols *syms, FILE *out);

/*
 * Adds those that the recording at @fd was saved with, if there are any and no other ones were
 * added. False after saying on stderr what is wrong with it, which is called @file there.
 */
bool symbols_load(struct symbols *syms, int fd, const char *file);

/* @guest has its _stext at @stext now. */
void symbols_set_stext(struct symbols *syms, __u64 guest, __u64 stext);

/*
 * @guest, which has told its _stext, has this build id, all 0 for none. Symbols of a vmlinux
 * with another one are not its: that is said on stderr, and nothing in it has a name.
 */
void symbols_set_build_id(struct symbols *syms, __u64 guest,
			  const __u8 id[HYPERGRAPH_BUILD_ID_BYTES]);

/*
 * @guest has called what is at @addr. The symbols of another kernel are known by that, as
 * such calls begin few of its functions: the second says so on stderr.
 */
void symbols_note_call(const struct symbols *syms, __u64 guest, __u64 addr);
void symbols_warn_of_calls(const struct symbols *syms);

/* Of which VM was the @i-th file added that is one VM's alone? 0: there are not so many. */
__u32 symbols_nth_vm(const struct symbols *syms, size_t i);

/* Are there symbols that would be @vm's, if it told where its kernel is? */
bool symbols_are_for(const struct symbols *syms, __u32 vm);

/* What @guest runs now */
struct kernel symbols_kernel(const struct symbols *syms, __u64 guest);

/*
 * The name of the function at @addr, "name [module]" if in one, and how far behind its
 * start that is, or NULL when no symbol covers it.
 */
const char *kernel_function(const struct kernel *kernel, __u64 addr, __u64 *offset);

/* A map's key of the function at @addr, for all its addresses and all kernels of one file */
__u64 kernel_function_key(const struct kernel *kernel, __u64 addr);

/*
 * Both print as %ps and %pS do, without the size: "name [module]" and
 * "name+0x4 [module]", or the bare address when no symbol covers it.
 */
void kernel_print_function(const struct kernel *kernel, __u64 addr, FILE *out);
void kernel_print_address(const struct kernel *kernel, __u64 addr, FILE *out);

/* Its text symbols as lines of kallsyms, with the addresses of where it is */
void kernel_write_symbols(const struct kernel *kernel, FILE *out);

#endif /* HYPERGRAPH_SYMBOLS_H */
