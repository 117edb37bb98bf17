// SPDX-License-Identifier: GPL-2.0
/* hypergraph record: trace-cmd with the events, clock and buffers that a guest needs */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "input/host.h"
#include "hypergraph.h"
#include "graph/symbols.h"
#include "util/util.h"

/*
 * Of each CPU, KiB: what 200,000 events of 80 bytes take, as trace-cmd may not run for
 * some tenths of a second. All together take at most a share of the memory.
 */
#define BUFFER_SIZE	16384
#define MEMORY_SHARE	32

#define PROGRESS_INTERVAL_NS	500000000

struct record {
	const char *output;
	unsigned int vm;		/* 0: all */
	bool exits;
	char **functions;		/* of the host, patterns */
	size_t nr_functions;
	char **command;			/* NULL: until ^C */
	struct symbols *syms;
	bool has_symbols;
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

/* An event that says which VM it is of */
static void add_vm_event(struct record *r, const char *event)
{
	add_event(r, event);
	if (!r->vm)
		return;
	add_arg(r, xstrdup("-f"));
	add_arg(r, xasprintf("vm == %u", r->vm));
}

/* "1,2,3": all threads of the VMM, as any of them may run a vCPU */
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
	if (r->vm) {
		char *threads = list_threads(r->vm);

		if (!threads) {
			warnx("--vm %u: no such process", r->vm);
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
	/* Where an exit begins among the functions of the host */
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
	if (r->vm)
		fprintf(stderr, "VM %u", r->vm);
	else
		fputs("all VMs", stderr);
	for (i = 0; i < r->nr_functions; i++)
		fprintf(stderr, "%s%s", i ? ", " : ", and of the host ", r->functions[i]);
	fprintf(stderr, ": clock mono, %ld KiB a CPU, to %s%s\n", buffer_size(), r->output,
		r->command ? "" : ", until ^C");
}

/* Of the file, or while it is recorded of those of the CPUs */
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

/* What trace-cmd says goes to @log, for the case that it fails. */
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

/* Returns trace-cmd's status. The last stats were read while it still recorded. */
static int watch(const struct record *r, pid_t pid, const sigset_t *signals,
		 struct host_stats *stats)
{
	const struct timespec interval = { .tv_nsec = PROGRESS_INTERVAL_NS };
	bool tty = isatty(STDERR_FILENO);
	int status;

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
	FILE *out = fopen(r->output, "a");

	if (out && symbols_save(r->syms, out) && !fclose(out))
		return true;
	warn("%s", r->output);
	return false;
}

static int run(struct record *r)
{
	struct host_stats stats = { 0 };
	FILE *log = tmpfile();
	sigset_t signals;
	int status;
	pid_t pid;

	if (!log) {
		warn("making a temporary file");
		return EXIT_ERROR;
	}
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
	fclose(log);
	if (r->has_symbols && !save_symbols(r))
		return EXIT_ERROR;
	print_progress(r, &stats, "\n");
	return 0;
}

static void print_help(FILE *out)
{
	fputs("usage: hypergraph record [OPTIONS] [-- COMMAND [ARGS]]\n"
	      "\n"
	      "Records with trace-cmd what the guests' hypergraph tracers send, until ^C or for as\n"
	      "long as COMMAND runs.\n"
	      "\n"
	      "  -o, --output FILE     instead of trace.dat\n"
	      "  --vm PID              only the VM whose VMM is PID\n"
	      "  --exits               the VM exits, too\n"
	      "  --host-functions GLOB these functions of the host, too: with the exits they show\n"
	      "                        what the host did for each\n"
	      "  --kallsyms FILE, --system-map FILE, --vmlinux FILE\n"
	      "                        the guest's symbols, which become part of the recording\n"
	      "  --guest PID=FILE      the same of the VM whose VMM is PID\n"
	      "  -h, --help            this text\n", out);
}

static bool set_vm(struct record *r, const char *arg)
{
	char *end;

	r->vm = strtoul(arg, &end, 10);
	if (r->vm && !*end)
		return true;
	warnx("--vm %s: not a pid", arg);
	return false;
}

static bool set_option(struct record *r, int opt, char *arg)
{
	switch (opt) {
	case 'o':
		r->output = arg;
		return true;
	case 'V':
		return set_vm(r, arg);
	case 'x':
		r->exits = true;
		return true;
	case 'f':
		r->functions = xrealloc(r->functions,
					(r->nr_functions + 1) * sizeof(*r->functions));
		r->functions[r->nr_functions++] = arg;
		return true;
	default:
		r->has_symbols = true;
		return symbols_set_option(r->syms, opt, arg);
	}
}

/* True if there is something to record, else the command ends with @status. */
static bool parse_options(struct record *r, int argc, char **argv, int *status)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "vm", required_argument, NULL, 'V' },
		{ "exits", no_argument, NULL, 'x' },
		{ "host-functions", required_argument, NULL, 'f' },
		{ "kallsyms", required_argument, NULL, 'K' },
		{ "system-map", required_argument, NULL, 'K' },
		{ "vmlinux", required_argument, NULL, 'K' },
		{ "guest", required_argument, NULL, 'G' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "+o:h", options, NULL)) != -1) {
		if (opt == 'h' || opt == '?') {
			print_help(opt == 'h' ? stdout : stderr);
			*status = opt == 'h' ? 0 : EXIT_USAGE;
			return false;
		}
		*status = EXIT_ERROR;
		if (!set_option(r, opt, optarg))
			return false;
	}
	if (optind < argc)
		r->command = argv + optind;
	return true;
}

int cmd_record(int argc, char **argv)
{
	struct record r = { .output = "trace.dat", .syms = symbols_new() };
	int status;
	size_t i;

	if (parse_options(&r, argc, argv, &status)) {
		status = EXIT_ERROR;
		if (host_can_record() && make_args(&r))
			status = run(&r);
	}
	for (i = 0; i < r.nr_args; i++)
		free(r.args[i]);
	free(r.args);
	free(r.functions);
	symbols_free(r.syms);
	return status;
}
