// SPDX-License-Identifier: GPL-2.0
/*
 * speedscope's JSON: an evented profile for each task, in which a call is open from its
 * entry to its return on the host's clock, so with exits and with sleep.
 *
 * https://www.speedscope.app/file-format-schema.json says what an event may be: each
 * closes what was opened last. A call whose entry was not seen is not there, and one
 * whose return was not seen is closed when something tells that it is over.
 */
#include <stdlib.h>
#include <string.h>

#include "export/format.h"
#include "util/spool.h"
#include "util/util.h"

struct open_frame {
	struct frame frame;
	__u32 id;		/* in the file's list of frames */
};

/* A task's events so far */
struct profile {
	const struct task *task;
	struct spool_stream *events;
	struct open_frame *open;
	unsigned int nr_open;
	unsigned int alloc;
	__u64 begin, end;	/* ns since the trace's beginning */
	bool any;
};

struct name {
	__u32 id;		/* of its frame, in the file's list of them */
	char *text;
};

struct speedscope {
	struct spool spool;
	struct map profiles;	/* by task */
	struct map names;	/* of frames, by kernel_function_key() */
	__u64 base;			/* ns */
	bool begun;
};

static void put_string(const char *s, FILE *out)
{
	putc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', out);
		putc(*s, out);
	}
	putc('"', out);
}

static int speedscope_begin(struct export *e)
{
	struct speedscope *sp = xcalloc(1, sizeof(*sp));

	e->priv = sp;
	return spool_open(&sp->spool);
}

static struct profile *profile_of(struct speedscope *sp, const struct task *task)
{
	struct profile *p = map_get(&sp->profiles, (size_t)task);

	if (p)
		return p;
	p = xcalloc(1, sizeof(*p));
	p->task = task;
	p->events = xcalloc(1, sizeof(*p->events));
	map_add(&sp->profiles, (size_t)task, p);
	return p;
}

static __u32 frame_id(struct export *e, const struct vcpu *v, __u64 addr)
{
	struct speedscope *sp = e->priv;
	struct kernel kernel = symbols_kernel(e->syms, v->boot->key);
	__u64 key = kernel_function_key(&kernel, addr);
	struct name *name = map_get(&sp->names, key);

	if (name)
		return name->id;
	name = xcalloc(1, sizeof(*name));
	name->text = print_to_string(kernel_print_function, &kernel, addr);
	name->id = sp->names.nr;
	map_add(&sp->names, key, name);
	return name->id;
}

static void put_event(struct speedscope *sp, struct profile *p, char type, __u32 id, __u64 at)
{
	char text[80];
	int len;

	if (!p->any)
		p->begin = at;
	len = snprintf(text, sizeof(text), "%s{\"type\":\"%c\",\"frame\":%u,\"at\":%llu}",
		       p->any ? ",\n" : "", type, id, at);
	p->any = true;
	p->end = at;
	spool_write(&sp->spool, p->events, text, len);
}

static void close_frame(struct speedscope *sp, struct profile *p, __u64 at)
{
	put_event(sp, p, 'C', p->open[--p->nr_open].id, at);
}

static void open_frame(struct export *e, struct profile *p, const struct vcpu *v,
		       const struct frame *f, __u64 at)
{
	if (p->nr_open == p->alloc) {
		p->alloc = p->alloc ? 2 * p->alloc : 16;
		p->open = xrealloc(p->open, p->alloc * sizeof(*p->open));
	}
	p->open[p->nr_open] = (struct open_frame){ .frame = *f, .id = frame_id(e, v, f->addr) };
	put_event(e->priv, p, 'O', p->open[p->nr_open++].id, at);
}

/* Closes what is at @depth or deeper. */
static struct profile *close_frames(struct export *e, const struct vcpu *v, __u32 depth,
				    __u64 *at)
{
	struct speedscope *sp = e->priv;
	struct profile *p = profile_of(sp, v->current);

	if (!sp->begun)
		sp->base = e->cg->ts;
	sp->begun = true;
	*at = e->cg->ts - sp->base;
	/* CPUs of the host may differ by a little. */
	if (p->any && *at < p->end)
		*at = p->end;
	while (p->nr_open && p->open[p->nr_open - 1].frame.depth >= depth)
		close_frame(sp, p, *at);
	return p;
}

static void speedscope_entry(void *ctx, struct vcpu *v, const struct frame *f)
{
	__u64 at;
	struct profile *p = close_frames(ctx, v, f->depth, &at);

	open_frame(ctx, p, v, f, at);
}

