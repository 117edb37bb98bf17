// SPDX-License-Identifier: GPL-2.0
/* Opens a recording, wherever it comes from. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "input/dat_open.h"
#include "input/file.h"
#include "util/util.h"

/* Reads what tells whether it is a trace.dat; returns how much there was, or -1. */
static ssize_t read_begin(int fd, char *block)
{
	ssize_t nr = 0, got = 1;

	while (nr < DAT_MAGIC_SIZE && (got = read(fd, block + nr, DAT_MAGIC_SIZE - nr)) > 0)
		nr += got;
	return got < 0 ? -1 : nr;
}

/* What is no trace.dat may have no end: only its begin is copied. Returns false after a message. */
static bool copy(int from, FILE *to, const char *name)
{
	char block[65536];
	ssize_t size = read_begin(from, block);
	bool begins = size == DAT_MAGIC_SIZE && dat_begins(block);

	while (size > 0 && fwrite(block, size, 1, to) == 1)
		size = begins ? read(from, block, sizeof(block)) : 0;
	if (size < 0)
		warn("reading %s", name);
	else if (size || fflush(to))
		warn("copying %s into a temporary file", name);
	else
		return true;
	return false;
}

/* Returns the descriptor of a temporary file that has all of @fd, which it closes. */
static int spool(int fd, const char *name)
{
	FILE *file = temporary_file();
	int spooled = -1;

	if (file && copy(fd, file, name))
		spooled = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
	if (file)
		fclose(file);
	close(fd);
	return spooled;
}

int file_open(const char *path, const char **name)
{
	bool is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) :
			    open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	*name = is_stdin ? "stdin" : path;
	if (fd < 0 || fstat(fd, &st)) {
		warn("%s", *name);
		return -1;
	}
	if (S_ISREG(st.st_mode))
		return fd;
	if (!S_ISDIR(st.st_mode))
		return spool(fd, *name);
	errno = EISDIR;
	warn("%s", *name);
	close(fd);
	return -1;
}
