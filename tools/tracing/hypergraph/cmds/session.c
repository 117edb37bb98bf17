// SPDX-License-Identifier: GPL-2.0
/* A command that reads a trace: from its options to its exit status */
#include <err.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "cmds/options.h"
#include "cmds/session.h"
#include "hypergraph.h"
#include "input/file.h"
#include "input/queue.h"

/* A write takes as long as some hundred lines. */
static char output_buffer[64 * 1024];

static error_t parse_trace(int key, char *arg, struct argp_state *state)
{
	struct session *s = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = s;
		state->child_inputs[1] = s->syms;
		state->child_inputs[2] = &s->filter;
		return 0;
	case ARGP_KEY_ARG:
		s->file = arg;
		return state->arg_num ? ARGP_ERR_UNKNOWN : 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static bool parse_options(struct session *s, int argc, char **argv)
{
	const struct argp_child children[] = {
		{ &s->view->argp, 0, NULL, 0 },
		{ &symbols_options, 0, NULL, 0 },
		{ s->view->filtered ? &filter_options : &vm_option, 0,
		  s->view->filtered ? "Filters:" : NULL, s->view->filtered },
		{ 0 }
	};
	const struct argp argp = { .parser = parse_trace, .children = children };

	return options_parse(&argp, 0, argc, argv, s);
}

static void session_event(void *ctx, const struct event *ev)
{
	struct session *s = ctx;

	callgraph_event(&s->cg, ev);
}

static bool is_trace(const struct session *s, const struct stat *st)
{
	struct stat trace;

	return !fstat(s->fd, &trace) && trace.st_dev == st->st_dev &&
	       trace.st_ino == st->st_ino;
}

bool session_reads(const struct session *s, const struct stat *st)
{
	return is_trace(s, st) || symbols_have_file(s->syms, st);
}

/* What is printed would be read again, or be all that is left. */
static bool prints_on_trace(const struct session *s)
{
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) || !S_ISREG(st.st_mode) || !is_trace(s, &st))
		return false;
	warnx("%s: is where the output goes to", s->file);
	return true;
}

static int read_into_queue(void *ctx, struct queue *queue)
{
	struct session *s = ctx;

	return trace_read(s->trace, queue_add, queue);
}

/* A name that may be another kernel's is none. */
static void warn_of_unknown_kernels(const struct session *s)
{
	const struct guest *guest;

	map_for_each(guest, &s->cg.guests) {
		if (!guest->known || guest->nested || guest->nr_told ||
		    !symbols_are_for(s->syms, guest->vm))
			continue;
		warnx("%s: VM %u did not say which kernel it is in this recording: no names",
		      s->file, guest->vm);
	}
}

static bool has_vm(const struct session *s, __u32 vm)
{
	const struct guest *guest;

	map_for_each(guest, &s->cg.guests) {
		if (guest->vm == vm)
			return true;
	}
	return false;
}

static void warn_of_missing_vms(const struct session *s)
{
	size_t i;
	__u32 vm;

	for (i = 0; (vm = symbols_nth_vm(s->syms, i)); i++) {
		if (!has_vm(s, vm))
			warnx("%s: VM %u, which has symbols, is not in it", s->file, vm);
	}
}

static int view_trace(struct session *s)
{
	int ret = s->view->begin ? s->view->begin(s) : 0;

	if (ret)
		return ret;
	/* What can be read of a damaged trace is shown. */
	ret = queue_run(read_into_queue, s, session_event, s);
	if (ret && !trace_totals(s->trace)->hypercalls && !trace_totals(s->trace)->exits)
		return ret;
	callgraph_end(&s->cg);
	warn_of_unknown_kernels(s);
	warn_of_missing_vms(s);
	symbols_warn_of_calls(s->syms);
	s->totals = *trace_totals(s->trace);
	if (filter_is_set(&s->filter) && !s->filter.matched)
		warnx("%s: nothing in it is what the filters ask for", s->file);
	if (s->view->end(s) || !trace_host_is_whole(s->trace))
		return -1;
	return ret;
}

static int show_trace(struct session *s)
{
	int ret;

	s->trace = trace_open(s->file, s->fd);
	if (!s->trace)
		return -1;
	callgraph_init(&s->cg, s->view->ops, s, &s->filter, s->syms);
	ret = view_trace(s);
	if (s->view->free)
		s->view->free(s);
	callgraph_free(&s->cg);
	trace_close(s->trace);
	return ret;
}

static int read_trace(struct session *s)
{
	int ret = -1;

	s->fd = file_open(s->file, &s->file);
	if (s->fd < 0)
		return -1;
	if (!prints_on_trace(s) && symbols_load(s->syms, s->fd, s->file))
		ret = show_trace(s);
	close(s->fd);
	return ret;
}

int session_run(struct session *s, const struct view *view, int argc, char **argv)
{
	int status = EXIT_ERROR;

	s->view = view;
	s->file = "trace.dat";
	s->syms = symbols_new();
	s->filter.syms = s->syms;
	if (parse_options(s, argc, argv)) {
		setvbuf(stdout, output_buffer, _IOFBF, sizeof(output_buffer));
		/* Only this thread writes. */
		__fsetlocking(stdout, FSETLOCKING_BYCALLER);
		status = read_trace(s) ? EXIT_ERROR : 0;
	}
	if (fflush(stdout) || ferror(stdout)) {
		warn("writing the output");
		status = EXIT_ERROR;
	}
	symbols_free(s->syms);
	filter_free(&s->filter);
	return status;
}
