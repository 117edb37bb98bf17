// SPDX-License-Identifier: GPL-2.0
/* hypergraph record: trace-cmd with the events, clock and buffers that a guest needs */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "cmds/options.h"
#include "graph/filter.h"
#include "graph/symbols.h"
#include "hypergraph.h"
#include "input/host.h"
#include "input/threads.h"
#include "util/output.h"
#include "util/util.h"

/*
 * In KiB, a CPU's buffer holds 200,000 events of 80 bytes, as trace-cmd may not run for some
 * tenths of a second. All CPUs' take at most this share of the memory.
 */
#define BUFFER_SIZE	16384
#define MEMORY_SHARE	32

#define PROGRESS_INTERVAL_NS	500000000

/* Bytes for what a trace.dat has but events, and for the guests' symbols */
#define ROOM_FOR_HEADER		(32 * 1024 * 1024)

struct record {
	const char *name;		/* of the recording */
	char *target;			/* the file that has this name, or will */
	char *output;			/* beside it, what trace-cmd writes */
	struct filter filter;		/* only its vm */
	bool stock;			/* The kernel has no events of hypergraph. */
	bool exits;
	char **functions;		/* patterns of the host's */
	size_t nr_functions;
	char **command;			/* NULL: until ^C */
	struct symbols *syms;
	char **args;			/* of trace-cmd */
	size_t nr_args;
	int begun[2];			/* a pipe, which tells that trace-cmd records */
	int until[2];			/* another, until whose end it does */
	pid_t trace_cmd;
	pid_t child;			/* COMMAND, 0: none runs */
	bool full;			/* so was the disk, before the recording ended */
};

static void add_arg(struct record *r, char *arg)
{
	r->args = xrealloc(r->args, (r->nr_args + 2) * sizeof(*r->args));
	r->args[r->nr_args++] = arg;
	r->args[r->nr_args] = NULL;
}

static void add_event(struct record *r, const char *event)
{
	add_arg(r, xstrdup("-e"));
	add_arg(r, xstrdup(event));
}

/* @event has a field vm. */
static void add_vm_event(struct record *r, const char *event)
{
	add_event(r, event);
	if (!r->filter.vm)
		return;
	add_arg(r, xstrdup("-f"));
	if (r->filter.one_vm_id)
		add_arg(r, xasprintf("vm == %u && vm_id == %u", r->filter.vm, r->filter.vm_id));
	else
		add_arg(r, xasprintf("vm == %u", r->filter.vm));
}

/*
 * Returns "1,2,3", all threads of the VMM, as any of them may run a vCPU. The list is to be
 * freed; it is NULL if there is no such process.
 */
static char *list_threads(unsigned int vm)
{
	char *path = xasprintf("/proc/%u/task", vm), *list = NULL;
	DIR *dir = opendir(path);
	struct dirent *entry;

	free(path);
	while (dir && (entry = readdir(dir))) {
		char *longer;

		if (*entry->d_name == '.')
			continue;
		longer = list ? xasprintf("%s,%s", list, entry->d_name) : xstrdup(entry->d_name);
		free(list);
		list = longer;
	}
	if (dir)
		closedir(dir);
	return list;
}

/* Only what threads of the VM do, now or later */
static bool add_threads(struct record *r)
{
	char *threads = list_threads(r->filter.vm);

	if (!threads) {
		warnx("--vm %u: no such process", r->filter.vm);
		return false;
	}
	add_arg(r, xstrdup("-P"));
	add_arg(r, threads);
	add_arg(r, xstrdup("-c"));
	return true;
}

static void add_functions(struct record *r)
{
	size_t i;

	if (!r->nr_functions)
		return;
	add_arg(r, xstrdup("-p"));
	add_arg(r, xstrdup("function_graph"));
	for (i = 0; i < r->nr_functions; i++) {
		add_arg(r, xstrdup("-l"));
		add_arg(r, xstrdup(r->functions[i]));
	}
}

static void add_events(struct record *r)
{
	add_vm_event(r, "hypergraph:hypergraph_host");
	if (r->exits)
		add_vm_event(r, "hypergraph:hypergraph_exit");
	/* It tells where an exit begins among the functions of the host. */
	if (r->exits && r->nr_functions)
		add_event(r, "kvm:kvm_exit");
}

/* They are needed also where only the calls are asked for: kvm_exit tells the vCPU. */
static void add_stock_events(struct record *r)
{
	const char * const *name;

	for (name = host_stock_events; *name; name++) {
		char *event = xasprintf("kvm:%s", *name);

		add_event(r, event);
		free(event);
	}
}

