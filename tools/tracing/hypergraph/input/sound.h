/* SPDX-License-Identifier: GPL-2.0 */
/* Opens a trace.dat with libtracecmd, which does not take damaged ones well. */
#ifndef HYPERGRAPH_SOUND_H
#define HYPERGRAPH_SOUND_H

#include <stdbool.h>
#include <trace-cmd/trace-cmd.h>

/* Can the file at @path be opened? Else it must not be tried. */
bool sound_check(const char *path);

/* NULL on an error, of which libtracecmd may tell on stdout or stderr */
struct tracecmd_input *sound_open(const char *path);

#endif /* HYPERGRAPH_SOUND_H */
