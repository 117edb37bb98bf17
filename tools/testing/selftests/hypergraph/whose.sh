#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Whose each exit is: of a busy guest with two vCPUs every exit in the tool's report is compared
# with what the guest's own function_graph and sched_switch say of the moment at which kvm_exit
# saw it. It is of the same task, in the same functions, or of a task that is not known where
# hypergraph was off. See lib/whose.awk for how they are brought together.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

VM_STATE=/sys/kernel/debug/kvm

# wait_for FILE: wait until it is there, as long as a guest may take.
wait_for()
{
	_tries=$((2 * GUEST_TIMEOUT))
	until [ -e "$1" ] || [ $_tries -eq 0 ]; do
		_tries=$((_tries - 1))
		sleep 0.5
	done
}

# Guests have no libraries.
show_trace_cmd()
{
	mkdir "$SHARE/programs"
	cp "$(command -v trace-cmd)" "$SHARE/programs/"
	LD_TRACE_LOADED_OBJECTS=1 trace-cmd | sed -n 's/.*[[:space:]]\(\/[^ ]*\) (.*/\1/p' |
	while read -r _library; do
		cp "$_library" "$SHARE/programs/"
	done
}

start_guest()
{
	truncate -s 8M "$WORK/disk"
	guest --cpus 2 --vm-args "-drive file=$WORK/disk,if=virtio,format=raw -pidfile $WORK/pid" \
		"$TESTDIR/guest/whose.sh" >"$WORK/guest.log" 2>&1 &
	guest=$!
	wait_for "$SHARE/ready"
}

# The recording lasts as long as this command.
make_command()
{
	cat >"$WORK/phases" <<-END
	touch $SHARE/go
	until [ -e $SHARE/done ]; do
		sleep 0.2
	done
	END
}

# Print what the TSC of each of the guest's vCPUs is more than the host's.
tsc_offsets()
{
	cat "$VM_STATE/$(cat "$WORK/pid")"-*/vcpu[01]/tsc-offset | tr '\n' ' '
}

record_guest()
{
	offsets=$(tsc_offsets)
	status=0
	record "-C x86-tsc -e hypergraph -e kvm_exit -e kvm_write_tsc_offset" \
		sh "$WORK/phases" || status=$?
	guest_status=0
	wait $guest || guest_status=$?
	[ $guest_status -eq 0 ] || show "$WORK/guest.log"
}

# The report holds a line back until its vCPU's next one. Of a task that goes on on another vCPU
# meanwhile, put it before what the task did there.
in_order()
{
	awk -v OFS="\t" '
	!/^ *[0-9]+\) / { next }
	{ at = NR }
	!/\|/ {
		pid[$1] = $NF ~ /-[1-9][0-9]*$/ ? $NF : "?"
		sub(/.*-/, "", pid[$1])
		vcpu[pid[$1]] = $1
		begin[pid[$1]] = NR
	}
	/\|/ && pid[$1] != "?" && vcpu[pid[$1]] != $1 { at = begin[pid[$1]] - 0.5 }
	{ printf "%.1f\t%s\n", at, $0 }' | sort -s -n -k 1,1 | cut -f 2-
}

