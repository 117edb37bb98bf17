// SPDX-License-Identifier: GPL-2.0
/* Times of a trace.dat, and what is wrong with it */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>

#include "input/dat.h"

/* The product has 96 bits, as the kernel's mul_u64_u32_shr() has it. */
static __u64 multiply(__u64 ts, __u32 mult, __u32 shift)
{
	__u64 low = (ts & ~0U) * mult, high = (ts >> 32) * mult + (low >> 32);

	if (shift >= 32)
		return high >> (shift - 32);
	return high << (32 - shift) | (low & ~0U) >> shift;
}

__u64 dat_ns(const struct dat *d, __u64 ts)
{
	const struct dat_times *t = &d->times;

	if (t->mult)
		ts = multiply(ts, t->mult, t->shift);
	return ts + t->offset;
}

bool dat_may_search(struct dat *d, __u64 size)
{
	d->search_left -= size < d->search_left ? size : d->search_left;
	return d->search_left;
}

void dat_damage(struct dat *d, __u64 at, const char *format, ...)
{
	char text[256];
	va_list args;

	d->damaged = true;
	if (d->quiet)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	warnx("%s: damaged at offset %llu: %s", d->file, at, text);
}
