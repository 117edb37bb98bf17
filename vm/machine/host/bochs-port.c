// SPDX-License-Identifier: GPL-2.0
/*
 * In a host in Bochs: write what comes from FILE, which may be a FIFO, to port 0xe9,
 * Bochs's stdout, or with --printer to the parallel port, which Bochs has in a file.
 * After SIGTERM it does not wait for more. Through /dev/port, as ioperm() may be missing.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEBUG_PORT	0xe9
#define PRINTER_DATA	0x378	/* status and control follow */
#define PRINTER_CONTROL	0x37a
#define STROBE		0x01
#define ONLINE		0x0c

static int file;
static int ports;

static void wait_no_more(int sig)
{
	(void)sig;
	fcntl(file, F_SETFL, O_NONBLOCK);
}

static int write_port(unsigned char byte)
{
	return pwrite(ports, &byte, 1, DEBUG_PORT);
}

static int print(unsigned char byte)
{
	static const unsigned char idle = ONLINE;
	unsigned char data_status_control[] = { byte, 0, ONLINE | STROBE };

	pwrite(ports, data_status_control, 3, PRINTER_DATA);
	return pwrite(ports, &idle, 1, PRINTER_CONTROL);
}

int main(int argc, char **argv)
{
	int printer = argc == 3 && !strcmp(argv[1], "--printer");
	int (*put)(unsigned char byte) = printer ? print : write_port;
	unsigned char buf[65536];
	ssize_t i, n;

	if (argc != 2 + printer) {
		fprintf(stderr, "usage: %s [--printer] FILE\n", argv[0]);
		return 2;
	}

	signal(SIGTERM, wait_no_more);
	file = open(argv[argc - 1], O_RDONLY);
	ports = open("/dev/port", O_WRONLY);
	if (file < 0 || ports < 0) {
		perror(argv[argc - 1]);
		return 1;
	}

	while ((n = read(file, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			if (put(buf[i]) != 1)
				return 1;

	return 0;
}
