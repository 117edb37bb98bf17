/* SPDX-License-Identifier: GPL-2.0 */
/* What this host's tracefs tells */
#ifndef HYPERGRAPH_HOST_H
#define HYPERGRAPH_HOST_H

#include <stdbool.h>
#include <tracefs.h>

/* What the ring buffers of all CPUs counted since they were emptied */
struct host_stats {
	unsigned long long events;	/* that came, lost ones not counted */
	unsigned long long lost;
	unsigned long long bytes;	/* that are in the buffers now */
};

/* What tells of guests where the kernel has no events of hypergraph, ended by NULL */
extern const char * const host_stock_events[];

/*
 * Can events of guests be recorded here? False after an error message. @stock becomes whether
 * these are host_stock_events[], which a message tells.
 */
bool host_can_record(bool *stock);

/* NULL stands for the top instance. */
struct host_stats host_stats(struct tracefs_instance *instance);

#endif /* HYPERGRAPH_HOST_H */
