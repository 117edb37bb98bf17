// SPDX-License-Identifier: GPL-2.0
/* The guest kernel's text symbols, from a file in the format of /proc/kallsyms. */
#include <err.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "symbols.h"
#include "trace.h"
#include "util.h"

/*
 * An address so far behind the last symbol is in a gap of the table: no
 * function is that long.
 */
#define SYMBOL_MAX_SIZE	(1024 * 1024)

struct symbol {
	__u64 addr;
	const char *name;	/* in symbols.text, with " [module]" if in one */
};

/* Where a guest's kernel was loaded */
struct guest_kernel {
	struct guest_kernel *next;
	__u64 stext;
};

struct symbols {
	const char *file;
	char *text;		/* the file; names point into it */
	struct symbol *table;	/* by address, one symbol each */
	size_t nr;
	size_t alloc;
	__u64 stext;		/* 0: not in the file */
	bool has_modules;
	bool shifted;		/* some guest was; the user was told */
	struct map kernel_map;	/* by guest */
	struct guest_kernel *kernels;
};

/* The whole file, ended by a NUL. Files in /proc do not tell their size. */
static char *read_text(const char *file)
{
	FILE *in = fopen(file, "r");
	char *text = NULL;
	size_t alloc = 0;

	if (!in) {
		warn("%s", file);
		return NULL;
	}
	if (getdelim(&text, &alloc, '\0', in) < 0) {
		if (ferror(in))
			warn("%s", file);
		else
			warnx("%s: empty file", file);
		free(text);
		text = NULL;
	}
	fclose(in);
	return text;
}

/* A symbol of a module is followed by its name: "func [module]". */
static bool in_module(const char *name)
{
	return strchr(name, ' ');
}

static void add_symbol(struct symbols *syms, __u64 addr, const char *name)
{
	if (!strcmp(name, "_stext"))
		syms->stext = addr;
	if (in_module(name))
		syms->has_modules = true;
	if (syms->nr == syms->alloc) {
		syms->alloc = syms->alloc ? 2 * syms->alloc : 4096;
		syms->table = xrealloc(syms->table, syms->alloc * sizeof(*syms->table));
	}
	syms->table[syms->nr++] = (struct symbol){ .addr = addr, .name = name };
}

/* "ffffffff81000000 T _text" or "ffffffffc0000000 t func\t[module]" */
static bool parse_line(struct symbols *syms, char *line)
{
	char *end, *tab;
	__u64 addr = strtoull(line, &end, 16);

	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return false;
	if (!strchr("tTwW", end[1]))
		return true;
	tab = strchr(end, '\t');
	if (tab)
		*tab = ' ';
	add_symbol(syms, addr, end + 3);
	return true;
}

static bool parse_text(struct symbols *syms, const char *file)
{
	unsigned int nr = 0;
	char *line, *next = syms->text;

	while ((line = strsep(&next, "\n"))) {
		nr++;
		if (!*line && !next)
			break;
		if (!parse_line(syms, line)) {
			warnx("%s:%u: not a line of kallsyms", file, nr);
			return false;
		}
	}
	return true;
}

/* Aliases stay in the order of the file: the kernel too takes the first. */
static int compare_symbols(const void *pa, const void *pb)
{
	const struct symbol *a = pa, *b = pb;

	if (a->addr != b->addr)
		return a->addr < b->addr ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name;
}

static void sort_symbols(struct symbols *syms)
{
	size_t i, kept = 1;

	qsort(syms->table, syms->nr, sizeof(*syms->table), compare_symbols);
	for (i = 1; i < syms->nr; i++) {
		if (syms->table[i].addr != syms->table[kept - 1].addr)
			syms->table[kept++] = syms->table[i];
	}
	syms->nr = kept;
}

static bool load_symbols(struct symbols *syms, const char *file)
{
	if (!parse_text(syms, file))
		return false;
	if (!syms->nr) {
		warnx("%s: no text symbols", file);
		return false;
	}
	sort_symbols(syms);
	if (!syms->table[syms->nr - 1].addr) {
		warnx("%s: all addresses are zero (kptr_restrict): read it as root in the guest",
		      file);
		return false;
	}
	return true;
}

