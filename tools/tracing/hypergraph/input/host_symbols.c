// SPDX-License-Identifier: GPL-2.0
/* The names of a recorded host's functions, by libtraceevent */
#include <err.h>
#include <stdlib.h>
#include <traceevent/event-parse.h>

#include "input/host_symbols.h"
#include "util/util.h"

struct host_symbols {
	struct tep_handle *tep;
};

/* What a terminal could obey is taken out. Lines and what is in them stay apart. */
static void clean(char *text)
{
	for (; *text; text++) {
		if (*text != '\n' && *text != '\t' && (*text < ' ' || *text > '~'))
			*text = '?';
	}
}

struct host_symbols *host_symbols_new(char *text)
{
	struct host_symbols *s = xcalloc(1, sizeof(*s));

	s->tep = tep_alloc();
	if (!s->tep)
		err(1, NULL);
	tep_set_loglevel(TEP_LOG_NONE);
	if (text) {
		clean(text);
		tep_parse_kallsyms(s->tep, text);
	}
	return s;
}

const char *host_symbols_find(struct host_symbols *s, __u64 addr)
{
	return tep_find_function(s->tep, addr);
}

void host_symbols_free(struct host_symbols *s)
{
	if (!s)
		return;
	tep_free(s->tep);
	free(s);
}