# report_exits: from the tool's report on stdin print the lines of whose.awk, one for each exit.
report_exits()
{
	in_order | awk '
	function functions(depth,    i, text)
	{
		for (i = 0; i < depth; i++)
			text = text (i ? " > " : "") \
			       ((task[vcpu], i) in name ? name[task[vcpu], i] : "?")
		while (sub(/( > )?\?$/, "", text))
			;
		return text
	}
	function cut(depth,    t)
	{
		t = task[vcpu]
		while (height[t] > depth)
			delete name[t, --height[t]]
	}
	function exits(nr)
	{
		while (nr-- > 0)
			printf "%s\t%s\t%s\t%s, %s\n", vcpu, pid[vcpu], functions(depth), \
				comm[vcpu], $0
	}
	BEGIN { pid[0] = pid[1] = task[0] = task[1] = comm[0] = comm[1] = "?" }
	{ vcpu = $1 + 0 }
	!/\|/ {
		comm[vcpu] = $NF
		pid[vcpu] = $NF ~ /-[0-9]+$/ ? $NF : "?"
		sub(/.*-/, "", pid[vcpu])
		task[vcpu] = pid[vcpu] == 0 ? "idle " vcpu : pid[vcpu]
		next
	}
	{
		sub(/^[^|]*\|  /, "")
		match($0, /^ */)
		depth = RLENGTH / 2
		sub(/^ */, "")
	}
	/\(\) \{$/ {
		cut(depth)
		name[task[vcpu], depth] = substr($0, 1, length($0) - 4)
		height[task[vcpu]] = depth + 1
	}
	/^\} / { cut(depth) }
	/^\/\* exit: / {
		match($0, / x[0-9]+  (rip|user) /)
		exits(RSTART ? substr($0, RSTART + 2) + 0 : 1)
	}
	/^\/\* [0-9]+ VM exits \*\/$/ { exits($2) }'
}

# offset_changes: from the report of the host on stdin print "VCPU TSC OFFSET", from which TSC of
# the host on which offset counts. KVM changes it where the host's TSC is not reliable.
offset_changes()
{
	awk -v offsets="$offsets" '
	# As a number without a sign it has 20 digits, too many for awk. Of the last ones
	# the first may be a 0, by which some take them for octal ones.
	function signed(text)
	{
		if (length(text) < 20)
			return text
		return (substr(text, 1, 10) - 1844674407) * 10000000000 + \
		       ("1" substr(text, 11)) - 13709551616
	}
	function value(name)
	{
		match($0, " " name "=[0-9]+")
		return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
	}
	BEGIN { split(offsets, before, " ") }
	/ kvm_write_tsc_offset: / {
		vcpu = value("vcpu")
		match($0, /\] *[0-9]+: /)
		tsc = substr($0, RSTART + 1, RLENGTH - 3) + 0
		if (!(vcpu in changed))
			before[vcpu + 1] = signed(value("prev"))
		changed[vcpu] = 1
		line[++nr] = sprintf("%d %.0f %.0f", vcpu, tsc, signed(value("next")))
	}
	END {
		for (vcpu = 0; vcpu < 2; vcpu++)
			printf "%d 0 %.0f\n", vcpu, before[vcpu + 1]
		for (i = 1; i <= nr; i++)
			print line[i]
	}'
}

# guest_moments: from what the guest recorded print the lines of whose.awk.
guest_moments()
{
	trace-cmd report -N -R -t -i "$SHARE/oracle.dat" 2>/dev/null | awk -v OFS="\t" '
	function to_host(vcpu, tsc)
	{
		while (now[vcpu] < nr[vcpu] && begin[vcpu, now[vcpu] + 1] <= tsc)
			now[vcpu]++
		return sprintf("%.0f", tsc - offset[vcpu, now[vcpu]])
	}
	NR == FNR {
		begin[$1, ++nr[$1]] = $2 + $3
		offset[$1, nr[$1]] = $3
		now[$1] = 1
		next
	}
	function field(name)
	{
		match($0, " " name "=[^ ]*")
		return substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
	}
	!match($0, /-[0-9]+ +\[[0-9]+\] +[0-9.]+: /) { next }
	{
		split(substr($0, RSTART + 1), head, /[] []+/)
		gsub(/[.:]/, "", head[3])
		where = to_host(head[2] + 0, head[3] + 0) OFS "guest" OFS head[2] + 0 OFS head[1]
	}
	/ print: / { print to_host(head[2] + 0, head[3] + 0), "mark", /on[^a-z]*$/ ? "on" : "off" }
	/ funcgraph_entry: / { print where, "entry", field("func"), field("depth") }
	/ funcgraph_exit: / { print where, "return", field("func"), field("depth") }
	/ sched_switch: / {
		text = $0
		sub(/.* sched_switch: */, "", text)
		print where, "switch", field("prev_pid"), field("next_pid"), text
	}' "$WORK/offsets" -
}

