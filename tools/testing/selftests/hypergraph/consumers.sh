#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# hypergraph_host is an event like any other: trace-cmd, perf, bpftrace and ftrace's
# filters and histograms all see the same run of two guests, and each finds in it as
# many events of each guest as the guest has sent.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

calls_a="outer chain"		# 12 calls
calls_b="parent outer"		# 1008, of which 1003 of test_leaf
instances="stream vm nr hist"

need_host
need_event
need_module test_calls

has()
{
	command -v "$1" >/dev/null
}

# Each program is told to run this script, which it does once it listens, and then listens
# until the script ends.
make_hold()
{
	cat >"$WORK/hold" <<-END
	touch $WORK/\$1.listens
	until [ -e $WORK/done ]; do
		sleep 0.2
	done
	END
}

# start NAME COMMAND...: run COMMAND in the background.
start()
{
	listeners="$listeners $WORK/$1.listens"
	_out=$WORK/$1
	shift
	"$@" >"$_out.out" 2>"$_out.err" </dev/null &
	programs="$programs $!"
}

start_programs()
{
	listeners=
	start record trace-cmd record -q -e hypergraph_host -o "$WORK/trace.dat" \
		sh "$WORK/hold" record
	# It has a buffer of its own, or the two would each get a part. It reads nothing
	# before the buffer is that full, and if more is left at the end than a pipe can
	# hold, trace-cmd 3.1 may never end.
	mkdir "$TRACEFS/instances/stream"
	echo 1 >"$TRACEFS/instances/stream/buffer_percent"
	start stream trace-cmd stream -B stream -e hypergraph_host sh "$WORK/hold" stream
	! has perf ||
		start perf-record perf record -q -a -e hypergraph:hypergraph_host \
			-o "$WORK/perf.data" sh "$WORK/hold" perf-record
	! has perf ||
		start perf-trace perf trace -a -m 8M -e hypergraph:hypergraph_host \
			-o "$WORK/perf-trace.txt" sh "$WORK/hold" perf-trace
	! has bpftrace ||
		start bpftrace bpftrace -c "/bin/sh $WORK/hold bpftrace" -e \
			'tracepoint:hypergraph:hypergraph_host { @[args->vm, args->nr] = count(); }'
	# If a program could not start, its test will say so.
	# shellcheck disable=SC2086 # a list of files
	wait_for $listeners || tail "$WORK"/*.err | sed 's/^/# /'
}

# wait_for FILE...: wait until all are there, two minutes at most, and fail if one is not.
wait_for()
{
	_tries=240
	for _file; do
		until [ -e "$_file" ]; do
			_tries=$((_tries - 1))
			[ $_tries -gt 0 ] || return
			sleep 0.5
		done
	done
}

# trace-cmd 3.1 may not show what is in the last pages of a stream. This fills them with
# something else, and waits for what is before.
end_stream()
{
	for _line in $(seq 40); do
		printf '%01000d\n' "$_line" >"$TRACEFS/instances/stream/trace_marker"
	done
	_sent=$(cat "$SHARE"/*/stats | awk '$1 == "sent:" { n += $2 } END { print n + 0 }')
	_tries=60
	until [ "$(grep -c hypergraph_host: "$WORK/stream.out")" -ge "$_sent" ] ||
		[ $_tries -eq 0 ]; do
		_tries=$((_tries - 1))
		sleep 1
	done
}

# A program that does not end within a minute has failed.
end_programs()
{
	touch "$WORK/done"
	_tries=60
	for _pid in $programs; do
		while kill -0 "$_pid" 2>/dev/null && [ $_tries -gt 0 ]; do
			_tries=$((_tries - 1))
			sleep 1
		done
		kill "$_pid" 2>/dev/null || :
		wait "$_pid" || :
	done
	programs=
}

# instance NAME FILE TEXT: make an instance, and write TEXT to the event's FILE in it.
instance()
{
	mkdir "$TRACEFS/instances/$1"
	echo "$3" >"$TRACEFS/instances/$1/events/hypergraph/hypergraph_host/$2"
	echo 1 >"$TRACEFS/instances/$1/events/hypergraph/hypergraph_host/enable"
}

