/* SPDX-License-Identifier: GPL-2.0 */
/* Where in a trace.dat the events of each CPU are, and what is there of them */
#ifndef HYPERGRAPH_LAYOUT_H
#define HYPERGRAPH_LAYOUT_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct layout;

/* Of the file at @path: NULL if it is none that is known. */
struct layout *layout_read(const char *path);
void layout_free(struct layout *l);

/* Does it end before all that it says to have? */
bool layout_is_cut(const struct layout *l);

/*
 * A temporary file that has those events which are there, of one that is cut: NULL if
 * there are none. The file itself is left as it is.
 */
FILE *layout_copy(struct layout *l);

/* Says on stderr where the file, which is called @file, is cut. */
void layout_warn(const struct layout *l, const char *file);

/* The clock of its times if those are not in ns, or NULL */
const char *layout_foreign_clock(const struct layout *l);

/* Of ring buffers, in bytes */
__u32 layout_page_size(const struct layout *l);

/* One more than the highest number of a CPU */
unsigned int layout_cpus(const struct layout *l);

/*
 * Where, in bytes from the begin of the file, page @nr of what @cpu recorded is, or what
 * holds it in a compressed one: 0 if that has not so many.
 */
__u64 layout_find_page(struct layout *l, unsigned int cpu, __u64 nr);

#endif /* HYPERGRAPH_LAYOUT_H */
