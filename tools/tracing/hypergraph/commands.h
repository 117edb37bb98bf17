/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A command of the tool is a row here, in the order in which --help lists them, and its
 * function cmd_NAME() in cmds/NAME.c. Who includes this says what COMMAND() makes of a row.
 */
COMMAND(record, "record guests, with their symbols, for the commands below")
COMMAND(report, "print the guests' call graph with the VM exits in place")
COMMAND(exits, "print what caused the VM exits, and what they cost")
COMMAND(top, "show live what the guests do and what their exits cost")
COMMAND(export, "write the call graph in the format of another program")
COMMAND(crash, "print the call stacks that were open when the guests crashed")
COMMAND(boot, "print what the guests' boot levels took, and their functions")

#undef COMMAND
