/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of the hypergraph tool are called with, and what they return */
#ifndef HYPERGRAPH_H
#define HYPERGRAPH_H

/* Exit statuses, besides 0 */
#define EXIT_ERROR	1
#define EXIT_USAGE	129	/* as of perf and rtla */

/* Each returns its exit status. @argv[0] is its name. */
#define COMMAND(name, ...) int cmd_##name(int argc, char **argv);
#include "commands.h"

#endif /* HYPERGRAPH_H */
