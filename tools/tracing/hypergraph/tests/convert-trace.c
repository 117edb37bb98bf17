// SPDX-License-Identifier: GPL-2.0
/*
 * Makes of gen-trace's output, on stdin, the same trace.dat in another form, on stdout:
 *
 *	--compression none|zstd|zlib	version 7
 *	--trace-cmd 3.2			the sizes of events that are compressed are those which it
 *					writes, not those of 3.1
 *	--buffer NAME			the events are in an instance, the top one has none
 *	--machine NAME			of a host of that kind
 *
 * trace-cmd writes what it was built for. See trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5).
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#include <linux/types.h>

#define PAGE		4096
#define CHUNK		(10 * PAGE)	/* as trace-cmd has them */
#define HEADER		18		/* of version 6, up to its descriptions */

enum { DONE = 0, BUFFER = 3, UNAME = 5, HEADER_INFO = 16, FTRACE, FORMATS, KALLSYMS, NR_IDS };
#define COMPRESSED	1

/* Some bytes of the input */
struct text {
	const char *data;
	size_t size;
};

static struct trace {
	struct text sections[NR_IDS];
	struct text options;	/* without the one that ends them */
	__u32 cpus;
	const char *table;
} in;

static const char *compression, *buffer, *machine, *trace_cmd = "3.1";

/* The output, in memory: what is not known yet is written into it later. */
static char *out;
static size_t size, allocated;

static void put(const void *data, size_t length)
{
	while (size + length > allocated) {
		allocated = allocated ? 2 * allocated : 1 << 20;
		out = realloc(out, allocated);
		if (!out)
			err(1, NULL);
	}
	memcpy(out + size, data, length);
	size += length;
}

static void put_number(__u64 n, size_t length)
{
	put(&n, length);
}

static void put_string(const char *text)
{
	put(text, strlen(text) + 1);
}

static void align(void)
{
	while (size % PAGE)
		put("", 1);
}

static void set_number(size_t at, __u64 n)
{
	memcpy(out + at, &n, sizeof(n));
}

static __u64 number(const char *data, size_t length)
{
	__u64 n = 0;

	memcpy(&n, data, length);
	return n;
}

/* Goes over @nr texts that have their sizes before them. */
static const char *skip_texts(const char *at, __u32 nr)
{
	while (nr--)
		at += 8 + number(at, 8);
	return at;
}

static const char *skip_systems(const char *at)
{
	__u32 nr = number(at, 4);

	for (at += 4; nr; nr--) {
		at += strlen(at) + 1;
		at = skip_texts(at + 4, number(at, 4));
	}
	return at;
}

static const char *add_section(int id, const char *begin, const char *end)
{
	in.sections[id] = (struct text){ begin, end - begin };
	return end;
}

static void parse(const char *data)
{
	const char *at = data + HEADER, *end;

	end = skip_texts(at + sizeof("header_page"), 1);
	end = skip_texts(end + sizeof("header_event"), 1);
	at = add_section(HEADER_INFO, at, end);
	at = add_section(FTRACE, at, skip_texts(at + 4, number(at, 4)));
	at = add_section(FORMATS, at, skip_systems(at));
	at = add_section(KALLSYMS, at, at + 4 + number(at, 4));
	at += 4 + 8;			/* no printk formats, and no names of tasks */
	in.cpus = number(at, 4);
	at += 4 + sizeof("options  ");
	in.options.data = at;
	while (number(at, 2))
		at += 2 + 4 + number(at + 2, 4);
	in.options.size = at - in.options.data;
	in.table = at + 2 + sizeof("flyrecord");
}

static void put_options(void)
{
	char uname[128];

	put(in.options.data, in.options.size);
	if (!machine)
		return;
	snprintf(uname, sizeof(uname), "Linux host 7.3.4 #1 SMP %s", machine);
	put_number(UNAME, 2);
	put_number(strlen(uname) + 1, 4);
	put_string(uname);
}

static size_t compress_to(void *to, size_t room, const void *from, size_t length)
{
	uLongf used = room;

	if (!strcmp(compression, "zstd"))
		return ZSTD_compress(to, room, from, length, 1);
	if (compress2(to, &used, from, length, 1) != Z_OK)
		errx(1, "zlib");
	return used;
}

static int is_packed(void)
{
	return strcmp(compression, "none");
}

/* Sizes and data of what is compressed into one piece */
static void put_packed(const void *from, size_t length)
{
	size_t room = length + length / 8 + 1024, used;
	char *to = malloc(room);

	if (!to)
		err(1, NULL);
	used = compress_to(to, room, from, length);
	put_number(used, 4);
	put_number(length, 4);
	put(to, used);
	free(to);
}

/* Returns where its size is to be written when that is known. */
static size_t begin_section(int id, int flags)
{
	put_number(id, 2);
	put_number(flags, 2);
	put_number(0, 4);		/* where its name is */
	put_number(0, 8);
	return size - 8;
}

static void end_section(size_t at)
{
	set_number(at, size - at - 8);
}

