// SPDX-License-Identifier: GPL-2.0
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/symbols.h"
#include "input/event.h"
#include "tests/unit/unit.h"
#include "util/util.h"

#define GUEST		guest_key(100, 0, false)
#define STEXT		0xffffffff81000000ULL

static const char kallsyms[] =
	"ffffffff81000000 T _text\n"
	"ffffffff81000000 T _stext\n"
	"ffffffff81000200 t ksys_write\n"
	"ffffffff81000100 T do_syscall_64\n"
	"ffffffff81000200 t an_alias\n"
	"ffffffff81000180 D data\n"
	"ffffffff81000300 W weak\n"
	"ffffffffc0000100 t virtqueue_kick\t[virtio_ring]\n";

/* What stderr has of @file after its path; "": nothing. To be freed. */
static char *add_file(struct symbols *syms, const void *data, size_t size, bool *ok)
{
	char *file = unit_file(data, size), *said, *what;

	unit_begin_stderr();
	*ok = symbols_add_file(syms, 0, file);
	said = unit_end_stderr();
	what = strstr(said, file);
	what = xstrdup(what ? what + strlen(file) : said);
	what[strcspn(what, "\n")] = '\0';
	free(said);
	free(file);
	return what;
}

/* A kernel is where its file has it. */
static void say_hello(struct symbols *syms, __u64 guest)
{
	symbols_set_stext(syms, guest, STEXT);
}

static void check_name(const struct symbols *syms, __u64 guest, __u64 addr, const char *wanted)
{
	struct kernel kernel = symbols_kernel(syms, guest);

	check_printed("", print_to_string(kernel_print_address, &kernel, addr), wanted);
}

static const struct {
	__u64 addr;
	const char *name;	/* "": its address */
	const char *shifted;	/* for the same place in a kernel that is 0x1000 further on */
} names[] = {
	{ 0xffffffff81000000, "_text+0x0", "_text+0x0" },
	{ 0xffffffff810000ff, "_text+0xff", "_text+0xff" },
	{ 0xffffffff81000100, "do_syscall_64+0x0", "do_syscall_64+0x0" },
	{ 0xffffffff81000180, "do_syscall_64+0x80", "do_syscall_64+0x80" },
	{ 0xffffffff81000204, "ksys_write+0x4", "ksys_write+0x4" },
	{ 0xffffffff81000300, "weak+0x0", "weak+0x0" },
	{ 0xffffffff81100300, "", "" },		/* too far behind the last one */
	{ 0xffffffff80ffffff, "", "" },		/* before the first one */
	{ 0xffffffffc0000104, "virtqueue_kick+0x4 [virtio_ring]", "" },
};

static void check_names(const struct symbols *syms, __u64 shift)
{
	char hex[HEX_SIZE];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		__u64 addr = names[i].addr + shift;
		const char *name = shift ? names[i].shifted : names[i].name;

		check_name(syms, GUEST, addr, *name ? name : format_hex(addr, hex));
	}
}

static void test_kallsyms(void)
{
	struct symbols *syms = symbols_new();
	bool ok;
	char *said = add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok);

	check("", ok);
	check_printed("", said, "");
	check_name(syms, GUEST, STEXT + 0x100, "0xffffffff81000100");
	say_hello(syms, GUEST);
	check_names(syms, 0);
	symbols_free(syms);
}

/* System.map has the same lines, but no modules, and may end without a newline. */
static void test_system_map(void)
{
	static const char map[] = "0000000000000000 D fixed_percpu_data\n"
				  "ffffffff81000000 T _stext\nffffffff81000100 T vfs_write";
	struct symbols *syms = symbols_new();
	bool ok;

	free(add_file(syms, map, sizeof(map) - 1, &ok));
	check("", ok);
	say_hello(syms, GUEST);
	check_name(syms, GUEST, 0xffffffff81000108, "vfs_write+0x8");
	symbols_free(syms);
}

