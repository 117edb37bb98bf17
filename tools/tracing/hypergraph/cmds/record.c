// SPDX-License-Identifier: GPL-2.0
/* hypergraph record: trace-cmd with the events, clock and buffers that a guest needs */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "cmds/options.h"
#include "graph/filter.h"
#include "graph/symbols.h"
#include "hypergraph.h"
#include "input/host.h"
#include "util/util.h"

/*
 * In KiB, a CPU's buffer holds 200,000 events of 80 bytes, as trace-cmd may not run for some
 * tenths of a second. All CPUs' take at most this share of the memory.
 */
#define BUFFER_SIZE	16384
#define MEMORY_SHARE	32

#define PROGRESS_INTERVAL_NS	500000000

struct record {
	const char *output;
	struct filter filter;		/* only its vm */
	bool exits;
	char **functions;		/* patterns of the host's */
	size_t nr_functions;
	char **command;			/* NULL: until ^C */
	struct symbols *syms;
	char **args;			/* of trace-cmd */
	size_t nr_args;
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

static bool add_functions(struct record *r)
{
	size_t i;

	if (!r->nr_functions)
		return true;
	add_arg(r, xstrdup("-p"));
	add_arg(r, xstrdup("function_graph"));
	for (i = 0; i < r->nr_functions; i++) {
		add_arg(r, xstrdup("-l"));
		add_arg(r, xstrdup(r->functions[i]));
	}
	if (r->filter.vm) {
		char *threads = list_threads(r->filter.vm);

		if (!threads) {
			warnx("--vm %u: no such process", r->filter.vm);
			return false;
		}
		add_arg(r, xstrdup("-P"));
		add_arg(r, threads);
		add_arg(r, xstrdup("-c"));
	}
	return true;
}

static long buffer_size(void)
{
	long memory = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE);
	long most = memory / MEMORY_SHARE / sysconf(_SC_NPROCESSORS_CONF);

	return most < BUFFER_SIZE ? most : BUFFER_SIZE;
}

static bool make_args(struct record *r)
{
	char **arg;

	add_arg(r, xstrdup("trace-cmd"));
	add_arg(r, xstrdup("record"));
	add_arg(r, xstrdup("-o"));
	add_arg(r, xstrdup(r->output));
	add_arg(r, xstrdup("-C"));
	add_arg(r, xstrdup("mono"));
	add_arg(r, xstrdup("-b"));
	add_arg(r, xasprintf("%ld", buffer_size()));
	add_vm_event(r, "hypergraph:hypergraph_host");
	if (r->exits)
		add_vm_event(r, "hypergraph:hypergraph_exit");
	/* It tells where an exit begins among the functions of the host. */
	if (r->exits && r->nr_functions)
		add_event(r, "kvm:kvm_exit");
	if (!add_functions(r))
		return false;
	for (arg = r->command; arg && *arg; arg++)
		add_arg(r, xstrdup(*arg));
	return true;
}

static void say_what(const struct record *r)
{
	size_t i;

	fprintf(stderr, "recording the calls%s of ", r->exits ? " and VM exits" : "");
	if (r->filter.vm)
		fprintf(stderr, "VM %u", r->filter.vm);
	else
		fputs("all VMs", stderr);
	for (i = 0; i < r->nr_functions; i++)
		fprintf(stderr, "%s%s", i ? ", " : ", and of the host ", r->functions[i]);
	fprintf(stderr, ": clock mono, %ld KiB a CPU, to %s%s\n", buffer_size(), r->output,
		r->command ? "" : ", until ^C");
}

/* While trace-cmd records, each CPU has a file, of which it makes @output in the end. */
static unsigned long long bytes_written(const char *output)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	unsigned long long sum = 0;
	struct stat st;

	for (cpu = 0; cpu < nr; cpu++) {
		char *file = xasprintf("%s.cpu%ld", output, cpu);

		if (!stat(file, &st))
			sum += st.st_size;
		free(file);
	}
	return !sum && !stat(output, &st) ? (unsigned long long)st.st_size : sum;
}

static void print_progress(const struct record *r, const struct host_stats *stats, const char *end)
{
	fprintf(stderr, "\r%llu events, %llu KiB, %llu lost%s", stats->events,
		bytes_written(r->output) / 1024, stats->lost, end);
}

/* What trace-cmd says goes to @log: it is of use if it fails. Returns -1 if fork() did. */
static pid_t start(const struct record *r, FILE *log)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(fileno(log), STDERR_FILENO);
	if (!r->command)
		dup2(fileno(log), STDOUT_FILENO);
	execvp(r->args[0], r->args);
	fprintf(stderr, "%s: %s: is it installed?\n", r->args[0], strerror(errno));
	_exit(127);
}

/* Returns trace-cmd's status. @stats are the last that were read while it still recorded. */
static int watch(const struct record *r, pid_t pid, const sigset_t *signals,
		 struct host_stats *stats)
{
	const struct timespec interval = { .tv_nsec = PROGRESS_INTERVAL_NS };
	bool tty = isatty(STDERR_FILENO);
	int status = -1;	/* That is no exit status, if waitpid() fails. */

	while (waitpid(pid, &status, WNOHANG) == 0) {
		struct host_stats now = host_stats(NULL);

		if (now.events >= stats->events)
			*stats = now;
		if (tty)
			print_progress(r, stats, "");
		/* It ends as at its own ^C, which it has had already if there is a terminal. */
		if (sigtimedwait(signals, NULL, &interval) > 0)
			kill(pid, SIGINT);
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

static bool save_symbols(const struct record *r)
{
	FILE *out = fopen(r->output, "r+");
	bool ok = out && symbols_save(r->syms, out);

	if (out && fclose(out))
		ok = false;
	if (!ok)
		warn("%s", r->output);
	return ok;
}

/* Returns the exit status. @log is for what trace-cmd says. */
static int record_with(struct record *r, FILE *log)
{
	struct host_stats stats = { 0 };
	sigset_t signals;
	int status;
	pid_t pid;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	say_what(r);
	pid = start(r, log);
	if (pid < 0) {
		warn("fork");
		return EXIT_ERROR;
	}
	status = watch(r, pid, &signals, &stats);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fputc('\n', stderr);
		print_log(log);
		warnx("trace-cmd failed");
		return EXIT_ERROR;
	}
	if (!save_symbols(r))
		return EXIT_ERROR;
	print_progress(r, &stats, "\n");
	return 0;
}

static int run(struct record *r)
{
	FILE *log = tmpfile();
	int status;

	if (!log) {
		warn("making a temporary file");
		return EXIT_ERROR;
	}
	status = record_with(r, log);
	fclose(log);
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
		r->output = arg;
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

int cmd_record(int argc, char **argv)
{
	struct record r = { .output = "trace.dat", .syms = symbols_new() };
	int status = EXIT_ERROR;
	size_t i;

	if (options_parse(&record_argp, ARGP_IN_ORDER, argc, argv, &r) && host_can_record() &&
	    make_args(&r))
		status = run(&r);
	for (i = 0; i < r.nr_args; i++)
		free(r.args[i]);
	free(r.args);
	free(r.functions);
	symbols_free(r.syms);
	return status;
}
