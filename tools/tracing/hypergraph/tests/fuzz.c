// SPDX-License-Identifier: GPL-2.0
/*
 * For libFuzzer: every command on a trace that may hold anything. The first byte of the
 * input chooses what the rest is:
 *
 *	0	a trace.dat
 *	1	events of one, in a sound file: a byte each for type, host CPU, thread and
 *		time, then what the event has behind its common fields
 *	2	a file of symbols
 *
 * and the second one the command. Bits of the first one: with 128, symbols are those that the
 * trace has behind it, if it has any: the third kind is what stands there. With 64 the events
 * are those of a stock host, and with 32 besides of an old one.
 */
#define main gen_trace_main
#include "gen-trace.c"
#undef main

#include <stdbool.h>
#include <stdio_ext.h>
#include <unistd.h>
#include <sys/mman.h>

#include "hypergraph.h"
#include "util/util.h"

static const char some_symbols[] =
	"ffffffff81000000 T _text\nffffffff81000000 T _stext\n"
	"ffffffff81000100 T do_syscall_64\nffffffff81000200 t ksys_write\n"
	"ffffffffc0000100 t virtqueue_kick\t[virtio_ring]\n";

static int trace_fd, symbols_fd;

/* Files in memory, which the commands find below /proc */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	trace_fd = memfd_create("trace", 0);
	symbols_fd = memfd_create("symbols", 0);
	if (trace_fd < 0 || symbols_fd < 0 || !freopen("/dev/null", "w", stdout))
		err(1, NULL);
	return 0;
}

static void fill(int fd, const void *data, size_t size)
{
	if (ftruncate(fd, 0) || lseek(fd, 0, SEEK_SET) ||
	    write(fd, data, size) != (ssize_t)size)
		err(1, NULL);
}

static size_t take(const unsigned char **data, size_t *size, void *to, size_t nr)
{
	if (nr > *size)
		nr = *size;
	memcpy(to, *data, nr);
	*data += nr;
	*size -= nr;
	return nr;
}

static void add_any_event(const unsigned char **data, size_t *size)
{
	static const struct {
		__u16 id;
		__u8 size;
	} types[] = {
		{ ID_HYPERGRAPH, sizeof(struct hypergraph_host) },
		{ ID_JOINED, sizeof(struct hypergraph_exit) },
		{ ID_EXIT, sizeof(struct kvm_exit) },
		{ ID_ENTRY, sizeof(struct kvm_entry) },
		{ ID_GRAPH_ENTRY, sizeof(struct graph_entry) },
		{ ID_GRAPH_RETURN, sizeof(struct graph_return) },
		{ ID_HYPERCALL, sizeof(struct kvm_hypercall) },
		{ ID_NESTED_EXIT, sizeof(struct common) },
	};
	static __u64 ns;
	unsigned char head[4] = { 0 };
	char event[128] = { 0 };
	struct common *common = (struct common *)event;
	unsigned int type;

	take(data, size, head, sizeof(head));
	/* The first two are not a stock host's, the last two matter there only. */
	type = head[0] % (sizeof(types) / sizeof(*types) - 2) + (stock ? 2 : 0);
	common->type = types[type].id;
	common->pid = 100 + head[2] % 4;
	take(data, size, event + sizeof(*common), types[type].size - sizeof(*common));
	if (head[1] & 0x80)
		cpus[head[1] % CPUS].lost = head[3] - 1;
	ns += head[3];
	add_event(head[1] % CPUS, ns, event, types[type].size);
}

static void fill_events(const unsigned char *data, size_t size)
{
	char *text = NULL;
	size_t length;
	FILE *out;
	int i;

	for (i = 0; i < CPUS; i++) {
		free(cpus[i].pages);
		cpus[i] = (struct cpu){ 0 };
	}
	while (size)
		add_any_event(&data, &size);
	out = open_memstream(&text, &length);
	if (!out)
		err(1, NULL);
	put_trace(out, !stock, NULL);
	fclose(out);
	fill(trace_fd, text, length);
	free(text);
}

/* What record puts behind a trace, but that nothing says that it is sound */
static void append(const unsigned char *data, size_t size)
{
	if (lseek(trace_fd, 0, SEEK_END) < 0 || write(trace_fd, data, size) != (ssize_t)size)
		err(1, NULL);
}

static void run(unsigned char command, bool saved)
{
	static const struct {
		int (*run)(int argc, char **argv);
		const char *args[4];
	} commands[] = {
		{ cmd_report, { "report" } },
		{ cmd_exits, { "exits" } },
		{ cmd_crash, { "crash" } },
		{ cmd_boot, { "boot" } },
		{ cmd_exits, { "exits", "--folded" } },
		{ cmd_report, { "report", "--function=*write", "--depth=3" } },
		{ cmd_export, { "export", "--to=folded" } },
		{ cmd_export, { "export", "--to=speedscope" } },
		{ cmd_export, { "export", "--to=perfetto" } },
		{ cmd_export, { "export", "--to=trace-dat" } },
	};
	char *argv[8] = { NULL }, file[32], symbols[48];
	int argc = 0;

	command %= sizeof(commands) / sizeof(*commands);
	while (commands[command].args[argc]) {
		argv[argc] = (char *)commands[command].args[argc];
		argc++;
	}
	snprintf(symbols, sizeof(symbols), "--kallsyms=/proc/self/fd/%d", symbols_fd);
	snprintf(file, sizeof(file), "/proc/self/fd/%d", trace_fd);
	if (!saved)
		argv[argc++] = symbols;
	argv[argc++] = file;
	commands[command].run(argc, argv);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	bool saved;

	if (size < 2)
		return 0;
	saved = data[0] >= 128;
	stock = !!(data[0] & 64);
	old = stock && data[0] & 32;
	fill(symbols_fd, some_symbols, sizeof(some_symbols) - 1);
	if (data[0] % 3 == 0) {
		fill(trace_fd, data + 2, size - 2);
	} else if (data[0] % 3 == 1) {
		fill_events(data + 2, size - 2);
	} else {
		fill_events((const unsigned char *)"\0\0\0\1", 4);
		if (saved)
			append(data + 2, size - 2);
		else
			fill(symbols_fd, data + 2, size - 2);
	}
	run(data[1], saved);
	return 0;
}
