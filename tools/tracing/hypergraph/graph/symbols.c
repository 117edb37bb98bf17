// SPDX-License-Identifier: GPL-2.0
/* The guest kernels' text symbols, from files in the format of kallsyms or a vmlinux. */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <gelf.h>

#include "util/map.h"
#include "graph/symbols.h"
#include "input/event.h"
#include "util/util.h"

/*
 * An address so far behind the last symbol is in a gap of the table: no
 * function is that long.
 */
#define SYMBOL_MAX_SIZE	(1024 * 1024)

/* Where a function of a kernel that was built for IBT is called, behind its endbr64 */
#define IBT_OFFSET	4

/* Lookups that are remembered, a power of two */
#define NR_RECENT	8192

struct symbol {
	__u64 addr;
	const char *name;	/* in symbols.text, with " [module]" if in one */
};

/* A lookup, by address in the file */
struct recent {
	__u64 addr;
	const struct symbol *symbol;	/* NULL: none covers it; or not looked up if addr is 0 */
};

/* What one file has */
struct symbol_table {
	struct symbol_table *next;
	__u32 vm;		/* whose, 0: of all others */
	char *file;
	bool saved;		/* that file is the recording */
	dev_t dev;		/* of that file */
	ino_t ino;
	char *text;		/* of all names */
	struct symbol *table;	/* by address, one symbol each */
	size_t nr;
	size_t alloc;
	__u64 stext;		/* 0: not in the file */
	bool has_modules;
	bool shifted;		/* some guest was; the user was told */
	bool has_build_id;	/* as a vmlinux has */
	__u8 build_id[HYPERGRAPH_BUILD_ID_BYTES];
	__u64 calls;		/* of its functions that guests made */
	__u64 astray;		/* of these, not to the begin of one, nor in a module */
	bool refused;		/* for some guest, and the last one has this: */
	__u8 refused_by[HYPERGRAPH_BUILD_ID_BYTES];
	struct recent recent[NR_RECENT];
};

/* Where a guest's kernel was loaded */
struct guest_kernel {
	__u64 stext;
	bool refused;		/* its table is another kernel's */
};

struct symbols {
	struct symbol_table *tables;
	struct map kernels;	/* struct guest_kernel, by guest */
};

/* The whole file, ended by a NUL. Files in /proc do not tell their size. */
static char *read_text(FILE *in, const char *file)
{
	char *text = NULL;
	size_t alloc = 0;

	if (getdelim(&text, &alloc, '\0', in) < 0) {
		if (ferror(in))
			warn("%s", file);
		else
			warnx("%s: empty file", file);
		free(text);
		return NULL;
	}
	return text;
}

static void print_build_id(const __u8 *id, FILE *out)
{
	size_t i;

	for (i = 0; i < HYPERGRAPH_BUILD_ID_BYTES; i++)
		fprintf(out, "%02x", id[i]);
}

/* A symbol of a module is followed by its name: "func [module]". */
static bool in_module(const char *name)
{
	return strchr(name, ' ');
}

static void add_symbol(struct symbol_table *st, __u64 addr, const char *name)
{
	if (!strcmp(name, "_stext"))
		st->stext = addr;
	if (in_module(name))
		st->has_modules = true;
	if (st->nr == st->alloc) {
		st->alloc = st->alloc ? 2 * st->alloc : 4096;
		st->table = xrealloc(st->table, st->alloc * sizeof(*st->table));
	}
	st->table[st->nr++] = (struct symbol){ .addr = addr, .name = name };
}

/* Nothing in a name is what a terminal obeys, or what separates names in a line. */
static void make_name(char *text)
{
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || *text == ';')
			*text = '?';
	}
}

/* "ffffffff81000000 T _text" or "ffffffffc0000000 t func\t[module]" */
static bool parse_line(struct symbol_table *st, char *line)
{
	char *end, *tab;
	__u64 addr = strtoull(line, &end, 16);

	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ' || !end[3])
		return false;
	if (!strchr("tTwW", end[1]))
		return true;
	tab = strchr(end, '\t');
	make_name(end + 3);
	if (tab)
		*tab = ' ';
	add_symbol(st, addr, end + 3);
	return true;
}

