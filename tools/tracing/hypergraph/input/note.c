// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest tells besides its calls, tasks and marks, as text. Such an event changes no
 * call stack: this and decode.c are all that has to know a new one.
 */
#include <string.h>

#include "input/note.h"
#include "util/util.h"

static void print_build_id(const __u8 *id, size_t size, FILE *out)
{
	static const __u8 none[16];
	size_t i;

	if (!memcmp(id, none, size)) {
		fputs(", no build id", out);
		return;
	}
	fputs(", build id ", out);
	for (i = 0; i < size; i++)
		fprintf(out, "%02x", id[i]);
}

static void print_hello(const struct event *ev, FILE *out)
{
	fprintf(out, "hello: ABI %u, ", ev->hello.version);
	print_count(ev->hello.cpus, "CPU", out);
	print_build_id(ev->hello.build_id, sizeof(ev->hello.build_id), out);
}

static void print_other(const struct event *ev, FILE *out)
{
	const __u64 *a = ev->other.a;

	fprintf(out, "hypercall 0x%llx: 0x%llx 0x%llx 0x%llx 0x%llx", ev->other.nr,
		a[0], a[1], a[2], a[3]);
}

void note_print(const struct event *ev, FILE *out)
{
	if (ev->type == EVENT_HELLO)
		print_hello(ev, out);
	else
		print_other(ev, out);
}
