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
#define OFF		HYPERGRAPH_NR_OFF
#define TRIPLE_FAULT	HYPERGRAPH_NR_TRIPLE_FAULT
#define RESET		HYPERGRAPH_NR_RESET

#define GONE		HYPERGRAPH_SCHED_GONE
#define UNTOLD		HYPERGRAPH_SCHED_UNTOLD
#define STALE		HYPERGRAPH_SCHED_STALE

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

	{ "a task that ends", SWITCH, { GONE | 1, 2 }, "switch 1 to 2, , gone" },
	{ "a task with events missing", SWITCH, { 1, STALE | 2 }, "switch 1 to 2, , stale" },
	{ "a task that runs", SWITCH, { UNTOLD | 2, 2 }, "switch 2 to 2, , untold" },
	{ "an unknown flag of before", SWITCH, { HIGH(4) | 1, 2 }, "other" },
	{ "an unknown flag of next", SWITCH, { 1, HIGH(2) | 2 }, "other" },

	{ "hello, part 0", HELLO, { HIGH(4) | 1, 0xffffffff81000000, HIGH(1) | 2000000, 77 },
	  "part 0, ABI 1, boot 77: 4 CPUs, 0xffffffff81000000, 2000000 kHz, channels 1, " },
	{ "hello, part 1", HELLO, { HIGH(0x64636261) | 0x10001, ABCDEFGH, IJKLMNOP, 77 },
	  "part 1, ABI 1, boot 77: 0 CPUs, 0x0, 0 kHz, channels 0, abcdefghijklmnopabcd" },
	{ "no build id", HELLO, { 0x10001, 0, 0, 77 },
	  "part 1, ABI 1, boot 77: 0 CPUs, 0x0, 0 kHz, channels 0, " },
	{ "no such part", HELLO, { 0x20001, 0, 0, 77 }, "other" },
	{ "too many CPUs", HELLO, { HIGH(8193) | 1, 0, 0, 77 }, "other" },

	{ "off", OFF, { HYPERGRAPH_OFF_VCPU, 77 }, "off, boot 77" },
	{ "off everywhere", OFF, { HYPERGRAPH_OFF_ALL, 77 }, "off everywhere, boot 77" },
	{ "no such off", OFF, { 2, 77 }, "other" },

	{ "a triple fault that a guest tells", TRIPLE_FAULT, { 0 }, "other" },
	{ "a reset that a guest tells", RESET, { 0 }, "other" },

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
	{ "the last kind", MARK, { PART(REBOOT, 0, 0) }, "mark 5, 0 from 0 of 0: " },
	{ "no kind", MARK, { 0 }, "other" },
	{ "the kind before a frame's", MARK, { HYPERGRAPH_MARK_FRAME - 1 }, "other" },
	{ "an unknown kind", MARK, { HYPERGRAPH_MARK_FRAME + 1 }, "other" },

	{ "an open call", MARK, { HYPERGRAPH_MARK_FRAME, 0xffffffff81000010, 2, HIGH(1) | 50 },
	  "open 0xffffffff81000010 depth 2, 50 on 1" },
	{ "the largest open call", MARK,
	  { HYPERGRAPH_MARK_FRAME, 1, MAX_DEPTH, HIGH(65535) | MAX_PID },
	  "open 0x1 depth 1024, 4194304 on 65535" },
	{ "an open call too deep", MARK, { HYPERGRAPH_MARK_FRAME, 1, MAX_DEPTH + 1, 0 }, "other" },
	{ "an open call of no pid", MARK, { HYPERGRAPH_MARK_FRAME, 1, 0, MAX_PID + 1 }, "other" },
	{ "an open call of no vCPU", MARK, { HYPERGRAPH_MARK_FRAME, 1, 0, HIGH(65536) }, "other" },

	{ "another hypercall", 0x6f, { 1, 2, 3, 4 }, "other" },
	{ "a number beyond 32 bits", HIGH(1) | ENTRY, { 1, 2 }, "other" },
};

static char *describe_mark(const struct mark_part *part)
{
	return xasprintf("mark %u, %u from %u of %u: %.*s", part->kind, part->nr, part->offset,
			 part->length, part->nr, part->bytes);
}