start_instances()
{
	vm_a=$(cat "$WORK/a.pid")
	vm_b=$(cat "$WORK/b.pid")
	instance vm filter "vm == $vm_a"
	instance nr filter "nr == $NR_ENTRY"
	instance hist trigger \
		"hist:keys=a0.hex:vals=exit_overhead if nr == $NR_ENTRY && vm == $vm_b"
}

read_instances()
{
	cat "$TRACEFS/instances/vm/trace" >"$WORK/vm.out"
	cat "$TRACEFS/instances/nr/trace" >"$WORK/nr.out"
	cat "$TRACEFS/instances/hist/events/hypergraph/hypergraph_host/hist" >"$WORK/hist.out"
}

remove_instances()
{
	for instance in $instances; do
		[ ! -d "$TRACEFS/instances/$instance" ] || rmdir "$TRACEFS/instances/$instance"
	done
}

cleanup()
{
	touch "$WORK/done"
	# shellcheck disable=SC2086 # a list
	kill $programs 2>/dev/null || :
	wait
	remove_instances
	rm -rf "$WORK"
}

# start_guest NAME CALL...: start a guest in the background, whose QEMU writes its pid to a file.
start_guest()
{
	_name=$1
	shift
	mkdir "$SHARE/$_name"
	guest --vm-args "-pidfile $WORK/$_name.pid" "$TESTDIR/guest/consumers.sh" \
		"$_name" "$@" >"$WORK/$_name.log" 2>&1 &
}

# end_of_guest NAME PID: wait for such a guest, and judge it as record() does.
end_of_guest()
{
	wait "$2" || status=$?
	[ -z "$(reports <"$WORK/$1.log")" ] || status=99
	[ $status -eq 0 ] || show "$WORK/$1.log"
}

# Everything listens at once.
run()
{
	start_programs
	# shellcheck disable=SC2086 # a list
	start_guest a $calls_a
	guest_a=$!
	# shellcheck disable=SC2086 # a list
	start_guest b $calls_b
	guest_b=$!
	status=0
	if wait_for "$SHARE/a/ready" "$SHARE/b/ready"; then
		start_instances
	else
		status=98
	fi
	touch "$SHARE/go"
	end_of_guest a $guest_a
	end_of_guest b $guest_b
	if [ $status -eq 0 ]; then
		read_instances
		end_stream
	fi
	end_programs
}

# Print the event's text from the lines of whichever program, in an order of its own.
events()
{
	sed -n 's/.*\(vm=[0-9]* vcpu=.* exit_overhead=[0-9]*\).*/\1/p' | LC_ALL=C sort
}

# Count such events of each guest: "a=NUMBER b=NUMBER".
per_guest()
{
	awk -v a="vm=$vm_a" -v b="vm=$vm_b" '
	{ n[$1 == a ? "a" : $1 == b ? "b" : "other"]++ }
	END { printf "a=%d b=%d%s\n", n["a"], n["b"], n["other"] ? " others" : "" }'
}

# sent_by GUEST: print how many events it has counted.
sent_by()
{
	sed -n 's/^sent: //p' "$SHARE/$1/stats"
}

# examples NAME FILE: show three lines of a program's text as diagnostics.
examples()
{
	grep -E "^[^#]*(vm=|vm: |@.)($vm_a|$vm_b)[, ]|^[{] a0:" "$2" | head -n 3 |
	cut -c 1-160 | sed "s/^/# $1: /"
}

# check_events NAME FILE: check a program's text in FILE.
check_events()
{
	events <"$2" >"$2.events"
	examples "$1" "$2"
	check_equal "$1: the events of each guest" "$(per_guest <"$2.events")" "$sent"
}

record_shows()
{
	trace-cmd report -N -i "$WORK/trace.dat" >"$WORK/record" 2>"$WORK/record.err" || :
	check_events "$1" "$WORK/record"
}

