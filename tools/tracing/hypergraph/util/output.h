/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that a command writes. It is made beside what has its name, and takes that one's
 * place when it is whole: until then nothing of the user's is changed. If a signal ends the
 * program before, it goes.
 */
#ifndef HYPERGRAPH_OUTPUT_H
#define HYPERGRAPH_OUTPUT_H

#include <stdio.h>
#include <sys/stat.h>

struct output {
	const char *name;	/* NULL: stdout */
	FILE *file;		/* where to write to, NULL: not open */
	char *target;		/* what is to be replaced, NULL: file is that itself */
	char *beside;		/* path of file then */
};

/*
 * Opens @name, or stdout if that is NULL; there may be one such file at a time. What is no
 * regular file is written itself. Returns a negative number after an error message.
 */
int output_open(struct output *o, const char *name);

/* The file is whole, and is closed. Returns a negative number after an error message. */
int output_finish(struct output *o);

/* If it is open still, it is not whole, and goes. */
void output_drop(struct output *o);

#endif /* HYPERGRAPH_OUTPUT_H */
