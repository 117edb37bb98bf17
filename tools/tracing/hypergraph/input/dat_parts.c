// SPDX-License-Identifier: GPL-2.0
/* The parts of a trace.dat: where the events of each CPU are */
#include "input/dat_parts.h"
#include "util/util.h"

struct part *dat_add_part(struct dat *d, unsigned int cpu)
{
	struct part *part;

	d->parts = xrealloc(d->parts, (d->nr_parts + 1) * sizeof(*d->parts));
	part = &d->parts[d->nr_parts++];
	*part = (struct part){ .cpu = cpu };
	if (cpu >= d->cpus)
		d->cpus = cpu + 1;
	return part;
}

bool dat_has_events(const struct dat *d)
{
	unsigned int i;

	for (i = 0; i < d->nr_parts; i++) {
		if (d->parts[i].size)
			return true;
	}
	return false;
}
