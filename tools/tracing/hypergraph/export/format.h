/* SPDX-License-Identifier: GPL-2.0 */
/* The formats of hypergraph export, one each in a file of its name */
#ifndef HYPERGRAPH_FORMAT_H
#define HYPERGRAPH_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "graph/callgraph.h"
#include "graph/symbols.h"
#include "input/trace.h"

/* What a format is made of, and where it goes to */
struct export {
	const char *file;		/* how the trace is called in messages */
	struct trace *trace;
	const struct symbols *syms;
	const struct callgraph *cg;
	const char *output;		/* a path, NULL: stdout */
	FILE *out;			/* the same, NULL: a directory */
	void *priv;			/* the format's own */
};

/* The command calls begin() before the first event, end() after the last, then free(). */
struct format {
	const char *name;
	const char *help;
	bool directory;			/* It makes one, at output. */
	bool text;			/* A terminal can show it. */
	const struct callgraph_ops *ops;	/* Their ctx is the struct export. */
	/* Both return a negative number after an error message. */
	int (*begin)(struct export *e);
	int (*end)(struct export *e);
	/* It is called in any case, so priv may be NULL still. */
	void (*free)(struct export *e);
};

/* In place of a task's priority, which no guest tells: the kernel's default */
#define DEFAULT_PRIO	120

/*
 * The state in which a task was left, in sched_switch. A guest tells of none but those that
 * have ended: there is a bit for the other ones that no state of the kernel has.
 */
#define STATE_RUNNING	0
#define STATE_DEAD	0x10
#define STATE_UNKNOWN	0x200

/* A nested guest's CPUs have numbers apart from the VM's own. */
__u32 format_cpu(const struct vcpu *v);

/*
 * The pid of @task. What stands for one gets a pid that no task has, another one on each
 * vCPU: it is neither the idle task, which 0 is, nor what it turns out to be.
 */
__s32 format_pid(const struct task *task);

/* Returns the name of @task, or "<...>" if it has none, with zeroes behind it. */
const char *format_comm(const struct task *task);

__u32 format_state(const struct task *prev);

extern const struct format format_perfetto;
extern const struct format format_trace_dat;
extern const struct format format_speedscope;
extern const struct format format_folded;
extern const struct format format_ctf;

#endif /* HYPERGRAPH_FORMAT_H */
