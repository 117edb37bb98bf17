// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: thread_exec PROGRAM [ARG...]
 *
 * Exec from another thread than the leader, after printing that thread's id.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *run(void *argv)
{
	char **args = argv;

	printf("%d\n", gettid());
	fflush(stdout);
	execv(args[0], args);
	err(1, "%s", args[0]);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc < 2)
		errx(2, "usage: thread_exec PROGRAM [ARG...]");
	errno = pthread_create(&thread, NULL, run, argv + 1);
	if (errno)
		err(1, "pthread_create");
	pthread_join(thread, NULL);
	return 1;
}
