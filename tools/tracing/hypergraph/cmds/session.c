// SPDX-License-Identifier: GPL-2.0
/* A command that reads a trace: its options, symbols and the call graph it watches. */
#include <err.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hypergraph.h"
#include "input/queue.h"
#include "cmds/session.h"
#include "util/util.h"

#define OUTPUT_BUFFER	(1024 * 1024)
#define MAX_OPTIONS	32

/*
 * A guest tells where its kernel is after the first event of each vCPU, so what comes
 * before its first hello waits for that: no longer than for this many events, as the
 * hello of a guest may be lost.
 */
#define MAX_DELAY	4096

struct delay {
	struct event events[MAX_DELAY];
	unsigned int nr;
	unsigned int waiting;	/* guests whose hello has not come yet */
	struct map guests;	/* that were seen, by guest_key() */
};

static const struct option common_options[] = {
	{ "kallsyms", required_argument, NULL, 'K' },
	{ "system-map", required_argument, NULL, 'K' },
	{ "vmlinux", required_argument, NULL, 'K' },
	{ "guest", required_argument, NULL, 'G' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const struct option filter_options[] = {
	{ "vm", required_argument, NULL, 'V' },
	{ "vcpu", required_argument, NULL, 'C' },
	{ "task", required_argument, NULL, 'P' },
	{ "function", required_argument, NULL, 'F' },
	{ "time", required_argument, NULL, 'T' },
	{ "depth", required_argument, NULL, 'D' },
	{ NULL, 0, NULL, 0 },
};

static const char common_help[] =
	"  --kallsyms FILE, --system-map FILE, --vmlinux FILE\n"
	"                   the guest's /proc/kallsyms, read as root, in any boot of the\n"
	"                   same kernel, or its System.map or vmlinux: names functions\n"
	"  --guest PID=FILE the same of the VM whose VMM is PID, if not all run one kernel\n"
	"  -h, --help       this text\n";

static const char filter_help[] =
	"  --vm PID         only the VM whose VMM is PID\n"
	"  --vcpu N         only this vCPU of each VM, nN: the nested one of that name\n"
	"  --task TASK      only this task of the guest: a pid, or a comm with wildcards\n"
	"  --function NAME  only what this function calls, and itself, with wildcards\n"
	"  --time FROM..TO  only what happens then, in seconds of the host's clock\n"
	"  --depth N        only N levels of calls\n";

static void print_help(const struct view *view, FILE *out)
{
	fprintf(out, "%s%s%s", view->help, view->filtered ? filter_help : "", common_help);
}

static size_t add_options(struct option *to, size_t nr, const struct option *from)
{
	while (from && from->name)
		to[nr++] = *from++;
	return nr;
}

/* A command's own options have short forms, as -h has. */
static void add_letters(char *letters, const struct option *options)
{
	size_t nr = strlen(letters);

	for (; options && options->name; options++) {
		letters[nr++] = options->val;
		if (options->has_arg)
			letters[nr++] = ':';
	}
}

static bool set_filter(struct filter *f, int opt, const char *arg)
{
	bool ok = true;

	if (opt == 'V')
		ok = filter_parse_vm(f, arg);
	else if (opt == 'C')
		ok = filter_parse_vcpu(f, arg);
	else if (opt == 'P')
		ok = filter_parse_task(f, arg);
	else if (opt == 'T')
		ok = filter_parse_time(f, arg);
	else if (opt == 'D')
		ok = filter_parse_depth(f, arg);
	else
		f->function = arg;
	if (!ok)
		warnx("%s: not what --%s takes", arg,
		      opt == 'V' ? "vm" : opt == 'C' ? "vcpu" : opt == 'P' ? "task" :
		      opt == 'T' ? "time" : "depth");
	return ok;
}

static bool set_option(struct session *s, int opt, const char *arg)
{
	if (strchr("KG", opt))
		return symbols_set_option(s->syms, opt, arg);
	if (strchr("VCPFTD", opt))
		return set_filter(&s->filter, opt, arg);
	return s->view->option(s, opt, arg);
}

/* True if there is a trace to read, else the command ends with @status. */
static bool parse_options(struct session *s, int argc, char **argv, int *status)
{
	struct option options[MAX_OPTIONS] = { 0 };
	char letters[2 * MAX_OPTIONS] = "h";
	size_t nr = add_options(options, 0, common_options);
	int opt;

	nr = add_options(options, nr, s->view->filtered ? filter_options : NULL);
	add_options(options, nr, s->view->options);
	add_letters(letters, s->view->options);
	while ((opt = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (opt == 'h' || opt == '?') {
			print_help(s->view, opt == 'h' ? stdout : stderr);
			*status = opt == 'h' ? 0 : EXIT_USAGE;
			return false;
		}
		*status = EXIT_ERROR;
		if (!set_option(s, opt, optarg))
			return false;
	}
	s->file = optind < argc ? argv[optind] : "trace.dat";
	*status = EXIT_USAGE;
	if (argc - optind > 1)
		print_help(s->view, stderr);
	return argc - optind <= 1;
}

static bool is_hello(const struct event *ev)
{
	return ev->type == EVENT_HELLO;
}

static void handle(struct session *s, const struct event *ev)
{
	if (is_hello(ev))
		symbols_set_stext(s->syms, event_guest(ev), ev->hello.stext);
	if (s->view->event)
		s->view->event(s, ev);
	else
		callgraph_event(&s->cg, ev);
}

static void end_delay(struct session *s)
{
	struct delay *d = s->delay;
	unsigned int i;

	d->waiting = 0;
	for (i = 0; i < d->nr; i++)
		handle(s, &d->events[i]);
	d->nr = 0;
}

static void begin_waiting(struct session *s, const struct event *ev)
{
	struct delay *d = s->delay;
	__u64 guest = event_guest(ev);

	if (!event_is_sent(ev) || map_get(&d->guests, guest))
		return;
	map_add(&d->guests, guest, d);
	d->waiting += symbols_want_stext(s->syms, guest);
}

/* The first hello of a guest tells what the events before it mean. */
static void end_waiting(struct session *s, const struct event *ev)
{
	__u64 guest = event_guest(ev);

	if (!is_hello(ev) || !symbols_want_stext(s->syms, guest))
		return;
	symbols_set_stext(s->syms, guest, ev->hello.stext);
	s->delay->waiting--;
}

static void session_event(void *ctx, const struct event *ev)
{
	struct session *s = ctx;
	struct delay *d = s->delay;

	begin_waiting(s, ev);
	if (!d->waiting) {
		handle(s, ev);
		return;
	}
	d->events[d->nr++] = *ev;
	end_waiting(s, ev);
	if (!d->waiting || d->nr == MAX_DELAY)
		end_delay(s);
}

/* A pipe is read into a file first: the data of a trace.dat comes CPU by CPU. */
static int copy_stdin(void)
{
	FILE *file = tmpfile();
	char block[65536];
	size_t size;

	if (!file) {
		warn("making a temporary file");
		return -1;
	}
	while ((size = fread(block, 1, sizeof(block), stdin)))
		fwrite(block, 1, size, file);
	if (ferror(stdin) || fflush(file) || ferror(file)) {
		warn("reading stdin");
		return -1;
	}
	/* It is there until the program ends. */
	return fileno(file);
}

static int find_trace(struct session *s)
{
	int fd = STDIN_FILENO;

	if (strcmp(s->file, "-")) {
		s->path = xstrdup(s->file);
		return 0;
	}
	s->file = "stdin";
	if (lseek(fd, 0, SEEK_CUR) < 0)
		fd = copy_stdin();
	s->path = xasprintf("/proc/self/fd/%d", fd);
	return fd < 0 ? -1 : 0;
}

static int read_into_queue(void *ctx, struct queue *queue)
{
	struct session *s = ctx;

	return trace_read(s->trace, queue_add, queue);
}

static int view_trace(struct session *s)
{
	int ret = s->view->begin ? s->view->begin(s) : 0;

	if (ret)
		return ret;
	/* Of a damaged trace, what can be read is shown. */
	ret = queue_run(read_into_queue, session_event, s);
	if (ret && !trace_totals(s->trace)->hypercalls)
		return ret;
	end_delay(s);
	callgraph_end(&s->cg);
	s->totals = *trace_totals(s->trace);
	return s->view->end(s) ? -1 : ret;
}

static int read_trace(struct session *s)
{
	int ret = -1;

	if (find_trace(s) || !symbols_load(s->syms, s->path))
		return -1;
	s->trace = trace_open(s->file, s->path);
	if (!s->trace)
		return -1;
	s->delay = xcalloc(1, sizeof(*s->delay));
	callgraph_init(&s->cg, s->view->ops, s, &s->filter);
	ret = view_trace(s);
	if (s->view->free)
		s->view->free(s);
	callgraph_free(&s->cg);
	map_free(&s->delay->guests);
	free(s->delay);
	trace_close(s->trace);
	return ret;
}

int session_run(struct session *s, const struct view *view, int argc, char **argv)
{
	int status;

	s->view = view;
	s->syms = symbols_new();
	s->filter.syms = s->syms;
	if (parse_options(s, argc, argv, &status)) {
		setvbuf(stdout, NULL, _IOFBF, OUTPUT_BUFFER);
		/* One thread writes. */
		__fsetlocking(stdout, FSETLOCKING_BYCALLER);
		status = read_trace(s) ? EXIT_ERROR : 0;
	}
	if (fflush(stdout) || ferror(stdout)) {
		warn("writing the output");
		status = EXIT_ERROR;
	}
	free(s->path);
	symbols_free(s->syms);
	filter_free(&s->filter);
	return status;
}
