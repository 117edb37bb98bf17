// SPDX-License-Identifier: GPL-2.0
/* A file that takes the place of what has its name when it is whole. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#include "util/output.h"
#include "util/util.h"

/* Symbolic links on the way to a file, as the kernel has it */
#define MOST_LINKS	40

/* Those that a shell hands on have lower numbers. */
#define MOST_FDS	256

/* They end a program that does not ask for them. */
static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXCPU };

/* What goes if the program ends: a handler can have no other argument. */
static const char *unfinished;

static void remove_unfinished(void)
{
	const char *path = __atomic_load_n(&unfinished, __ATOMIC_SEQ_CST);

	if (path)
		unlink(path);
}

static void end_by(int signal)
{
	remove_unfinished();
	/* It is blocked until this returns, and has its default action then. */
	raise(signal);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = end_by, .sa_flags = SA_RESETHAND };
	struct sigaction old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signals); i++) {
		/* What is ignored stays so: nohup does that. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
	/* Writing then fails, as on a full disk, and is an error with a message. */
	signal(SIGXFSZ, SIG_IGN);
}

/* From now on @path goes if the program ends, until this is called for NULL. */
static void watch(const char *path)
{
	static bool watching;

	__atomic_store_n(&unfinished, path, __ATOMIC_SEQ_CST);
	if (watching || !path)
		return;
	watching = true;
	catch_signals();
	atexit(remove_unfinished);
}

/* Where the symbolic link @path leads to; it is freed. */
static char *follow(char *path, const char *link)
{
	char *next = *link == '/' ? xstrdup(link) : xasprintf("%s/%s", dirname(path), link);

	free(path);
	return next;
}

char *output_target(const char *name)
{
	char *path = xstrdup(name), link[PATH_MAX];
	ssize_t len;
	int i;

	for (i = 0; i < MOST_LINKS; i++) {
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0)
			break;
		link[len] = '\0';
		path = follow(path, link);
	}
	return path;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Returns what is open for writing to the file of @st, as /dev/stdout and /dev/fd/3 are, or a
 * negative number: others that have it open go on where it is written.
 */
static int find_open(const struct stat *st)
{
	struct stat own;
	int fd;

	for (fd = 0; fd < MOST_FDS; fd++) {
		if (!fstat(fd, &own) && is_same(&own, st) &&
		    (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
			return fcntl(fd, F_DUPFD_CLOEXEC, 0);
	}
	return -1;
}

/* Returns what is open then, or a negative number; @path is freed if it is not needed. */
static int make_draft(struct output *o, char *path)
{
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0) {
		free(path);
		return fd;
	}
	o->draft = path;
	watch(path);
	return fd;
}

/* What is there can be written also where nothing can be made beside it. */
static int open_draft(struct output *o, bool exists)
{
	int fd = make_draft(o, xasprintf("%s.XXXXXX", o->target)), why = errno;

	if (fd < 0 && exists)
		fd = make_draft(o, xasprintf("%s/hypergraph.XXXXXX", temporary_directory()));
	if (fd < 0)
		errno = why;
	return fd;
}

static int open_named(struct output *o)
{
	struct stat st, target;
	bool exists = !stat(o->name, &st);
	int fd;

	if (!exists && errno != ENOENT)
		return -1;
	fd = exists ? find_open(&st) : -1;
	if (fd >= 0)
		return fd;
	o->target = output_target(o->name);
	/* A link of another process may lead to what has no name. */
	if (exists && (!S_ISREG(st.st_mode) || stat(o->target, &target) ||
		       !is_same(&st, &target))) {
		free(o->target);
		o->target = NULL;
		return open(o->name, O_WRONLY | O_TRUNC | O_CLOEXEC);
	}
	return exists && access(o->target, W_OK) ? -1 : open_draft(o, exists);
}

int output_open(struct output *o, const char *name)
{
	int fd;

	*o = (struct output){ .name = name, .file = stdout };
	if (!name)
		return 0;
	fd = open_named(o);
	o->file = fd < 0 ? NULL : fdopen(fd, "w");
	if (o->file)
		return 0;
	warn("%s", name);
	output_drop(o);
	return -1;
}

/* False if @draft cannot be to others what that of @st is. */
static bool take_mode_and_owner(const char *draft, const struct stat *st)
{
	return st->st_nlink == 1 && !chown(draft, st->st_uid, st->st_gid) &&
	       !chmod(draft, st->st_mode & 07777);
}

static bool copy_file(FILE *from, FILE *to)
{
	char buffer[BUFSIZ];
	size_t size;

	while ((size = fread(buffer, 1, sizeof(buffer), from)) > 0) {
		if (fwrite(buffer, 1, size, to) < size)
			return false;
	}
	return !ferror(from);
}

static bool copy(const char *draft, const char *target)
{
	FILE *from = fopen(draft, "re"), *to = from ? fopen(target, "we") : NULL;
	bool ok = to && copy_file(from, to);

	if (to && fclose(to))
		ok = false;
	if (from)
		fclose(from);
	return ok;
}

int output_place(const char *draft, const char *target)
{
	struct stat st;

	if ((stat(target, &st) || take_mode_and_owner(draft, &st)) && !rename(draft, target))
		return 0;
	/* What has other names, too, is written as well: those stay names of it. */
	if (copy(draft, target)) {
		unlink(draft);
		return 0;
	}
	warn("%s: is not written, but %s is", target, draft);
	return -1;
}

/* False after a message */
static bool close_file(struct output *o)
{
	bool ok = !fflush(o->file) && !ferror(o->file);

	if (fclose(o->file))
		ok = false;
	o->file = NULL;
	if (!ok)
		warn("writing %s", o->name);
	return ok;
}

/* One that is made gets the mode that open() gives. */
static void set_mode(const struct output *o)
{
	mode_t mask = umask(0);

	umask(mask);
	if (access(o->target, F_OK))
		chmod(o->draft, 0666 & ~mask);
}

int output_finish(struct output *o)
{
	/* Who writes to stdout says if that fails. */
	int ret = !o->name || close_file(o) ? 0 : -1;

	if (!ret && o->draft) {
		/* It stays now, whatever comes. */
		watch(NULL);
		set_mode(o);
		ret = output_place(o->draft, o->target);
		free(o->draft);
		o->draft = NULL;
	}
	output_drop(o);
	return ret;
}

void output_drop(struct output *o)
{
	if (o->file && o->file != stdout)
		fclose(o->file);
	o->file = NULL;
	if (o->draft) {
		unlink(o->draft);
		watch(NULL);
	}
	free(o->draft);
	free(o->target);
	o->draft = NULL;
	o->target = NULL;
}
