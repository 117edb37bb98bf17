/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options of more than one command, as groups for glibc's argp. An option is one row,
 * of which --help is made: name, letter, argument, flags, help, group.
 *
 * A parser returns 0, ARGP_ERR_UNKNOWN for a key that it does not know, or EINVAL after it
 * has said on stderr what is wrong with the option's argument.
 */
#ifndef HYPERGRAPH_OPTIONS_H
#define HYPERGRAPH_OPTIONS_H

#include <argp.h>
#include <stdbool.h>

/* A command's own options that have no letter count their keys from here. */
#define OPTION_OWN	0x200

/* --vm: its input is a struct filter. */
extern const struct argp vm_option;

/* --vm and all else that a struct filter can ask for: the input is one. */
extern const struct argp filter_options;

/* --kallsyms, --guest and the like: their input is a struct symbols. */
extern const struct argp symbols_options;

/*
 * Parses what the command @argv[0] was given: by @argp, whose input is @input, and with
 * --help. That and wrong usage end the program, with status 0 and EXIT_USAGE. False after
 * an error message if the argument of an option is wrong.
 */
bool options_parse(const struct argp *argp, unsigned int flags, int argc, char **argv,
		   void *input);

#endif /* HYPERGRAPH_OPTIONS_H */