static long buffer_size(void)
{
	long memory = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE);
	long most = memory / MEMORY_SHARE / sysconf(_SC_NPROCESSORS_CONF);

	return most < BUFFER_SIZE ? most : BUFFER_SIZE;
}

static bool make_args(struct record *r)
{
	add_arg(r, xstrdup("trace-cmd"));
	add_arg(r, xstrdup("record"));
	add_arg(r, xstrdup("-o"));
	add_arg(r, xstrdup(r->output));
	add_arg(r, xstrdup("-C"));
	add_arg(r, xstrdup("mono"));
	add_arg(r, xstrdup("-b"));
	add_arg(r, xasprintf("%ld", buffer_size()));
	if (r->stock)
		add_stock_events(r);
	else
		add_events(r);
	add_functions(r);
	if (r->filter.vm && (r->stock || r->nr_functions) && !add_threads(r))
		return false;
	/*
	 * It records as long as this runs, until the pipe's other end is closed. That is also
	 * so if this program is killed, whatever by.
	 */
	add_arg(r, xstrdup("sh"));
	add_arg(r, xstrdup("-c"));
	add_arg(r, xasprintf("echo >/proc/self/fd/%d; exec cat", r->begun[1]));
	return true;
}

static void say_what(const struct record *r)
{
	size_t i;

	fprintf(stderr, "recording the calls%s of ",
		r->exits || r->stock ? " and VM exits" : "");
	if (r->filter.one_vm_id)
		fprintf(stderr, "VM %u.%u", r->filter.vm, r->filter.vm_id);
	else if (r->filter.vm)
		fprintf(stderr, "VM %u", r->filter.vm);
	else
		fputs("all VMs", stderr);
	for (i = 0; i < r->nr_functions; i++)
		fprintf(stderr, "%s%s", i ? ", " : ", and of the host ", r->functions[i]);
	fprintf(stderr, ": clock mono, %ld KiB a CPU, to %s%s\n", buffer_size(), r->name,
		r->command ? "" : ", until ^C");
}

static unsigned long long file_size(const char *file)
{
	struct stat st;

	return stat(file, &st) ? 0 : st.st_size;
}

/* While trace-cmd records, each CPU has a file, of which it makes @output in the end. */
static unsigned long long bytes_written(const char *output)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	unsigned long long sum = 0;

	for (cpu = 0; cpu < nr; cpu++) {
		char *file = xasprintf("%s.cpu%ld", output, cpu);

		sum += file_size(file);
		free(file);
	}
	return sum;
}

static void print_progress(const struct record *r, const struct host_stats *stats, const char *end)
{
	fprintf(stderr, "\r%llu events, %llu KiB, %llu lost%s", stats->events,
		(bytes_written(r->output) ?: file_size(r->output)) / 1024, stats->lost, end);
}