/* From a file that has been on Windows */
static void test_crlf(void)
{
	static const char text[] = "ffffffff81000000 T _stext\r\nffffffff81000100 T a\r\n"
				   "ffffffffc0000100 t b\t[m]\r\n";
	struct symbols *syms = symbols_new();
	bool ok;

	check_printed("", add_file(syms, text, sizeof(text) - 1, &ok), "");
	say_hello(syms, GUEST);
	check_name(syms, GUEST, 0xffffffff81000101, "a+0x1");
	check_name(syms, GUEST, 0xffffffffc0000101, "b+0x1 [m]");
	symbols_free(syms);
}

/* Nothing in a name is what a terminal obeys, or no text. */
static void test_hostile_names(void)
{
	static const char text[] = "ffffffff81000000 T _stext\n"
				   "ffffffff81000100 T \033]0;a\a\177\xff\xc3\n"
				   "ffffffffc0000100 t b\t[\033;\t]\n";
	struct symbols *syms = symbols_new();
	bool ok;

	check_printed("", add_file(syms, text, sizeof(text) - 1, &ok), "");
	say_hello(syms, GUEST);
	check_name(syms, GUEST, 0xffffffff81000100, "?]0?a????+0x0");
	check_name(syms, GUEST, 0xffffffffc0000100, "b+0x0 [???]");
	symbols_free(syms);
}

/* A guest that sends an address which is one of ours gets no name for that. */
static void test_keys(void)
{
	struct symbols *syms = symbols_new();
	struct kernel kernel;
	__u64 offset, named, address;
	bool ok;

	free(add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok));
	say_hello(syms, GUEST);
	kernel = symbols_kernel(syms, GUEST);
	named = kernel_function_key(&kernel, STEXT + 0x204);
	address = (size_t)kernel_function(&kernel, STEXT + 0x204, &offset);
	check("of one function", named == kernel_function_key(&kernel, STEXT + 0x200));
	check("of an address", named != kernel_function_key(&kernel, address));
	symbols_free(syms);
}

static void test_shifted(void)
{
	struct symbols *syms = symbols_new();
	char *said;
	bool ok;

	free(add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok));
	unit_begin_stderr();
	symbols_set_stext(syms, GUEST, STEXT + 0x1000);
	symbols_set_stext(syms, GUEST, STEXT + 0x1000);
	said = unit_end_stderr();
	check("told", strstr(said, "symbols of modules are left out"));
	check("told once", strchr(said, '\n') == strrchr(said, '\n'));
	free(said);
	check_names(syms, 0x1000);
	symbols_set_stext(syms, GUEST, STEXT);
	check_names(syms, 0);
	symbols_free(syms);
}

/* A nested guest's kernel is not the VM's, until it tells where it is. */
static void test_nested(void)
{
	__u64 nested = guest_key(100, 0x1a2b, true);
	struct symbols *syms = symbols_new();
	bool ok;

	free(add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok));
	check_name(syms, nested, STEXT + 0x100, "0xffffffff81000100");
	symbols_set_stext(syms, nested, STEXT);
	check_name(syms, nested, STEXT + 0x100, "do_syscall_64+0x0");
	symbols_free(syms);
}

static void test_vms(void)
{
	static const char other[] = "ffffffff81000000 T _stext\n"
				    "ffffffff81000100 T of_200\n";
	struct symbols *syms = symbols_new();
	char *file = unit_file(other, sizeof(other) - 1);
	bool ok;

	free(add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok));
	check("", symbols_add_file(syms, 200, file));
	say_hello(syms, guest_key(200, 0, false));
	say_hello(syms, GUEST);
	check_name(syms, guest_key(200, 0, false), 0xffffffff81000100, "of_200+0x0");
	check_name(syms, GUEST, 0xffffffff81000100, "do_syscall_64+0x0");
	free(file);
	symbols_free(syms);
}

