/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of dat.h share, and nothing else needs */
#ifndef HYPERGRAPH_DAT_PARTS_H
#define HYPERGRAPH_DAT_PARTS_H

#include "input/dat.h"

#define MAX_CPUS	8192
#define MAX_BUFFERS	1024

/* Options and sections have these ids. The last ones are those of descriptions. */
enum {
	ID_OPTIONS		= 0,
	ID_DATE			= 1,
	ID_BUFFER		= 3,
	ID_TRACE_CLOCK		= 4,
	ID_UNAME		= 5,
	ID_OFFSET		= 7,
	ID_CPU_COUNT		= 8,
	ID_TSC2NSEC		= 14,
	ID_STRINGS		= 15,
	ID_HEADER_INFO		= 16,
	ID_FTRACE_EVENTS	= 17,
	ID_EVENT_FORMATS	= 18,
	ID_KALLSYMS		= 19,
	ID_PRINTK		= 20,
	ID_CMDLINES		= 21,
	NR_IDS
};

#define SECTION_COMPRESSED	1
#define SECTION_HEADER_SIZE	16

/* Version 6: all follows the header, and begins at @d's cursor. */
void dat_read_6(struct dat *d);

/* Version 7: sections follow the header. The first one of options is at @options_at. */
void dat_read_7(struct dat *d, __u64 options_at);

/*
 * Finds the events of version 7 where no option lists them, by where they are seen to begin
 * and end. Sections are searched from the cursor on.
 */
void dat_search_7(struct dat *d);

/* What stands before a section of version 7 */
struct section {
	__u64 at;
	unsigned int id;
	bool packed;		/* It is compressed, or what it has is. */
	__u64 size;		/* behind that */
};

/* Reads what @in is at, and stands behind it then. Returns false at the end. */
bool dat_read_section(struct cursor *in, struct section *s);

/* Opens the section at @at, which must have that id. What @in reads is freed by its closing. */
bool dat_open_section(struct dat *d, __u64 at, unsigned int id, struct cursor *in);
void dat_close_section(struct cursor *in);

/* Adds a buffer of the header's size of pages. It moves when the next one is added. */
struct dat_buffer *dat_add_buffer(struct dat *d, const char *name);

/* Adds what the last buffer has of @cpu. Parts move when one is added. */
void dat_add_part(struct dat *d, unsigned int cpu, __u64 at, __u64 size);

/* Reads an option that has the same meaning in both versions, all of @in. */
void dat_read_option(struct dat *d, unsigned int id, struct cursor *in);

/* Each reads a description of version 6, or the same in a section of its own. */
void dat_read_header_info(struct dat *d, struct cursor *in);
void dat_read_ftrace_events(struct dat *d, struct cursor *in);
void dat_read_event_formats(struct dat *d, struct cursor *in);

/* Takes each format that begins before the end of @in, where sizes do not tell that. */
void dat_find_formats(struct dat *d, struct cursor *in);

#endif /* HYPERGRAPH_DAT_PARTS_H */
