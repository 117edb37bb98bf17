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

/*
 * Sent by the vCPU on which the tracer is selected, then by each after the first
 * of its events that the host answered with 0, or did again.
 * a0: the version of this ABI in bits 0..31, the number of online CPUs above;
 * a1: the address of _stext; a2, a3: bytes 0..7 and 8..15 of the kernel's build
 * id in memory order, or 0 if it has none.
 */
#define HYPERGRAPH_NR_HELLO		0x66
#define HYPERGRAPH_VERSION		1

/*
 * A point in time with a name, or a stack.
 * a0: what it is, one of the below, in bits 0..7.
 *
 * HYPERGRAPH_MARK_FRAME: a call that was open when the guest crashed, and was not
 * announced by HYPERGRAPH_NR_ENTRY because the tracer sends returns only.  a1: as
 * a0 of an entry; a2: its depth; a3: the task's pid in bits 0..31, its CPU above.
 *
 * All others carry text, without a NUL, of at most HYPERGRAPH_MARK_MAX bytes: a0
 * has its length in bits 8..31 and, in bits 32..63, the offset in it of the bytes
 * in a1, a2 and a3, in memory order and padded with 0.  Longer text takes more
 * hypercalls, in order, with no other event of the same vCPU between them but
 * those of an NMI.
 */
#define HYPERGRAPH_NR_MARK		0x67
#define HYPERGRAPH_MARK_BYTES		24	/* in one hypercall */
#define HYPERGRAPH_MARK_MAX		256
#define HYPERGRAPH_MARK_USER		1	/* written to hypergraph_marker */
#define HYPERGRAPH_MARK_BOOT		2	/* a boot level begins; text: its name */
#define HYPERGRAPH_MARK_OOPS		3	/* text: what and where */
#define HYPERGRAPH_MARK_PANIC		4	/* text: its message */
#define HYPERGRAPH_MARK_REBOOT		5	/* text: restart, halt or power-off */
#define HYPERGRAPH_MARK_TRIPLE_FAULT	6	/* made by the host, without text */
#define HYPERGRAPH_MARK_FRAME		7

/*
 * Sent by the KVM of a guest that has guests of its own, on each CPU: whether the
 * hypergraph hypercalls of those nested guests are its own, or its host may answer
 * and record them.
 * a0: 1 if they are its own, 0 if the host may, as it may before it was told.
 * Holds for what runs nested on the vCPU that sent it.  Answered 0 also while the
 * host does not record, -KVM_EINVAL for another a0, and never recorded.
 */
#define HYPERGRAPH_NR_PRIVATE		0x68

#endif /* _UAPI_LINUX_HYPERGRAPH_H */