perf_shows()
{
	perf script -i "$WORK/perf.data" >"$WORK/perf" 2>"$WORK/perf.err" || :
	check_events "$1" "$WORK/perf"
}

# Its lines look like "hypergraph:hypergraph_host(vm: 123, nr: 100, ...", and leave out fields
# that are 0.
perf_trace_shows()
{
	examples "$1" "$WORK/perf-trace.txt"
	sed -n 's/.*hypergraph_host(vm: \([0-9]*\), .*/vm=\1/p' "$WORK/perf-trace.txt" \
		>"$WORK/perf-trace"
	check_equal "$1: the events of each guest" "$(per_guest <"$WORK/perf-trace")" "$sent"
}

# Its lines look like "@[123, 100]: 1009", one for each guest and number. What trace-cmd has
# recorded must come to the same.
bpftrace_shows()
{
	examples "$1" "$WORK/bpftrace.out"
	sed -n 's/^@\[\([0-9]*\), \([0-9]*\)\]: \([0-9]*\)$/\1 \2 \3/p' "$WORK/bpftrace.out" |
	LC_ALL=C sort >"$WORK/bpftrace"
	sed 's/vm=\([0-9]*\) .* nr=0x\([0-9a-f]*\) .*/\1 \2/' "$WORK/record.events" |
	while read -r vm nr; do
		echo "$vm $((0x$nr))"
	done | LC_ALL=C sort | uniq -c | awk '{ print $2, $3, $1 }' |
	LC_ALL=C sort >"$WORK/bpftrace.expected"
	same_calls "$1: the events of each guest and number" \
		"$WORK/bpftrace.expected" "$WORK/bpftrace"
}

# check_program NAME PROGRAM PACKAGE COMMAND: run COMMAND if PROGRAM is there.
check_program()
{
	if has "$2"; then
		"$4" "$1"
	else
		ktap_test_skip "$1: needs $2, of the package $3"
	fi
}

# The programs that have the event's own text show the same, field by field.
same_as_record()
{
	same_calls "$1" "$WORK/record.events" "$2"
}

perf_same()
{
	same_as_record "$1" "$WORK/perf.events"
}

# Print "NAME HITS" of each function that guest b has called, as the histogram has them.
hits()
{
	sed -n 's/^{ a0: *\([0-9a-f]*\) *} hitcount: *\([0-9]*\) .*/\1 \2/p' "$WORK/hist.out" \
		>"$WORK/hits"
	awk '{ print "call", $1 }' "$WORK/hits" >"$WORK/addresses"
	cp "$SHARE/b/kallsyms" "$SHARE/kallsyms"
	name_addresses "$WORK/addresses" |
	awk 'NR == FNR { name[$2] = $1; next } { print name[$1], $2 }' - "$WORK/hits" |
	LC_ALL=C sort | tr '\n' ' '
}

programs=
trap cleanup EXIT
ktap_print_header
ktap_set_plan 11
make_hold
run
check_equal "the guests' status" $status 0
[ $status -eq 0 ] || ktap_finished
sent="a=$(sent_by a) b=$(sent_by b)"
ktap_print_msg "sent: $sent"

record_shows "trace-cmd record"
check_events "trace-cmd stream" "$WORK/stream.out"
check_program "perf record" perf linux-perf perf_shows
check_program "perf trace" perf linux-perf perf_trace_shows
check_program "bpftrace" bpftrace bpftrace bpftrace_shows
same_as_record "trace-cmd record and stream show the same" "$WORK/stream.out.events"
check_program "trace-cmd and perf show the same" perf linux-perf perf_same

sent="a=$(sent_by a) b=0"
check_events "an instance with the filter vm == PID" "$WORK/vm.out"
sent="a=12 b=1008"
check_events "an instance with the filter nr == $NR_ENTRY" "$WORK/nr.out"
examples "histogram" "$WORK/hist.out"
check_equal "a histogram of a0: hits" "$(hits)" \
	"test_inner_a 1 test_inner_b 1 test_inner_c 1 test_leaf 1003 test_outer 1 test_parent 1 "
ktap_finished