static bool parse_text(struct symbol_table *st)
{
	unsigned int nr = 0;
	char *line, *next = st->text;

	while ((line = strsep(&next, "\n"))) {
		nr++;
		if (!*line && !next)
			break;
		line[strcspn(line, "\r")] = '\0';
		if (!parse_line(st, line)) {
			warnx("%s:%u: not a line of kallsyms", st->file, nr);
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

static void sort_symbols(struct symbol_table *st)
{
	size_t i, kept = 1;

	qsort(st->table, st->nr, sizeof(*st->table), compare_symbols);
	for (i = 1; i < st->nr; i++) {
		if (st->table[i].addr != st->table[kept - 1].addr)
			st->table[kept++] = st->table[i];
	}
	st->nr = kept;
}

static bool has_addresses(const struct symbol_table *st)
{
	if (st->table[st->nr - 1].addr)
		return true;
	warnx("%s: all addresses are zero: be root in the guest, and kernel.kptr_restrict below 2",
	      st->file);
	return false;
}

static bool finish_table(struct symbol_table *st)
{
	if (!st->nr) {
		warnx("%s: no text symbols", st->file);
		return false;
	}
	sort_symbols(st);
	if (!has_addresses(st))
		return false;
	if (!st->stext)
		warnx("%s: has no _stext, which tells where a guest's kernel is", st->file);
	return st->stext;
}

static Elf_Scn *find_symtab(Elf *elf, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, shdr) && shdr->sh_type == SHT_SYMTAB)
			return scn;
	}
	return NULL;
}

/* kallsyms has the symbols without a type, too: the entry code's are such. */
static bool is_text(Elf *elf, const GElf_Sym *sym)
{
	GElf_Shdr shdr;

	return (GELF_ST_TYPE(sym->st_info) == STT_FUNC ||
		GELF_ST_TYPE(sym->st_info) == STT_NOTYPE) &&
	       sym->st_shndx < SHN_LORESERVE &&
	       gelf_getshdr(elf_getscn(elf, sym->st_shndx), &shdr) &&
	       shdr.sh_flags & SHF_EXECINSTR;
}

static void print_elf_symbols(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, FILE *out)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t i, nr;
	GElf_Sym sym;

	nr = data && shdr->sh_entsize ? shdr->sh_size / shdr->sh_entsize : 0;
	for (i = 0; i < nr && gelf_getsym(data, i, &sym); i++) {
		const char *name = elf_strptr(elf, shdr->sh_link, sym.st_name);

		if (name && *name && *name != '.' && *name != '$' && is_text(elf, &sym))
			fprintf(out, "%016llx T %s\n", (unsigned long long)sym.st_value, name);
	}
}

/* Shorter ones are as in a hello, which has zeroes behind them. */
static bool read_build_id(struct symbol_table *st, Elf_Data *data)
{
	size_t offset = 0, name, desc;
	GElf_Nhdr note;

	while (data && (offset = gelf_getnote(data, offset, &note, &name, &desc))) {
		const char *bytes = data->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != sizeof(ELF_NOTE_GNU) ||
		    memcmp(bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			continue;
		memcpy(st->build_id, bytes + desc, note.n_descsz < sizeof(st->build_id) ?
						   note.n_descsz : sizeof(st->build_id));
		return true;
	}
	return false;
}

static void find_build_id(struct symbol_table *st, Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	st->has_build_id = true;
	while ((scn = elf_nextscn(elf, scn))) {
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_NOTE &&
		    read_build_id(st, elf_getdata(scn, NULL)))
			return;
	}
}

static bool read_elf(struct symbol_table *st, int fd)
{
	GElf_Shdr shdr;
	Elf_Scn *scn;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!elf) {
		warnx("%s: %s", st->file, elf_errmsg(-1));
		return false;
	}
	scn = find_symtab(elf, &shdr);
	/* Names are copied: those of the file go with it. */
	if (scn)
		st->text = print_to_string(print_elf_symbols, elf, scn, &shdr);
	else
		warnx("%s: has no symbols: the vmlinux of the kernel's build has", st->file);
	find_build_id(st, elf);
	elf_end(elf);
	return scn && parse_text(st);
}

