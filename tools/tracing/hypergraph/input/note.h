/* SPDX-License-Identifier: GPL-2.0 */
/* What a guest tells besides its calls, tasks and marks, as text */
#ifndef HYPERGRAPH_NOTE_H
#define HYPERGRAPH_NOTE_H

#include <stdio.h>

#include "input/event.h"

/* @ev is none of a function, a task switch, a mark or an exit. */
void note_print(const struct event *ev, FILE *out);

#endif /* HYPERGRAPH_NOTE_H */
