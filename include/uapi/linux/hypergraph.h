/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
#ifndef _UAPI_LINUX_HYPERGRAPH_H
#define _UAPI_LINUX_HYPERGRAPH_H

/**
 * DOC: Hypercalls of hypergraph
 *
 * The hypercalls by which a guest's function graph reaches its host. Registers are
 * those of every KVM hypercall: the number in rax, a0 to a3 in rbx, rcx, rdx and
 * rsi, the host's answer in rax. A guest also sets r11 to %HYPERGRAPH_SIGNATURE, which
 * a host asks for where a nested guest sends: only with it is it sure that the nested
 * guest does not speak another hypervisor's hypercalls. Only CPL 0 may send them;
 * others get -KVM_EPERM.
 *
 * What they tell is this: at any moment the host knows which kernel and which task
 * runs on a vCPU and which calls are open, or knows that it does not know.
 *
 * The answer is one of:
 *
 * ==============  ===============================================================
 * 0               The host listens: its tracepoint hypergraph_host is enabled.
 *                 Whether the event is kept is up to its filters and buffers.
 * 1               The host listens, and has not taken this event: it wants to know
 *                 first which kernel sends. The guest says hello, then what runs
 *                 here, and then sends the event again, all of it once more if
 *                 the host asks once more, but not without end.
 * -KVM_ENOSYS     It does not listen, or knows no such hypercall.
 * -KVM_EINVAL     Its registers do not have what the hypercall takes.
 * ==============  ===============================================================
 *
 * A guest may send to a host that does not listen: that host's tracepoint
 * kvm_hypercall shows the hypercall all the same. The host answers 1 to the first
 * event of a vCPU in a recording, and again from time to time, so that a recording that
 * begins or is cut later can be read, too. It does so once until it hears a hello, and
 * never to a hello. The numbers from 0x6c to 0x6f are not used yet.
 */
#define HYPERGRAPH_SIGNATURE		0x6870617267707968ull	/* "hypgraph" */
#define HYPERGRAPH_SAY_HELLO		1

/**
 * DOC: HYPERGRAPH_NR_ENTRY
 *
 * %HYPERGRAPH_NR_ENTRY (0x64): A traced function was entered.
 *
 * :a0: address of the function's call to ftrace, which is at or just after its
 *      first byte: four bytes after it on a kernel built for indirect branch
 *      tracking
 * :a1: depth: how many calls of the task that any user of the guest's fgraph traces are
 *      open around it. It is 0 for the outermost if the tracer is alone
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
 * :a3: 0
 */
#define HYPERGRAPH_NR_RETURN		0x65

/**
 * DOC: HYPERGRAPH_NR_SCHED_SWITCH
 *
 * %HYPERGRAPH_NR_SCHED_SWITCH (0x3e8): The vCPU switches tasks. If both are the same
 * then it does not switch: this tells which task runs here. A guest tells that before
 * the first event of a vCPU after a hello or an off, after switches that it has
 * not sent, and when a task has execed, which gives it another name. A thread that execs
 * takes its leader's pid: that is a switch from the one to the other, with
 * %HYPERGRAPH_SCHED_GONE and %HYPERGRAPH_SCHED_STALE.
 *
 * :a0: bits 31:0 pid of the previous task, 0 for an idle task
 *      bit 32 (%HYPERGRAPH_SCHED_GONE) the task that this vCPU ran last by that pid has
 *      ended: a task with its pid is another one from now on. One that another vCPU has run
 *      by that pid since is another one already
 *      bit 33 (%HYPERGRAPH_SCHED_UNTOLD) the guest does not send task switches. It tells
 *      what runs here before an event of another task than the last one's: what
 *      runs between events is not known
 * :a1: bits 31:0 pid of the next task
 *      bit 32 (%HYPERGRAPH_SCHED_STALE) events of that task were not sent since its last
 *      one that was: which of its calls are open is not known
 * :a2: bytes 8 to 15 of the next task's comm in memory order
 * :a3: bytes 0 to 7 of it; the comm ends at its first NUL
 */
#define HYPERGRAPH_NR_SCHED_SWITCH	0x3e8
#define HYPERGRAPH_SCHED_GONE		0x100000000ull	/* in a0 */
#define HYPERGRAPH_SCHED_UNTOLD		0x200000000ull	/* in a0 */
#define HYPERGRAPH_SCHED_STALE		0x100000000ull	/* in a1 */

/**
 * DOC: HYPERGRAPH_NR_HELLO
 *
 * %HYPERGRAPH_NR_HELLO (0x66): Which kernel sends. It takes two hypercalls, part 0 and
 * part 1, with no other event of the same vCPU between them but those of an NMI. The
 * vCPU on which the tracer is selected says it at once, and each vCPU does when
 * the host asks. From the address of _stext the host knows where the kernel is under
 * KASLR; by the boot number it knows that the same kernel has not been booted again.
 *
 * Of both parts:
 *
 * :a0: bits 15:0 version of these hypercalls, 1
 *      bits 31:16 the part
 *      bits 63:32 part 0: number of online CPUs; part 1: bytes 16 to 19 of the build id
 * :a3: boot number, drawn at random when the kernel boots
 *
 * Of part 0:
 *
 * :a1: address of _stext
 * :a2: bits 31:0 frequency of the guest's TSC in kHz, or 0 if it is not known
 *      bits 63:32 the channels it has, %HYPERGRAPH_CHANNEL_HYPERCALL or more
 *
 * Of part 1:
 *
 * :a1: bytes 0 to 7 of the kernel's build id in memory order, all 0 if it has none
 * :a2: bytes 8 to 15 of it
 */