static bool read_file(struct symbol_table *st, FILE *in)
{
	char magic[SELFMAG];
	bool is_elf = fread(magic, sizeof(magic), 1, in) == 1 && !memcmp(magic, ELFMAG, SELFMAG);

	rewind(in);
	if (is_elf)
		return read_elf(st, fileno(in));
	st->text = read_text(in, st->file);
	return st->text && parse_text(st);
}

static void free_table(struct symbol_table *st)
{
	free(st->table);
	free(st->text);
	free(st->file);
	free(st);
}

static struct symbol_table *new_table(__u32 vm, const char *file)
{
	struct symbol_table *st = xcalloc(1, sizeof(*st));

	st->vm = vm;
	st->file = xstrdup(file);
	return st;
}

static void note_file(struct symbol_table *st, FILE *in)
{
	struct stat stat;

	if (fstat(fileno(in), &stat))
		return;
	st->dev = stat.st_dev;
	st->ino = stat.st_ino;
}

/* A later one is found first. */
static bool add_table(struct symbols *syms, struct symbol_table *st, bool ok)
{
	if (!ok || !finish_table(st)) {
		free_table(st);
		return false;
	}
	st->next = syms->tables;
	syms->tables = st;
	return true;
}

bool symbols_add_file(struct symbols *syms, __u32 vm, const char *file)
{
	FILE *in = fopen(file, "r");
	struct symbol_table *st;
	bool ok;

	if (!in) {
		warn("%s", file);
		return false;
	}
	st = new_table(vm, file);
	note_file(st, in);
	ok = read_file(st, in);
	fclose(in);
	return add_table(syms, st, ok);
}

bool symbols_have_file(const struct symbols *syms, const struct stat *st)
{
	const struct symbol_table *table;

	for (table = syms->tables; table; table = table->next) {
		if (table->dev == st->st_dev && table->ino == st->st_ino)
			return true;
	}
	return false;
}

/*
 * What is saved stands behind a recording: for each table a line of SAVED_TABLE, with a
 * build id behind it if there is one, and its text, then SAVED_END, which always has one
 * length and says where all that begins.
 */
#define SAVED_TABLE	"#hypergraph symbols vm %u bytes %lld"
#define SAVED_BUILD_ID	" build id "
#define SAVED_END	"#hypergraph symbols begin at %020llu\n"
#define SAVED_END_SIZE	50

bool symbols_save(const struct symbols *syms, FILE *out)
{
	const struct symbol_table *st;
	off_t begin;

	if (!syms->tables)
		return true;
	if (fseeko(out, 0, SEEK_END))
		return false;
	begin = ftello(out);
	for (st = syms->tables; st; st = st->next) {
		struct kernel kernel = { .table = (struct symbol_table *)st };
		char *text = print_to_string(kernel_write_symbols, &kernel);

		fprintf(out, SAVED_TABLE, st->vm, (long long)strlen(text));
		if (st->has_build_id) {
			fputs(SAVED_BUILD_ID, out);
			print_build_id(st->build_id, out);
		}
		fprintf(out, "\n%s", text);
		free(text);
	}
	fprintf(out, SAVED_END, (unsigned long long)begin);
	return !fflush(out) && !ferror(out);
}

static bool parse_build_id(struct symbol_table *st, const char *digits)
{
	size_t i;

	for (i = 0; i < sizeof(st->build_id); i++) {
		if (sscanf(digits + 2 * i, "%2hhx", &st->build_id[i]) != 1)
			return false;
	}
	st->has_build_id = true;
	return true;
}

/* @syms gets the table whose text comes next in @in, behind @line. */
static bool load_table(struct symbols *syms, FILE *in, const char *file, const char *line,
		       __u32 vm, size_t size)
{
	struct symbol_table *st = new_table(vm, file);
	const char *id = strstr(line, SAVED_BUILD_ID);

	st->saved = true;
	if (id && !parse_build_id(st, id + strlen(SAVED_BUILD_ID))) {
		free_table(st);
		return false;
	}
	st->text = xcalloc(1, size + 1);
	return add_table(syms, st, fread(st->text, size, 1, in) == 1 && parse_text(st));
}

/* A line that says that a table is larger than what there is up to @end is damaged. */
static bool load_next(struct symbols *syms, FILE *in, const char *file, off_t end)
{
	char line[128];
	long long size;
	__u32 vm;

	return fgets(line, sizeof(line), in) && sscanf(line, SAVED_TABLE, &vm, &size) == 2 &&
	       size > 0 && size <= end - ftello(in) &&
	       load_table(syms, in, file, line, vm, size);
}

