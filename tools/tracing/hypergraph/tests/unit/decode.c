// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "input/decode.h"
#include "tests/unit/unit.h"
#include "util/util.h"

#define ENTRY		HYPERGRAPH_NR_ENTRY
#define RETURN		HYPERGRAPH_NR_RETURN
#define SWITCH		HYPERGRAPH_NR_SCHED_SWITCH
#define HELLO		HYPERGRAPH_NR_HELLO
#define MARK		HYPERGRAPH_NR_MARK

#define HIGH(n)		((n) * 0x100000000ULL)

/* a0 of a part of a mark */
#define PART(kind, length, offset) \
	(HYPERGRAPH_MARK_##kind | (length) << 8 | HIGH(offset))

/* Eight characters, in memory order */
#define TEXT(a, b, c, d, e, f, g, h)	\
	((a) | (b) << 8 | (c) << 16 | (__u64)(d) << 24 | HIGH((e) | (f) << 8 | (g) << 16) |	\
	 (__u64)(h) << 56)
#define ABCDEFGH	TEXT('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')
#define IJKLMNOP	TEXT('i', 'j', 'k', 'l', 'm', 'n', 'o', 'p')

static const struct {
	const char *name;
	__u64 nr;
	__u64 a[4];
	const char *event;
} rows[] = {
	{ "an entry", ENTRY, { 0xffffffff81000010, 3 }, "entry 0xffffffff81000010 depth 3" },
	{ "the deepest entry", ENTRY, { 1, MAX_DEPTH }, "entry 0x1 depth 1024" },
	{ "an entry too deep", ENTRY, { 1, MAX_DEPTH + 1 }, "other" },
	{ "depth beyond 32 bits", ENTRY, { 1, HIGH(1) }, "other" },

	{ "a return", RETURN, { 0xffffffff81000010, 900, 3 },
	  "return 0xffffffff81000010 depth 3 after 900" },
	{ "the longest return", RETURN, { 1, ~0ULL, 0 },
	  "return 0x1 depth 0 after 18446744073709551615" },
	{ "the deepest return", RETURN, { 1, 2, MAX_DEPTH }, "return 0x1 depth 1024 after 2" },
	{ "a return too deep", RETURN, { 1, 2, MAX_DEPTH + 1 }, "other" },

	{ "a switch", SWITCH, { 1, 2, 0, TEXT('d', 'd', 0, 0, 0, 0, 0, 0) }, "switch 1 to 2, dd" },
	{ "a whole comm", SWITCH, { 1, 0, IJKLMNOP, ABCDEFGH }, "switch 1 to 0, abcdefghijklmnop" },
	{ "no comm", SWITCH, { 0, 2 }, "switch 0 to 2, " },
	{ "behind comm's NUL", SWITCH, { 1, 2, IJKLMNOP, TEXT('a', 0, 'b', 0, 0, 0, 0, 0) },
	  "switch 1 to 2, a" },
	{ "a hostile comm", SWITCH,
	  { 1, 2, 0, TEXT('\033', '[', '\n', 0x7f, ' ', '~', 0x80, 0xff) },
	  "switch 1 to 2, ?[?? ~??" },
	{ "the highest pids", SWITCH, { MAX_PID, MAX_PID }, "switch 4194304 to 4194304, " },
	{ "no pid of before", SWITCH, { MAX_PID + 1, 2 }, "other" },
	{ "no pid of next", SWITCH, { 1, MAX_PID + 1 }, "other" },

	{ "a hello", HELLO, { HIGH(4) | 1, 0xffffffff81000000, ABCDEFGH, IJKLMNOP },
	  "hello version 1, 4 CPUs, _stext 0xffffffff81000000, build id abcdefghijklmnop" },
	{ "no build id", HELLO, { HIGH(1) | 2, 5 },
	  "hello version 2, 1 CPUs, _stext 0x5, build id " },
	{ "an empty hello", HELLO, { 0 }, "hello version 0, 0 CPUs, _stext 0x0, build id " },

	{ "a mark", MARK, { PART(USER, 3, 0), TEXT('a', 'b', 'c', 0, 0, 0, 0, 0) },
	  "mark 1, 3 from 0 of 3: abc" },
	{ "a mark without text", MARK, { PART(REBOOT, 0, 0) }, "mark 5, 0 from 0 of 0: " },
	{ "a first part", MARK, { PART(BOOT, 25, 0), ABCDEFGH, IJKLMNOP, ABCDEFGH },
	  "mark 2, 24 from 0 of 25: abcdefghijklmnopabcdefgh" },
	{ "a last part", MARK, { PART(OOPS, 25, 24), TEXT('z', 0, 0, 0, 0, 0, 0, 0) },
	  "mark 3, 1 from 24 of 25: z" },
	{ "an odd offset", MARK, { PART(PANIC, 25, 20), ABCDEFGH },
	  "mark 4, 5 from 20 of 25: abcde" },
	{ "the longest mark", MARK, { PART(USER, HYPERGRAPH_MARK_MAX, 255), ABCDEFGH },
	  "mark 1, 1 from 255 of 256: a" },
	{ "a mark too long", MARK, { PART(USER, HYPERGRAPH_MARK_MAX + 1, 0) }, "other" },
	{ "a part behind the end", MARK, { PART(USER, 24, 24) }, "other" },
	{ "a part far behind the end", MARK, { PART(USER, 24, 0xffffffff) }, "other" },
	{ "a part of no text", MARK, { PART(USER, 0, 1) }, "other" },
	{ "the last kind", MARK, { PART(TRIPLE_FAULT, 0, 0) }, "mark 6, 0 from 0 of 0: " },
	{ "no kind", MARK, { 0 }, "other" },
	{ "an unknown kind", MARK, { HYPERGRAPH_MARK_FRAME + 1 }, "other" },

	{ "an open call", MARK, { HYPERGRAPH_MARK_FRAME, 0xffffffff81000010, 2, HIGH(1) | 50 },
	  "open 0xffffffff81000010 depth 2, 50 on 1" },
	{ "the largest open call", MARK,
	  { HYPERGRAPH_MARK_FRAME, 1, MAX_DEPTH, HIGH(8191) | MAX_PID },
	  "open 0x1 depth 1024, 4194304 on 8191" },
	{ "an open call too deep", MARK, { HYPERGRAPH_MARK_FRAME, 1, MAX_DEPTH + 1, 0 }, "other" },
	{ "an open call of no pid", MARK, { HYPERGRAPH_MARK_FRAME, 1, 0, MAX_PID + 1 }, "other" },
	{ "an open call of no CPU", MARK, { HYPERGRAPH_MARK_FRAME, 1, 0, HIGH(8192) }, "other" },

	{ "another hypercall", 0x6f, { 1, 2, 3, 4 }, "other" },
	{ "a number beyond 32 bits", HIGH(1) | ENTRY, { 1, 2 }, "other" },
};

static char *describe_mark(const struct mark_part *part)
{
	return xasprintf("mark %u, %u from %u of %u: %.*s", part->kind, part->nr, part->offset,
			 part->length, part->nr, part->bytes);
}

/* All that a typed event holds, but of an EVENT_OTHER */
static char *describe(const struct event *ev)
{
	switch (ev->type) {
	case EVENT_ENTRY:
		return xasprintf("entry 0x%llx depth %u", ev->entry.addr, ev->entry.depth);
	case EVENT_RETURN:
		return xasprintf("return 0x%llx depth %u after %llu", ev->ret.addr,
				 ev->ret.depth, ev->ret.duration);
	case EVENT_SWITCH:
		return xasprintf("switch %d to %d, %s", ev->sched_switch.prev,
				 ev->sched_switch.next, ev->sched_switch.comm);
	case EVENT_HELLO:
		return xasprintf("hello version %u, %u CPUs, _stext 0x%llx, build id %.16s",
				 ev->hello.version, ev->hello.cpus, ev->hello.stext,
				 (const char *)ev->hello.build_id);
	case EVENT_MARK_PART:
		return describe_mark(&ev->part);
	case EVENT_OPEN_CALL:
		return xasprintf("open 0x%llx depth %u, %d on %u", ev->open_call.addr,
				 ev->open_call.depth, ev->open_call.pid, ev->open_call.cpu);
	default:
		return xstrdup(ev->type == EVENT_OTHER ? "other" : "none that a guest sends");
	}
}

static void test_hypercalls(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct event ev;
		char *text;

		/* What was there before must not show through. */
		memset(&ev, 0xff, sizeof(ev));
		decode_hypercall(&ev, rows[i].nr, rows[i].a);
		text = describe(&ev);
		check_text(rows[i].name, text, rows[i].event);
		free(text);
		if (ev.type == EVENT_OTHER)
			check(rows[i].name, ev.other.nr == rows[i].nr &&
			      !memcmp(ev.other.a, rows[i].a, sizeof(rows[i].a)));
	}
}

/* What is known before it is decoded stays. */
static void test_rest(void)
{
	static const __u64 a[4] = { 1, 2 };
	void *priv = NULL;
	struct event ev = {
		.vm = 1, .vcpu = 2, .nested = true, .priv = &priv, .ts = 3, .overhead = 4,
	};

	decode_hypercall(&ev, ENTRY, a);
	check("", event_is_sent(&ev) && ev.vm == 1 && ev.vcpu == 2 && ev.nested &&
	      ev.priv == &priv && ev.ts == 3 && ev.overhead == 4);
}

const struct unit_test decode_tests[] = {
	{ "hypercalls become typed events, impossible ones stay as they are", test_hypercalls },
	{ "decoding leaves whose event it is", test_rest },
	{ NULL, NULL },
};
