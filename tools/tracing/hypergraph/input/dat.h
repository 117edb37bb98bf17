/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a trace.dat says about itself, and where in it the events of each CPU are. The format
 * is in trace-cmd.dat(5).
 */
#ifndef HYPERGRAPH_DAT_H
#define HYPERGRAPH_DAT_H

#include <stdbool.h>
#include <linux/types.h>

#include "input/cursor.h"

/* An instance of the tracer: the top one has no name. */
struct dat_buffer {
	char name[CURSOR_STRING];
	char clock[32];		/* "" if it is not told, or that of all */
	__u32 page_size;	/* bytes */
	bool packed;		/* Its pages are compressed. */
};

/* Where the pages of a CPU are, in bytes from the begin of the file */
struct dat_part {
	unsigned int buffer;	/* its number */
	unsigned int cpu;
	__u64 at;
	__u64 size;
	bool cut;		/* The file ends before them. */
};

/* How times become ns: (n * mult >> shift) + offset, without the first part if mult is 0 */
struct dat_times {
	__u32 mult;
	__u32 shift;
	__u64 offset;		/* added, and may wrap */
};

struct dat_section {
	__u64 at;		/* 0: there is none */
	__u64 size;		/* of what is not compressed in a section of its own */
};

/* A chunk of pages, unpacked, of which no CPU has all in memory */
struct dat_chunk {
	__u64 at;		/* where the file has it, 0: there is none */
	__u32 size;
	char *data;
};

struct dat {
	const char *file;	/* how messages call it */
	struct cursor in;	/* all of it; the descriptor is the caller's */
	unsigned int long_size;	/* bytes, of the kernel that was recorded */
	__u32 page_size;
	char packing[CURSOR_STRING];	/* what compressed it, "none" if nothing did */
	struct unpacker *unpacker;	/* of that, else NULL */
	struct formats *formats;
	struct dat_section kallsyms;
	char machine[32];	/* the host's, as uname(1) calls it; "" if it is not told */
	char clock[32];		/* of all buffers that tell none */
	struct dat_times times;

	struct dat_buffer *buffers;
	unsigned int nr_buffers;
	struct dat_part *parts;	/* those that have events */
	unsigned int nr_parts;

	bool cut;		/* The file ends before all that it says to have. */
	struct dat_chunk chunk;		/* the one that was used last */
	__u64 search_left;	/* bytes: see dat_may_search() */
	bool damaged;		/* Something was said to be that, or to be cut. */
	bool quiet;		/* Nothing is to be said. */
};

/* Returns the time of a record in ns. */
__u64 dat_ns(const struct dat *d, __u64 ts);

/*
 * What is not where it belongs is searched for, but not for ever: takes @size bytes of those
 * that may still be looked at. Returns false if there are no more.
 */
bool dat_may_search(struct dat *d, __u64 size);

/* Says what is lost at an offset, in a line on stderr. */
void dat_damage(struct dat *d, __u64 at, const char *format, ...)
	__attribute__((__format__(printf, 3, 4)));

#endif /* HYPERGRAPH_DAT_H */
