// SPDX-License-Identifier: GPL-2.0
/* What the guests of this host send now, from an instance of tracefs */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <tracefs.h>

#include "input/fields.h"
#include "input/host.h"
#include "input/join.h"
#include "input/live.h"
#include "util/util.h"

static const char system_name[] = "hypergraph";

struct live {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	struct fields *fields;
	struct join *join;
};

static bool start(struct live *live)
{
	/* Two runs at a time must not end each other. */
	char *name = xasprintf("hypergraph-top-%d", getpid());

	live->instance = tracefs_instance_create(name);
	free(name);
	if (!live->instance) {
		warn("making an instance in tracefs");
		return false;
	}
	if (!tracefs_event_enable(live->instance, system_name, NULL))
		return true;
	warn("enabling the events of %s", system_name);
	return false;
}

struct live *live_open(event_handler_t handler, void *ctx)
{
	static const char * const systems[] = { system_name, NULL };
	struct live *live = xcalloc(1, sizeof(*live));

	live->tep = host_can_record() ? tracefs_local_events_system(NULL, systems) : NULL;
	live->join = join_new(handler, ctx);
	if (live->tep)
		live->fields = fields_new(live->tep, "this kernel");
	if (live->fields && start(live))
		return live;
	live_close(live);
	return NULL;
}

static int handle_record(struct tep_event *event, struct tep_record *record, int cpu, void *ctx)
{
	struct live *live = ctx;
	struct host_record r;

	(void)event;
	record->cpu = cpu;
	fields_read(live->fields, record, &r);
	join_record(live->join, &r);
	return 0;
}

bool live_read(struct live *live)
{
	errno = 0;
	/* It returns an error also when there is nothing to read. */
	return !tracefs_iterate_raw_events(live->tep, live->instance, NULL, 0, handle_record,
					   live) ||
	       !errno || errno == EAGAIN || errno == ENOENT;
}

__u64 live_lost(const struct live *live)
{
	return host_stats(live->instance).lost;
}

void live_close(struct live *live)
{
	if (live->instance) {
		tracefs_event_disable(live->instance, system_name, NULL);
		tracefs_instance_destroy(live->instance);
		tracefs_instance_free(live->instance);
	}
	join_free(live->join);
	fields_free(live->fields);
	if (live->tep)
		tep_free(live->tep);
	free(live);
}
