// SPDX-License-Identifier: GPL-2.0
/*
 * Version 6 of trace.dat: descriptions, options, and a table of where the events of each CPU
 * are. An option leads to each other buffer, which has a table of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "input/dat_parts.h"
#include "util/util.h"

#define OPTIONS		"options  "
#define EVENTS		"flyrecord"

static void read_descriptions(struct dat *d)
{
	dat_read_header_info(d, &d->in);
	dat_read_ftrace_events(d, &d->in);
	dat_read_event_formats(d, &d->in);
	d->kallsyms.size = cursor_number(&d->in, 4);
	d->kallsyms.at = d->in.at;
	cursor_skip(&d->in, d->kallsyms.size);
	cursor_skip(&d->in, cursor_number(&d->in, 4));	/* formats of printk */
	cursor_skip(&d->in, cursor_number(&d->in, 8));	/* names of tasks */
}

/* A buffer whose CPUs are not those of the host has their number in an option behind its own. */
struct table {
	__u64 at;
	char name[CURSOR_STRING];
	__u32 cpus;
};

struct tables {
	struct table list[MAX_BUFFERS];
	unsigned int nr;
};

static void read_buffer(struct tables *t, struct cursor *in, __u32 cpus)
{
	struct table *table = &t->list[t->nr];

	if (t->nr == MAX_BUFFERS)
		return;
	table->at = cursor_number(in, 8);
	table->cpus = cpus;
	cursor_string(in, table->name);
	if (!in->ended)
		t->nr++;
}

/* @t is NULL for the options of a buffer, which list none. */
static void read_options(struct dat *d, struct tables *t, __u32 cpus)
{
	__u16 id;

	while (!d->in.ended && (id = cursor_number(&d->in, 2))) {
		__u32 size = cursor_number(&d->in, 4);
		struct cursor option = d->in;

		cursor_skip(&d->in, size);
		if (d->in.ended)
			return;
		option.size = d->in.at;
		if (id == ID_BUFFER && t)
			read_buffer(t, &option, cpus);
		else if (id == ID_CPU_COUNT && t && t->nr)
			t->list[t->nr - 1].cpus = cursor_number(&option, 4);
		else
			dat_read_option(d, id, &option);
	}
}

/* What has no such table holds text. */
static void read_table(struct dat *d, struct tables *t, __u32 cpus)
{
	char type[CURSOR_STRING];
	__u64 at = d->in.at;
	__u32 i;

	cursor_string(&d->in, type);
	if (!strcmp(type, OPTIONS)) {
		read_options(d, t, cpus);
		at = d->in.at;
		cursor_string(&d->in, type);
	}
	if (strcmp(type, EVENTS)) {
		if (!d->in.ended && strcmp(type, "latency  "))
			dat_damage(d, at, "it does not tell where events are");
		return;
	}
	for (i = 0; i < cpus && i < MAX_CPUS && !d->in.ended; i++) {
		at = cursor_number(&d->in, 8);
		dat_add_part(d, i, at, cursor_number(&d->in, 8));
	}
}

void dat_read_6(struct dat *d)
{
	struct tables *t = xcalloc(1, sizeof(*t));
	unsigned int i;
	__u32 cpus;

	read_descriptions(d);
	cpus = cursor_number(&d->in, 4);
	dat_add_buffer(d, "");
	read_table(d, t, cpus);
	for (i = 0; i < t->nr && !d->in.ended; i++) {
		dat_add_buffer(d, t->list[i].name);
		d->in.at = t->list[i].at;
		read_table(d, NULL, t->list[i].cpus);
	}
	d->cut |= d->in.ended;
	free(t);
}