static bool load_tables(struct symbols *syms, FILE *in, const char *file,
			unsigned long long begin, off_t end)
{
	bool ok = begin <= (unsigned long long)end && !fseeko(in, begin, SEEK_SET);

	while (ok && ftello(in) < end)
		ok = load_next(syms, in, file, end);
	if (!ok)
		warnx("%s: the symbols in it are damaged", file);
	return ok;
}

bool symbols_load(struct symbols *syms, int fd, const char *file)
{
	FILE *in = syms->tables ? NULL : fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 0), "r");
	char line[SAVED_END_SIZE + 1] = "";
	unsigned long long begin;
	bool ok = true;

	if (!in)
		return true;
	if (!fseeko(in, -SAVED_END_SIZE, SEEK_END)) {
		off_t end = ftello(in);

		if (fread(line, SAVED_END_SIZE, 1, in) == 1 &&
		    sscanf(line, SAVED_END, &begin) == 1)
			ok = load_tables(syms, in, file, begin, end);
	}
	fclose(in);
	return ok;
}

struct symbols *symbols_new(void)
{
	return xcalloc(1, sizeof(struct symbols));
}

void symbols_free(struct symbols *syms)
{
	struct guest_kernel *kernel;
	struct symbol_table *st;

	map_for_each(kernel, &syms->kernels)
		free(kernel);
	while ((st = syms->tables)) {
		syms->tables = st->next;
		free_table(st);
	}
	map_free(&syms->kernels);
	free(syms);
}

static struct symbol_table *table_of(const struct symbols *syms, __u32 vm)
{
	struct symbol_table *st, *others = NULL;

	for (st = syms->tables; st; st = st->next) {
		if (st->vm == vm)
			return st;
		if (!st->vm && !others)
			others = st;
	}
	return others;
}

static struct guest_kernel *add_kernel(struct symbols *syms, __u64 guest)
{
	struct guest_kernel *kernel = xcalloc(1, sizeof(*kernel));

	map_add(&syms->kernels, guest, kernel);
	return kernel;
}

static void warn_of_modules(struct symbol_table *st)
{
	if (st->has_modules && !st->shifted)
		warnx("%s: of another boot than the guest's: symbols of modules are left out",
		      st->file);
	st->shifted = true;
}

void symbols_set_stext(struct symbols *syms, __u64 guest, __u64 stext)
{
	struct symbol_table *st = table_of(syms, guest_vm(guest));
	struct guest_kernel *kernel;

	if (!st)
		return;
	kernel = map_get(&syms->kernels, guest) ?: add_kernel(syms, guest);
	kernel->stext = stext;
	kernel->refused = false;
	if (stext != st->stext)
		warn_of_modules(st);
}

static void warn_of_build_id(struct symbol_table *st, __u64 guest, const __u8 *id)
{
	char *its = print_to_string(print_build_id, st->build_id);
	char *guests = print_to_string(print_build_id, id);

	/* A guest that boots again is told once. */
	if (memcmp(st->refused_by, id, sizeof(st->refused_by)) || !st->refused)
		warnx("%s: refused: its build id is %s, that of VM %u's kernel is %s", st->file,
		      its, guest_vm(guest), guests);
	st->refused = true;
	memcpy(st->refused_by, id, sizeof(st->refused_by));
	free(its);
	free(guests);
}

void symbols_set_build_id(struct symbols *syms, __u64 guest,
			  const __u8 id[HYPERGRAPH_BUILD_ID_BYTES])
{
	struct symbol_table *st = table_of(syms, guest_vm(guest));
	struct guest_kernel *kernel = map_get(&syms->kernels, guest);

	if (!kernel || !st->has_build_id || !memcmp(st->build_id, id, sizeof(st->build_id)))
		return;
	kernel->refused = true;
	warn_of_build_id(st, guest, id);
}

__u32 symbols_nth_vm(const struct symbols *syms, size_t i)
{
	const struct symbol_table *st;

	for (st = syms->tables; st; st = st->next) {
		if (st->vm && !st->saved && !i--)
			return st->vm;
	}
	return 0;
}

bool symbols_are_for(const struct symbols *syms, __u32 vm)
{
	return table_of(syms, vm);
}

