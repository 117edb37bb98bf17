// SPDX-License-Identifier: GPL-2.0
/* Says what is wrong with a trace.dat. */
#include <err.h>
#include <stdarg.h>
#include <stdio.h>

#include "input/dat.h"

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
