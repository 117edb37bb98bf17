// SPDX-License-Identifier: GPL-2.0
/* Reads a recording a second time, ahead of the first, as far as one has to. */
#include <stdlib.h>

#include "input/lookahead.h"
#include "input/merge.h"
#include "util/map.h"
#include "util/util.h"

struct lookahead {
	struct dat dat;		/* a copy, of which nobody is told what is damaged */
	const struct fields *fields;
	struct merge *merge;	/* NULL: nothing was asked for yet */
	struct map told;	/* by thread */
};

struct lookahead *lookahead_new(const struct dat *d, const struct fields *fields)
{
	struct lookahead *l = xcalloc(1, sizeof(*l));

	l->dat = *d;
	l->dat.quiet = true;
	l->dat.chunk = (struct dat_chunk){ 0 };
	l->fields = fields;
	return l;
}

static void note(struct lookahead *l, const struct raw_record *raw)
{
	struct host_record r;
	struct told *told;

	fields_read(l->fields, raw, &r);
	if ((r.type != RECORD_HYPERCALL && r.type != RECORD_JOINED) || map_get(&l->told, r.pid))
		return;
	told = xcalloc(1, sizeof(*told));
	told->vm = r.vm;
	told->vm_id = r.vm_id;
	told->vcpu = r.vcpu;
	map_add(&l->told, r.pid, told);
}

const struct told *lookahead_find(struct lookahead *l, __u32 pid)
{
	const struct raw_record *raw;
	const struct told *told;

	if (!l)
		return NULL;
	if (!l->merge)
		l->merge = merge_new(&l->dat);
	while (!(told = map_get(&l->told, pid)) && (raw = merge_next(l->merge)))
		note(l, raw);
	return told;
}

void lookahead_free(struct lookahead *l)
{
	struct told *told;

	if (!l)
		return;
	map_for_each(told, &l->told)
		free(told);
	map_free(&l->told);
	merge_free(l->merge);
	free(l->dat.chunk.data);
	free(l);
}