/* In a new process, whose messages go to @log if there is one */
static void become(char **args, FILE *log)
{
	sigset_t none;

	if (log) {
		dup2(fileno(log), STDOUT_FILENO);
		dup2(fileno(log), STDERR_FILENO);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execvp(args[0], args);
	warn("%s", args[0]);
	_exit(127);
}

/*
 * What trace-cmd says goes to @log: it is of use if it fails. It has a session of its own, as
 * no signal of the terminal is to end it before its events are disabled.
 */
static bool start(struct record *r, FILE *log)
{
	pid_t pid = fork();

	if (pid < 0) {
		warn("fork");
		return false;
	}
	if (!pid) {
		setsid();
		dup2(r->until[0], STDIN_FILENO);
		fcntl(r->begun[1], F_SETFD, 0);
		become(r->args, log);
	}
	r->trace_cmd = pid;
	return true;
}

/* Waits until trace-cmd records. It has failed before that if there is nothing to read. */
static bool has_begun(struct record *r)
{
	char byte;

	close(r->begun[1]);
	return read(r->begun[0], &byte, 1) == 1;
}

static bool start_command(struct record *r)
{
	pid_t pid;

	if (!r->command)
		return true;
	pid = fork();
	if (pid < 0) {
		warn("fork");
		return false;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		become(r->command, NULL);
	}
	r->child = pid;
	return true;
}

/* trace-cmd then disables the events and makes the file, which may take a while. */
static void end_recording(struct record *r)
{
	if (r->child)
		kill(r->child, SIGTERM);
	if (r->until[1] >= 0)
		close(r->until[1]);
	r->until[1] = -1;
}

static bool command_ended(struct record *r)
{
	if (!r->child || waitpid(r->child, NULL, WNOHANG) != r->child)
		return false;
	r->child = 0;
	return true;
}

/* Bytes that its file system has left for @output */
static unsigned long long bytes_free(const char *output)
{
	char *path = xstrdup(output);
	struct statvfs fs;
	bool known = !statvfs(dirname(path), &fs);

	free(path);
	return known ? (unsigned long long)fs.f_bavail * fs.f_frsize : ~0ULL;
}

/*
 * In the end trace-cmd copies what it has written. What is in the buffers then, and what
 * comes until this is asked again, is to be written and copied.
 */
static bool is_full(const struct record *r, const struct host_stats *now,
		    unsigned long long written, unsigned long long before)
{
	unsigned long long to_come = now->bytes + written - before;

	return bytes_free(r->output) < written + 2 * to_come + ROOM_FOR_HEADER;
}

/* Waits for a signal that tells to end, but not for long. A process that ends wakes it, too. */
static bool is_told_to_end(const sigset_t *signals)
{
	const struct timespec interval = { .tv_nsec = PROGRESS_INTERVAL_NS };
	int signal = sigtimedwait(signals, NULL, &interval);

	return signal > 0 && signal != SIGCHLD;
}

/* Returns trace-cmd's status. @stats are the last that were read while it still recorded. */
static int watch(struct record *r, const sigset_t *signals, struct host_stats *stats)
{
	unsigned long long before = 0;
	bool tty = isatty(STDERR_FILENO);
	int status = -1;	/* That is no exit status, if waitpid() fails. */

	while (waitpid(r->trace_cmd, &status, WNOHANG) == 0) {
		bool told = is_told_to_end(signals);
		struct host_stats now = host_stats(NULL);
		unsigned long long written = bytes_written(r->output);

		if (now.events >= stats->events)
			*stats = now;
		if (tty)
			print_progress(r, stats, "");
		if (r->until[1] >= 0 && is_full(r, &now, written, before))
			r->full = true;
		before = written;
		if (told || r->full || command_ended(r))
			end_recording(r);
	}
	return status;
}

static void print_log(FILE *log)
{
	char *line = NULL;
	size_t size = 0;

	rewind(log);
	while (getline(&line, &size, log) > 0)
		fprintf(stderr, "trace-cmd: %s", line);
	free(line);
}

/* What the recording itself lacks: it stays as it is if that fails. */
static bool save_rest(const struct record *r)
{
	off_t size = file_size(r->output);
	FILE *out = fopen(r->output, "r+");
	bool ok = out && (!r->stock || threads_save(out)) && symbols_save(r->syms, out);

	if (out && fclose(out))
		ok = false;
	if (ok)
		return true;
	warn("%s: saving the symbols", r->name);
	if (out && truncate(r->output, size))
		warn("%s", r->output);
	return false;
}

/* trace-cmd has failed: its processes may still run, and what it enabled still be so. */
static void clean_up(const struct record *r, FILE *log)
{
	char reset[] = "reset", *args[] = { r->args[0], reset, NULL };
	pid_t pid;

	kill(-r->trace_cmd, SIGKILL);
	pid = fork();
	if (!pid)
		become(args, log);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void say_failed(const struct record *r, FILE *log)
{
	fputc('\n', stderr);
	if (r->full) {
		warnx("%s: the disk is full: trace-cmd restore reads %s.cpu*",
		      r->name, r->output);
		return;
	}
	print_log(log);
	warnx("trace-cmd failed");
}

/* No signal ends the program before it has ended the recording. */
static void block_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, signals, NULL);
}

/* Returns the exit status. @log is for what trace-cmd says. */
static int record_with(struct record *r, FILE *log)
{
	struct host_stats stats = { 0 };
	sigset_t signals;
	bool saved;
	int status;

	block_signals(&signals);
	say_what(r);
	if (!start(r, log))
		return EXIT_ERROR;
	if (!has_begun(r) || !start_command(r))
		end_recording(r);
	status = watch(r, &signals, &stats);
	end_recording(r);
	if (r->child)
		waitpid(r->child, NULL, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		say_failed(r, log);
		clean_up(r, log);
		return EXIT_ERROR;
	}
	saved = save_rest(r);
	print_progress(r, &stats, "\n");
	if (r->full)
		warnx("%s: the disk is nearly full: the recording ended early", r->name);
	return !output_place(r->output, r->target) && saved && !r->full ? 0 : EXIT_ERROR;
}