static void speedscope_ret(void *ctx, struct vcpu *v, const struct frame *f, bool entered,
			   __u64 duration)
{
	__u64 at;

	(void)entered;
	(void)duration;
	close_frames(ctx, v, f->depth, &at);
}

static void speedscope_no_return(void *ctx, struct vcpu *v, const struct frame *f)
{
	__u64 at;

	close_frames(ctx, v, f->depth, &at);
}

/* The calls of a task that was unknown so far are open in that one's profile. */
static void speedscope_identified(void *ctx, struct vcpu *v)
{
	struct export *e = ctx;
	struct speedscope *sp = e->priv;
	struct profile *unknown = map_get(&sp->profiles, (size_t)v->unknown);
	__u64 at;
	struct profile *p;
	unsigned int i;

	if (!unknown || !unknown->nr_open)
		return;
	p = close_frames(e, v, unknown->open[0].frame.depth, &at);
	for (i = 0; i < unknown->nr_open; i++)
		open_frame(e, p, v, &unknown->open[i].frame, at);
	while (unknown->nr_open)
		close_frame(sp, unknown, at);
}

static const struct callgraph_ops speedscope_ops = {
	.entry = speedscope_entry,
	.ret = speedscope_ret,
	.no_return = speedscope_no_return,
	.identified = speedscope_identified,
};

static void print_profile_name(const struct profile *p, FILE *out)
{
	guest_print(p->task->vcpu->guest, out);
	if (p->task->boot->nr > 1)
		fprintf(out, ", boot %u", p->task->boot->nr);
	fputs(", ", out);
	task_print(p->task, out);
	if (!task_is_known(p->task)) {
		fputs(" on vCPU ", out);
		vcpu_print(p->task->vcpu, out);
	}
}

/* What is open still is so until the trace ends. */
static void close_all(struct export *e)
{
	struct speedscope *sp = e->priv;
	__u64 last = trace_totals(e->trace)->last_ts - sp->base;
	struct profile *p;

	map_for_each(p, &sp->profiles) {
		while (p->nr_open)
			close_frame(sp, p, last > p->end ? last : p->end);
	}
}

static int put_profile(struct export *e, struct profile *p)
{
	struct speedscope *sp = e->priv;
	char *name = print_to_string(print_profile_name, p);
	int ret;

	fputs("{\"type\":\"evented\",\"unit\":\"nanoseconds\",\"name\":", e->out);
	put_string(name, e->out);
	free(name);
	fprintf(e->out, ",\"startValue\":%llu,\"endValue\":%llu,\"events\":[\n", p->begin, p->end);
	ret = spool_copy(&sp->spool, p->events, e->out);
	fputs("]}", e->out);
	return ret;
}

static int speedscope_end(struct export *e)
{
	struct speedscope *sp = e->priv;
	const struct name *name;
	struct profile *p;
	unsigned int nr = 0, longest = 0;
	size_t blocks = 0;

	close_all(e);
	fputs("{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
	      "\"exporter\":\"hypergraph\",\n\"profiles\":[\n", e->out);
	map_for_each(p, &sp->profiles) {
		if (!p->any)
			continue;
		if (p->events->nr > blocks) {
			blocks = p->events->nr;
			longest = nr;
		}
		if (nr++)
			fputs(",\n", e->out);
		if (put_profile(e, p))
			return -1;
	}
	/* speedscope shows this profile first. */
	fprintf(e->out, "],\n\"activeProfileIndex\":%u", longest);
	fputs(",\n\"shared\":{\"frames\":[\n", e->out);
	map_for_each(name, &sp->names) {
		fputs("{\"name\":", e->out);
		put_string(name->text, e->out);
		fputs(name->id + 1 < sp->names.nr ? "},\n" : "}\n", e->out);
	}
	fputs("]}}\n", e->out);
	return 0;
}

static void free_profile(struct profile *p)
{
	spool_free(p->events);
	free(p->open);
	free(p);
}

static void speedscope_free(struct export *e)
{
	struct speedscope *sp = e->priv;
	struct profile *p;
	struct name *name;

	if (!sp)
		return;
	map_for_each(p, &sp->profiles)
		free_profile(p);
	map_for_each(name, &sp->names) {
		free(name->text);
		free(name);
	}
	map_free(&sp->profiles);
	map_free(&sp->names);
	spool_close(&sp->spool);
	free(sp);
}

const struct format format_speedscope = {
	.name = "speedscope",
	.help = "speedscope's JSON: a profile for each task",
	.ops = &speedscope_ops,
	.begin = speedscope_begin,
	.end = speedscope_end,
	.free = speedscope_free,
};