struct kernel symbols_kernel(const struct symbols *syms, __u64 guest)
{
	const struct guest_kernel *at = map_get(&syms->kernels, guest);
	struct kernel kernel = { 0 };

	if (!at || at->refused)
		return kernel;
	kernel.table = table_of(syms, guest_vm(guest));
	kernel.shift = at->stext - kernel.table->stext;
	return kernel;
}

/* The last symbol at or below @addr */
static const struct symbol *search(const struct symbol_table *st, __u64 addr)
{
	size_t low = 0, high = st->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (st->table[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low || addr - st->table[low - 1].addr >= SYMBOL_MAX_SIZE)
		return NULL;
	return &st->table[low - 1];
}

/* The same addresses are asked for again and again. */
static const struct symbol *search_recent(struct symbol_table *st, __u64 addr)
{
	struct recent *recent = &st->recent[map_hash(addr) % NR_RECENT];

	if (recent->addr != addr)
		*recent = (struct recent){ .addr = addr, .symbol = search(st, addr) };
	return recent->symbol;
}

/* NULL if no symbol covers the guest's address @addr. */
static const struct symbol *find_symbol(const struct kernel *kernel, __u64 addr)
{
	const struct symbol *sym;

	if (!kernel->table)
		return NULL;
	sym = search_recent(kernel->table, addr - kernel->shift);
	return sym && kernel->shift && in_module(sym->name) ? NULL : sym;
}

void symbols_note_call(const struct symbols *syms, __u64 guest, __u64 addr)
{
	struct kernel kernel = symbols_kernel(syms, guest);
	const struct symbol *sym = find_symbol(&kernel, addr);
	__u64 offset;

	if (!sym)
		return;
	kernel.table->calls++;
	offset = addr - kernel.shift - sym->addr;
	/* Modules may have been loaded after the symbols were read. */
	if (offset && offset != IBT_OFFSET && !in_module(sym->name))
		kernel.table->astray++;
}

void symbols_warn_of_calls(const struct symbols *syms)
{
	const struct symbol_table *st;

	for (st = syms->tables; st; st = st->next) {
		__u64 share = st->calls ? 100 * st->astray / st->calls : 0;

		if (share)
			warnx("%s: %llu%% of the calls begin no function in it: another kernel's?",
			      st->file, share);
	}
}

const char *kernel_function(const struct kernel *kernel, __u64 addr, __u64 *offset)
{
	const struct symbol *sym = find_symbol(kernel, addr);

	if (!sym)
		return NULL;
	*offset = addr - kernel->shift - sym->addr;
	return sym->name;
}

__u64 kernel_function_key(const struct kernel *kernel, __u64 addr)
{
	const struct symbol *sym = find_symbol(kernel, addr);

	/* An address of the guest's that has no name is no address of ours. */
	return sym ? (size_t)sym->name : addr | KERNEL_ADDRESS;
}

void kernel_print_function(const struct kernel *kernel, __u64 addr, FILE *out)
{
	const struct symbol *sym = find_symbol(kernel, addr);

	print_name(sym ? sym->name : NULL, addr, out);
}

void kernel_print_address(const struct kernel *kernel, __u64 addr, FILE *out)
{
	__u64 offset;
	const char *name = kernel_function(kernel, addr, &offset);
	size_t len;

	if (!name) {
		print_hex(addr, out);
		return;
	}
	len = strcspn(name, " ");
	fwrite(name, 1, len, out);
	putc('+', out);
	print_hex(offset, out);
	fputs(name + len, out);
}

void kernel_write_symbols(const struct kernel *kernel, FILE *out)
{
	const struct symbol_table *st = kernel->table;
	size_t i;

	for (i = 0; st && i < st->nr; i++) {
		const char *name = st->table[i].name, *module = strchr(name, ' ');

		if (module && kernel->shift)
			continue;
		fprintf(out, "%016llx t %.*s", st->table[i].addr + kernel->shift,
			(int)strcspn(name, " "), name);
		if (module)
			fprintf(out, "\t%s", module + 1);
		putc('\n', out);
	}
	/* The table has just the first symbol of an address, which may hide this one. */
	if (st)
		fprintf(out, "%016llx T _stext\n", st->stext + kernel->shift);
}
