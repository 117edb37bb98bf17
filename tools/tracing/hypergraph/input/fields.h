/* SPDX-License-Identifier: GPL-2.0 */
/* The records of a host's trace, each read whole from where its format has its fields */
#ifndef HYPERGRAPH_FIELDS_H
#define HYPERGRAPH_FIELDS_H

#include <stdbool.h>
#include <linux/types.h>

#include "input/format.h"
#include "input/page.h"

enum record_type {
	RECORD_OTHER,		/* none of those that follow */
	RECORD_HYPERCALL,	/* hypergraph_host */
	RECORD_JOINED,		/* hypergraph_exit: an exit and the entry after it */
	RECORD_EXIT,		/* kvm_exit */
	RECORD_ENTRY,		/* kvm_entry */
	RECORD_HOST_ENTRY,	/* of a function of the host, by function_graph */
	RECORD_HOST_RETURN,
	RECORD_KVM_HYPERCALL,	/* kvm_hypercall, if there is no hypergraph_host */
	RECORD_NESTED_EXIT,	/* kvm_nested_vmexit: the kvm_exit before it was a nested guest's */
	NR_RECORDS
};

/* In place of a vCPU's id */
#define VCPU_UNKNOWN	(~0U)

/* A record has only those members set which the event of its type has. */
struct host_record {
	enum record_type type;
	int cpu;		/* of the host */
	long long missed;	/* events lost before it, negative: in unknown number */
	__u64 ts;		/* ns */
	__u64 pid;		/* of the thread, but of no RECORD_OTHER */

	__u64 vm;		/* whose it is, of the events of hypergraph */
	__u64 vm_id;		/* 0 if the event has no such field, as older ones */
	__u64 vcpu;		/* of kvm_exit and kvm_entry VCPU_UNKNOWN, if it has none */
	__u64 nested;
	__u64 nested_vcpu;
	union {
		struct {
			__u64 nr;
			__u64 a[4];
			__u64 overhead;		/* ns, 0 of a kvm_hypercall */
			__u64 by_host;		/* as vm_id */
		} call;
		struct {
			__u64 reason;
			__u64 isa;
			__u64 rip;
			__u64 duration;		/* ns, of no kvm_exit */
		} exit;
		struct {
			__u64 addr;
			__u64 depth;
			__u64 called;		/* ns, of a return */
			__u64 returned;
		} host;
	};
};

struct fields;

/*
 * Finds the fields of the events in @formats, which are not needed afterwards. An event that
 * lacks one is left out, which a message tells. Returns NULL after an error message if that is
 * hypergraph_host, or if no event is left. In both the trace is called @file.
 */
struct fields *fields_new(const struct formats *formats, const char *file);

/* Has the trace events of @type? Of hypercalls it has those of one type. */
bool fields_have(const struct fields *f, enum record_type type);

/* Fills @r with what @rec says. */
void fields_read(const struct fields *f, const struct raw_record *rec, struct host_record *r);
void fields_free(struct fields *f);

#endif /* HYPERGRAPH_FIELDS_H */
