// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/unit.h"
#include "util/output.h"
#include "util/util.h"

/* A directory for files; to be freed by remove_dir(). */
static char *make_dir(void)
{
	char *dir = xasprintf("%s/unit.XXXXXX", getenv("TMPDIR") ?: P_tmpdir);

	if (!mkdtemp(dir))
		err(1, "%s", dir);
	return dir;
}

/* Returns how many files there were. */
static int remove_dir(char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int nr = 0;

	while (d && (entry = readdir(d))) {
		if (*entry->d_name != '.' && !unlinkat(dirfd(d), entry->d_name, 0))
			nr++;
	}
	if (d)
		closedir(d);
	rmdir(dir);
	free(dir);
	return nr;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file))
		err(1, "%s", path);
}

static void check_file(const char *row, const char *path, const char *wanted)
{
	char got[64] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, got, sizeof(got) - 1) < 0)
		snprintf(got, sizeof(got), "%s", strerror(errno));
	if (fd >= 0)
		close(fd);
	check_text(row, got, wanted);
}

/* What ends a program while it writes */
struct end {
	const char *name;
	int signal;		/* 0: end with a message */
};

static void end_while_writing(const struct end *end, const char *path)
{
	const struct rlimit no_core = { 0, 0 };
	struct output o;

	setrlimit(RLIMIT_CORE, &no_core);
	/* What a shell runs in the background ignores some. */
	if (end->signal)
		signal(end->signal, SIG_DFL);
	unit_begin_stderr();
	if (output_open(&o, path))
		_exit(0);
	fputs("new", o.file);
	fflush(o.file);
	if (end->signal)
		raise(end->signal);
	err(1, "memory");
}

static void test_ends(void)
{
	static const struct end ends[] = {
		{ "SIGINT", SIGINT }, { "SIGTERM", SIGTERM }, { "SIGHUP", SIGHUP },
		{ "SIGQUIT", SIGQUIT }, { "SIGPIPE", SIGPIPE }, { "SIGXCPU", SIGXCPU },
		{ "out of memory", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		char *dir = make_dir(), *path = xasprintf("%s/file", dir);
		int status = 0;
		pid_t pid;

		write_file(path, "old");
		pid = fork();
		if (!pid)
			end_while_writing(&ends[i], path);
		waitpid(pid, &status, 0);
		check(ends[i].name, ends[i].signal ? WTERMSIG(status) == ends[i].signal :
		      WIFEXITED(status) && WEXITSTATUS(status) == 1);
		check_file(ends[i].name, path, "old");
		check(ends[i].name, remove_dir(dir) == 1);
		free(path);
	}
}

/* It ends with a message, as on a full disk. */
static void write_over_limit(const char *path)
{
	const struct rlimit limit = { 1000, 1000 };
	char *said, *wanted = xasprintf("unit: writing %s: File too large\n", path);
	struct output o;
	int i;

	setrlimit(RLIMIT_FSIZE, &limit);
	unit_begin_stderr();
	if (output_open(&o, path))
		_exit(2);
	for (i = 0; i < 1000; i++)
		fputs("new", o.file);
	if (!output_finish(&o))
		_exit(3);
	said = unit_end_stderr();
	_exit(!!strcmp(said, wanted));
}

static void test_limit(void)
{
	char *dir = make_dir(), *path = xasprintf("%s/file", dir);
	int status = -1;
	pid_t pid;

	write_file(path, "old");
	pid = fork();
	if (!pid)
		write_over_limit(path);
	waitpid(pid, &status, 0);
	check("", WIFEXITED(status) && !WEXITSTATUS(status));
	check_file("", path, "old");
	check("", remove_dir(dir) == 1);
	free(path);
}

static void test_no_place(void)
{
	char *dir = make_dir(), *draft = xasprintf("%s/draft", dir), *wanted, *said;

	write_file(draft, "new");
	unit_begin_stderr();
	check("", output_place(draft, dir));
	said = unit_end_stderr();
	wanted = xasprintf("unit: %s: is not written, but %s is: Is a directory\n", dir, draft);
	check_text("", said, wanted);
	check_file("", draft, "new");
	check("", remove_dir(dir) == 1);
	free(said);
	free(wanted);
	free(draft);
}

const struct unit_test output_tests[] = {
	{ "whatever ends the program, nothing is left beside", test_ends },
	{ "a file that is too large is an error", test_limit },
	{ "what cannot take its place stays", test_no_place },
	{ NULL, NULL },
};
