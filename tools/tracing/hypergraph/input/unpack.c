// SPDX-License-Identifier: GPL-2.0
/* Unpacks what trace-cmd compressed. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "input/unpack.h"
#include "util/util.h"

struct unpacker {
	ZSTD_DCtx *zstd;	/* NULL: it is zlib */
	z_stream zlib;
};

struct unpacker *unpacker_new(const char *name)
{
	bool zstd = !strcmp(name, "zstd");
	struct unpacker *u;

	if (!zstd && strcmp(name, "zlib"))
		return NULL;
	u = xcalloc(1, sizeof(*u));
	if (zstd)
		u->zstd = ZSTD_createDCtx();
	if (zstd ? !u->zstd : inflateInit(&u->zlib) != Z_OK)
		err(1, NULL);
	return u;
}

static bool inflate_all(z_stream *z, const void *from, size_t size, void *to, size_t to_size)
{
	if (inflateReset(z) != Z_OK)
		return false;
	z->next_in = (void *)from;
	z->avail_in = size;
	z->next_out = to;
	z->avail_out = to_size;
	return inflate(z, Z_FINISH) == Z_STREAM_END && !z->avail_out;
}

bool unpack(struct unpacker *u, const void *from, size_t size, void *to, size_t to_size)
{
	if (u->zstd)
		return ZSTD_decompressDCtx(u->zstd, to, to_size, from, size) == to_size;
	return inflate_all(&u->zlib, from, size, to, to_size);
}

bool unpack_begins(const struct unpacker *u, const void *from)
{
	const unsigned char *begin = from;

	if (u->zstd)
		return !memcmp(begin, "\x28\xb5\x2f", 3);
	/* zlib's first two bytes name deflate, and are a multiple of 31. */
	return (begin[0] & 0xf) == Z_DEFLATED && (begin[0] << 8 | begin[1]) % 31 == 0;
}

void unpacker_free(struct unpacker *u)
{
	if (!u)
		return;
	if (u->zstd)
		ZSTD_freeDCtx(u->zstd);
	else
		inflateEnd(&u->zlib);
	free(u);
}
