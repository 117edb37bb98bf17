// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "graph/hold.h"
#include "tests/unit/unit.h"
#include "util/util.h"

static const char kallsyms[] = "ffffffff81000000 T _text\nffffffff81000000 T _stext\n"
			       "ffffffff81000100 T start_kernel\n";

#define STEXT		0xffffffff91000000ULL
#define FUNCTION	(STEXT + 0x100)

/*
 * Names what comes out: e for an entry of a function without a name, E of one that has its
 * name, h for a hello, x for an exit.
 */
struct output {
	struct symbols *syms;
	char text[8192];
	size_t nr;
};

static char name_entry(const struct output *out, const struct event *ev)
{
	struct kernel kernel = symbols_kernel(out->syms, event_guest(ev));
	__u64 offset;

	return kernel_function(&kernel, ev->entry.addr, &offset) ? 'E' : 'e';
}

static void put_event(void *ctx, const struct event *ev)
{
	struct output *out = ctx;

	if (ev->type == EVENT_ENTRY)
		out->text[out->nr++] = name_entry(out, ev);
	else
		out->text[out->nr++] = ev->type == EVENT_HELLO ? 'h' : 'x';
}

static struct event make_event(char what, __u32 vm)
{
	struct event ev = { .vm = vm };

	if (what == 'e') {
		ev.type = EVENT_ENTRY;
		ev.entry.addr = FUNCTION;
	} else if (what == 'h') {
		ev.type = EVENT_HELLO;
		ev.hello.stext = STEXT;
	} else {
		ev.type = EVENT_EXIT;
	}
	return ev;
}

static struct symbols *make_symbols(const char *data)
{
	struct symbols *syms = symbols_new();
	char *path = data ? unit_file(data, strlen(data)) : NULL;

	if (path)
		check("", symbols_add_file(syms, 0, path));
	free(path);
	return syms;
}

/* Each event is two characters: what it is, and the VM it is of. */
static const struct {
	const char *name;
	bool symbols;
	const char *in;
	const char *held;	/* what came out when all went in */
	const char *out;	/* and in the end */
} rows[] = {
	{ "nothing", true, "", "", "" },
	{ "a hello first", true, "h1e1", "hE", "hE" },
	{ "events before the hello", true, "e1x1e1h1e1", "ExEhE", "ExEhE" },
	{ "no hello", true, "e1e1", "", "ee" },
	{ "only exits", true, "x1x1", "xx", "xx" },
	{ "exits before anything was sent", true, "x1e1h1", "xEh", "xEh" },
	{ "two guests", true, "e1e2h1e1h2e2", "EEhEhE", "EEhEhE" },
	{ "the second guest has no hello", true, "e1e2h1e1", "", "EehE" },
	{ "a later guest waits, too", true, "e1h1e1e2e1h2", "EhEEEh", "EhEEEh" },
	{ "no symbols", false, "e1h1e1", "ehe", "ehe" },
};

static void test_order(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct output out = { .syms = make_symbols(rows[i].symbols ? kallsyms : NULL) };
		struct hold *h = hold_new(out.syms, put_event, &out);
		const char *in;

		for (in = rows[i].in; *in; in += 2) {
			struct event ev = make_event(in[0], in[1] - '0');

			hold_event(h, &ev);
		}
		check_text(rows[i].name, out.text, rows[i].held);
		hold_end(h);
		check_text(rows[i].name, out.text, rows[i].out);
		hold_free(h);
		symbols_free(out.syms);
	}
}

/* A hello that is lost must not cost all memory. */
static void test_limit(void)
{
	struct output out = { .syms = make_symbols(kallsyms) };
	struct hold *h = hold_new(out.syms, put_event, &out);
	struct event ev = make_event('e', 1);
	unsigned int i;

	for (i = 0; i < 4095; i++)
		hold_event(h, &ev);
	check("one less", !out.nr);
	hold_event(h, &ev);
	check("all", out.nr == 4096);
	hold_event(h, &ev);
	check("one more", out.nr == 4097);
	hold_free(h);
	symbols_free(out.syms);
}

const struct unit_test hold_tests[] = {
	{ "what a guest sends waits for its hello", test_order },
	{ "no more than so many events wait", test_limit },
	{ NULL, NULL },
};
