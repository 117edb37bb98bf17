// SPDX-License-Identifier: GPL-2.0
/* hypergraph: guest call graphs and the VM exits in them, seen from the host. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hypergraph.h"
#include "util/util.h"

struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
#define COMMAND(name, help) { #name, help, cmd_##name },
#include "commands.h"
};

static void print_help(FILE *out)
{
	size_t i;

	fputs("usage: hypergraph [--help] COMMAND [ARGS]\n\ncommands:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n'hypergraph COMMAND --help' tells more.\n", out);
	fprintf(out, "Exit status: 0, %d on an error, %d on wrong usage.\n",
		EXIT_ERROR, EXIT_USAGE);
}

/* What is opened would take the place of a standard file that was closed, and be used as that. */
static void keep_places(void)
{
	int fd;

	do {
		fd = open("/", O_PATH);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	size_t i;

	keep_places();
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help(stdout);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "hypergraph: no such command: %s\n", argv[1]);
	print_help(stderr);
	return EXIT_USAGE;
}
