/* SPDX-License-Identifier: GPL-2.0 */
/* Where in a trace.dat the events of each CPU are, and what is there of them */
#ifndef HYPERGRAPH_DAT_H
#define HYPERGRAPH_DAT_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

/* What a trace.dat begins with */
#define DAT_MAGIC	"\x17\x08\x44tracing"

struct dat;

/* Reads that of the file at @path. Returns NULL if it is of no known version. */
struct dat *dat_read(const char *path);
void dat_free(struct dat *d);

/* Does it end before all that it says to have? */
bool dat_is_cut(const struct dat *d);

/*
 * Makes a temporary file of those events of a cut one which are there. Returns NULL if there
 * are none, or after an error message. The file itself is left as it is.
 */
FILE *dat_copy(struct dat *d);

/* Says on stderr where the file, which is called @file, is cut. */
void dat_warn(const struct dat *d, const char *file);

/* Returns the clock of its times if those are not in ns, else NULL. */
const char *dat_foreign_clock(const struct dat *d);

/* The size of a page of the ring buffers, in bytes */
__u32 dat_page_size(const struct dat *d);

/* One more than the highest number of a CPU */
unsigned int dat_cpus(const struct dat *d);

/*
 * Returns where page @nr of what @cpu recorded is, in bytes from the begin of the file, or
 * what holds that page in a compressed one. Returns 0 if there are not so many.
 */
__u64 dat_find_page(struct dat *d, unsigned int cpu, __u64 nr);

#endif /* HYPERGRAPH_DAT_H */
