/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_HYPERGRAPH_H
#define _UAPI_LINUX_HYPERGRAPH_H

/**
 * DOC: Hypercalls of hypergraph
 *
 * The hypercalls by which a guest's function graph reaches its host. Registers are
 * those of every KVM hypercall: the number in rax, a0 to a3 in rbx, rcx, rdx and
 * rsi, the host's answer in rax. Only CPL 0 may send them; others get -KVM_EPERM.
 *
 * The host answers 0 while it records (its tracepoint hypergraph_host is enabled),
 * and -KVM_ENOSYS otherwise, as it does for any number it does not know. A guest
 * may send all the same: the host's tracepoint kvm_hypercall shows the hypercall in
 * either case. HYPERGRAPH_NR_PRIVATE is for KVM itself, which answers it whether it
 * records or not. The numbers from 0x69 to 0x6f are not used yet.
 */

/**
 * DOC: HYPERGRAPH_NR_ENTRY
 *
 * %HYPERGRAPH_NR_ENTRY (0x64): A traced function was entered.
 *
 * :a0: address of the function's call to ftrace, which is at or just after its
 *      first byte: four bytes after it on a kernel built for indirect branch
 *      tracking
 * :a1: depth, 0 for the outermost traced function of the task
 * :a2, a3: 0
 */
#define HYPERGRAPH_NR_ENTRY		0x64

/**
 * DOC: HYPERGRAPH_NR_RETURN
 *
 * %HYPERGRAPH_NR_RETURN (0x65): A traced function returned.
 *
 * :a0: as at its entry
 * :a1: its duration in ns of the guest's clock, less the time that sending took
 * :a2: its depth
 * :a3: the part of a1 that the host spent on something else, in ns, or 0 if that
 *      is not known
 */
#define HYPERGRAPH_NR_RETURN		0x65

/**
 * DOC: HYPERGRAPH_NR_SCHED_SWITCH
 *
 * %HYPERGRAPH_NR_SCHED_SWITCH (0x3e8): The vCPU switches tasks.
 *
 * :a0: pid of the previous task, 0 for an idle task
 * :a1: pid of the next task
 * :a2: bytes 8 to 15 of the next task's comm in memory order
 * :a3: bytes 0 to 7 of it; the comm ends at its first NUL
 */
#define HYPERGRAPH_NR_SCHED_SWITCH	0x3e8

/**
 * DOC: HYPERGRAPH_NR_HELLO
 *
 * %HYPERGRAPH_NR_HELLO (0x66): Which kernel sends. The vCPU on which the tracer is
 * selected sends it at once, then each vCPU does after the first of its events
 * that the host answered with 0, or did again. From the address of _stext the host
 * knows where the kernel is under KASLR.
 *
 * :a0: version of these hypercalls, 1, in bits 31:0, and number of online CPUs in
 *      bits 63:32
 * :a1: address of _stext
 * :a2: bytes 0 to 7 of the kernel's build id in memory order, or 0 if it has none
 * :a3: bytes 8 to 15 of it
 */
#define HYPERGRAPH_NR_HELLO		0x66
#define HYPERGRAPH_VERSION		1

/**
 * DOC: HYPERGRAPH_NR_MARK
 *
 * %HYPERGRAPH_NR_MARK (0x67): A point in time with a text, or a call that was open
 * when the guest crashed. Bits 7:0 of a0 are its kind:
 *
 * ====  ============  =============================================
 * kind  name          text
 * ====  ============  =============================================
 * 1     user          what was written to hypergraph_marker
 * 2     boot          name of the level of boot that begins
 * 3     oops          what and where
 * 4     panic         its message
 * 5     reboot        restart, halt or power-off
 * 6     triple fault  none; the host makes this mark
 * 7     frame         none; an open call
 * ====  ============  =============================================
 *
 * A frame is a call that HYPERGRAPH_NR_ENTRY has not announced, as the tracer sends
 * returns only:
 *
 * :a1: address, as at a function's entry
 * :a2: depth
 * :a3: pid of the task in bits 31:0, and its CPU in bits 63:32
 *
 * All others carry text, of at most 256 bytes and without a NUL. That of an oops or
 * a panic is cut off there:
 *
 * :a0: length of the text in bits 31:8; in bits 63:32 the offset in it of the 24
 *      bytes in a1, a2 and a3
 * :a1, a2, a3: these bytes, in memory order and padded with 0
 *
 * Longer text than 24 bytes takes more hypercalls, in order, with no other event of
 * the same vCPU between them but those of an NMI.
 */
#define HYPERGRAPH_NR_MARK		0x67
#define HYPERGRAPH_MARK_BYTES		24	/* in one hypercall */
#define HYPERGRAPH_MARK_MAX		256
#define HYPERGRAPH_MARK_USER		1
#define HYPERGRAPH_MARK_BOOT		2
#define HYPERGRAPH_MARK_OOPS		3
#define HYPERGRAPH_MARK_PANIC		4
#define HYPERGRAPH_MARK_REBOOT		5
#define HYPERGRAPH_MARK_TRIPLE_FAULT	6
#define HYPERGRAPH_MARK_FRAME		7

/**
 * DOC: HYPERGRAPH_NR_PRIVATE
 *
 * %HYPERGRAPH_NR_PRIVATE (0x68): Whether the hypergraph hypercalls of this guest's
 * own guests are its own, or its host may answer and record them. The KVM of a
 * guest that has guests sends it on each CPU. It holds for what runs nested on the
 * vCPU that sent it. It is answered 0 also while the host does not record,
 * -KVM_EINVAL for another a0, and is never recorded.
 *
 * :a0: 1 if they are its own, 0 if the host may, as it may before it was told
 * :a1, a2, a3: not used
 */
#define HYPERGRAPH_NR_PRIVATE		0x68

#endif /* _UAPI_LINUX_HYPERGRAPH_H */