struct symbols *symbols_read(const char *file)
{
	char *text = read_text(file);
	struct symbols *syms;

	if (!text)
		return NULL;
	syms = xcalloc(1, sizeof(*syms));
	syms->file = file;
	syms->text = text;
	if (!load_symbols(syms, file)) {
		symbols_free(syms);
		return NULL;
	}
	return syms;
}

void symbols_free(struct symbols *syms)
{
	struct guest_kernel *kernel;

	if (!syms)
		return;
	while ((kernel = syms->kernels)) {
		syms->kernels = kernel->next;
		free(kernel);
	}
	map_free(&syms->kernel_map);
	free(syms->table);
	free(syms->text);
	free(syms);
}

bool symbols_have_stext(const struct symbols *syms)
{
	return syms && syms->stext;
}

static struct guest_kernel *add_kernel(struct symbols *syms, __u64 guest)
{
	struct guest_kernel *kernel = xcalloc(1, sizeof(*kernel));

	kernel->next = syms->kernels;
	syms->kernels = kernel;
	map_add(&syms->kernel_map, guest, kernel);
	return kernel;
}

static void warn_of_modules(struct symbols *syms)
{
	if (syms->has_modules && !syms->shifted)
		warnx("%s: of another boot than the guest's: symbols of modules are left out",
		      syms->file);
	syms->shifted = true;
}

bool symbols_know(const struct symbols *syms, __u64 guest)
{
	return syms && map_get(&syms->kernel_map, guest);
}

bool symbols_set_stext(struct symbols *syms, __u64 guest, __u64 stext)
{
	struct guest_kernel *kernel;
	bool moved;

	if (!symbols_have_stext(syms))
		return false;
	kernel = map_get(&syms->kernel_map, guest);
	moved = kernel && kernel->stext != stext;
	if (!kernel)
		kernel = add_kernel(syms, guest);
	kernel->stext = stext;
	if (stext != syms->stext)
		warn_of_modules(syms);
	return moved;
}

__u64 symbols_shift(const struct symbols *syms, __u64 guest)
{
	const struct guest_kernel *kernel = syms ? map_get(&syms->kernel_map, guest) : NULL;

	if (kernel)
		return kernel->stext - syms->stext;
	/* The file is hardly that of a VM's kernel and of its nested guests' alike. */
	return guest_is_nested(guest) ? SHIFT_UNKNOWN : 0;
}

/* The last symbol at or below @addr */
static const struct symbol *find_file_symbol(const struct symbols *syms, __u64 addr)
{
	size_t low = 0, high = syms ? syms->nr : 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (syms->table[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr - syms->table[low - 1].addr >= SYMBOL_MAX_SIZE)
		return NULL;
	return &syms->table[low - 1];
}

/* Of the address @addr of a guest */
static const struct symbol *find_symbol(const struct symbols *syms, __u64 shift, __u64 addr)
{
	const struct symbol *sym;

	if (shift == SHIFT_UNKNOWN)
		return NULL;
	sym = find_file_symbol(syms, addr - shift);
	return sym && shift && in_module(sym->name) ? NULL : sym;
}

const char *symbols_core_function(const struct symbols *syms, __u64 file_addr)
{
	const struct symbol *sym = find_file_symbol(syms, file_addr);

	return sym && !in_module(sym->name) ? sym->name : NULL;
}

void symbols_print_function(const struct symbols *syms, __u64 shift, __u64 addr, FILE *out)
{
	const struct symbol *sym = find_symbol(syms, shift, addr);

	if (sym)
		fputs(sym->name, out);
	else
		fprintf(out, "0x%llx", addr);
}

void symbols_print_address(const struct symbols *syms, __u64 shift, __u64 addr, FILE *out)
{
	const struct symbol *sym = find_symbol(syms, shift, addr);
	int len;

	if (!sym) {
		fprintf(out, "0x%llx", addr);
		return;
	}
	len = strcspn(sym->name, " ");
	fprintf(out, "%.*s+0x%llx%s", len, sym->name, addr - shift - sym->addr,
		sym->name + len);
}
