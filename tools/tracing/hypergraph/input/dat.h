/* SPDX-License-Identifier: GPL-2.0 */
/* Where in a trace.dat the events of each CPU are, and what is there of them */
#ifndef HYPERGRAPH_DAT_H
#define HYPERGRAPH_DAT_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct dat;

/* Of the file at @path: NULL if it is none that is known. */
struct dat *dat_read(const char *path);
void dat_free(struct dat *l);

/* Does it end before all that it says to have? */
bool dat_is_cut(const struct dat *l);

/*
 * A temporary file that has those events of a cut one which are there: NULL if there are
 * none, or after an error message. The file itself is left as it is.
 */
FILE *dat_copy(struct dat *l);

/* Says on stderr where the file, which is called @file, is cut. */
void dat_warn(const struct dat *l, const char *file);

/* The clock of its times if those are not in ns, or NULL */
const char *dat_foreign_clock(const struct dat *l);

/* Of ring buffers, in bytes */
__u32 dat_page_size(const struct dat *l);

/* One more than the highest number of a CPU */
unsigned int dat_cpus(const struct dat *l);

/*
 * Where, in bytes from the begin of the file, page @nr of what @cpu recorded is, or what
 * holds it in a compressed one: 0 if that has not so many.
 */
__u64 dat_find_page(struct dat *l, unsigned int cpu, __u64 nr);

#endif /* HYPERGRAPH_DAT_H */
