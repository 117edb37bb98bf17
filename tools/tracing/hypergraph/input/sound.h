/* SPDX-License-Identifier: GPL-2.0 */
/* Opens a trace.dat with libtracecmd, which does not take damaged ones well. */
#ifndef HYPERGRAPH_SOUND_H
#define HYPERGRAPH_SOUND_H

#include <trace-cmd/trace-cmd.h>

/*
 * Can the file at @path be opened? Returns 0 if it can, positive if that must not be tried,
 * or negative after an error message when this could not be found out.
 */
int sound_check(const char *path);

/* Returns NULL on an error, which libtracecmd may report on stdout or stderr. */
struct tracecmd_input *sound_open(const char *path);

#endif /* HYPERGRAPH_SOUND_H */
