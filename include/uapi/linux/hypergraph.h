/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * hypergraph: the hypercalls by which a guest's function graph reaches its host
 *
 * Registers are those of every KVM hypercall: the number in rax, a0..a3 in rbx,
 * rcx, rdx and rsi, the host's answer in rax.  Only CPL 0 may send them.
 *
 * The host answers 0 while it records (its hypergraph_host tracepoint is
 * enabled), and -KVM_ENOSYS otherwise, as it does for any number it does not
 * know.  A guest may send all the same: the host's kvm_hypercall tracepoint
 * shows the hypercall in either case.
 */
#ifndef _UAPI_LINUX_HYPERGRAPH_H
#define _UAPI_LINUX_HYPERGRAPH_H

/*
 * A traced function was entered.
 * a0: its address, of its call to ftrace, which is at or just after its first
 * byte; a1: its depth, 0 for the outermost traced function of the task; a2, a3: 0.
 */
#define HYPERGRAPH_NR_ENTRY		0x64

/*
 * A traced function returned.
 * a0: as at its entry; a1: its duration in ns of the guest's clock, less the
 * time that sending took; a2: its depth; a3: the part of a1 that the host spent
 * on something else, in ns, or 0 if that is not known.
 */
#define HYPERGRAPH_NR_RETURN		0x65

/*
 * The vCPU switches tasks.
 * a0, a1: pid of the previous and of the next task (0: idle); a2, a3: bytes
 * 8..15 and 0..7 of the next task's comm in memory order, which ends at its
 * first NUL.
 */
#define HYPERGRAPH_NR_SCHED_SWITCH	0x3e8

#endif /* _UAPI_LINUX_HYPERGRAPH_H */
