# SPDX-License-Identifier: GPL-2.0
# Usage: awk -v seed=NUMBER -f whose.awk EXITS MOMENTS
# This finds for each exit of the tool's report which task ran then, and which functions it was
# in, by function_graph and sched_switch of the guest, and compares. It prints a line
# "COUNT NAME NUMBER" for each way in which that ends, some of the exits that differ, and ten of
# those whose task the host was told, drawn at random.
#
# EXITS has a line for each exit in the report, with tabs: VCPU TASK FUNCTIONS TEXT. A TASK is a
# pid, or "?" where the report says that it is not known. FUNCTIONS are outermost first.
# MOMENTS has these lines, in order of the host's TSC:
#	TSC guest VCPU PID entry|return NAME DEPTH	function_graph has recorded it
#	TSC guest VCPU PID switch PREVIOUS NEXT TEXT	sched_switch
#	TSC mark on|off					hypergraph is on since then, or until then
#	TSC told VCPU entry|return NAME DEPTH		the host was told of it in a hypercall
#	TSC told VCPU switch PREVIOUS NEXT
#	TSC told VCPU who PID
#	TSC told VCPU off vcpu|all
#	TSC exit VCPU TEXT				kvm_exit
#
# What the guest recorded counts from the hypercall on that tells it. Exits between these two are
# in the tracers themselves, where what is told is what the guest recorded a step before or after.
# What was called while hypergraph was off is not told, but all calls around and in that are, and
# all that is called while it is on.

BEGIN { FS = "\t" }

function key(pid, vcpu)
{
	return pid == 0 ? "0 " vcpu : pid
}
function pid_of(task)
{
	sub(/ .*/, "", task)
	return task
}
# Three stacks of functions are kept for each task: open is the one that function_graph knows,
# heard has of that only what was ever told, and told is what the host was told by now.
# frames[TASK, DEPTH] is a name, or "?", and height[TASK] the depth of the next call.
function cut(frames, height, task, depth)
{
	while (height[task] > depth)
		delete frames[task, --height[task]]
}
function push(frames, height, task, depth, name)
{
	cut(frames, height, task, depth)
	frames[task, depth] = name
	height[task] = depth + 1
}
function name_in(frames, task, depth)
{
	return (task, depth) in frames ? frames[task, depth] : "?"
}
function functions(frames, height, task,    depth, text)
{
	for (depth = 0; depth < height[task]; depth++)
		text = text (depth ? " > " : "") name_in(frames, task, depth)
	while (sub(/( > )?\?$/, "", text))
		;
	return text
}

NR == FNR {
	nr_exits[$1]++
	task_of[$1, nr_exits[$1]] = $2 == 0 ? key(0, $1) : $2
	functions_of[$1, nr_exits[$1]] = $3
	text_of[$1, nr_exits[$1]] = $4
	next
}
{
	moment[++nr] = $0
	vcpu = $3
}
$2 == "guest" {
	last[vcpu] = nr
	what[nr] = $5 " " $6 " " $7
	if ($5 == "switch" && switch_told[vcpu] && what[switch_told[vcpu]] == what[nr])
		pair(switch_told[vcpu], nr)
	else
		await(vcpu, nr)
	if ($5 == "switch" && switch_told[vcpu] && !(nr in is_told))
		count["told, but not traced"]++
	if ($5 == "switch")
		switch_told[vcpu] = 0
}
# hypergraph is the first to see a switch, and then nothing comes in between.
$2 == "told" && $4 == "switch" {
	what[nr] = $4 " " $5 " " $6
	switch_told[vcpu] = nr
}
# function_graph is the first to see a call. An interrupt may come in between, with calls of its
# own: of two that wait the last is told first. Others were not told at all.
$2 == "told" && ($4 == "entry" || $4 == "return") {
	for (i = nr_untold[vcpu]; i; i--)
		if (what[untold[vcpu, i]] == $4 " " $5 " " $6)
			break
	if (i) {
		pair(nr, untold[vcpu, i])
		nr_untold[vcpu] = i - 1
	} else {
		count["told, but not traced"]++
	}
}
# This is told in place of the call that has just been traced, or of a switch.
$2 == "told" && $4 == "off" && last[vcpu] && !(last[vcpu] in is_told) {
	pair(nr, last[vcpu])
}
# An event that was interrupted as it was put into the buffer has the time of the one before it
# there, which an interrupt may have recorded: that is told first, though it is not the last.
function await(vcpu, nr,    i)
{
	for (i = ++nr_untold[vcpu]; i > 1 && tsc(untold[vcpu, i - 1]) == tsc(nr); i--)
		untold[vcpu, i] = untold[vcpu, i - 1]
	untold[vcpu, i] = nr
}
function tsc(nr,    fields)
{
	split(moment[nr], fields)
	return fields[1]
}
function pair(nr, guest,    fields)
{
	split(moment[nr], fields)
	twin[nr] = guest
	is_told[guest] = fields[4]
}
function was_told(guest, kind)
{
	return guest in is_told && is_told[guest] == kind
}