static void put_section(int id, const struct text *text)
{
	size_t at = begin_section(id, is_packed() ? COMPRESSED : 0);

	if (is_packed())
		put_packed(text->data, text->size);
	else
		put(text->data, text->size);
	end_section(at);
}

/* Returns how much it was, as trace-cmd counts that. */
static size_t put_pages(const char *data, size_t length)
{
	size_t begin = size, at;
	__u32 chunks = (length + CHUNK - 1) / CHUNK;

	if (!is_packed()) {
		put(data, length);
		return length;
	}
	put_number(chunks, 4);
	for (at = 0; at < length; at += CHUNK)
		put_packed(data + at, length - at < CHUNK ? length - at : CHUNK);
	return size - begin - (strcmp(trace_cmd, "3.2") ? 4 : 0);
}

struct place {
	__u64 at;
	__u64 size;
};

static void put_events(const char *data, struct place *places)
{
	size_t section = begin_section(BUFFER, is_packed() ? COMPRESSED : 0);
	__u32 i;

	for (i = 0; i < in.cpus; i++) {
		const char *entry = in.table + 16 * i;

		align();
		places[i].at = size;
		places[i].size = number(entry + 8, 8) ?
				 put_pages(data + number(entry, 8), number(entry + 8, 8)) : 0;
	}
	end_section(section);
}

static void put_buffer_option(__u64 section, const struct place *places)
{
	size_t at;
	__u32 i;

	put_number(BUFFER, 2);
	put_number(0, 4);
	at = size;
	put_number(section, 8);
	put_string(buffer ?: "");
	put_string("local");
	put_number(PAGE, 4);
	put_number(in.cpus, 4);
	for (i = 0; i < in.cpus; i++) {
		put_number(i, 4);
		put_number(places[i].at, 8);
		put_number(places[i].size, 8);
	}
	*(__u32 *)(out + at - 4) = size - at;
}

/* Returns where the begin of the next section of options is to be written. */
static size_t end_options(size_t section)
{
	put_number(DONE, 2);
	put_number(8, 4);
	put_number(0, 8);
	end_section(section);
	return size - 8;
}

static void convert_to_7(const char *data)
{
	struct place *places = calloc(in.cpus, sizeof(*places));
	__u64 sections[NR_IDS], events;
	size_t at, link, section;
	int id;

	put("\x17\x08\x44tracing7\0\0\x08", 14);
	put_number(PAGE, 4);
	put_string(compression);
	put_string("1");
	at = size;
	put_number(0, 8);
	for (id = HEADER_INFO; id < NR_IDS; id++) {
		sections[id] = size;
		put_section(id, &in.sections[id]);
	}
	set_number(at, size);
	section = begin_section(DONE, 0);
	put_options();
	for (id = HEADER_INFO; id < NR_IDS; id++) {
		put_number(id, 2);
		put_number(8, 4);
		put_number(sections[id], 8);
	}
	link = end_options(section);
	events = size;
	put_events(data, places);
	set_number(link, size);
	section = begin_section(DONE, 0);
	put_buffer_option(events, places);
	end_options(section);
	free(places);
}

/* Where the pages of each CPU are. They follow, if there are any, and so does what is behind. */
static void put_table(const char *data, int empty)
{
	size_t table = size;
	__u32 i;

	for (i = 0; i < 2 * in.cpus; i++)
		put_number(0, 8);
	align();
	for (i = 0; i < in.cpus; i++) {
		__u64 length = empty ? 0 : number(in.table + 16 * i + 8, 8);

		set_number(table + 16 * i, size);
		set_number(table + 16 * i + 8, length);
		put(data + number(in.table + 16 * i, 8), length);
	}
}

static void convert_6(const char *data)
{
	size_t at = 0;

	put(data, in.options.data - data);
	put_options();
	if (buffer) {
		put_number(BUFFER, 2);
		put_number(8 + strlen(buffer) + 1, 4);
		at = size;
		put_number(0, 8);
		put_string(buffer);
	}
	put_number(DONE, 2);
	put_string("flyrecord");
	put_table(data, !!buffer);
	if (!buffer)
		return;
	set_number(at, size);
	put_string("flyrecord");
	put_table(data, 0);
}

static char *read_all(void)
{
	size_t nr = 0, room = 1 << 20, got;
	char *data = malloc(room);

	while (data && (got = fread(data + nr, 1, room - nr, stdin))) {
		nr += got;
		if (nr == room)
			data = realloc(data, room *= 2);
	}
	if (!data)
		err(1, NULL);
	return data;
}

int main(int argc, char **argv)
{
	char *data;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--compression"))
			compression = argv[i + 1];
		else if (!strcmp(argv[i], "--trace-cmd"))
			trace_cmd = argv[i + 1];
		else if (!strcmp(argv[i], "--buffer"))
			buffer = argv[i + 1];
		else if (!strcmp(argv[i], "--machine"))
			machine = argv[i + 1];
		else
			errx(2, "%s: no such option", argv[i]);
	}
	data = read_all();
	parse(data);
	if (compression)
		convert_to_7(data);
	else
		convert_6(data);
	fwrite(out, size, 1, stdout);
	return fflush(stdout) ? 1 : 0;
}
