#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# However a recording of the tool ends, its events are disabled then, no process of it is
# left, and what was recorded can be read: it is killed, alone or with a command that it runs,
# trace-cmd is killed, the disk fills. So it is when the tool that shows events live is killed.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

need_host
need_event
need_module test_calls
need_command hypergraph

DISK=$WORK/disk
DISK_MB=60

# await COMMAND...: wait until it is true, two minutes at most.
await()
{
	_tries=240
	until "$@" || [ $_tries -eq 0 ]; do
		_tries=$((_tries - 1))
		sleep 0.5
	done
}

# The first of trace-cmd's processes is that which the others belong to.
trace_cmd()
{
	pidof trace-cmd | tr ' ' '\n' | sort -n | head -n 1
}

no_trace_cmd()
{
	[ -z "$(trace_cmd)" ]
}

is_disabled()
{
	[ "$(cat "$EVENT/enable")" = 0 ]
}

has_ended()
{
	no_trace_cmd && is_disabled
}

# recorded BYTES: has so much been written?
recorded()
{
	[ "$(stat -c %s "$DISK/r.dat.new.cpu0" 2>/dev/null || echo 0)" -gt "$1" ]
}

# start_recording ARG...: and wait until a part of it is on the disk.
start_recording()
{
	rm -f "$DISK"/*
	hypergraph record -o "$DISK/r.dat" "$@" 2>"$WORK/record.log" &
	recorder=$!
	await recorded 100000
	recorded 100000 || show "$WORK/record.log"
}

# What is left would be in the way of the next one.
kill_all()
{
	_pids=$(pidof trace-cmd) || :
	# shellcheck disable=SC2086 # a list
	[ -z "$_pids" ] || kill -9 $_pids
	echo 0 >"$EVENT/enable"
}

check_ended()
{
	await has_ended
	check "$1: trace-cmd has ended" no_trace_cmd
	check "$1: the event is disabled" is_disabled
	kill_all
}

# is_readable: it says no error, and shows calls.
is_readable()
{
	hypergraph report "$DISK/r.dat" >"$WORK/report" 2>"$WORK/report.err" &&
		[ "$(grep -c "();" "$WORK/report")" -gt 100 ]
}

check_readable()
{
	check "$1: what was recorded can be read" is_readable
	show "$WORK/report.err"
}

check_killed()
{
	start_recording
	kill -9 $recorder
	check_ended "record killed"
	mv "$DISK/r.dat.new" "$DISK/r.dat" || find "$DISK" | sed "s/^/# /"
	check_readable "record killed"
}

is_gone()
{
	[ ! -e "/proc/$1" ]
}

check_killed_with_command()
{
	rm -f "$WORK/command.pid"
	# shellcheck disable=SC2016 # for the inner shell
	start_recording -- sh -c 'echo $$ >'"$WORK/command.pid"'; exec sleep 1000'
	kill -9 $recorder
	check_ended "record with a command killed"
	_command=$(cat "$WORK/command.pid")
	await is_gone "$_command"
	check "record with a command killed: the command has ended" is_gone "$_command"
	is_gone "$_command" || kill "$_command"
}

# ends_with NAME MESSAGE: the recording ended with status 1 and MESSAGE as its last line.
ends_with()
{
	status=0
	wait $recorder || status=$?
	check_equal "$1: status of record" $status 1
	check_equal "$1: what record says" "$(tail -n 1 "$WORK/record.log")" "$2"
}

check_trace_cmd_killed()
{
	start_recording
	kill -9 "$(trace_cmd)"
	ends_with "trace-cmd killed" "hypergraph: trace-cmd failed"
	check_ended "trace-cmd killed"
}

# Neither trace-cmd nor its recorder of a CPU would end by itself.
interrupt_later()
{
	_tries=60
	while [ -e "/proc/$1" ] && [ $_tries -gt 0 ]; do
		_tries=$((_tries - 1))
		sleep 1
	done
	[ $_tries -gt 0 ] || kill -INT "$1"
}

# fill MB: leave so many on the disk, if 0 none.
fill()
{
	_free=$(df -m "$DISK" | awk 'END { print $(NF - 2) }')
	dd if=/dev/zero of="$DISK/filler" bs=1M count=$((_free - $1 + 1)) 2>/dev/null || :
}

check_nearly_full()
{
	start_recording
	fill 20
	interrupt_later $recorder &
	ends_with "disk nearly full" \
		"hypergraph: $DISK/r.dat: the disk is nearly full: the recording ended early"
	check_ended "disk nearly full"
	check_readable "disk nearly full"
}

# trace-cmd restore makes the file where there is room for it.
check_full()
{
	start_recording
	fill 0
	interrupt_later $recorder &
	ends_with "disk full" \
		"hypergraph: $DISK/r.dat: the disk is full: trace-cmd restore reads $DISK/r.dat.new.cpu*"
	check_ended "disk full"
	rm "$DISK/filler"
	trace-cmd restore -o "$DISK/r.dat" "$DISK"/r.dat.new.cpu* >"$WORK/restore.log" 2>&1 ||
		show "$WORK/restore.log"
	check_readable "disk full"
}

is_listening()
{
	[ -s "$WORK/top" ] && [ "$(ls "$TRACEFS/instances")" = "hypergraph-top-$top" ]
}

has_no_instance()
{
	[ -z "$(ls "$TRACEFS/instances")" ]
}

# The events are enabled in an instance of its own.
check_top_killed()
{
	hypergraph top -d 1 >"$WORK/top" 2>&1 &
	top=$!
	await is_listening
	check "top killed: it had an instance" is_listening
	kill -9 $top
	await has_no_instance
	check "top killed: its instance is gone" has_no_instance
}

ktap_print_header
ktap_set_plan 23
mkdir "$DISK"
mount -t tmpfs -o size=${DISK_MB}m none "$DISK"
# The kernel is to hand on what was recorded at once, not when half of its buffers is full.
percent=$(cat "$TRACEFS/buffer_percent")
echo 0 >"$TRACEFS/buffer_percent"
trap 'echo $percent >"$TRACEFS/buffer_percent"; umount "$DISK"; rm -rf "$WORK"' EXIT
guest "$TESTDIR/guest/record.sh" >"$WORK/guest.log" 2>&1 &
guest=$!
await [ -e "$SHARE/ready" ]
check_killed
check_killed_with_command
check_trace_cmd_killed
check_nearly_full
check_full
check_top_killed
touch "$SHARE/done"
status=0
wait $guest || status=$?
[ $status -eq 0 ] || show "$WORK/guest.log"
check_equal "the guest's status" $status 0
ktap_finished
