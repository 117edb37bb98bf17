// SPDX-License-Identifier: GPL-2.0
/*
 * Opens a trace.dat, or what can be had of one that is cut, and checks that libtracecmd
 * read all of it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <trace-cmd/trace-cmd.h>

#include "input/dat.h"
#include "input/fields.h"
#include "input/join.h"
#include "input/sound.h"
#include "input/trace.h"
#include "util/util.h"

/* What was read of a CPU's pages, whose offsets are libtracecmd's */
struct progress {
	__u64 first;
	__u64 last;		/* 0: none */
	__u64 ts;
};

struct trace {
	const char *file;
	struct dat *dat;
	FILE *copy;		/* is read instead of a file that is cut, else NULL */
	struct progress *progress;	/* of each CPU */
	struct tracecmd_input *input;
	struct fields *fields;
	struct join *join;	/* from trace_read() on */
	struct totals totals;	/* after it */
	__u64 last_ts;		/* of any event */
};

/*
 * Returns false if libtracecmd goes back, as it does by an event whose damaged size is
 * negative, or if it has events of a CPU that has none.
 */
static bool note_progress(struct trace *t, unsigned int cpu, const struct tep_record *rec)
{
	struct progress *p;

	if (cpu >= dat_cpus(t->dat))
		return false;
	p = &t->progress[cpu];
	if (p->last && rec->offset <= p->last)
		return false;
	if (!p->last)
		p->first = rec->offset;
	p->last = rec->offset;
	p->ts = rec->ts;
	return true;
}

static int handle_record(struct tracecmd_input *input, struct tep_record *rec, int cpu,
			 void *data)
{
	struct trace *t = data;
	struct host_record r;

	(void)input;
	if (!note_progress(t, cpu, rec))
		return -1;
	t->last_ts = rec->ts;
	fields_read(t->fields, rec, &r);
	join_record(t->join, &r);
	return 0;
}

/* libtracecmd reads no more of a CPU after what is damaged, and does not tell. */
static bool read_all_of(struct trace *t, unsigned int cpu)
{
	const struct progress *p = &t->progress[cpu];
	__u32 size = dat_page_size(t->dat);
	__u64 pages = p->last ? p->last / size - p->first / size + 1 : 0;
	__u64 at = dat_find_page(t->dat, cpu, pages);

	if (at)
		warnx("%s: damaged at offset %llu: what CPU %u recorded after %.9f s is lost",
		      t->file, at, cpu, p->ts / 1e9);
	return !at;
}

static bool read_all(struct trace *t)
{
	unsigned int cpu;
	bool all = true;

	for (cpu = 0; cpu < dat_cpus(t->dat); cpu++)
		all &= read_all_of(t, cpu);
	return all;
}

int trace_read(struct trace *t, event_handler_t handler, void *ctx)
{
	int ret;

	t->join = join_new(handler, ctx);
	ret = tracecmd_iterate_events(t->input, NULL, 0, handle_record, t);
	join_end(t->join);
	t->totals = *join_totals(t->join);

	if (ret < 0) {
		warnx("%s: damaged: reading stopped after %llu events, at %llu.%09llu s", t->file,
		      t->totals.events, t->last_ts / 1000000000, t->last_ts % 1000000000);
		return -1;
	}
	if (join_lacks_exits(t->join))
		warnx("%s: recorded without kvm_exit: functions of the host are left out",
		      t->file);
	if (!t->totals.hypercalls) {
		warnx("%s: no hypergraph_host events were recorded: did a guest trace?", t->file);
		return -1;
	}
	return read_all(t) && !t->copy ? 0 : -1;
}

const char *trace_host_function(const struct trace *t, __u64 addr)
{
	return tep_find_function(tracecmd_get_tep(t->input), addr);
}

const struct totals *trace_totals(const struct trace *t)
{
	return &t->totals;
}

static bool check_magic(const char *file, const char *path)
{
	char magic[sizeof(DAT_MAGIC) - 1];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, magic, sizeof(magic));
	bool ok = false;

	if (len < 0)
		warn("%s", file);
	else if (!len)
		warnx("%s: empty file", file);
	else if (len < (ssize_t)sizeof(magic) || memcmp(magic, DAT_MAGIC, sizeof(magic)))
		warnx("%s: not a trace.dat file", file);
	else
		ok = true;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* @path is NULL if the file is of no known version. */
static struct tracecmd_input *open_input(const char *file, const char *path)
{
	int unsound = path ? sound_check(path) : 1;
	struct tracecmd_input *input = unsound ? NULL : sound_open(path);

	if (!input && unsound >= 0)
		warnx("%s: unreadable: damaged or of an unknown version", file);
	return input;
}

static struct trace *open_trace(const char *file, const char *path)
{
	struct tracecmd_input *input = open_input(file, path);
	struct trace *t;

	if (!input)
		return NULL;
	t = xcalloc(1, sizeof(*t));
	t->file = file;
	t->input = input;
	t->fields = fields_new(tracecmd_get_tep(input), file);
	if (t->fields)
		return t;
	trace_close(t);
	return NULL;
}

/* Opens what can be had of a file that is cut. *@dat becomes that of the copy. */
static struct trace *open_copy(const char *file, struct dat **dat)
{
	struct trace *t;
	FILE *copy;
	char *path;

	dat_warn(*dat, file);
	copy = dat_copy(*dat);
	if (!copy)
		return NULL;
	path = xasprintf("/proc/self/fd/%d", fileno(copy));
	dat_free(*dat);
	*dat = dat_read(path);
	t = open_trace(file, *dat ? path : NULL);
	if (t)
		t->copy = copy;
	else
		fclose(copy);
	free(path);
	return t;
}

static void warn_of_clock(const struct trace *t)
{
	const char *clock = dat_foreign_clock(t->dat);

	if (clock)
		warnx("%s: recorded with the clock %s: times of the host are not in ns",
		      t->file, clock);
}

struct trace *trace_open(const char *file, const char *path)
{
	struct dat *dat;
	struct trace *t;

	if (!check_magic(file, path))
		return NULL;
	dat = dat_read(path);
	if (dat && dat_is_cut(dat))
		t = open_copy(file, &dat);
	else
		t = open_trace(file, dat ? path : NULL);
	if (!t) {
		dat_free(dat);
		return NULL;
	}
	t->dat = dat;
	warn_of_clock(t);
	t->progress = xcalloc(dat_cpus(dat), sizeof(*t->progress));
	return t;
}

void trace_close(struct trace *t)
{
	join_free(t->join);
	fields_free(t->fields);
	tracecmd_close(t->input);
	dat_free(t->dat);
	if (t->copy)
		fclose(t->copy);
	free(t->progress);
	free(t);
}
