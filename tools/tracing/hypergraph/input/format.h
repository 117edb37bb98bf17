/* SPDX-License-Identifier: GPL-2.0 */
/* The formats of events, in the words of tracefs: "name: kvm_exit", "ID: 1501", "field:..." */
#ifndef HYPERGRAPH_FORMAT_H
#define HYPERGRAPH_FORMAT_H

#include <stdbool.h>

struct formats;

struct formats *formats_new(void);

/* Takes @text, which becomes the list's. What is no format is left out. */
void formats_add(struct formats *f, char *text);

/* Returns the first format whose event is called @event, or NULL. */
const char *formats_find(const struct formats *f, const char *event);
void formats_free(struct formats *f);

/* Returns the number that records of the event have, or -1 if @text has none. */
int format_id(const char *text);

/* Has @text a field @name? In bytes are then its place in a record, and its size. */
bool format_field(const char *text, const char *name, int *offset, int *size);

#endif /* HYPERGRAPH_FORMAT_H */
