// SPDX-License-Identifier: GPL-2.0
/* What the guests of this host send now, from an instance of tracefs */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <tracefs.h>

#include "input/fields.h"
#include "input/host.h"
#include "input/join.h"
#include "input/live.h"
#include "input/threads.h"
#include "util/util.h"

struct live {
	bool stock;		/* There are no events of hypergraph. */
	struct threads *threads;
	struct tracefs_instance *instance;
	pid_t remover;		/* the process that removes it, if there is one */
	struct tep_handle *tep;
	struct fields *fields;
	struct join *join;
};

static const char *system_of(const struct live *live)
{
	return live->stock ? "kvm" : "hypergraph";
}

/*
 * Removes the instance at a signal of @end, which also tells that @parent has ended, whatever
 * by. The kernel has closed its files of the instance then.
 */
static void remove_instance(const struct live *live, pid_t parent, const sigset_t *end)
{
	int signal;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() == parent)
		sigwait(end, &signal);
	tracefs_event_disable(live->instance, system_of(live), NULL);
	tracefs_instance_destroy(live->instance);
	_exit(0);
}

/* A process does that, as nothing of this one is left to do it after SIGKILL. */
static bool start_remover(struct live *live)
{
	pid_t parent = getpid();
	sigset_t end, before;

	sigemptyset(&end);
	sigaddset(&end, SIGUSR1);
	sigprocmask(SIG_BLOCK, &end, &before);
	live->remover = fork();
	if (!live->remover)
		remove_instance(live, parent, &end);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (live->remover > 0)
		return true;
	warn("fork");
	tracefs_instance_destroy(live->instance);
	return false;
}

static bool enable_events(struct live *live)
{
	static const char * const all[] = { NULL };
	const char * const *event = live->stock ? host_stock_events : all;

	do {
		if (tracefs_event_enable(live->instance, system_of(live), *event)) {
			warn("enabling the events of %s", system_of(live));
			return false;
		}
	} while (*event && *++event);
	return true;
}

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
	return start_remover(live) && enable_events(live);
}

static struct tep_handle *find_events(const struct live *live)
{
	const char * const systems[] = { system_of(live), NULL };

	return tracefs_local_events_system(NULL, systems);
}

static struct formats *read_formats(struct tep_handle *tep)
{
	struct formats *formats = formats_new();
	struct tep_event *event;
	int i;

	for (i = 0; (event = tep_get_event(tep, i)); i++) {
		char *text = tracefs_event_file_read(NULL, event->system, event->name, "format",
						     NULL);

		if (text)
			formats_add(formats, text);
	}
	return formats;
}

static struct fields *find_fields(struct tep_handle *tep)
{
	struct formats *formats = read_formats(tep);
	struct fields *fields = fields_new(formats, "this kernel");

	formats_free(formats);
	return fields;
}

struct live *live_open(event_handler_t handler, void *ctx)
{
	struct live *live = xcalloc(1, sizeof(*live));

	live->tep = host_can_record(&live->stock) ? find_events(live) : NULL;
	live->threads = threads_of_now();
	if (live->tep)
		live->fields = find_fields(live->tep);
	if (!live->fields || !start(live)) {
		live_close(live);
		return NULL;
	}
	live->join = join_new(live->fields, handler, ctx);
	join_set_processes(live->join, live->threads);
	return live;
}

static int handle_record(struct tep_event *event, struct tep_record *record, int cpu, void *ctx)
{
	const struct raw_record raw = {
		.data = record->data,
		.size = record->size,
		.cpu = cpu,
		.ts = record->ts,
		.missed = record->missed_events,
	};
	struct live *live = ctx;
	struct host_record r;

	(void)event;
	fields_read(live->fields, &raw, &r);
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
	if (live->remover > 0) {
		kill(live->remover, SIGUSR1);
		waitpid(live->remover, NULL, 0);
	}
	if (live->instance)
		tracefs_instance_free(live->instance);
	join_free(live->join);
	threads_free(live->threads);
	fields_free(live->fields);
	if (live->tep)
		tep_free(live->tep);
	free(live);
}
