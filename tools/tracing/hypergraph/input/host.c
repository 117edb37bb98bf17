// SPDX-License-Identifier: GPL-2.0
/* What this host's tracefs tells */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input/host.h"
#include "util/util.h"

const char * const host_stock_events[] = {
	"kvm_hypercall", "kvm_exit", "kvm_entry", "kvm_nested_vmexit", NULL
};

static bool has_event(const char *event)
{
	char *path = tracefs_get_tracing_file(event);
	bool has = path && !access(path, W_OK);

	tracefs_put_tracing_file(path);
	return has;
}

bool host_can_record(bool *stock)
{
	*stock = !has_event("events/hypergraph/hypergraph_host");
	if (!*stock)
		return true;
	if (has_event("events/kvm/kvm_hypercall")) {
		warnx("no hypergraph_host here: recording %s, %s, %s and %s", host_stock_events[0],
		      host_stock_events[1], host_stock_events[2], host_stock_events[3]);
		return true;
	}
	if (geteuid())
		warnx("this takes root");
	else
		warnx("this kernel has neither hypergraph_host nor kvm_hypercall: is kvm loaded?");
	return false;
}

/* "name: 123" in a CPU's stats */
static unsigned long long stat_number(const char *stats, const char *name)
{
	const char *found = strstr(stats, name);

	return found ? strtoull(found + strlen(name), NULL, 10) : 0;
}

struct host_stats host_stats(struct tracefs_instance *instance)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	struct host_stats sum = { 0 };

	for (cpu = 0; cpu < nr; cpu++) {
		char *file = xasprintf("per_cpu/cpu%ld/stats", cpu);
		char *stats = tracefs_instance_file_read(instance, file, NULL);

		free(file);
		if (!stats)
			continue;
		sum.events += stat_number(stats, "entries: ") +
			      stat_number(stats, "read events: ");
		/* There is a "commit overrun" as well. */
		sum.lost += stat_number(stats, "\noverrun: ") +
			    stat_number(stats, "dropped events: ");
		sum.bytes += stat_number(stats, "bytes: ");
		free(stats);
	}
	return sum;
}