/* What is no table of symbols, whoever wrote it */
static const struct {
	const char *text;
	const char *said;	/* "": it is one */
} files[] = {
	{ "", ": empty file" },
	{ "\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000 T a\n\nffffffff81000010 T b\n", ":2: not a line of kallsyms" },
	{ "vfs_write ffffffff81000000\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000\x20\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000 T\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000 T\x20\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000 TT a\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000\tT a\n", ":1: not a line of kallsyms" },
	{ "ffffffff81000000 D data\n", ": no text symbols" },
	{ "0000000000000000 T _text\n0000000000000000 T a\n",
	  ": all addresses are zero: be root in the guest, and kernel.kptr_restrict below 2" },
	{ "ffffffff81000000 T a\n",
	  ": has no _stext, which tells where a guest's kernel is" },
	{ "ffffffff81000000 T _stext", "" },
	{ "ffffffff81000000 T _stext\n1ffffffffffffffff T too_long\n", "" },
	{ "ffffffff81000000 T _stext\nffffffff81000000 T a b\tc\td\n", "" },
	{ "\177ELX", ":1: not a line of kallsyms" },
};

static void test_bad_files(void)
{
	size_t i;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		struct symbols *syms = symbols_new();
		char *said = add_file(syms, files[i].text, strlen(files[i].text), &ok);

		check_printed(files[i].text, said, files[i].said);
		check(files[i].text, ok == !*files[i].said);
		symbols_free(syms);
	}
}

/* A vmlinux: text, data, symbols, strings and a note with a build id */
enum { NO_SECTION, TEXT, DATA, SYMTAB, STRTAB, NOTE, SECTIONS };

struct vmlinux {
	Elf64_Ehdr header;
	Elf64_Shdr sections[SECTIONS];
	Elf64_Sym symbols[6];
	char strings[64];
	struct {
		Elf64_Nhdr header;
		char name[4];
		__u8 id[HYPERGRAPH_BUILD_ID_BYTES];
	} note;
};

static const struct vmlinux vmlinux = {
	.header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_shoff = offsetof(struct vmlinux, sections),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTIONS,
		.e_shstrndx = STRTAB,
	},
	.sections = {
		[TEXT] = { .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR },
		[DATA] = { .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC | SHF_WRITE },
		[SYMTAB] = {
			.sh_type = SHT_SYMTAB,
			.sh_offset = offsetof(struct vmlinux, symbols),
			.sh_size = sizeof(vmlinux.symbols),
			.sh_entsize = sizeof(Elf64_Sym),
			.sh_link = STRTAB,
			.sh_addralign = 8,
		},
		[STRTAB] = {
			.sh_type = SHT_STRTAB,
			.sh_offset = offsetof(struct vmlinux, strings),
			.sh_size = sizeof(vmlinux.strings),
			.sh_addralign = 1,
		},
		[NOTE] = {
			.sh_type = SHT_NOTE,
			.sh_offset = offsetof(struct vmlinux, note),
			.sh_size = sizeof(vmlinux.note),
			.sh_addralign = 4,
		},
	},
	.note = {
		.header = {
			.n_namesz = sizeof(ELF_NOTE_GNU),
			.n_descsz = HYPERGRAPH_BUILD_ID_BYTES,
			.n_type = NT_GNU_BUILD_ID,
		},
		.name = ELF_NOTE_GNU,
		.id = { 0x01, 0x23, [19] = 0xef },
	},
	.symbols = {
		{ 0 },
		{ 1, ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), 0, TEXT, STEXT, 0 },
		{ 8, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0, TEXT, STEXT + 0x100, 16 },
		{ 18, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), 0, DATA, STEXT + 0x140, 8 },
		{ 26, ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE), 0, TEXT, STEXT + 0x180, 0 },
		{ 32, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), 0, DATA, STEXT + 0x1c0, 0 },
	},
	.strings = "\0_stext\0vfs_write\0jiffies\0.Ltmp\0in_data",
};

static void test_vmlinux(void)
{
	struct symbols *syms = symbols_new();
	bool ok;
	char *said = add_file(syms, &vmlinux, sizeof(vmlinux), &ok);

	check("", ok);
	check_printed("", said, "");
	say_hello(syms, GUEST);
	check_name(syms, GUEST, STEXT + 0x80, "_stext+0x80");
	check_name(syms, GUEST, STEXT + 0x100, "vfs_write+0x0");
	check_name(syms, GUEST, STEXT + 0x1c0, "vfs_write+0xc0");
	symbols_free(syms);
}

