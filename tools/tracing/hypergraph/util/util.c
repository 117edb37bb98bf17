// SPDX-License-Identifier: GPL-2.0
/* Allocation that ends the program when memory is out, and what else stdio lacks */
#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/util.h"

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		err(1, "%zu bytes", n * size);
	return p;
}

void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size);
	if (!p)
		err(1, "%zu bytes", size);
	return p;
}

char *xasprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		err(1, NULL);
	return text;
}

char *xstrdup(const char *text)
{
	return xasprintf("%s", text);
}

char *format_hex(__u64 n, char *text)
{
	char *p = text + HEX_SIZE - 1;

	*p = '\0';
	do {
		p--;
		*p = "0123456789abcdef"[n % 16];
	} while (n /= 16);
	*--p = 'x';
	*--p = '0';
	return p;
}

void print_hex(__u64 n, FILE *out)
{
	char text[HEX_SIZE];

	fputs(format_hex(n, text), out);
}

void print_count(unsigned long long n, const char *what, FILE *out)
{
	fprintf(out, "%llu %s%s", n, what, n == 1 ? "" : "s");
}

void print_name(const char *name, __u64 addr, FILE *out)
{
	if (name)
		fputs(name, out);
	else
		print_hex(addr, out);
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

void make_printable(char *text)
{
	for (; *text; text++) {
		if (!is_printable(*text))
			*text = '?';
	}
}

static void print_escaped_char(char c, FILE *out)
{
	if (c == '\n')
		fputs("\\n", out);
	else if (c == '\t')
		fputs("\\t", out);
	else if (c == '\\')
		fputs("\\\\", out);
	else if (is_printable(c))
		putc(c, out);
	else
		fprintf(out, "\\x%02x", (unsigned char)c);
}

void print_escaped(const char *text, size_t size, FILE *out)
{
	while (size--)
		print_escaped_char(*text++, out);
}

void print_word(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (strchr(" ;\\", *text))
			fprintf(out, "\\x%02x", *text);
		else
			putc(*text, out);
	}
}

FILE *xmemstream(char **text, size_t *size)
{
	FILE *file = open_memstream(text, size);

	if (!file)
		err(1, NULL);
	return file;
}

void xclose(FILE *file)
{
	if (fclose(file))
		err(1, NULL);
}

const char *temporary_directory(void)
{
	const char *dir = getenv("TMPDIR");

	return dir && *dir ? dir : P_tmpdir;
}

FILE *temporary_file(void)
{
	const char *dir = temporary_directory();
	char *path = xasprintf("%s/hypergraph.XXXXXX", dir);
	int fd = mkostemp(path, O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w+");

	if (!file)
		warn("making a temporary file in %s", dir);
	if (fd >= 0)
		unlink(path);
	free(path);
	return file;
}
