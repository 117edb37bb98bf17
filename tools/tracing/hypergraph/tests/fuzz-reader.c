// SPDX-License-Identifier: GPL-2.0
/* For libFuzzer: the reader alone, on a trace.dat that may hold anything. */
#define main damage_main
#include "damage.c"
#undef main

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct text t = { .data = (char *)data, .size = size };
	bool in_order;

	read_text(&t, &in_order);
	if (!in_order)
		abort();
	return 0;
}
