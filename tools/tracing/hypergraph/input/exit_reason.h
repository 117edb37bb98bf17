/* SPDX-License-Identifier: GPL-2.0 */
/* What the exit reasons of kvm_exit mean, on both vendors. */
#ifndef HYPERGRAPH_EXIT_REASON_H
#define HYPERGRAPH_EXIT_REASON_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

/* Prints a reason as the kernel's own print format of kvm_exit does. */
void exit_reason_print(__u32 isa, __u32 reason, FILE *out);

/* The same, to be freed */
char *exit_reason_name(__u32 isa, __u32 reason);

bool exit_is_hypercall(__u32 isa, __u32 reason);

/* Has the vCPU shut down? A triple fault does that. */
bool exit_is_shutdown(__u32 isa, __u32 reason);

/* Is what the guest does the run of a nested one? */
bool exit_enters_nested(__u32 isa, __u32 reason);

#endif /* HYPERGRAPH_EXIT_REASON_H */
