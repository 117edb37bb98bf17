// SPDX-License-Identifier: GPL-2.0
/* A file that takes the place of what has its name when it is whole. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/output.h"
#include "util/util.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

/* What goes if a signal ends the program: its handler can have no other argument. */
static const char *unfinished;

static void remove_unfinished(int signal)
{
	const char *path = __atomic_load_n(&unfinished, __ATOMIC_SEQ_CST);

	if (path)
		unlink(path);
	/* It is blocked until this returns, and has its default action then. */
	raise(signal);
}

static void watch(const char *path)
{
	struct sigaction action = { .sa_handler = remove_unfinished, .sa_flags = SA_RESETHAND };
	struct sigaction old;
	size_t i;

	__atomic_store_n(&unfinished, path, __ATOMIC_SEQ_CST);
	for (i = 0; path && i < ARRAY_SIZE(signals); i++) {
		/* What is ignored stays so: nohup does that. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

/* The file gets the mode, and if it may the owner, of @st, which it replaces if there is one. */
static void take_mode(int fd, const struct stat *st)
{
	mode_t mask = umask(0);

	umask(mask);
	if (!st)
		fchmod(fd, 0666 & ~mask);
	else if (fchown(fd, st->st_uid, st->st_gid) || true)
		fchmod(fd, st->st_mode & 07777);
}

static int open_beside(struct output *o, const struct stat *st)
{
	int fd;

	o->beside = xasprintf("%s.XXXXXX", o->target);
	fd = mkostemp(o->beside, O_CLOEXEC);
	if (fd < 0) {
		free(o->beside);
		o->beside = NULL;
		return -1;
	}
	watch(o->beside);
	take_mode(fd, st);
	o->file = fdopen(fd, "w");
	return o->file ? 0 : -1;
}

static int open_named(struct output *o)
{
	struct stat st;

	if (stat(o->name, &st)) {
		/* Where a symbolic link leads to nothing, that is made. */
		if (errno == ENOENT && lstat(o->name, &st)) {
			o->target = xstrdup(o->name);
			return open_beside(o, NULL);
		}
	} else if (S_ISREG(st.st_mode)) {
		o->target = access(o->name, W_OK) ? NULL : realpath(o->name, NULL);
		return o->target ? open_beside(o, &st) : -1;
	}
	o->file = fopen(o->name, "we");
	return o->file ? 0 : -1;
}

int output_open(struct output *o, const char *name)
{
	*o = (struct output){ .name = name, .file = stdout };
	if (!name || !open_named(o))
		return 0;
	warn("%s", name);
	output_drop(o);
	return -1;
}

static bool take_place(struct output *o)
{
	if (!o->target)
		return true;
	if (rename(o->beside, o->target))
		return false;
	watch(NULL);
	free(o->beside);
	o->beside = NULL;
	return true;
}

int output_finish(struct output *o)
{
	bool ok = !fflush(o->file) && !ferror(o->file);

	if (o->file != stdout && fclose(o->file))
		ok = false;
	o->file = NULL;
	ok = ok && take_place(o);
	if (!ok)
		warn("writing %s", o->name ?: "the output");
	output_drop(o);
	return ok ? 0 : -1;
}

void output_drop(struct output *o)
{
	if (o->file && o->file != stdout)
		fclose(o->file);
	o->file = NULL;
	if (o->beside) {
		unlink(o->beside);
		watch(NULL);
	}
	free(o->beside);
	free(o->target);
	o->beside = NULL;
	o->target = NULL;
}
