// SPDX-License-Identifier: GPL-2.0
/* Which part of a trace the user asked for */
#include <fnmatch.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/filter.h"
#include "graph/guest.h"

#define NS_PER_S	1000000000ULL

/* Returns what follows the number, NULL if there is none from @min to @max. */
static const char *parse_digits(const char *arg, __u32 min, __u32 max, __u32 *nr)
{
	char *end;
	unsigned long long n = strtoull(arg, &end, 10);

	*nr = n;
	return *arg >= '0' && *arg <= '9' && n >= min && n <= max ? end : NULL;
}

static bool parse_number(const char *arg, __u32 min, __u32 max, __u32 *nr)
{
	const char *end = parse_digits(arg, min, max, nr);

	return end && !*end;
}

bool filter_parse_vm(struct filter *f, const char *arg)
{
	const char *end = parse_digits(arg, 1, MAX_PID, &f->vm);

	f->one_vm_id = end && *end == '.';
	if (f->one_vm_id)
		return parse_number(end + 1, 0, UINT16_MAX, &f->vm_id);
	return end && !*end;
}

bool filter_parse_vcpu(struct filter *f, const char *arg)
{
	f->one_vcpu = true;
	f->nested = *arg == 'n';
	return parse_number(arg + f->nested, 0, ~0U, &f->vcpu);
}

bool filter_parse_task(struct filter *f, const char *arg)
{
	__u32 pid;

	f->one_task = true;
	if (parse_number(arg, 0, MAX_PID, &pid))
		f->pid = pid;
	else
		f->comm = arg;
	return *arg;
}

bool filter_parse_depth(struct filter *f, const char *arg)
{
	return parse_number(arg, 1, MAX_DEPTH, &f->depth);
}

/* Reads decimal seconds with digits of a fraction. Returns what follows, NULL if there are none. */
static const char *parse_seconds(const char *s, __u64 *ns)
{
	__u64 unit = NS_PER_S / 10;
	char *end;

	if (*s < '0' || *s > '9')
		return NULL;
	*ns = strtoull(s, &end, 10) * NS_PER_S;
	if (*end != '.' || end[1] == '.')
		return end;
	for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10)
		*ns += (*end - '0') * unit;
	return end;
}

bool filter_parse_time(struct filter *f, const char *arg)
{
	const char *end = strstr(arg, "..");

	if (!end || (end != arg && parse_seconds(arg, &f->from) != end))
		return false;
	end += 2;
	if (!*end)
		return true;
	end = parse_seconds(end, &f->to);
	return end && !*end && f->to >= f->from;
}

bool filter_is_set(const struct filter *f)
{
	return f->vm || f->one_vcpu || f->one_task || f->function || f->from || f->to || f->depth;
}

bool filter_wants_vcpu(const struct filter *f, const struct vcpu *v)
{
	return filter_wants_vm(f, v->guest->vm, v->guest->vm_id) &&
	       (!f->one_vcpu || (v->guest->nested == f->nested && vcpu_number(v) == f->vcpu));
}

static bool wants_task(const struct filter *f, const struct task *task)
{
	if (!task_is_known(task))
		return false;
	return f->comm ? !fnmatch(f->comm, task->comm, 0) : task->pid == f->pid;
}

bool filter_asks_for(const struct filter *f, const struct vcpu *v, const struct task *task,
		     __u64 ts)
{
	return filter_wants_vcpu(f, v) && ts >= f->from && (!f->to || ts <= f->to) &&
	       (!f->one_task || wants_task(f, task)) &&
	       (!f->function || task->wanted != NOT_SEEN);
}

bool filter_wants(struct filter *f, struct vcpu *v, struct task *task, __u64 ts)
{
	if (!filter_asks_for(f, v, task, ts))
		return false;
	if (!f->matched)
		f->first_ts = ts;
	f->last_ts = ts;
	f->matched = true;
	v->matched = true;
	task->matched = true;
	return true;
}

/* The depth from which levels count */
static __u32 top_depth(const struct filter *f, const struct task *task)
{
	return f->function ? task->wanted : 0;
}

bool filter_wants_call(struct filter *f, struct vcpu *v, struct task *task, __u64 ts,
		       __u32 depth)
{
	return filter_wants(f, v, task, ts) &&
	       (!f->depth || depth - top_depth(f, task) < f->depth);
}

static bool wants_function(struct filter *f, const struct vcpu *v, __u64 addr)
{
	struct kernel kernel = symbols_kernel(f->syms, v->boot->key);
	__u64 offset, file_addr = addr - kernel.shift;
	const char *name;
	size_t answer;

	if (!kernel.table)
		return false;
	/* The map keeps answers, 1 for no and 2 for yes, by the address in the file. */
	answer = (size_t)map_get(&f->functions, file_addr);
	if (answer)
		return answer == 2;
	name = kernel_function(&kernel, addr, &offset);
	answer = 1 + (name && !fnmatch(f->function, name, 0));
	map_add(&f->functions, file_addr, (void *)answer);
	return answer == 2;
}

void filter_enter(struct filter *f, const struct vcpu *v, struct task *task,
		  const struct frame *call)
{
	if (f->function && task->wanted == NOT_SEEN && wants_function(f, v, call->addr))
		task->wanted = call->depth;
}

void filter_leave(struct task *task, __u32 depth)
{
	if (depth <= task->wanted)
		task->wanted = NOT_SEEN;
}

__u32 filter_level(const struct filter *f, const struct task *task)
{
	__u32 limit = f->depth + top_depth(f, task);

	return f->depth && task->level > limit ? limit : task->level;
}

void filter_free(struct filter *f)
{
	map_free(&f->functions);
}
