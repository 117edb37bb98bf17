// SPDX-License-Identifier: GPL-2.0
/*
 * The formats of events, as far as they tell where fields are. libtraceevent's parser also
 * takes their print formats apart, and was not made for files that are damaged.
 */
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "input/format.h"
#include "util/map.h"
#include "util/util.h"

#define NAME	"name: "

struct formats {
	struct map texts;	/* by number */
};

struct formats *formats_new(void)
{
	return xcalloc(1, sizeof(struct formats));
}

void formats_add(struct formats *f, char *text)
{
	if (strncmp(text, NAME, strlen(NAME)))
		free(text);
	else
		map_add(&f->texts, f->texts.nr, text);
}

const char *formats_find(const struct formats *f, const char *event)
{
	size_t length = strlen(event);
	const char *text;

	map_for_each(text, &f->texts) {
		const char *name = text + strlen(NAME);

		if (!strncmp(name, event, length) && name[length] == '\n')
			return text;
	}
	return NULL;
}

void formats_free(struct formats *f)
{
	char *text;

	if (!f)
		return;
	map_for_each(text, &f->texts)
		free(text);
	map_free(&f->texts);
	free(f);
}

/* The number behind @label, which comes before @end, or -1 */
static int number_behind(const char *text, const char *label, const char *end)
{
	const char *found = memmem(text, end - text, label, strlen(label));
	long n;

	/* strtol() would go on to the next line. */
	if (!found || !isdigit((unsigned char)found[strlen(label)]))
		return -1;
	n = strtol(found + strlen(label), NULL, 10);
	return n > INT_MAX ? -1 : n;
}

int format_id(const char *text)
{
	static const char label[] = "\nID: ";
	const char *line = strchr(text, '\n');

	if (!line || strncmp(line, label, strlen(label)))
		return -1;
	return number_behind(line, label, line + strlen(label));
}

/* Is what is declared up to @end called @name? "char comm[16]" declares comm. */
static bool declares(const char *begin, const char *end, const char *name)
{
	size_t length = strlen(name);
	const char *bracket = memchr(begin, '[', end - begin);

	if (bracket && bracket > begin && bracket[-1] != ' ')
		end = bracket;
	return end - begin > (ptrdiff_t)length && !strncmp(end - length, name, length) &&
	       strchr(" *\t", end[-(ptrdiff_t)length - 1]);
}

bool format_field(const char *text, const char *name, int *offset, int *size)
{
	const char *line = text;

	while ((line = strstr(line, "\tfield:"))) {
		const char *begin = strchr(line, ':') + 1;
		size_t length = strcspn(line, "\n");
		const char *semicolon = memchr(line, ';', length);

		line += length;
		if (!semicolon || !declares(begin, semicolon, name))
			continue;
		*offset = number_behind(semicolon, "\toffset:", line);
		*size = number_behind(semicolon, "\tsize:", line);
		return true;
	}
	return false;
}
