// SPDX-License-Identifier: GPL-2.0
/* Reads numbers and strings one behind the other, of a file or of what was unpacked. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/cursor.h"
#include "util/util.h"

bool cursor_has(const struct cursor *c, __u64 size)
{
	return c->at <= c->size && size <= c->size - c->at;
}

static bool copy(const struct cursor *c, void *to, size_t size)
{
	if (!cursor_has(c, size))
		return false;
	if (!c->data)
		return pread(c->fd, to, size, c->at) == (ssize_t)size;
	memcpy(to, c->data + c->at, size);
	return true;
}

void cursor_read(struct cursor *c, void *to, size_t size)
{
	if (c->ended || !copy(c, to, size)) {
		memset(to, 0, size);
		c->ended = true;
		return;
	}
	c->at += size;
}

/* What wrote the file runs on x86, as this does: no bytes are swapped. */
__u64 cursor_number(struct cursor *c, size_t size)
{
	__u64 n = 0;

	cursor_read(c, &n, size);
	return n;
}

void cursor_skip(struct cursor *c, __u64 size)
{
	if (!cursor_has(c, size))
		c->ended = true;
	else
		c->at += size;
}

void cursor_string(struct cursor *c, char text[CURSOR_STRING])
{
	unsigned int i;

	for (i = 0; i < CURSOR_STRING; i++) {
		text[i] = cursor_number(c, 1);
		if (!text[i])
			return;
	}
	c->ended = true;
	text[0] = '\0';
}

void cursor_skip_string(struct cursor *c)
{
	char text[CURSOR_STRING];

	cursor_string(c, text);
}

char *cursor_text(struct cursor *c, __u64 size)
{
	char *text;

	if (c->ended || !cursor_has(c, size)) {
		c->ended = true;
		return NULL;
	}
	text = xcalloc(1, size + 1);
	cursor_read(c, text, size);
	if (!c->ended)
		return text;
	free(text);
	return NULL;
}
