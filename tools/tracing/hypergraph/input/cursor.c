// SPDX-License-Identifier: GPL-2.0
/* Reads the numbers and strings of a file, one behind the other. */
#include <string.h>
#include <unistd.h>

#include "input/cursor.h"

void cursor_read(struct cursor *c, void *to, size_t size)
{
	if (pread(c->fd, to, size, c->at) != (ssize_t)size) {
		memset(to, 0, size);
		c->ended = true;
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
	if (c->at > c->size || size > c->size - c->at)
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
