#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tool on a host: it records a guest with its exits and the functions of the host that
# served them, shows them live meanwhile, and tells of the recording what the guest sent.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

need_host
need_event
need_module test_calls
need_command hypergraph

# run_tool COMMAND OPTION...: run it on the recording, with the guest's symbols.
run_tool()
{
	_command=$1
	shift
	hypergraph "$_command" --kallsyms "$SHARE/kallsyms" "$@" "$WORK/tool.dat"
}

# wait_for FILE: wait until it is there, two minutes at most.
wait_for()
{
	_tries=240
	until [ -e "$1" ] || [ $_tries -eq 0 ]; do
		_tries=$((_tries - 1))
		sleep 0.5
	done
}

# The recording starts when the guest is ready: its life before would be most of it.
start_guest()
{
	guest --vm-args "-pidfile $WORK/pid" "$TESTDIR/guest/tool.sh" \
		>"$WORK/guest.log" 2>&1 &
	guest=$!
	wait_for "$SHARE/ready"
	vm=$(cat "$WORK/pid")
}

# The recording lasts as long as this command.
make_command()
{
	cat >"$WORK/command" <<-END
	touch $SHARE/go
	until [ -e $SHARE/done ]; do
		sleep 0.2
	done
	END
}

record_guest()
{
	hypergraph top -d 1 -n 100 >"$WORK/top" 2>"$WORK/top.err" &
	top=$!
	sleep 2
	status=0
	hypergraph record -o "$WORK/tool.dat" --vm "$vm" --exits \
		--host-functions 'kvm_emulate_*' -- sh "$WORK/command" \
		>"$WORK/record.log" 2>&1 || status=$?
	sleep 2
	# It may have ended by an error.
	kill -INT $top || show "$WORK/top.err"
	top_status=0
	wait $top || top_status=$?
	guest_status=0
	wait $guest || guest_status=$?
	[ $status -eq 0 ] || show "$WORK/record.log"
	[ $guest_status -eq 0 ] || show "$WORK/guest.log"
}

# A call of it is a leaf, or has an end if there was an exit in it. trace-cmd shows only calls.
leaf='\|  .*(test_leaf .*\(\);|} /\* test_leaf )'
guest_leaf='funcgraph_entry: .*test_leaf'

# count PATTERN FILE: print how many lines match.
count()
{
	grep -cE "$1" "$2" || :
}

check_report()
{
	run_tool report >"$WORK/report"
	check_equal "report: calls of test_leaf" "$(count "$leaf" "$WORK/report")" 1003
	check "report: functions of the host, below exits" \
		[ "$(count '>  .*kvm_[a-z_]*\(\)' "$WORK/report")" -gt 0 ]
	check "report: nothing was lost" grep -q ' 0 events lost$' "$WORK/report"
	grep -A 12 '|  .*/\* exit: ' "$WORK/report" | head -n 12 >"$WORK/example"
	show "$WORK/example"
}

# The exits are all of the guest's, those before it sent anything, too.
check_exits()
{
	run_tool exits >"$WORK/exits"
	head -n 4 "$WORK/exits" >"$WORK/example"
	show "$WORK/example"
	trace-cmd report -N -i "$WORK/tool.dat" 2>/dev/null |
	sed -n 's/.* hypergraph_exit: .*duration=\([0-9]*\).*/\1/p' |
	awk '{ n++; ns += $1 } END { printf "%d %.3f\n", n, ns / 1000 }' >"$WORK/expected"
	check_equal "exits: how many, and their time" \
		"$(sed -n 's/^# \([0-9]*\) VM exits*, \([0-9.]*\) us of the host.*/\1 \2/p' \
			"$WORK/exits")" "$(cat "$WORK/expected")"
	awk '/^ *[0-9.]+ .*  VM / { n += $3 } END { print n }' "$WORK/exits" >"$WORK/sum"
	check_equal "exits: the sum of all stacks" "$(cat "$WORK/sum")" \
		"$(cut -d ' ' -f 1 "$WORK/expected")"
}

# What was exported is a trace.dat of the guest's own events.
check_export()
{
	run_tool export --to trace-dat --output "$WORK/guest.dat"
	trace-cmd report -i "$WORK/guest.dat" >"$WORK/guest.report" 2>/dev/null
	check_equal "export: calls of test_leaf in the guest's trace.dat" \
		"$(count "$guest_leaf" "$WORK/guest.report")" 1003
}

check_top()
{
	check_equal "top: status after SIGINT" $top_status 0
	check "top: the VM and what it sent" \
		grep -qE "^ +$vm +[1-9][0-9]* " "$WORK/top"
	check_equal "top: its instance is gone" "$(ls "$TRACEFS/instances")" ""
}

check_interrupted()
{
	status=0
	hypergraph record -o "$WORK/interrupted.dat" --kallsyms "$SHARE/kallsyms" \
		2>"$WORK/record.log" &
	_pid=$!
	sleep 3
	kill -INT $_pid
	wait $_pid || status=$?
	check_equal "record: status after SIGINT" $status 0
	trace-cmd report -i "$WORK/interrupted.dat" >"$WORK/complete" 2>&1 || status=$?
	check_equal "record: status of trace-cmd report" $status 0
	check "record: the guest's symbols are in the file" \
		grep -aq '#hypergraph symbols vm 0 ' "$WORK/interrupted.dat"
}

ktap_print_header
ktap_set_plan 13
make_command
start_guest
record_guest
check_equal "record: status, and the guest's" "$status $guest_status" "0 0"
[ $status -eq 0 ] || ktap_finished
check_report
check_exits
check_export
check_top
check_interrupted
ktap_finished