/* What an earlier recording left is the only one that there is of it. */
static bool nothing_is_left(const struct record *r)
{
	if (!bytes_written(r->output) && !file_size(r->output))
		return true;
	warnx("%s: of a recording that was cut short: move or remove it (see trace-cmd restore)",
	      r->output);
	return false;
}

/* trace-cmd makes files beside it, too. */
static bool has_directory(const struct record *r)
{
	char *path = xstrdup(r->target);
	const char *dir = dirname(path);
	bool ok = !access(dir, W_OK | X_OK);

	if (!ok)
		warn("%s: making a file in %s", r->name, dir);
	free(path);
	return ok;
}

static bool find_output(struct record *r)
{
	struct stat st;

	r->target = output_target(r->name);
	r->output = xasprintf("%s.new", r->target);
	if (!has_directory(r))
		return false;
	if (stat(r->name, &st))
		return nothing_is_left(r);
	if (!S_ISREG(st.st_mode))
		warnx("%s: is no regular file", r->name);
	else if (symbols_have_file(r->syms, &st))
		warnx("%s: is what is read: give another --output", r->name);
	else
		return nothing_is_left(r);
	return false;
}

static int run(struct record *r)
{
	bool kept = r->stock && threads_keep(true);
	int status = EXIT_ERROR;
	FILE *log;

	if (pipe2(r->begun, O_CLOEXEC) || pipe2(r->until, O_CLOEXEC)) {
		warn("pipe");
		return EXIT_ERROR;
	}
	log = temporary_file();
	if (log && make_args(r))
		status = record_with(r, log);
	if (log)
		fclose(log);
	if (r->stock && !kept)
		threads_keep(false);
	return status;
}

/* These options have no letter. */
enum {
	OPTION_EXITS = OPTION_OWN,
	OPTION_HOST_FUNCTIONS,
};

static const struct argp_option record_rows[] = {
	{ "output", 'o', "FILE", 0, "instead of trace.dat", 0 },
	{ "exits", OPTION_EXITS, NULL, 0, "the VM exits, too", 0 },
	{ "host-functions", OPTION_HOST_FUNCTIONS, "GLOB", 0,
	  "these functions of the host, too: with --exits, what it did for each exit", 0 },
	{ 0 }
};

static error_t parse_record(int key, char *arg, struct argp_state *state)
{
	struct record *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->filter;
		state->child_inputs[1] = r->syms;
		return 0;
	case 'o':
		r->name = arg;
		return 0;
	case OPTION_EXITS:
		r->exits = true;
		return 0;
	case OPTION_HOST_FUNCTIONS:
		r->functions = xrealloc(r->functions,
					(r->nr_functions + 1) * sizeof(*r->functions));
		r->functions[r->nr_functions++] = arg;
		return 0;
	case ARGP_KEY_ARGS:
		if (!state->quoted)
			return ARGP_ERR_UNKNOWN;
		r->command = state->argv + state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child record_children[] = {
	{ &vm_option, 0, NULL, 0 },
	{ &symbols_options, 0, NULL, 0 },
	{ 0 }
};

static const struct argp record_argp = {
	.options = record_rows,
	.parser = parse_record,
	.args_doc = "[-- COMMAND [ARGS]]",
	.doc =
		"Records with trace-cmd what the guests' hypergraph tracers send, until ^C or\n"
		"for as long as COMMAND runs. The guests' symbols become part of the recording.",
	.children = record_children,
};

/* Does this kernel tell the VM that was asked for from others? */
static bool can_choose(const struct record *r)
{
	if (!r->stock || !r->filter.one_vm_id)
		return true;
	warnx("--vm %u.%u: this kernel does not tell VMs of one process apart", r->filter.vm,
	      r->filter.vm_id);
	return false;
}

int cmd_record(int argc, char **argv)
{
	struct record r = { .name = "trace.dat", .syms = symbols_new() };
	int status = EXIT_ERROR;
	size_t i;

	if (options_parse(&record_argp, ARGP_IN_ORDER, argc, argv, &r) && find_output(&r) &&
	    host_can_record(&r.stock) && can_choose(&r))
		status = run(&r);
	for (i = 0; i < r.nr_args; i++)
		free(r.args[i]);
	free(r.args);
	free(r.functions);
	free(r.target);
	free(r.output);
	symbols_free(r.syms);
	return status;
}
