#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The host asks again if a guest stands still between its hello and the event that it sends
# again, for longer than a hello counts. No event is lost by that.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

stalls=20

# stop_after_hellos: stop the VMM as soon as a guest has said hello, every second time.
stop_after_hellos()
{
	exec bpftrace --unsafe -e "tracepoint:kvm:kvm_hypercall
		/args->nr == $NR_HELLO && (args->a0 >> 16 & 0xffff) == 1/
		{ if (@hellos++ & 1) { signal(\"SIGSTOP\"); } }" >"$WORK/bpftrace" 2>&1
}

# Let it run again each time, after a while, and have the guest end in any case.
stall()
{
	# On a slow machine the second hello may come before the guest has said that it calls.
	until [ -e "$SHARE/calls" ]; do
		sleep 0.1
		[ ! -s "$WORK/pid" ] || kill -CONT "$(cat "$WORK/pid")"
	done
	_stalls=0
	for _try in $(seq 400); do
		[ $_stalls -lt $stalls ] || break
		sleep 0.12
		grep -q '^State:.*stopped' "/proc/$(cat "$WORK/pid")/status" || continue
		sleep 0.12
		kill -CONT "$(cat "$WORK/pid")"
		_stalls=$((_stalls + 1))
	done
	echo $_stalls >"$WORK/stalls"
	kill $bpftrace
	touch "$SHARE/end"
	# Until bpftrace has ended it may stop the VMM again, whose file is gone when it ends.
	while [ -e "$WORK/pid" ]; do
		kill -CONT "$(cat "$WORK/pid")" || :
		sleep 0.2
	done
}

need_host
need_event
need_command bpftrace
ktap_print_header
ktap_set_plan 4

stop_after_hellos &
bpftrace=$!
stall &
stall=$!
status=0
record "-e hypergraph_host" guest --vm-args "-pidfile $WORK/pid" "$TESTDIR/guest/stalls.sh" ||
	status=$?
kill $stall $bpftrace 2>/dev/null || :
wait
check_equal "the guest's status" $status 0
[ "$(cat "$WORK/stalls")" = $stalls ] || show "$WORK/bpftrace"
check_equal "stalls after a hello" "$(cat "$WORK/stalls")" $stalls
recorded_events >"$WORK/events"
check_equal "events sent and recorded" "$(guest_count sent)" "$(wc -l <"$WORK/events")"
check_equal "events that were not heard" "$(guest_count unheard)" 0
ktap_finished
