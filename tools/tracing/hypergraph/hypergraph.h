/* SPDX-License-Identifier: GPL-2.0 */
/* The commands of the hypergraph tool: one each, in a file of its name. */
#ifndef HYPERGRAPH_H
#define HYPERGRAPH_H

/* Exit statuses, besides 0 */
#define EXIT_ERROR	1
#define EXIT_USAGE	129	/* as of perf and rtla */

int cmd_record(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_exits(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_crash(int argc, char **argv);
int cmd_boot(int argc, char **argv);

#endif /* HYPERGRAPH_H */
