/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which threads of a host belong to one process. KVM's own events tell the thread of a vCPU
 * and not the VM, whose VMM is the thread's process.
 */
#ifndef HYPERGRAPH_THREADS_H
#define HYPERGRAPH_THREADS_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct threads;

/* Those that run now, for as long as they do */
struct threads *threads_of_now(void);

/*
 * Those that the recording at @fd was saved with, none if it was not. If that is damaged, which
 * a message says, calling it @file, *@damaged becomes true and some of them are missing.
 */
struct threads *threads_load(int fd, const char *file, bool *damaged);

/*
 * Makes the kernel keep in mind the threads that run from now on, or no longer. Returns what
 * it did before. An older kernel cannot: then it keeps none.
 */
bool threads_keep(bool keep);

/*
 * Saves those that the kernel has kept in mind, behind the recording @out and before the
 * symbols that it may get. False if an error is in errno.
 */
bool threads_save(FILE *out);

/* Returns the pid of the process of @thread, or 0 if nothing tells it. */
__u32 threads_process(const struct threads *threads, __u32 thread);

/* NULL is allowed, here and above. */
void threads_free(struct threads *threads);

#endif /* HYPERGRAPH_THREADS_H */
