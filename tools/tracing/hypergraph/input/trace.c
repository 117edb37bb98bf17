// SPDX-License-Identifier: GPL-2.0
/* Reads a host's trace.dat: its records go to the join, one after the other. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "input/dat_open.h"
#include "input/fields.h"
#include "input/host_symbols.h"
#include "input/join.h"
#include "input/lookahead.h"
#include "input/merge.h"
#include "input/threads.h"
#include "input/trace.h"
#include "util/util.h"

struct trace {
	const char *file;
	struct dat *dat;
	const char *clock;
	struct fields *fields;
	struct merge *merge;
	struct threads *threads;
	struct lookahead *lookahead;
	struct join *join;	/* from trace_read() on */
	struct totals totals;	/* after it */
	struct host_symbols *host;	/* NULL until a function is asked for */
	bool host_damaged;
};

static void read_all(struct trace *t)
{
	const struct raw_record *raw;
	struct host_record r;

	while ((raw = merge_next(t->merge))) {
		fields_read(t->fields, raw, &r);
		r.ts = dat_ns(t->dat, r.ts);
		join_record(t->join, &r);
	}
	join_end(t->join);
}

int trace_read(struct trace *t, event_handler_t handler, void *ctx)
{
	t->join = join_new(t->fields, handler, ctx);
	join_set_processes(t->join, t->threads);
	join_set_later(t->join, t->lookahead);
	read_all(t);
	t->totals = *join_totals(t->join);

	if (join_lacks_exits(t->join))
		warnx("%s: recorded without kvm_exit: functions of the host are left out",
		      t->file);
	if (t->totals.shared_processes)
		warnx("%s: has processes of several VMs: which vCPUs are of one VM is not known",
		      t->file);
	if (!t->totals.hypercalls && !t->totals.exits) {
		warnx("%s: no event of a guest was recorded: did one trace?", t->file);
		return -1;
	}
	if (!t->totals.hypercalls)
		warnx("%s: no guest has sent anything: VM exits are all there is", t->file);
	return t->dat->damaged ? -1 : 0;
}

const char *trace_host_function(struct trace *t, __u64 addr)
{
	if (!t->host) {
		char *text = dat_kallsyms(t->dat, &t->host_damaged);

		t->host = host_symbols_new(text);
		free(text);
	}
	return host_symbols_find(t->host, addr);
}

bool trace_host_is_whole(const struct trace *t)
{
	return !t->host_damaged;
}

const struct totals *trace_totals(const struct trace *t)
{
	return &t->totals;
}

const char *trace_clock(const struct trace *t)
{
	return t->clock;
}

static bool is_in_ns(const struct dat *d, const char *clock)
{
	static const char * const ns[] = {
		"local", "global", "perf", "mono", "mono_raw", "boot", "tai", "",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ns); i++) {
		if (!strcmp(clock, ns[i]))
			return true;
	}
	return d->times.mult;
}

static const char *clock_of(const struct dat *d, const struct dat_part *part)
{
	const struct dat_buffer *buffer = &d->buffers[part->buffer];

	return *buffer->clock ? buffer->clock : d->clock;
}

/* Times of two clocks cannot be compared: what has another one than the first is left out. */
static void check_clocks(struct trace *t)
{
	struct dat *d = t->dat;
	const char *clock = d->nr_parts ? clock_of(d, d->parts) : d->clock;
	unsigned int i, nr = 0, last = ~0U;

	for (i = 0; i < d->nr_parts; i++) {
		const struct dat_part *part = &d->parts[i];
		const struct dat_buffer *buffer = &d->buffers[part->buffer];

		if (!strcmp(clock_of(d, part), clock))
			d->parts[nr++] = *part;
		else if (part->buffer != last)
			warnx("%s: buffer \"%s\" is left out: its clock is %s, not %s", t->file,
			      buffer->name, clock_of(d, part), clock);
		last = part->buffer;
	}
	d->nr_parts = nr;
	t->clock = d->times.mult || !*clock ? "local" : clock;
	if (!is_in_ns(d, clock))
		warnx("%s: recorded with the clock %s: times of the host are not in ns",
		      t->file, clock);
}

struct trace *trace_open(const char *file, int fd)
{
	struct dat *dat = dat_open(fd, file);
	struct trace *t;

	if (!dat)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->file = file;
	t->dat = dat;
	t->fields = fields_new(dat->formats, file);
	if (!t->fields) {
		trace_close(t);
		return NULL;
	}
	t->threads = threads_load(fd, file, &dat->damaged);
	check_clocks(t);
	t->merge = merge_new(dat);
	t->lookahead = lookahead_new(dat, t->fields);
	return t;
}

void trace_close(struct trace *t)
{
	join_free(t->join);
	merge_free(t->merge);
	lookahead_free(t->lookahead);
	threads_free(t->threads);
	fields_free(t->fields);
	host_symbols_free(t->host);
	dat_close(t->dat);
	free(t);
}
