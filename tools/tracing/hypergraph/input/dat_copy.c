// SPDX-License-Identifier: GPL-2.0
/*
 * Copies what there is of a trace.dat that ends too early, so that it can be read.
 *
 * In the copy, the table of version 6 is cut to what the file has. For version 7, a section
 * of options with a table is made, and the last section of options that there is leads to
 * it.
 */
#include <err.h>
#include <string.h>
#include <unistd.h>

#include "input/dat.h"
#include "input/dat_parts.h"
#include "util/util.h"

static void copy_all(struct dat *d, FILE *out)
{
	char block[65536];
	ssize_t size;

	d->in.at = 0;
	while ((size = pread(d->in.fd, block, sizeof(block), d->in.at)) > 0) {
		fwrite(block, size, 1, out);
		d->in.at += size;
	}
}

static void write_number(FILE *out, __u64 n, size_t size)
{
	fwrite(&n, size, 1, out);
}

static void write_number_at(FILE *out, __u64 at, __u64 n, size_t size)
{
	fseeko(out, at, SEEK_SET);
	write_number(out, n, size);
}

/* Writes a section of options that has the one which lists the events. */
static void write_options(const struct dat *d, FILE *out)
{
	const char *clock = *d->clock ? d->clock : "local";
	__u32 option_size = 8 + 1 + strlen(clock) + 1 + 4 + 4 + d->nr_parts * (4 + 8 + 8);
	unsigned int i;

	write_number(out, ID_OPTIONS, 2);
	write_number(out, 0, 2);
	write_number(out, 0, 4);
	write_number(out, 6 + option_size + 6 + 8, 8);

	write_number(out, ID_BUFFER, 2);
	write_number(out, option_size, 4);
	write_number(out, d->buffer_at, 8);
	write_number(out, 0, 1);		/* it has no name */
	fwrite(clock, strlen(clock) + 1, 1, out);
	write_number(out, d->page_size, 4);
	write_number(out, d->nr_parts, 4);
	for (i = 0; i < d->nr_parts; i++) {
		write_number(out, d->parts[i].cpu, 4);
		write_number(out, d->parts[i].at, 8);
		write_number(out, d->parts[i].size, 8);
	}
	write_number(out, ID_OPTIONS, 2);
	write_number(out, 8, 4);
	write_number(out, 0, 8);
}

static void mend(const struct dat *d, FILE *out)
{
	unsigned int i;

	if (d->sections) {
		write_number_at(out, d->link_at, d->in.size, 8);
		fseeko(out, d->in.size, SEEK_SET);
		write_options(d, out);
	}
	for (i = 0; i < d->nr_parts; i++) {
		const struct part *part = &d->parts[i];

		if (part->entry_at)
			write_number_at(out, part->entry_at + 8, part->size, 8);
		else if (part->chunks)
			write_number_at(out, part->at, part->chunks, 4);
	}
}

FILE *dat_copy(struct dat *d)
{
	FILE *out;

	/* Nothing leads to the events if there is no section of options. */
	if (!dat_has_events(d) || (d->sections && !d->link_at))
		return NULL;
	out = temporary_file();
	if (!out)
		return NULL;
	copy_all(d, out);
	mend(d, out);
	if (!fflush(out) && !ferror(out))
		return out;
	warn("writing a temporary file");
	fclose(out);
	return NULL;
}
