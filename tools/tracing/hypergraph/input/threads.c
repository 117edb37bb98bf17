// SPDX-License-Identifier: GPL-2.0
/*
 * Which threads of a host belong to one process: of this host from /proc, and of a recording
 * from what stands behind it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>

#include "input/threads.h"
#include "util/map.h"
#include "util/util.h"

struct threads {
	bool of_now;
	struct map processes;	/* their pids, by thread */
};

/*
 * Behind a recording stands a SAVED_THREAD for each thread, then a SAVED_END, which always has
 * one length and says where the first one is. The guests' symbols, which may come after that,
 * end with such a line as well.
 */
#define SAVED_THREAD	"#hypergraph thread %u of %u\n"
#define SAVED_END	"#hypergraph %7[a-z] begin at %20llu\n"
#define SAVED_END_SIZE	50

static const char saved_name[] = "threads";

static void add_thread(struct threads *threads, __u32 thread, __u32 process)
{
	map_add(&threads->processes, thread, (void *)(size_t)process);
}

/* What stands behind a recording, from the last on: @end is where it ends. */
static bool find_saved(FILE *in, off_t *begin, off_t *end)
{
	char line[SAVED_END_SIZE + 1] = "", name[8];
	unsigned long long at;

	while (*end >= SAVED_END_SIZE && !fseeko(in, *end - SAVED_END_SIZE, SEEK_SET) &&
	       fread(line, SAVED_END_SIZE, 1, in) == 1 &&
	       sscanf(line, SAVED_END, name, &at) == 2 && at < (unsigned long long)*end) {
		*begin = at;
		if (!strcmp(name, saved_name)) {
			*end -= SAVED_END_SIZE;
			return true;
		}
		*end = *begin;
	}
	return false;
}

static bool load_next(struct threads *threads, FILE *in)
{
	char line[SAVED_END_SIZE];
	__u32 thread, process;

	if (!fgets(line, sizeof(line), in) ||
	    sscanf(line, SAVED_THREAD, &thread, &process) != 2 || !process)
		return false;
	add_thread(threads, thread, process);
	return true;
}

/* Returns where one is damaged, or 0. */
static off_t load_saved(struct threads *threads, FILE *in)
{
	off_t begin, end, at;

	if (fseeko(in, 0, SEEK_END))
		return 0;
	end = ftello(in);
	if (!find_saved(in, &begin, &end) || fseeko(in, begin, SEEK_SET))
		return 0;
	while ((at = ftello(in)) < end) {
		if (!load_next(threads, in))
			return at;
	}
	return 0;
}

struct threads *threads_load(int fd, const char *file, bool *damaged)
{
	struct threads *threads = xcalloc(1, sizeof(*threads));
	FILE *in = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "r");
	off_t at = in ? load_saved(threads, in) : 0;

	if (at)
		warnx("%s: damaged at offset %lld: of what follows there, VMs are threads", file,
		      (long long)at);
	*damaged |= at;
	if (in)
		fclose(in);
	return threads;
}

struct threads *threads_of_now(void)
{
	struct threads *threads = xcalloc(1, sizeof(*threads));

	threads->of_now = true;
	return threads;
}

bool threads_keep(bool keep)
{
	bool kept = tracefs_option_is_enabled(NULL, TRACEFS_OPTION_RECORD_TGID);

	if (keep)
		tracefs_option_enable(NULL, TRACEFS_OPTION_RECORD_TGID);
	else
		tracefs_option_disable(NULL, TRACEFS_OPTION_RECORD_TGID);
	return kept;
}

bool threads_save(FILE *out)
{
	char *text = tracefs_instance_file_read(NULL, "saved_tgids", NULL), *line;
	__u32 thread, process;
	off_t begin;

	if (!text || fseeko(out, 0, SEEK_END)) {
		free(text);
		return !text;
	}
	begin = ftello(out);
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (sscanf(line, "%u %u", &thread, &process) == 2)
			fprintf(out, SAVED_THREAD, thread, process);
	}
	fprintf(out, "#hypergraph %s begin at %020llu\n", saved_name, (unsigned long long)begin);
	free(text);
	return !fflush(out) && !ferror(out);
}

static __u32 process_of_now(__u32 thread)
{
	char *path = xasprintf("/proc/%u/status", thread), line[64];
	FILE *in = fopen(path, "r");
	__u32 process = 0;

	free(path);
	while (in && !process && fgets(line, sizeof(line), in))
		sscanf(line, "Tgid: %u", &process);
	if (in)
		fclose(in);
	return process;
}

__u32 threads_process(const struct threads *threads, __u32 thread)
{
	if (!threads)
		return 0;
	if (threads->of_now)
		return process_of_now(thread);
	return (size_t)map_get(&threads->processes, thread);
}

void threads_free(struct threads *threads)
{
	if (!threads)
		return;
	map_free(&threads->processes);
	free(threads);
}
