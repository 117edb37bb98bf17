/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that a command writes. A regular one is made whole under another name, and only then
 * takes the place of what has its name: until then nothing of the user's is changed, and what
 * is whole is not lost. If the program ends before, it goes. All else, as a pipe, and what is
 * open already, as /dev/stdout, is written itself.
 */
#ifndef HYPERGRAPH_OUTPUT_H
#define HYPERGRAPH_OUTPUT_H

#include <stdio.h>

struct output {
	const char *name;	/* NULL: stdout */
	FILE *file;		/* where to write to, NULL: not open */
	char *target;		/* what is to be written in the end, NULL: file is that itself */
	char *draft;		/* path of file then */
};

/*
 * Opens @name, or stdout if that is NULL; there may be one such file at a time. Returns a
 * negative number after an error message.
 */
int output_open(struct output *o, const char *name);

/* The file is whole, and is closed. Returns a negative number after an error message. */
int output_finish(struct output *o);

/* If it is open still, it is not whole, and goes. */
void output_drop(struct output *o);

/*
 * Returns the path of the file to which @name leads, also by a symbolic link to one that is
 * to be made; to be freed.
 */
char *output_target(const char *name);

/*
 * Lets @draft take the place of @target, whose mode and owner stay as they are. What cannot be
 * replaced, as what another file system is mounted on, is written. Returns a negative number
 * after an error message, which tells that @draft is there still.
 */
int output_place(const char *draft, const char *target);

#endif /* HYPERGRAPH_OUTPUT_H */
