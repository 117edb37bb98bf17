/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __TRACE_HYPERGRAPH_H
#define __TRACE_HYPERGRAPH_H

#include <linux/init.h>
#include <linux/types.h>

struct trace_array;

/* From the linker script */
extern const char __start_notes[], __stop_notes[];
extern initcall_entry_t __initcallrootfs_start[];

bool hypergraph_is_on(struct trace_array *tr);
bool hypergraph_sends_entries(void);
void hypergraph_send(unsigned int nr, unsigned long a0, unsigned long a1,
		     unsigned long a2, unsigned long a3);

/* The points in time that are not calls: of boot, of a crash, and the user's. */
bool hypergraph_is_muted(void);
void hypergraph_init_marks(void);
void hypergraph_start_marks(struct trace_array *tr);
void hypergraph_stop_marks(void);

#endif /* __TRACE_HYPERGRAPH_H */