static const __u8 other_id[HYPERGRAPH_BUILD_ID_BYTES] = { 0x01, 0x23, [19] = 0xee };

#define ZEROES_16	"00000000000000000000000000000000"

/* What stderr has when a guest says hello with @id, to be freed */
static char *say_build_id(struct symbols *syms, __u64 guest, const __u8 *id)
{
	unit_begin_stderr();
	symbols_set_stext(syms, guest, STEXT);
	symbols_set_build_id(syms, guest, id);
	return unit_end_stderr();
}

static void test_build_id(void)
{
	static const char wanted[] =
		": refused: its build id is 0123" ZEROES_16 "00ef, that of VM 100's kernel is 0123"
		ZEROES_16 "00ee\n";
	struct symbols *syms = symbols_new();
	__u64 again = guest_key(100, 1, false);
	char *said;
	bool ok;

	free(add_file(syms, &vmlinux, sizeof(vmlinux), &ok));
	check_printed("its own", say_build_id(syms, GUEST, vmlinux.note.id), "");
	check_name(syms, GUEST, STEXT + 0x100, "vfs_write+0x0");
	said = say_build_id(syms, again, other_id);
	check("another", strstr(said, wanted));
	free(said);
	check_name(syms, again, STEXT + 0x100, "0xffffffff81000100");
	check_name(syms, GUEST, STEXT + 0x100, "vfs_write+0x0");
	check_printed("told once", say_build_id(syms, GUEST, other_id), "");
	check_name(syms, GUEST, STEXT + 0x100, "0xffffffff81000100");
	check_printed("its own again", say_build_id(syms, GUEST, vmlinux.note.id), "");
	check_name(syms, GUEST, STEXT + 0x100, "vfs_write+0x0");
	symbols_free(syms);
}

/* One without is that of a kernel without, which says zeroes. */
static void test_no_build_id(void)
{
	static const __u8 none[HYPERGRAPH_BUILD_ID_BYTES];
	struct symbols *syms = symbols_new();
	struct vmlinux elf = vmlinux;
	bool ok;

	elf.sections[NOTE].sh_type = SHT_PROGBITS;
	free(add_file(syms, &elf, sizeof(elf), &ok));
	check_printed("none", say_build_id(syms, GUEST, none), "");
	check_name(syms, GUEST, STEXT + 0x100, "vfs_write+0x0");
	free(say_build_id(syms, GUEST, other_id));
	check_name(syms, GUEST, STEXT + 0x100, "0xffffffff81000100");
	symbols_free(syms);
}

/* kallsyms has none. */
static void test_kallsyms_build_id(void)
{
	struct symbols *syms = symbols_new();
	bool ok;

	free(add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok));
	check_printed("", say_build_id(syms, GUEST, other_id), "");
	check_name(syms, GUEST, STEXT + 0x100, "do_syscall_64+0x0");
	symbols_free(syms);
}

static void damage_symtab_type(struct vmlinux *elf)
{
	elf->sections[SYMTAB].sh_type = SHT_PROGBITS;
}

static void damage_symtab_place(struct vmlinux *elf)
{
	elf->sections[SYMTAB].sh_offset = 1ULL << 40;
}

static void damage_symtab_entries(struct vmlinux *elf)
{
	elf->sections[SYMTAB].sh_entsize = 0;
}

static void damage_strings(struct vmlinux *elf)
{
	elf->sections[SYMTAB].sh_link = 0xffff;
}

static void damage_names(struct vmlinux *elf)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(elf->symbols); i++)
		elf->symbols[i].st_name = 0x7fffffff;
}

static void damage_indexes(struct vmlinux *elf)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(elf->symbols); i++)
		elf->symbols[i].st_shndx = 0x7fff;
}

static void damage_sections(struct vmlinux *elf)
{
	elf->header.e_shoff = 1ULL << 60;
}

