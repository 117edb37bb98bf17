/* SPDX-License-Identifier: GPL-2.0 */
/* Reads numbers and strings one behind the other, of a file or of what was unpacked. */
#ifndef HYPERGRAPH_CURSOR_H
#define HYPERGRAPH_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* A longer string, with its NUL, is taken for the end. */
#define CURSOR_STRING	256

struct cursor {
	const char *data;	/* NULL: it is the file's */
	int fd;
	__u64 size;		/* where that ends, in bytes */
	__u64 at;		/* what is read next */
	bool ended;		/* that was behind the end: stays so until it is reset */
};

/* What is not there is read as zeroes, or as an empty string. */
void cursor_read(struct cursor *c, void *to, size_t size);

/* Reads a number of @size bytes, at most 8. */
__u64 cursor_number(struct cursor *c, size_t size);
void cursor_string(struct cursor *c, char text[CURSOR_STRING]);

void cursor_skip(struct cursor *c, __u64 size);
void cursor_skip_string(struct cursor *c);

/* Is there as much as @size? */
bool cursor_has(const struct cursor *c, __u64 size);

/* Reads a text of @size, which gets a NUL. Returns NULL if it is not there; to be freed. */
char *cursor_text(struct cursor *c, __u64 size);

#endif /* HYPERGRAPH_CURSOR_H */
