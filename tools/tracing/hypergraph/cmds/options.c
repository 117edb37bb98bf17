// SPDX-License-Identifier: GPL-2.0
/* The options of more than one command, and how a command's are parsed */
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "cmds/options.h"
#include "graph/filter.h"
#include "graph/symbols.h"
#include "hypergraph.h"
#include "util/util.h"

/* No option here but -h has a letter: those are the commands' own. */
enum {
	OPTION_VM = 0x100,
	OPTION_VCPU,
	OPTION_TASK,
	OPTION_FUNCTION,
	OPTION_TIME,
	OPTION_DEPTH,
	OPTION_KALLSYMS,
	OPTION_GUEST,
	OPTION_USAGE,
};

static const struct argp_option vm_rows[] = {
	{ "vm", OPTION_VM, "PID[.ID]", 0, "only the VM whose VMM is PID; ID if it has several", 0 },
	{ 0 }
};

static const struct argp_option filter_rows[] = {
	{ "vcpu", OPTION_VCPU, "N", 0,
	  "only this vCPU of each VM; nN: the nested one of that name", 0 },
	{ "task", OPTION_TASK, "TASK", 0,
	  "only this task of the guest: a pid, or a comm with wildcards", 0 },
	{ "function", OPTION_FUNCTION, "NAME", 0,
	  "only what this function calls, and itself; with wildcards", 0 },
	{ "time", OPTION_TIME, "FROM..TO", 0,
	  "only what happens then, in seconds of the host's clock", 0 },
	{ "depth", OPTION_DEPTH, "N", 0, "only N levels of calls", 0 },
	{ 0 }
};

static const struct argp_option symbols_rows[] = {
	{ NULL, 0, NULL, 0, "The guests' symbols, which name functions:", 2 },
	{ "kallsyms", OPTION_KALLSYMS, "FILE", 0,
	  "/proc/kallsyms, read as root in any boot of the same kernel; its System.map; vmlinux",
	  0 },
	{ "system-map", 0, NULL, OPTION_ALIAS, NULL, 0 },
	{ "vmlinux", 0, NULL, OPTION_ALIAS, NULL, 0 },
	{ "guest", OPTION_GUEST, "PID=FILE", 0,
	  "such a FILE for the VM whose VMM is PID, if not all run one kernel", 0 },
	{ 0 }
};

static const struct argp_option help_rows[] = {
	{ "help", 'h', NULL, 0, "this text", -1 },
	{ "usage", OPTION_USAGE, NULL, 0, "a list of the options", -1 },
	{ 0 }
};

static error_t check_argument(bool ok, const char *option, const char *arg, const char *takes)
{
	if (!ok)
		warnx("--%s %s: not %s", option, arg, takes);
	return ok ? 0 : EINVAL;
}

static error_t parse_vm(int key, char *arg, struct argp_state *state)
{
	if (key != OPTION_VM)
		return ARGP_ERR_UNKNOWN;
	return check_argument(filter_parse_vm(state->input, arg), "vm", arg, "a pid or PID.ID");
}

static error_t parse_filter(int key, char *arg, struct argp_state *state)
{
	struct filter *f = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = f;
		return 0;
	case OPTION_VCPU:
		return check_argument(filter_parse_vcpu(f, arg), "vcpu", arg,
				      "a number, or that of a nested one after an n");
	case OPTION_TASK:
		return check_argument(filter_parse_task(f, arg), "task", arg, "a pid or a comm");
	case OPTION_FUNCTION:
		f->function = arg;
		return 0;
	case OPTION_TIME:
		return check_argument(filter_parse_time(f, arg), "time", arg,
				      "FROM..TO, each in seconds or left out");
	case OPTION_DEPTH:
		return check_argument(filter_parse_depth(f, arg), "depth", arg,
				      "a number from 1 to 1024");
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* @arg: "PID=FILE" */
static bool add_guest_file(struct symbols *syms, const char *arg)
{
	char *end;
	unsigned long pid = strtoul(arg, &end, 10);

	if (end != arg && *end == '=' && pid && pid <= INT_MAX)
		return symbols_add_file(syms, pid, end + 1);
	warnx("--guest %s: not PID=FILE", arg);
	return false;
}

static error_t parse_symbols(int key, char *arg, struct argp_state *state)
{
	struct symbols *syms = state->input;

	switch (key) {
	case OPTION_KALLSYMS:
		return symbols_add_file(syms, 0, arg) ? 0 : EINVAL;
	case OPTION_GUEST:
		return add_guest_file(syms, arg) ? 0 : EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Both print what is asked for, and end the program. */
static error_t parse_help(int key, char *arg, struct argp_state *state)
{
	(void)arg;
	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case OPTION_USAGE:
		argp_state_help(state, stdout, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp vm_option = {
	.options = vm_rows,
	.parser = parse_vm,
};

static const struct argp_child filter_children[] = {
	{ &vm_option, 0, NULL, 0 },
	{ 0 }
};

const struct argp filter_options = {
	.options = filter_rows,
	.parser = parse_filter,
	.children = filter_children,
};

const struct argp symbols_options = {
	.options = symbols_rows,
	.parser = parse_symbols,
};

static const struct argp help_options = {
	.options = help_rows,
	.parser = parse_help,
};

bool options_parse(const struct argp *argp, unsigned int flags, int argc, char **argv,
		   void *input)
{
	const struct argp_child children[] = {
		{ argp, 0, NULL, 0 },
		{ &help_options, 0, NULL, 0 },
		{ 0 }
	};
	const struct argp with_help = { .children = children };
	char *command = argv[0], *name = xasprintf("hypergraph %s", command);
	error_t error;

	argp_err_exit_status = EXIT_USAGE;
	/* argp begins its messages with it. Its own help has -? in place of -h. */
	argv[0] = name;
	error = argp_parse(&with_help, argc, argv, flags | ARGP_NO_HELP, NULL, input);
	argv[0] = command;
	free(name);
	return !error;
}