static void test_damaged_vmlinux(void)
{
	static const char none[] = ": has no symbols: the vmlinux of the kernel's build has";
	static const struct {
		const char *name;
		void (*damage)(struct vmlinux *elf);
		const char *said;
	} rows[] = {
		{ "type", damage_symtab_type, none },
		{ "place", damage_symtab_place, ": no text symbols" },
		{ "entries", damage_symtab_entries, ": no text symbols" },
		{ "strings", damage_strings, ": no text symbols" },
		{ "names", damage_names, ": no text symbols" },
		{ "indexes", damage_indexes, ": no text symbols" },
		{ "sections", damage_sections, none },
	};
	size_t i;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct symbols *syms = symbols_new();
		struct vmlinux elf = vmlinux;
		char *said;

		rows[i].damage(&elf);
		said = add_file(syms, &elf, sizeof(elf), &ok);
		check(rows[i].name, !ok);
		check_printed(rows[i].name, said, rows[i].said);
		symbols_free(syms);
	}
}

/* What a recording has behind it after symbols_save(), to be freed */
static char *saved_text(const void *file, size_t file_size, size_t *size)
{
	struct symbols *syms = symbols_new();
	FILE *out = tmpfile();
	char *text;
	bool ok;

	free(add_file(syms, file, file_size, &ok));
	fputs("a trace", out);
	check("saved", symbols_save(syms, out));
	*size = ftell(out);
	text = xcalloc(1, *size + 1);
	rewind(out);
	check("read", fread(text, *size, 1, out) == 1);
	fclose(out);
	symbols_free(syms);
	return text;
}

/* @syms gets what @text has saved; what stderr has, to be freed */
static char *load(struct symbols *syms, const char *text, size_t size, bool *ok)
{
	char *file = unit_file(text, size), *said;
	int fd = open(file, O_RDONLY | O_CLOEXEC);

	unit_begin_stderr();
	*ok = symbols_load(syms, fd, file);
	said = unit_end_stderr();
	close(fd);
	free(file);
	return said;
}

static void test_saved(void)
{
	struct symbols *syms = symbols_new();
	size_t size;
	char *text = saved_text(kallsyms, sizeof(kallsyms) - 1, &size), *said;
	bool ok;

	said = load(syms, text, size, &ok);
	check("", ok);
	check_printed("", said, "");
	check("the trace stays", !strncmp(text, "a trace", 7));
	say_hello(syms, GUEST);
	check_names(syms, 0);
	free(text);
	symbols_free(syms);
}

static void test_saved_build_id(void)
{
	struct symbols *syms = symbols_new();
	size_t size;
	char *text = saved_text(&vmlinux, sizeof(vmlinux), &size), *said;
	bool ok;

	check_printed("", load(syms, text, size, &ok), "");
	check("", ok);
	check_printed("its own", say_build_id(syms, GUEST, vmlinux.note.id), "");
	check_name(syms, GUEST, STEXT + 0x100, "vfs_write+0x0");
	said = say_build_id(syms, GUEST, other_id);
	check("another", strstr(said, ": refused: "));
	free(said);
	free(text);
	symbols_free(syms);
}

static void test_none_saved(void)
{
	static const char * const texts[] = {
		"",
		"a trace",
		"a trace whose end is long enough, but has no symbols behind it at all",
	};
	size_t i;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct symbols *syms = symbols_new();
		char *said = load(syms, texts[i], strlen(texts[i]), &ok);

		check(texts[i], ok);
		check_printed(texts[i], said, "");
		symbols_free(syms);
	}
}

/* A copy of @text, and its new *@size, in which @what is @with; to be freed */
static char *replace(const char *text, const char *what, const char *with, size_t *size)
{
	const char *at = strstr(text, what);
	char *replaced = xasprintf("%.*s%s%s", (int)(at - text), text, with, at + strlen(what));

	*size = strlen(replaced);
	return replaced;
}

