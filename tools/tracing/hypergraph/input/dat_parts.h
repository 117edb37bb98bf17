/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of dat.h share, and nothing else needs */
#ifndef HYPERGRAPH_DAT_PARTS_H
#define HYPERGRAPH_DAT_PARTS_H

#include "input/cursor.h"

#define MAX_CPUS	8192

/* Sections and options have these ids. */
enum { ID_OPTIONS = 0, ID_BUFFER = 3, ID_TRACE_CLOCK = 4, ID_TSC2NSEC = 14, ID_STRINGS = 15 };
#define SECTION_COMPRESSED	1
#define SECTION_HEADER_SIZE	16

/* Where the events of a CPU are, in bytes from the begin of the file */
struct part {
	unsigned int cpu;
	__u64 at;
	__u64 size;
	__u64 entry_at;		/* of it in the table of version 6, else 0 */
	__u32 chunks;		/* of a compressed one that was searched for */
	bool cut;
};

struct dat {
	struct cursor in;	/* the file, which it owns */
	bool cut;		/* something that it says to have is not there */
	bool sections;		/* version 7 */
	bool compressed;
	__u32 page_size;
	__u64 options_at;	/* version 7: of the first section of options */
	__u64 link_at;		/* of what leads to the next such section */
	bool listed;		/* version 7: an option says where events are */
	__u64 buffer_at;	/* of the section that has the events */
	char clock[32];
	bool converted;		/* libtracecmd makes ns of that clock's times */
	struct part *parts;
	unsigned int nr_parts;
	unsigned int cpus;
};

/* Adds a part of @cpu without events. It moves when the next one is added. */
struct part *dat_add_part(struct dat *d, unsigned int cpu);

/* Does any CPU have events? */
bool dat_has_events(const struct dat *d);

/*
 * Finds the events of version 7 where no option lists them, by where they are seen to begin
 * and end. The section at which @d is, and what follows it, is searched.
 */
void dat_search(struct dat *d);

#endif /* HYPERGRAPH_DAT_PARTS_H */
