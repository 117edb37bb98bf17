/* SPDX-License-Identifier: GPL-2.0 */
/* Opens a recording, wherever it comes from. */
#ifndef HYPERGRAPH_FILE_H
#define HYPERGRAPH_FILE_H

/*
 * Opens the file at @path, or stdin if that is "-": *@name is then what messages call it. What
 * is no regular file is copied into a temporary one first, as the events of a trace.dat come
 * CPU by CPU. Returns a descriptor whose offset is not used, or -1 after an error message.
 */
int file_open(const char *path, const char **name);

#endif /* HYPERGRAPH_FILE_H */
