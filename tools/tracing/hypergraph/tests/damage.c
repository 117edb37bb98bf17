// SPDX-License-Identifier: GPL-2.0
/*
 * Damages a trace.dat at random, again and again, and reads what is left of it.
 *
 *	damage FILE COUNT	with the seeds 0 to COUNT - 1: prints which share of the
 *				events was read, and which files were not read in order;
 *				a signal ends it at the first crash
 *	damage FILE COUNT SEED	writes the file that one seed makes to stdout
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "input/dat_open.h"
#include "input/merge.h"
#include "input/trace.h"
#include "util/util.h"

/* No damaged file takes longer to read. */
#define SECONDS		20

struct text {
	char *data;
	size_t size;
};

static __u64 random_state;

/* Every seed is to give the same damage everywhere. */
static __u32 next_random(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state >> 33;
}

static void randomize(struct text *t, size_t size)
{
	size_t at = next_random() % t->size;

	while (size-- && at < t->size)
		t->data[at++] = next_random();
}

static void remove_bytes(struct text *t)
{
	size_t at = next_random() % t->size, size = 1 + next_random() % 5000;

	if (size > t->size - at)
		size = t->size - at;
	memmove(t->data + at, t->data + at + size, t->size - at - size);
	t->size -= size;
}

static void damage(struct text *t, __u64 seed)
{
	random_state = seed * 0x9e3779b97f4a7c15ULL;
	next_random();
	switch (seed % 6) {
	case 0:
		randomize(t, 512);
		break;
	case 1:
		randomize(t, 4096);
		break;
	case 2:
		randomize(t, 8);
		break;
	case 3:
		remove_bytes(t);
		break;
	case 4:
		t->data[next_random() % t->size] ^= 1 << next_random() % 8;
		break;
	default:
		t->size = next_random() % t->size;
	}
}

static struct text read_file(const char *name)
{
	int fd = open(name, O_RDONLY);
	struct stat st;
	struct text t;

	if (fd < 0 || fstat(fd, &st))
		err(1, "%s", name);
	t.size = st.st_size;
	t.data = xcalloc(1, t.size + 1);
	if (read(fd, t.data, t.size) != st.st_size)
		err(1, "%s", name);
	close(fd);
	return t;
}

static void ignore_event(void *ctx, const struct event *ev)
{
	(void)ctx;
	(void)ev;
}

static __u64 count_events(int fd)
{
	struct trace *trace = trace_open("damaged", fd);
	__u64 events;

	if (!trace)
		return 0;
	trace_read(trace, ignore_event, NULL);
	trace_host_function(trace, 0);
	events = trace_totals(trace)->events;
	trace_close(trace);
	return events;
}

/* Does time go back nowhere but where events are said to be missing? */
static bool is_in_order(int fd)
{
	struct dat *dat = dat_open(fd, "damaged");
	struct merge *merge = dat ? merge_new(dat) : NULL;
	const struct raw_record *record;
	bool in_order = true;
	__u64 last = 0;

	while (merge && (record = merge_next(merge))) {
		in_order &= record->ts >= last || record->missed;
		last = record->ts;
	}
	merge_free(merge);
	dat_close(dat);
	return in_order;
}

/*
 * Returns how many events could be read, and whether they came *@in_order. What is said about
 * the damage is not printed.
 */
static __u64 read_text(const struct text *t, bool *in_order)
{
	int fd = memfd_create("trace", 0);
	FILE *real = stderr;
	__u64 events;

	if (fd < 0 || write(fd, t->data, t->size) != (ssize_t)t->size)
		err(1, "a file in memory");
	stderr = fopen("/dev/null", "w");
	events = count_events(fd);
	*in_order = is_in_order(fd);
	fclose(stderr);
	stderr = real;
	close(fd);
	return events;
}

static void write_damaged(struct text *t, __u64 seed)
{
	damage(t, seed);
	if (fwrite(t->data, t->size, 1, stdout) != 1)
		err(1, NULL);
}

static void read_damaged(const struct text *whole, __u64 count)
{
	struct text t = { .data = xcalloc(1, whole->size) };
	__u64 all, sum = 0, seed, unread = 0;
	bool in_order;

	all = read_text(whole, &in_order);
	for (seed = 0; seed < count; seed++) {
		__u64 events;

		alarm(SECONDS);
		t.size = whole->size;
		memcpy(t.data, whole->data, whole->size);
		damage(&t, seed);
		events = read_text(&t, &in_order);
		sum += events;
		unread += !events;
		if (!in_order)
			printf("out of order with seed %llu\n", seed);
	}
	printf("%.2f %% of the events, nothing of %llu files\n", 100.0 * sum / all / count,
	       unread);
	free(t.data);
}

int main(int argc, char **argv)
{
	struct text whole;

	if (argc != 3 && argc != 4)
		errx(2, "usage: damage FILE COUNT [SEED]");
	whole = read_file(argv[1]);
	if (argc == 4)
		write_damaged(&whole, strtoull(argv[3], NULL, 0));
	else
		read_damaged(&whole, strtoull(argv[2], NULL, 0));
	free(whole.data);
	return 0;
}
