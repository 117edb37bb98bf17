// SPDX-License-Identifier: GPL-2.0
/*
 * What a guest tells besides its calls, tasks and marks, as text. Such an event changes no
 * call stack: this and decode.c are all that has to know a new one.
 */
#include <string.h>

#include "input/note.h"
#include "util/util.h"

static void print_build_id(const struct hello *hello, FILE *out)
{
	static const __u8 none[HYPERGRAPH_BUILD_ID_BYTES];
	size_t i;

	if (!memcmp(hello->build_id, none, sizeof(none))) {
		fputs(", no build id", out);
		return;
	}
	fputs(", build id ", out);
	for (i = 0; i < sizeof(none); i++)
		fprintf(out, "%02x", hello->build_id[i]);
}

static void print_channels(const struct hello *hello, FILE *out)
{
	if (hello->tsc_khz)
		fprintf(out, ", TSC of %u kHz", hello->tsc_khz);
	if (hello->channels != HYPERGRAPH_CHANNEL_HYPERCALL)
		fprintf(out, ", channels 0x%x", hello->channels);
}

static void print_kernel(const struct hello *hello, FILE *out)
{
	print_count(hello->cpus, "CPU", out);
	print_channels(hello, out);
}

static void print_hello(const struct hello *hello, FILE *out)
{
	fprintf(out, "hello: ABI %u, boot %016llx, ", hello->version, hello->boot);
	print_kernel(hello, out);
	print_build_id(hello, out);
}

static void print_hello_part(const struct hello *hello, FILE *out)
{
	fprintf(out, "hello, part %u: ABI %u, boot %016llx", hello->part, hello->version,
		hello->boot);
	if (hello->part) {
		print_build_id(hello, out);
		return;
	}
	fputs(", ", out);
	print_kernel(hello, out);
}

static void print_off(const struct event *ev, FILE *out)
{
	fputs(ev->off.all ? "tracing is off on all vCPUs" : "tracing is off on this vCPU", out);
}

static void print_other(const struct event *ev, FILE *out)
{
	const __u64 *a = ev->other.a;

	fprintf(out, "hypercall 0x%llx: 0x%llx 0x%llx 0x%llx 0x%llx", ev->other.nr,
		a[0], a[1], a[2], a[3]);
}

void note_print(const struct event *ev, FILE *out)
{
	switch (ev->type) {
	case EVENT_HELLO_PART:
		print_hello_part(&ev->hello, out);
		break;
	case EVENT_HELLO:
		print_hello(&ev->hello, out);
		break;
	case EVENT_OFF:
		print_off(ev, out);
		break;
	case EVENT_TRIPLE_FAULT:
		fputs("triple fault", out);
		break;
	case EVENT_RESET:
		fputs("reset", out);
		break;
	default:
		print_other(ev, out);
	}
}
