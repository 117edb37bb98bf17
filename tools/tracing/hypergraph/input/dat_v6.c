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
#define LATENCY		"latency  "

/* Each has this size. */
#define WORD_SIZE	sizeof(OPTIONS)

/* Between the descriptions and one of these words is how many CPUs there are. */
#define CPUS_SIZE	4

static bool is_table(const char *word)
{
	return !memcmp(word, OPTIONS, WORD_SIZE) || !memcmp(word, EVENTS, WORD_SIZE) ||
	       !memcmp(word, LATENCY, WORD_SIZE);
}

/* Do the descriptions end at @in? */
static bool are_whole(struct cursor in)
{
	char word[WORD_SIZE];

	cursor_skip(&in, CPUS_SIZE);
	cursor_read(&in, word, sizeof(word));
	return is_table(word);
}

/* Returns where the descriptions end, which begin at @in, or 0. */
static __u64 find_end(struct cursor in)
{
	char block[65536];

	while (cursor_has(&in, CPUS_SIZE + WORD_SIZE)) {
		__u64 at = in.at, left = in.size - at;
		size_t i, size = left < sizeof(block) ? left : sizeof(block);

		cursor_read(&in, block, size);
		for (i = CPUS_SIZE; i + WORD_SIZE <= size; i++) {
			if (is_table(block + i))
				return at + i - CPUS_SIZE;
		}
		in.at = at + i - CPUS_SIZE;
	}
	return 0;
}

static void read_all(struct dat *d)
{
	dat_read_header_info(d, &d->in);
	dat_read_ftrace_events(d, &d->in);
	dat_read_event_formats(d, &d->in);
	d->kallsyms.size = cursor_number(&d->in, 4);
	d->kallsyms.at = d->kallsyms.size ? d->in.at : 0;
	cursor_skip(&d->in, d->kallsyms.size);
	cursor_skip(&d->in, cursor_number(&d->in, 4));	/* formats of printk */
	cursor_skip(&d->in, cursor_number(&d->in, 8));	/* names of tasks */
}

/* A size is damaged: what it says to end, and what follows, is found by what it begins with. */
static void find_all(struct dat *d, struct cursor in, __u64 damaged_at, __u64 end)
{
	dat_damage(d, damaged_at, "a size does not lead to what comes next");
	in.size = end;
	dat_find_formats(d, &in);
	if (d->kallsyms.at && d->kallsyms.at + d->kallsyms.size > end)
		d->kallsyms.size = end - d->kallsyms.at;
	d->in.at = end;
	d->in.ended = false;
}

static void read_descriptions(struct dat *d)
{
	struct cursor begin = d->in;
	__u64 end;

	read_all(d);
	if (are_whole(d->in))
		return;
	end = find_end(begin);
	if (end)
		find_all(d, begin, d->in.at, end);
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
		if (!d->in.ended && strcmp(type, LATENCY))
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
