// SPDX-License-Identifier: GPL-2.0
/* Many streams of bytes that grow side by side in one temporary file. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "util/spool.h"
#include "util/util.h"

int spool_open(struct spool *spool)
{
	spool->file = tmpfile();
	if (!spool->file)
		warn("making a temporary file");
	return spool->file ? 0 : -1;
}

void spool_close(struct spool *spool)
{
	if (spool->file)
		fclose(spool->file);
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
	fwrite(s->data, sizeof(s->data), 1, spool->file);
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

ssize_t spool_read(struct spool *spool, const struct spool_stream *s, size_t nr, char *data)
{
	if (nr > s->nr)
		return 0;
	if (nr == s->nr) {
		memcpy(data, s->data, s->used);
		return s->used;
	}
	if (!fseeko(spool->file, s->blocks[nr] * SPOOL_BLOCK, SEEK_SET) &&
	    fread(data, SPOOL_BLOCK, 1, spool->file) == 1)
		return SPOOL_BLOCK;
	warn("the temporary file");
	return -1;
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