# exit_moments: from the report of the host on stdin print the lines of whose.awk for exits.
exit_moments()
{
	awk -v OFS="\t" '
	/ kvm_exit: / {
		match($0, /-[0-9]+ +\[[0-9]+\] *[0-9]+: /)
		split(substr($0, RSTART + 1), head, /[] []+/)
		thread = head[1]
		at[thread] = head[3]
		sub(/:/, "", at[thread])
		text[thread] = $0
		sub(/.* kvm_exit: */, "", text[thread])
		sub(/ info1 .*/, "", text[thread])
	}
	/ hypergraph_exit: / {
		match($0, /-[0-9]+ +\[/)
		thread = substr($0, RSTART + 1) + 0
		match($0, / vcpu=[0-9]+/)
		vcpu = substr($0, RSTART + 6, RLENGTH - 6)
		print at[thread], "exit", vcpu, text[thread]
	}'
}

# told_moments: print them for hypercalls.
told_moments()
{
	host_events 0 <"$WORK/host" >"$WORK/events"
	learn_names "$WORK/events"
	sed -n 's/.*\] *\([0-9]*\): hypergraph_host: .*/\1/p' "$WORK/host" |
	paste -d ' ' - "$WORK/events" | awk -v OFS="\t" '
	NR == FNR { name[$2] = $1; next }
	{ where = $1 OFS "told" OFS $2 OFS $3 }
	$3 == "entry" || $3 == "return" { print where, name[$4], $5 }
	$3 == "switch" || $3 == "who" || $3 == "off" { print where, $4, $5 }' "$WORK/names" -
}

compare()
{
	report >"$WORK/host"
	hypergraph report --kallsyms "$SHARE/kallsyms" "$WORK/trace.dat" \
		>"$WORK/report" 2>"$WORK/report.err"
	report_exits <"$WORK/report" >"$WORK/exits"
	offset_changes <"$WORK/host" >"$WORK/offsets"
	{
		guest_moments
		exit_moments <"$WORK/host"
		told_moments
	} | sort -s -n -k 1,1 >"$WORK/moments"
	awk -v seed="$(date +%s)" -f "$TESTDIR/lib/whose.awk" \
		"$WORK/exits" "$WORK/moments" >"$WORK/result"
	show "$WORK/result"
}

# count HOW: print how many exits ended that way.
count()
{
	sed -n "s/^COUNT $1 //p" "$WORK/result" | grep . || echo 0
}

need_host
need_event
need_command hypergraph
[ -d "$VM_STATE" ] || skip "needs debugfs at ${VM_STATE%/kvm}"
ktap_print_header
ktap_set_plan 10

show_trace_cmd
make_command
start_guest
record_guest
check_equal "status of the recording, and the guest's" "$status $guest_status" "0 0"
[ "$status $guest_status" = "0 0" ] || ktap_finished
compare
check_equal "events that the guest's own recording has lost" "$(cat "$SHARE/overrun")" 0
check "nothing was lost" grep -q ' 0 events lost$' "$WORK/report"
check_equal "hypercalls for what the guest's own recording does not have" \
	"$(count "told, but not traced")" 0
check_equal "what the guest recorded while hypergraph was on, and has not told" \
	"$(count "not told while on")" 0
check_equal "vCPUs of which the report has too few or too many exits" "$(count "exits more or less")" 0
check "exits of a task that is known, in functions that are known" [ "$(count same)" -ge 200 ]
check "exits while hypergraph was off, of no task" [ "$(count "not known")" -ge 200 ]
check "exits in the tracers themselves are few" \
	[ "$(count "in the tracers")" -lt "$(count same)" ]
check_equal "exits that are of another task, or in other functions" "$(count wrong)" 0
ktap_finished
