// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: kexec_boot [--crash] KERNEL INITRD COMMAND-LINE
 *
 * Boot another kernel from this one, now or when this one crashes.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/kexec.h>
#include <linux/reboot.h>

static int open_file(const char *file)
{
	int fd = open(file, O_RDONLY);

	if (fd < 0)
		err(1, "%s", file);
	return fd;
}

int main(int argc, char **argv)
{
	bool crash = argc > 1 && !strcmp(argv[1], "--crash");

	argv += crash;
	if (argc - crash != 4)
		errx(2, "usage: kexec_boot [--crash] KERNEL INITRD COMMAND-LINE");

	if (syscall(SYS_kexec_file_load, open_file(argv[1]), open_file(argv[2]),
		    strlen(argv[3]) + 1, argv[3], crash ? KEXEC_FILE_ON_CRASH : 0))
		err(1, "kexec_file_load");
	if (crash)
		return 0;

	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, 0);
	err(1, "reboot");
}
