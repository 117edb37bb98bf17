// SPDX-License-Identifier: GPL-2.0
/* Many streams of bytes that grow side by side in one temporary file. */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/spool.h"
#include "util/util.h"

int spool_open(struct spool *spool)
{
	spool->file = temporary_file();
	return spool->file ? 0 : -1;
}

void spool_close(struct spool *spool)
{
	if (spool->file)
		fclose(spool->file);
}

/* An offset goes with it, as what was read before may have left another one. */
static void write_block(struct spool *spool, const char *data)
{
	off_t at = spool->nr_blocks * SPOOL_BLOCK;
	ssize_t written, left = SPOOL_BLOCK;

	for (; left; left -= written, data += written, at += written) {
		written = pwrite(fileno(spool->file), data, left, at);
		if (written <= 0) {
			spool->error = written ? errno : ENOSPC;
			return;
		}
	}
}

void spool_end_block(struct spool *spool, struct spool_stream *s)
{
	if (!s->used)
		return;
	if (s->nr == s->alloc) {
		s->alloc = s->alloc ? 2 * s->alloc : 16;
		s->blocks = xrealloc(s->blocks, s->alloc * sizeof(*s->blocks));
	}
	memset(s->data + s->used, 0, sizeof(s->data) - s->used);
	if (!spool->error)
		write_block(spool, s->data);
	s->blocks[s->nr++] = spool->nr_blocks++;
	s->used = 0;
}

void spool_write(struct spool *spool, struct spool_stream *s, const void *data, size_t size)
{
	const char *from = data;

	while (size) {
		size_t room = sizeof(s->data) - s->used, n = size < room ? size : room;

		memcpy(s->data + s->used, from, n);
		s->used += n;
		from += n;
		size -= n;
		if (s->used == sizeof(s->data))
			spool_end_block(spool, s);
	}
}

/* A block that is not there whole has another reason than errno would tell. */
static bool read_block(struct spool *spool, __u64 block, char *data)
{
	ssize_t size = pread(fileno(spool->file), data, SPOOL_BLOCK, block * SPOOL_BLOCK);

	if (!spool->error && size == SPOOL_BLOCK)
		return true;
	errno = spool->error ?: size < 0 ? errno : EIO;
	warn("the temporary file");
	return false;
}

ssize_t spool_read(struct spool *spool, const struct spool_stream *s, size_t nr, char *data)
{
	if (nr > s->nr)
		return 0;
	if (nr == s->nr) {
		memcpy(data, s->data, s->used);
		return s->used;
	}
	return read_block(spool, s->blocks[nr], data) ? SPOOL_BLOCK : -1;
}

int spool_copy(struct spool *spool, const struct spool_stream *s, FILE *out)
{
	char data[SPOOL_BLOCK];
	ssize_t size;
	size_t i = 0;

	while ((size = spool_read(spool, s, i++, data)) > 0)
		fwrite(data, size, 1, out);
	return size;
}

void spool_free(struct spool_stream *s)
{
	if (!s)
		return;
	free(s->blocks);
	free(s);
}