function trace(nr,    task)
{
	task = key($4, $3)
	running[$3] = $5 == "switch" ? key($7, $3) : task
	if ($5 == "entry") {
		push(open, level, task, $7, $6)
		push(heard, heard_level, task, $7, was_told(nr, "entry") ? $6 : "?")
	} else if ($5 == "return") {
		cut(open, level, task, $7)
		cut(heard, heard_level, task,
		    was_told(nr, "return") || name_in(heard, task, $7) != $6 ? $7 : 0)
	} else {
		switch_text[$3] = $8
	}
}
# The return of a function that was told is not: nothing is known of the task then.
function withhold(    task)
{
	task = key($4, $3)
	if ($5 == "return" && name_in(told, task, $7) != $6)
		return
	if ($5 == "return")
		cut(told, told_level, task, 0)
	current[$3] = "?"
}
function tell(    task)
{
	task = key($4, $3)
	current[$3] = $5 == "switch" ? key($7, $3) : task
	if ($5 == "entry")
		push(told, told_level, task, $7, $6)
	else if ($5 == "return")
		cut(told, told_level, task, $7)
}
function tell_all_off(    vcpu)
{
	for (vcpu in current)
		current[vcpu] = "?"
}
# The first of a call and its hypercall begins what is in the tracers, the second one ends it.
function meet(guest, vcpu)
{
	waiting[vcpu] += guest in begun ? -1 : 1
	begun[guest] = 1
}
# While a call waits to be told, an interrupt's are told: it is not known in these, or is still.
function wait_to_be_told(name)
{
	early[key($4, $3), $7] = $5 == "entry" ? "?" : name
}
function functions_early(task,    depth, stack, height)
{
	for (depth = 0; depth < heard_level[task]; depth++)
		if ((task, depth) in early)
			push(stack, height, task, depth, early[task, depth])
		else
			push(stack, height, task, depth, name_in(heard, task, depth))
	return functions(stack, height, task)
}
# What is passed on a vCPU between these: the tasks and functions, before the first and on.
function state(task)
{
	return "\n" task "\t" functions(heard, heard_level, task) "\n"
}
function pass(vcpu, task)
{
	passed[vcpu] = passed[vcpu] state(task)
}
function begin_to_pass(vcpu)
{
	if (!waiting[vcpu])
		passed[vcpu] = state(running[vcpu])
}
# The last one before hypergraph is off may be told or not.
function on_not_told(vcpu, is_so)
{
	if (is_on && was_not_told[vcpu])
		count["not told while on"]++
	was_not_told[vcpu] = is_on && is_so
}
function on_guest(nr,    name)
{
	name = name_in(heard, key($4, $3), $7)
	on_not_told($3, !was_told(nr, $5) && ($5 != "return" || name == $6))
	begin_to_pass($3)
	trace(nr)
	pass($3, running[$3])
	if (nr in is_told)
		meet(nr, $3)
	else
		withhold()
	if (was_told(nr, "entry") || was_told(nr, "return"))
		wait_to_be_told(name)
}
function on_told(nr,    kind)
{
	kind = $4
	if (kind == "who") {
		current[$3] = $3 in running ? running[$3] : key($5, $3)
	} else if (kind == "off" && $5 == "all") {
		tell_all_off()
	} else if (kind == "off") {
		current[$3] = "?"
	}
	if (!(nr in twin))
		return
	$0 = moment[twin[nr]]
	begin_to_pass($3)
	if (kind == "switch")
		pass($3, key($7, $3))
	else
		delete early[key($4, $3), $7]
	meet(twin[nr], $3)
	if (kind == "off")
		withhold()
	else
		tell()
}
# How is what the host was told, which is what is reported, of what the guest recorded?
function result_of_told(vcpu, task, text,    how)
{
	if (waiting[vcpu] && (index(passed[vcpu], "\n" task "\t" text "\n") ||
			      task == running[vcpu] && text == functions_early(task)))
		how = "in the tracers"
	else if (task != running[vcpu] || text != functions(heard, heard_level, task))
		return "wrong"
	else
		how = "in calls that began while tracing was off"
	return task == running[vcpu] && text == functions(open, level, task) ? "same" : how
}
function result(vcpu, task, text, task_told, text_told)
{
	if (task != task_told || (task != "?" && text != text_told))
		return "wrong"
	return task == "?" ? "not known" : result_of_told(vcpu, task, text)
}
function on_exit(nr,    vcpu, n, task, row, how)
{
	vcpu = $3
	n = ++seen[vcpu]
	task = vcpu in current ? current[vcpu] : "?"
	how = result(vcpu, task_of[vcpu, n], functions_of[vcpu, n], task,
		     functions(told, told_level, task))
	count[how]++
	row = "report          vCPU " vcpu ", " text_of[vcpu, n] ", in: " \
	      functions_of[vcpu, n] "\n" \
	      "kvm_exit        TSC " $1 ", " $4 "\n" \
	      "sched_switch    " switch_text[vcpu] "\n" \
	      "function_graph  task " pid_of(running[vcpu]) ", in: " \
	      functions(open, level, running[vcpu]) "\n" \
	      "                " how "\n"
	if (task != "?")
		rows[++nr_rows] = row
	if (how == "wrong" && count[how] <= 5)
		printf "%stold            task %s, in: %s\n", row, pid_of(task), \
			functions(told, told_level, task)
}
function draw(nr,    i, n)
{
	srand(seed)
	for (i = 0; i < nr && i < nr_rows; i++) {
		n = i + 1 + int(rand() * (nr_rows - i))
		print rows[n]
		rows[n] = rows[i + 1]
	}
}
END {
	for (m = 1; m <= nr; m++) {
		$0 = moment[m]
		if ($2 == "guest")
			on_guest(m)
		else if ($2 == "told")
			on_told(m)
		else if ($2 == "mark")
			is_on = $3 == "on"
		else
			on_exit(m)
	}
	for (vcpu in nr_exits)
		count["exits more or less"] += nr_exits[vcpu] != seen[vcpu]
	for (how in count)
		print "COUNT", how, count[how]
	print "DRAWN with seed " seed ":"
	draw(10)
}
