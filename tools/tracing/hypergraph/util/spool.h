/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Many streams of bytes that grow side by side in one temporary file. Each takes a block of
 * memory.
 */
#ifndef HYPERGRAPH_SPOOL_H
#define HYPERGRAPH_SPOOL_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>
#include <linux/types.h>

#define SPOOL_BLOCK	4096

struct spool {
	FILE *file;
	__u64 nr_blocks;
	int error;		/* why it could not be written, or 0 */
};

struct spool_stream {
	__u64 *blocks;		/* where in the file they are */
	size_t nr;
	size_t alloc;
	size_t used;		/* how much of data */
	char data[SPOOL_BLOCK];
};

/* Returns a negative number after an error message. */
int spool_open(struct spool *spool);
void spool_close(struct spool *spool);

/* What fails to be written is told when it is read. */
void spool_write(struct spool *spool, struct spool_stream *s, const void *data, size_t size);

/* Ends the current block: what follows begins a new one. */
void spool_end_block(struct spool *spool, struct spool_stream *s);

/*
 * Reads block @nr of @s into @data, which has room for SPOOL_BLOCK. Returns how many bytes
 * it has, 0 behind the last one, or a negative number after an error message.
 */
ssize_t spool_read(struct spool *spool, const struct spool_stream *s, size_t nr, char *data);

/* Writes all of @s to @out. Returns a negative number after an error message. */
int spool_copy(struct spool *spool, const struct spool_stream *s, FILE *out);
void spool_free(struct spool_stream *s);

#endif /* HYPERGRAPH_SPOOL_H */
