// SPDX-License-Identifier: GPL-2.0
/*
 * In place of libFuzzer: runs fuzz.c once on each file of a directory, whose name is
 * printed before, so that the last one is what it ended with.
 */
#include "fuzz.c"

#include <dirent.h>
#include <fcntl.h>

/* No input is larger. */
#define INPUT_SIZE	(1024 * 1024)

static void run_file(int dir, const char *name)
{
	static unsigned char input[INPUT_SIZE];
	int fd = openat(dir, name, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, input, sizeof(input));

	if (size < 0)
		err(1, "%s", name);
	close(fd);
	LLVMFuzzerTestOneInput(input, size);
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	DIR *dir;
	int log;

	if (argc != 2)
		errx(2, "usage: %s DIR", argv[0]);
	dir = opendir(argv[1]);
	log = dup(STDOUT_FILENO);
	if (!dir || log < 0)
		err(1, "%s", argv[1]);
	LLVMFuzzerInitialize(&argc, &argv);
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		dprintf(log, "input %s\n", entry->d_name);
		run_file(dirfd(dir), entry->d_name);
	}
	closedir(dir);
	return 0;
}
