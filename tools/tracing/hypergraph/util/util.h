/* SPDX-License-Identifier: GPL-2.0 */
/* Allocation that ends the program when memory is out, and what else stdio lacks */
#ifndef HYPERGRAPH_UTIL_H
#define HYPERGRAPH_UTIL_H

#include <stddef.h>
#include <stdio.h>
#include <linux/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define HEX_SIZE	sizeof("0x0123456789abcdef")

/*
 * Makes "0x1a2b" as printf does, but faster: it is at the end of @text, which has HEX_SIZE,
 * and its begin is returned.
 */
char *format_hex(__u64 n, char *text);
void print_hex(__u64 n, FILE *out);

/* Prints "1 call", "2 calls". */
void print_count(unsigned long long n, const char *what, FILE *out);

/* Prints @name, or @addr in hex if that is NULL. */
void print_name(const char *name, __u64 addr, FILE *out);

/*
 * A guest's text may hold what a terminal obeys. The first puts question marks in its place,
 * the second prints it as C writes it.
 */
void make_printable(char *text);
void print_escaped(const char *text, size_t size, FILE *out);

/* Prints printable @text as one word without a semicolon: other characters as "\x20". */
void print_word(const char *text, FILE *out);

/* The text is to be freed. */
char *xasprintf(const char *format, ...) __attribute__((__format__(printf, 1, 2)));
char *xstrdup(const char *text);
/* Writes to memory that is there after xclose(), and is to be freed. */
FILE *xmemstream(char **text, size_t *size);
void xclose(FILE *file);

/* TMPDIR, or /tmp if that is not set */
const char *temporary_directory(void);

/* An empty file there, which goes when it is closed. NULL after an error message. */
FILE *temporary_file(void);

/* What @print prints, which takes the arguments that follow and then a FILE; to be freed */
#define print_to_string(print, ...) ({			\
	char *__text;					\
	size_t __size;					\
	FILE *__out = xmemstream(&__text, &__size);	\
							\
	print(__VA_ARGS__, __out);			\
	xclose(__out);					\
	__text;						\
})

void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);

#endif /* HYPERGRAPH_UTIL_H */
