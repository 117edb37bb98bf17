// SPDX-License-Identifier: GPL-2.0
/*
 * Usage: thread_exec PROGRAM [ARG...]
 *
 * Exec from another thread than the leader, after printing that thread's id. It is on CPU 0,
 * and the leader on CPU 1.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static void run_on(int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		err(1, "CPU %d", cpu);
}

static void *run(void *argv)
{
	char **args = argv;

	run_on(0);
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
	run_on(1);
	errno = pthread_create(&thread, NULL, run, argv + 1);
	if (errno)
		err(1, "pthread_create");
	pthread_join(thread, NULL);
	return 1;
}
