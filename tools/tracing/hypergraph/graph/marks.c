// SPDX-License-Identifier: GPL-2.0
/*
 * The marks of a guest, each put together from the hypercalls of one vCPU.
 *
 * The guest says what it likes: a part that does not follow the one before it
 * begins a mark of its own, and what is missing is told.
 */
#include <stdlib.h>
#include <string.h>

#include "graph/marks.h"
#include "util/util.h"

static const char * const kind_names[] = {
	[HYPERGRAPH_MARK_USER]		= "mark",
	[HYPERGRAPH_MARK_BOOT]		= "boot",
	[HYPERGRAPH_MARK_OOPS]		= "oops",
	[HYPERGRAPH_MARK_PANIC]		= "panic",
	[HYPERGRAPH_MARK_REBOOT]	= "reboot",
	[HYPERGRAPH_MARK_TRIPLE_FAULT]	= "triple fault",
};

static __u32 part_length(const __u64 *a)
{
	return (a[0] & 0xffffffff) >> 8;
}

static __u32 part_offset(const __u64 *a)
{
	return a[0] >> 32;
}

static bool has_text(__u8 kind)
{
	return kind < ARRAY_SIZE(kind_names) && kind_names[kind];
}

bool mark_is_part(const __u64 *a)
{
	__u32 length = part_length(a), offset = part_offset(a);

	return has_text(mark_kind(a)) && length <= HYPERGRAPH_MARK_MAX &&
	       (offset < length || (!offset && !length));
}

bool mark_continues(const struct mark *m, const __u64 *a)
{
	return m->kind == mark_kind(a) && m->length == part_length(a) &&
	       m->offset + m->nr == part_offset(a);
}

void mark_begin(struct mark *m, const __u64 *a, __u64 ts)
{
	m->kind = mark_kind(a);
	m->ts = ts;
	m->length = part_length(a);
	m->offset = part_offset(a);
	m->nr = 0;
}

void mark_append(struct mark *m, const __u64 *a)
{
	__u32 left = m->length - m->offset - m->nr;
	__u32 nr = left < HYPERGRAPH_MARK_BYTES ? left : HYPERGRAPH_MARK_BYTES;

	memcpy(m->text + m->nr, &a[1], nr);
	m->nr += nr;
}

bool mark_ended(const struct mark *m)
{
	return m->offset + m->nr == m->length;
}

bool mark_is_crash(const struct mark *m)
{
	return m->kind == HYPERGRAPH_MARK_OOPS || m->kind == HYPERGRAPH_MARK_PANIC ||
	       m->kind == HYPERGRAPH_MARK_TRIPLE_FAULT;
}

/* From a guest: nothing that a terminal would obey */
static void print_escaped(char c, FILE *out)
{
	if (c == '\n')
		fputs("\\n", out);
	else if (c == '\t')
		fputs("\\t", out);
	else if (c == '\\')
		fputs("\\\\", out);
	else if (c >= ' ' && c <= '~')
		putc(c, out);
	else
		fprintf(out, "\\x%02x", (unsigned char)c);
}

static void print_text(const struct mark *m, FILE *out)
{
	__u32 i;

	for (i = 0; i < m->nr; i++)
		print_escaped(m->text[i], out);
	if (m->nr < m->length)
		fprintf(out, " (only bytes %u to %u of %u)", m->offset,
			m->offset + m->nr - 1, m->length);
}

char *mark_text(const struct mark *m)
{
	char *text;
	size_t size;
	FILE *out = xmemstream(&text, &size);

	print_text(m, out);
	xclose(out);
	return text;
}

void mark_print(const struct mark *m, FILE *out)
{
	fputs(kind_names[m->kind], out);
	if (m->length) {
		fputs(": ", out);
		print_text(m, out);
	}
}

char *mark_name(const struct mark *m)
{
	char *text;
	size_t size;
	FILE *out = xmemstream(&text, &size);

	mark_print(m, out);
	xclose(out);
	return text;
}
