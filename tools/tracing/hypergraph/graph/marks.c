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
	[MARK_TRIPLE_FAULT]		= "triple fault",
	[MARK_RESET]			= "reset",
};

bool mark_continues(const struct mark *m, const struct mark_part *part)
{
	return m->kind == part->kind && m->length == part->length &&
	       m->offset + m->nr == part->offset;
}

void mark_begin(struct mark *m, const struct mark_part *part, __u64 ts)
{
	m->kind = part->kind;
	m->ts = ts;
	m->length = part->length;
	m->offset = part->offset;
	m->nr = 0;
}

void mark_append(struct mark *m, const struct mark_part *part)
{
	memcpy(m->text + m->nr, part->bytes, part->nr);
	m->nr += part->nr;
}

bool mark_ended(const struct mark *m)
{
	return m->offset + m->nr == m->length;
}

bool mark_is_crash(const struct mark *m)
{
	return m->kind == HYPERGRAPH_MARK_OOPS || m->kind == HYPERGRAPH_MARK_PANIC ||
	       m->kind == MARK_TRIPLE_FAULT;
}

static void print_text(const struct mark *m, FILE *out)
{
	print_escaped(m->text, m->nr, out);
	if (m->nr < m->length)
		fprintf(out, " (only bytes %u to %u of %u)", m->offset,
			m->offset + m->nr - 1, m->length);
}

const char *mark_kind(const struct mark *m)
{
	return kind_names[m->kind];
}

char *mark_text(const struct mark *m)
{
	return print_to_string(print_text, m);
}

void mark_print(const struct mark *m, FILE *out)
{
	fputs(mark_kind(m), out);
	if (m->length) {
		fputs(": ", out);
		print_text(m, out);
	}
}

char *mark_name(const struct mark *m)
{
	return print_to_string(mark_print, m);
}