#define HYPERGRAPH_NR_HELLO		0x66
#define HYPERGRAPH_VERSION		1
#define HYPERGRAPH_HELLO_PARTS		2
#define HYPERGRAPH_BUILD_ID_BYTES	20
#define HYPERGRAPH_CHANNEL_HYPERCALL	0x1	/* these */

/**
 * DOC: HYPERGRAPH_NR_MARK
 *
 * %HYPERGRAPH_NR_MARK (0x67): A point in time with a text, or a call that was open
 * when the guest crashed. Bits 7:0 of a0 are its kind:
 *
 * ====  ======  =============================================
 * kind  name    text
 * ====  ======  =============================================
 * 1     user    what was written to hypergraph_marker
 * 2     boot    name of the level of boot that begins
 * 3     oops    what and where
 * 4     panic   its message, or kdump
 * 5     reboot  restart, halt or power-off
 * 7     frame   none; an open call
 * ====  ======  =============================================
 *
 * A frame is a call that HYPERGRAPH_NR_ENTRY has not announced, as the tracer sends
 * returns only:
 *
 * :a1: address, as at a function's entry
 * :a2: depth
 * :a3: pid of the task in bits 31:0, and in bits 63:32 the id of the vCPU that it runs
 *      on, as the host knows it: the CPU's APIC id
 *
 * All others carry text, of at most 256 bytes and without a NUL. That of an oops or
 * a panic is cut off there:
 *
 * :a0: length of the text in bits 31:8; in bits 63:32 the offset in it of the 24
 *      bytes in a1, a2 and a3
 * :a1, a2, a3: these bytes, in memory order and padded with 0
 *
 * Longer text than 24 bytes takes more hypercalls, in order, with no other event of
 * the same vCPU between them but a hello that the host asked for, what runs here, and
 * those of an NMI.
 */
#define HYPERGRAPH_NR_MARK		0x67
#define HYPERGRAPH_MARK_BYTES		24	/* in one hypercall */
#define HYPERGRAPH_MARK_MAX		256
#define HYPERGRAPH_MARK_USER		1
#define HYPERGRAPH_MARK_BOOT		2
#define HYPERGRAPH_MARK_OOPS		3
#define HYPERGRAPH_MARK_PANIC		4
#define HYPERGRAPH_MARK_REBOOT		5
#define HYPERGRAPH_MARK_FRAME		7

/**
 * DOC: HYPERGRAPH_NR_OFFER
 *
 * %HYPERGRAPH_NR_OFFER (0x68): The KVM of a guest that has guests of its own lets its
 * host answer and record their hypergraph hypercalls, on the vCPU that sends this. The
 * host forgets it when the vCPU is reset or moves to another host; so it is offered
 * again when such a hypercall reaches the guest's KVM all the same. It is answered 0,
 * -KVM_ENOSYS if the host does not record nested guests or the vCPU has not enabled
 * SVM or VMX, -KVM_EINVAL for another a0, and is never recorded.
 *
 * :a0: 1 if the host may, 0 if it may not, as before it was told
 * :a1, a2, a3: not used
 */
#define HYPERGRAPH_NR_OFFER		0x68

/**
 * DOC: HYPERGRAPH_NR_OFF
 *
 * %HYPERGRAPH_NR_OFF (0x69): An event would have been sent here and was not, as tracing
 * is off: by tracing_on, by a mask of CPUs, by a level of boot that is muted, or as the
 * tracer was left. It is sent in place of the first such event. What runs from
 * now on is not known, until a task switch or an event says it again. It is also the last
 * that a kernel sends before kexec or kdump boots another one.
 *
 * :a0: %HYPERGRAPH_OFF_VCPU: on this vCPU
 *      %HYPERGRAPH_OFF_ALL: on all vCPUs of this kernel, and none of the calls that are
 *      open now will be seen to return
 * :a1: boot number, as in hello
 * :a2, a3: 0
 */
#define HYPERGRAPH_NR_OFF		0x69
#define HYPERGRAPH_OFF_VCPU		0
#define HYPERGRAPH_OFF_ALL		1

/**
 * DOC: Events of the host
 *
 * What only the host can know is an event as well, with a number that no guest
 * may send, and with the field by_host set.
 *
 * %HYPERGRAPH_NR_TRIPLE_FAULT (0x6a): The vCPU has shut down. On an AMD host its registers
 * are those of a reset by now.
 *
 * %HYPERGRAPH_NR_RESET (0x6b): The vCPU was reset since its last event: an exit saw it
 * with paging off. What runs there now is firmware, or a kernel that has not said hello.
 *
 * :a0 to a3: 0
 */
#define HYPERGRAPH_NR_TRIPLE_FAULT	0x6a
#define HYPERGRAPH_NR_RESET		0x6b

#endif /* _UAPI_LINUX_HYPERGRAPH_H */