static void test_damaged_saved(void)
{
	static const struct {
		const char *what, *with;
	} rows[] = {
		{ "bytes ", "bites " },
		{ "bytes ", "bytes 9" },
		{ "bytes ", "bytes -" },
		{ "bytes ", "bytes 0\n" },
		{ "bytes ", "bytes 18446744073709551615\n" },
		{ "bytes ", "bytes 9223372036854775807\n" },
		{ "bytes ", "bytes 300\n" },
		{ "begin at 0", "begin at 9" },
		{ "begin at 00000000000000000007", "begin at 09223372036854775815" },
		{ "begin at 00000000000000000007", "begin at 18446744073709551615" },
		{ "begin at 00000000000000000007", "begin at 00000000000000000003" },
		{ "ffffffff81000100 t", "ffffffff81000100tt" },
	};
	size_t i, size;
	bool ok;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct symbols *syms = symbols_new();
		char *sound = saved_text(kallsyms, sizeof(kallsyms) - 1, &size);
		char *text = replace(sound, rows[i].what, rows[i].with, &size);
		char *said = load(syms, text, size, &ok);

		check(rows[i].with, !ok);
		check(rows[i].with, strstr(said, "the symbols in it are damaged"));
		free(said);
		free(text);
		free(sound);
		symbols_free(syms);
	}
}

/* @nr calls of functions, and then one each of @others: what stderr has of that */
static void check_calls(unsigned int nr, const __u64 *others, size_t nr_others, const char *wanted)
{
	struct symbols *syms = symbols_new();
	char *said;
	size_t i;
	bool ok;

	free(add_file(syms, kallsyms, sizeof(kallsyms) - 1, &ok));
	symbols_set_stext(syms, GUEST, STEXT + 0x1000);
	while (nr--)
		symbols_note_call(syms, GUEST, STEXT + 0x1100);
	for (i = 0; i < nr_others; i++)
		symbols_note_call(syms, GUEST, others[i]);
	unit_begin_stderr();
	symbols_warn_of_calls(syms);
	said = unit_end_stderr();
	if (!*wanted)
		check_text("", said, wanted);
	check(wanted, strstr(said, wanted));
	free(said);
	symbols_free(syms);
}

static void test_calls(void)
{
	static const char said[] = ": 50% of the calls begin no function in it: another kernel's?";
	static const __u64 ibt[] = { STEXT + 0x1104, STEXT + 0x1204 };
	static const __u64 modules[] = { 0xffffffffc0000110, 0xffffffffc0001110 };
	static const __u64 unknown[] = { STEXT - 1, STEXT + 0x10000000 };
	static const __u64 within[] = { STEXT + 0x1108, STEXT + 0x1180 };

	check_calls(0, NULL, 0, "");
	check_calls(1, NULL, 0, "");
	check_calls(0, ibt, 2, "");
	check_calls(0, modules, 2, "");
	check_calls(0, unknown, 2, "");
	check_calls(2, within, 2, said);
	check_calls(300, within, 2, "");
}

const struct unit_test symbols_tests[] = {
	{ "kallsyms", test_kallsyms },
	{ "System.map", test_system_map },
	{ "lines that end with CR and LF", test_crlf },
	{ "names that a terminal would obey", test_hostile_names },
	{ "keys of functions", test_keys },
	{ "a kernel that is elsewhere", test_shifted },
	{ "a nested guest's kernel", test_nested },
	{ "a file of its own for a VM", test_vms },
	{ "what is no table of symbols", test_bad_files },
	{ "a vmlinux", test_vmlinux },
	{ "a vmlinux of another build", test_build_id },
	{ "a vmlinux without a build id", test_no_build_id },
	{ "a build id and kallsyms, which has none", test_kallsyms_build_id },
	{ "a damaged vmlinux", test_damaged_vmlinux },
	{ "symbols in a recording", test_saved },
	{ "a build id in a recording", test_saved_build_id },
	{ "a recording without symbols", test_none_saved },
	{ "damaged symbols in a recording", test_damaged_saved },
	{ "calls that begin no function", test_calls },
	{ NULL, NULL },
};
