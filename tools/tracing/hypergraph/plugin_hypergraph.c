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
#include <traceevent/event-parse.h>
#include <traceevent/trace-seq.h>

#include "graph/marks.h"
#include "graph/symbols.h"
#include "input/decode.h"
#include "input/exit_reason.h"
#include "input/note.h"
#include "util/util.h"

/* libtraceevent looks these up: all else of this library is its own. */
#define EXPORTED	__attribute__((visibility("default")))

static struct tep_plugin_option options[] = {
	{
		.name = (char *)"kallsyms",
		.description = (char *)"the guest's /proc/kallsyms, System.map or vmlinux",
		.value = "",
	},
	{ .name = NULL },
};

/* All traces that the program has open share these, as they share options. */
static struct symbols *symbols;

static const struct symbols *get_symbols(void)
{
	const char *file = options[0].value;

	if (symbols)
		return symbols;
	symbols = symbols_new();
	if (!file || !*file)
		file = getenv("HYPERGRAPH_KALLSYMS");
	if (file && *file)
		symbols_add_file(symbols, 0, file);
	return symbols;
}

/* Returns 0 if the event has no such field, as older ones have not all. */
static __u64 field(struct trace_seq *s, struct tep_event *event, struct tep_record *record,
		   const char *name)
{
	unsigned long long value;

	return tep_get_field_val(s, event, name, record, &value, 0) ? 0 : value;
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
	char *text = print_to_string(kernel_print_address, &kernel, addr);

	trace_seq_puts(s, text);
	free(text);
}

/* Prints the part of a mark that this event is. */
static void put_mark(struct trace_seq *s, const struct mark_part *part)
{
	struct mark mark;
	char *text;

	mark_begin(&mark, part, 0);
	mark_append(&mark, part);
	text = mark_name(&mark);
	trace_seq_puts(s, text);
	free(text);
}

static void put_open_call(struct trace_seq *s, __u64 guest, const struct event *ev)
{
	trace_seq_puts(s, "open ");
	put_function(s, guest, ev->open_call.addr);
	trace_seq_printf(s, " depth %u, pid %d on vCPU %u", ev->open_call.depth,
			 ev->open_call.pid, ev->open_call.vcpu);
}

static void put_switch(struct trace_seq *s, const struct event *ev)
{
	if (ev->sched_switch.prev == ev->sched_switch.next)
		trace_seq_printf(s, "running %s-%d", ev->sched_switch.comm, ev->sched_switch.next);
	else
		trace_seq_printf(s, "switch %d%s => %s-%d", ev->sched_switch.prev,
				 ev->sched_switch.gone ? " (gone)" : "", ev->sched_switch.comm,
				 ev->sched_switch.next);
	if (ev->sched_switch.stale)
		trace_seq_puts(s, ", its open calls are not known");
	if (ev->sched_switch.untold)
		trace_seq_puts(s, ", for the next event");
}

static void put_note(struct trace_seq *s, const struct event *ev)
{
	char *text = print_to_string(note_print, ev);

	trace_seq_puts(s, text);
	free(text);
}

static void put_event(struct trace_seq *s, __u64 guest, const struct event *ev)
{
	switch (ev->type) {
	case EVENT_ENTRY:
		trace_seq_puts(s, "entry ");
		put_function(s, guest, ev->entry.addr);
		trace_seq_printf(s, " depth %u", ev->entry.depth);
		break;
	case EVENT_RETURN:
		trace_seq_puts(s, "return ");
		put_function(s, guest, ev->ret.addr);
		trace_seq_printf(s, " depth %u after %llu ns", ev->ret.depth, ev->ret.duration);
		break;
	case EVENT_SWITCH:
		put_switch(s, ev);
		break;
	case EVENT_MARK_PART:
		put_mark(s, &ev->part);
		break;
	case EVENT_OPEN_CALL:
		put_open_call(s, guest, ev);
		break;
	default:
		put_note(s, ev);
	}
}

/* Prints whose event it is, and returns its guest_key(). */
static __u64 put_guest(struct trace_seq *s, struct tep_event *event, struct tep_record *record)
{
	__u32 vm = field(s, event, record, "vm"), vcpu = field(s, event, record, "vcpu");
	__u16 vm_id = field(s, event, record, "vm_id");
	bool nested = field(s, event, record, "nested");
	__u32 nested_vcpu = field(s, event, record, "nested_vcpu");

	trace_seq_printf(s, "vm=%u vcpu=%u ", vm, vcpu);
	if (nested)
		trace_seq_printf(s, "nested_vcpu=0x%x ", nested_vcpu);
	return guest_key(vm, nested ? nested_vcpu : vm_id, nested);
}

static void read_registers(struct trace_seq *s, struct tep_event *event,
			   struct tep_record *record, __u64 a[4])
{
	static const char * const names[] = { "a0", "a1", "a2", "a3" };
	int i;

	for (i = 0; i < 4; i++)
		a[i] = field(s, event, record, names[i]);
}

/* Prints what @guest sent, and learns from its hellos. */
static void put_hypercall(struct trace_seq *s, __u64 guest, bool by_host, __u64 nr,
			  const __u64 a[4])
{
	struct event ev;

	decode_hypercall(&ev, by_host, nr, a);
	get_symbols();
	if (ev.type == EVENT_HELLO_PART && !ev.hello.part)
		symbols_set_stext(symbols, guest, ev.hello.stext);
	else if (ev.type == EVENT_HELLO_PART)
		symbols_set_build_id(symbols, guest, ev.hello.build_id);
	put_event(s, guest, &ev);
}

static int host_handler(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
			void *context)
{
	__u64 guest = put_guest(s, event, record), a[4];

	(void)context;
	read_registers(s, event, record, a);
	put_hypercall(s, guest, field(s, event, record, "by_host"), field(s, event, record, "nr"),
		      a);
	return 0;
}

/* KVM's own event has the hypercalls of all kinds, and tells of whose they are only the thread. */
static int kvm_handler(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
		       void *context)
{
	__u64 nr = field(s, event, record, "nr"), a[4];
	__u32 thread = field(s, event, record, "common_pid");

	(void)context;
	read_registers(s, event, record, a);
	if (decode_knows(nr))
		put_hypercall(s, guest_key(thread, 0, false), false, nr, a);
	else
		trace_seq_printf(s, "nr 0x%llx a0 0x%llx a1 0x%llx a2 0x%llx a3 0x%llx", nr,
				 a[0], a[1], a[2], a[3]);
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
	tep_plugin_add_options("hypergraph", options);
	tep_register_event_handler(tep, -1, "hypergraph", "hypergraph_host", host_handler, NULL);
	tep_register_event_handler(tep, -1, "hypergraph", "hypergraph_exit", exit_handler, NULL);
	tep_register_event_handler(tep, -1, "kvm", "kvm_hypercall", kvm_handler, NULL);
	return 0;
}

void EXPORTED TEP_PLUGIN_UNLOADER(struct tep_handle *tep)
{
	tep_unregister_event_handler(tep, -1, "hypergraph", "hypergraph_host", host_handler, NULL);
	tep_unregister_event_handler(tep, -1, "hypergraph", "hypergraph_exit", exit_handler, NULL);
	tep_unregister_event_handler(tep, -1, "kvm", "kvm_hypercall", kvm_handler, NULL);
	tep_plugin_remove_options(options);
	if (symbols)
		symbols_free(symbols);
	symbols = NULL;
}
