// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of libtraceevent: all that prints events with it, as trace-cmd report, perf
 * script and KernelShark do, says "entry vfs_write depth 3" for "nr=0x64 a0=0x...".
 *
 * Functions have names if the option kallsyms (trace-cmd report -O hypergraph:kallsyms=FILE)
 * or the environment's HYPERGRAPH_KALLSYMS names a file of the guest's symbols, as
 * hypergraph's --kallsyms does, and only from the guest's hello on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/hypergraph.h>
#include <traceevent/event-parse.h>
#include <traceevent/trace-seq.h>

#include "input/exit_reason.h"
#include "graph/marks.h"
#include "graph/symbols.h"
#include "input/trace.h"

/* What libtraceevent looks up: all else of this library is its own. */
#define EXPORTED	__attribute__((visibility("default")))

const char tep_plugin_alias[] EXPORTED = "hypergraph";

struct tep_plugin_option tep_plugin_options[] EXPORTED = {
	{
		.name = (char *)"kallsyms",
		.description = (char *)"the guest's /proc/kallsyms, System.map or vmlinux",
		.value = "",
	},
	{ .name = NULL },
};

/* The one that all traces which the program has open share, as options are, too. */
static struct symbols *symbols;

static const struct symbols *get_symbols(void)
{
	const char *file = tep_plugin_options[0].value;

	if (symbols)
		return symbols;
	symbols = symbols_new();
	if (!file || !*file)
		file = getenv("HYPERGRAPH_KALLSYMS");
	if (file && *file)
		symbols_add_file(symbols, 0, file);
	return symbols;
}

/* 0 after the error was printed in place of the number */
static __u64 field(struct trace_seq *s, struct tep_event *event, struct tep_record *record,
		   const char *name)
{
	unsigned long long value;

	return tep_get_field_val(s, event, name, record, &value, 1) ? 0 : value;
}

static void put_function(struct trace_seq *s, __u64 guest, __u64 addr)
{
	struct kernel kernel = symbols_kernel(get_symbols(), guest);
	__u64 offset;
	const char *name = kernel_function(&kernel, addr, &offset);

	if (name)
		trace_seq_puts(s, name);
	else
		trace_seq_printf(s, "0x%llx", addr);
}

static void put_address(struct trace_seq *s, __u64 guest, __u64 addr)
{
	struct kernel kernel = symbols_kernel(get_symbols(), guest);
	__u64 offset;
	const char *name = kernel_function(&kernel, addr, &offset);

	if (name)
		trace_seq_printf(s, "%s+0x%llx", name, offset);
	else
		trace_seq_printf(s, "0x%llx", addr);
}

/* From a guest: nothing that a terminal would obey */
static void put_comm(struct trace_seq *s, const __u64 *a)
{
	char comm[17] = "";
	int i;

	memcpy(comm, &a[3], 8);
	memcpy(comm + 8, &a[2], 8);
	for (i = 0; comm[i]; i++) {
		if (comm[i] < ' ' || comm[i] > '~')
			comm[i] = '?';
	}
	trace_seq_puts(s, comm);
}

/* The part of a mark that this event is */
static void put_mark(struct trace_seq *s, const __u64 *a)
{
	struct mark mark;
	char *text;

	mark_begin(&mark, a, 0);
	mark_append(&mark, a);
	text = mark_name(&mark);
	trace_seq_puts(s, text);
	free(text);
}

static void put_other(struct trace_seq *s, __u64 nr, const __u64 *a)
{
	trace_seq_printf(s, "nr=0x%llx a0=0x%llx a1=0x%llx a2=0x%llx a3=0x%llx", nr, a[0], a[1],
			 a[2], a[3]);
}

static void put_hypercall(struct trace_seq *s, __u64 guest, __u64 nr, const __u64 *a)
{
	if (nr == HYPERGRAPH_NR_ENTRY) {
		trace_seq_puts(s, "entry ");
		put_function(s, guest, a[0]);
		trace_seq_printf(s, " depth %llu", a[1]);
	} else if (nr == HYPERGRAPH_NR_RETURN) {
		trace_seq_puts(s, "return ");
		put_function(s, guest, a[0]);
		trace_seq_printf(s, " depth %llu after %llu ns", a[2], a[1]);
	} else if (nr == HYPERGRAPH_NR_SCHED_SWITCH) {
		trace_seq_printf(s, "switch %llu => ", a[0]);
		put_comm(s, a);
		trace_seq_printf(s, "-%llu", a[1]);
	} else if (nr == HYPERGRAPH_NR_HELLO) {
		trace_seq_printf(s, "hello ABI %u, CPUs %llu, _stext 0x%llx", (__u32)a[0],
				 a[0] >> 32, a[1]);
	} else if (nr == HYPERGRAPH_NR_MARK && mark_is_part(a)) {
		put_mark(s, a);
	} else {
		put_other(s, nr, a);
	}
}

/* Whose event it is, which is printed: a guest_key() */
static __u64 put_guest(struct trace_seq *s, struct tep_event *event, struct tep_record *record)
{
	__u32 vm = field(s, event, record, "vm"), vcpu = field(s, event, record, "vcpu");
	bool nested = field(s, event, record, "nested");
	__u32 nested_vcpu = field(s, event, record, "nested_vcpu");

	trace_seq_printf(s, "vm=%u vcpu=%u ", vm, vcpu);
	if (nested)
		trace_seq_printf(s, "nested_vcpu=0x%x ", nested_vcpu);
	return guest_key(vm, nested ? nested_vcpu : vcpu, nested);
}

static int host_handler(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
			void *context)
{
	static const char * const names[] = { "a0", "a1", "a2", "a3" };
	__u64 guest = put_guest(s, event, record), nr = field(s, event, record, "nr"), a[4];
	int i;

	(void)context;
	for (i = 0; i < 4; i++)
		a[i] = field(s, event, record, names[i]);
	get_symbols();
	if (nr == HYPERGRAPH_NR_HELLO)
		symbols_set_stext(symbols, guest, a[1]);
	put_hypercall(s, guest, nr, a);
	return 0;
}

static int exit_handler(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
			void *context)
{
	__u64 guest = put_guest(s, event, record), rip = field(s, event, record, "guest_rip");
	char *reason = exit_reason_name(field(s, event, record, "isa"),
					field(s, event, record, "reason"));

	(void)context;
	trace_seq_printf(s, "exit %s rip ", reason);
	free(reason);
	put_address(s, guest, rip);
	trace_seq_printf(s, " took %llu ns, %llu of them the VMM",
			 field(s, event, record, "duration"), field(s, event, record, "vmm"));
	return 0;
}

int EXPORTED TEP_PLUGIN_LOADER(struct tep_handle *tep)
{
	tep_register_event_handler(tep, -1, "hypergraph", "hypergraph_host", host_handler, NULL);
	tep_register_event_handler(tep, -1, "hypergraph", "hypergraph_exit", exit_handler, NULL);
	return 0;
}

void EXPORTED TEP_PLUGIN_UNLOADER(struct tep_handle *tep)
{
	tep_unregister_event_handler(tep, -1, "hypergraph", "hypergraph_host", host_handler, NULL);
	tep_unregister_event_handler(tep, -1, "hypergraph", "hypergraph_exit", exit_handler, NULL);
	if (symbols)
		symbols_free(symbols);
	symbols = NULL;
}
