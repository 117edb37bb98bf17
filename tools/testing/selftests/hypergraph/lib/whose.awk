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
#	TSC told VCPU entry|return NAME DEPTH		the host was told of it in a hypercall
#	TSC told VCPU switch PREVIOUS NEXT
#	TSC told VCPU who PID
#	TSC told VCPU off vcpu|all
#	TSC exit VCPU TEXT				kvm_exit
#
# What the guest recorded counts from the hypercall on that tells it. Exits between these two are
# in the tracers themselves, where the one may be a step ahead of the other. What was called while
# hypergraph was off is not told. Elsewhere both must agree.

BEGIN { FS = "\t" }

function key(pid, vcpu)
{
	return pid == 0 ? "0 " vcpu : pid
}
function pid_of(key)
{
	sub(/ .*/, "", key)
	return key
}
# Two stacks of functions are kept for each task, the one that function_graph knows and the one
# that the host was told: frames[TASK, DEPTH] is a name, height[TASK] the depth of the next call.
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
function functions(frames, height, task,    depth, text)
{
	for (depth = 0; depth < height[task]; depth++)
		text = text (depth ? " > " : "") \
		       ((task, depth) in frames ? frames[task, depth] : "?")
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
		untold[vcpu, ++nr_untold[vcpu]] = nr
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
function pair(told, guest)
{
	twin[told] = guest
	is_told[guest] = 1
}

function trace(nr,    task)
{
	task = key($4, $3)
	running[$3] = $5 == "switch" ? key($7, $3) : task
	if ($5 == "entry")
		push(open, level, task, $7, $6)
	else if ($5 == "return")
		cut(open, level, task, $7)
	else
		switch_text[$3] = $8
}
# Was @task told to be in that function?
function is_known(task, name, depth)
{
	return (task, depth) in told && told[task, depth] == name
}
# The return of a function that was told is not: nothing is known of the task then.
function withhold(    task)
{
	task = key($4, $3)
	if ($5 == "return" && !is_known(task, $6, $7))
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
function on_guest(nr)
{
	trace(nr)
	if (nr in is_told)
		meet(nr, $3)
	else
		withhold()
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
	meet(twin[nr], $3)
	if (kind == "off")
		withhold()
	else
		tell()
}
function result(vcpu, task, functions_reported, task_told, functions_told,    traced)
{
	traced = functions(open, level, running[vcpu])
	if (task != task_told || (task != "?" && functions_reported != functions_told))
		return "wrong"
	if (task == "?")
		return "not known"
	if (task == running[vcpu] && functions_reported == traced)
		return "same"
	if (waiting[vcpu])
		return "in the tracers"
	return "in calls that began while tracing was off"
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