static char *describe_switch(const struct event *ev)
{
	return xasprintf("switch %d to %d, %s%s%s%s", ev->sched_switch.prev, ev->sched_switch.next,
			 ev->sched_switch.comm, ev->sched_switch.gone ? ", gone" : "",
			 ev->sched_switch.stale ? ", stale" : "",
			 ev->sched_switch.untold ? ", untold" : "");
}

static char *describe_hello(const struct hello *hello)
{
	return xasprintf("part %u, ABI %u, boot %llu: %u CPUs, 0x%llx, %u kHz, channels %u, %.20s",
			 hello->part, hello->version, hello->boot, hello->cpus, hello->stext,
			 hello->tsc_khz, hello->channels, (const char *)hello->build_id);
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
		return describe_switch(ev);
	case EVENT_HELLO_PART:
		return describe_hello(&ev->hello);
	case EVENT_OFF:
		return xasprintf("off%s, boot %llu", ev->off.all ? " everywhere" : "",
				 ev->off.boot);
	case EVENT_MARK_PART:
		return describe_mark(&ev->part);
	case EVENT_OPEN_CALL:
		return xasprintf("open 0x%llx depth %u, %d on %u", ev->open_call.addr,
				 ev->open_call.depth, ev->open_call.pid, ev->open_call.vcpu);
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
		decode_hypercall(&ev, false, rows[i].nr, rows[i].a);
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

	decode_hypercall(&ev, false, ENTRY, a);
	check("", event_is_sent(&ev) && ev.vm == 1 && ev.vcpu == 2 && ev.nested &&
	      ev.priv == &priv && ev.ts == 3 && ev.overhead == 4);
}

/* KVM's own numbers are below, and what the host says is never sent. */
static void test_knows(void)
{
	static const __u64 sent[] = { ENTRY, RETURN, SWITCH, HELLO, MARK, OFF };
	__u64 nr, nr_known = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sent); i++)
		check("sent", decode_knows(sent[i]));
	for (nr = 0; nr < 0x10000; nr++)
		nr_known += decode_knows(nr);
	check("no others", nr_known == ARRAY_SIZE(sent));
	check("all bits of a number", !decode_knows(HIGH(1ULL) | ENTRY));
}

static void test_by_host(void)
{
	static const struct {
		__u64 nr;
		enum event_type type;
	} by_host[] = {
		{ TRIPLE_FAULT, EVENT_TRIPLE_FAULT },
		{ RESET, EVENT_RESET },
		{ ENTRY, EVENT_OTHER },
		{ OFF, EVENT_OTHER },
	};
	static const __u64 a[4];
	struct event ev;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(by_host); i++) {
		decode_hypercall(&ev, true, by_host[i].nr, a);
		check("", ev.type == by_host[i].type);
	}
}

/* Each part is its number and the boot's. */
static const struct {
	const char *name;
	const char *in;
	const char *out;	/* p: a part, h: a whole hello, o: broken */
} hellos[] = {
	{ "both parts", "0a1a", "ph" },
	{ "again", "0a1a0a1a", "phph" },
	{ "the first one only", "0a0b1b", "pph" },
	{ "the last one only", "1a", "o" },
	{ "a last one too many", "0a1a1a", "pho" },
	{ "parts of two boots", "0a1b", "po" },
};

static void test_hello(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hellos); i++) {
		struct hello begun = { 0 };
		const char *in;
		char out[8] = "", *to = out;

		for (in = hellos[i].in; *in; in += 2) {
			__u64 part = in[0] - '0';
			__u64 a[4] = { part << 16 | 1, part ? ABCDEFGH : 5, 0, in[1] };
			struct event ev;

			decode_hypercall(&ev, false, HELLO, a);
			decode_join_hello(&begun, &ev, a);
			*to++ = ev.type == EVENT_HELLO ? 'h' :
				ev.type == EVENT_HELLO_PART ? 'p' : 'o';
			if (ev.type == EVENT_HELLO)
				check(hellos[i].name, ev.hello.stext == 5 &&
				      !memcmp(ev.hello.build_id, "abcdefgh", 9));
		}
		check_text(hellos[i].name, out, hellos[i].out);
	}
}

const struct unit_test decode_tests[] = {
	{ "hypercalls become typed events, impossible ones stay as they are", test_hypercalls },
	{ "what the host says is no guest's", test_by_host },
	{ "a tracer's hypercalls are known by their numbers", test_knows },
	{ "a hello is joined of the parts of one boot", test_hello },
	{ "decoding leaves whose event it is", test_rest },
	{ NULL, NULL },
};
