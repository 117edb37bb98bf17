#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tracer refuses where there is no host to send to, and leaves nothing
# behind where there is one, however often it is selected and left.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

rounds=200

refused()
{
	echo hypergraph 2>&1 | dd of="$TRACEFS/current_tracer" 2>&1 |
		grep -q 'No such device'
}

need_host
need_event
ktap_print_header
ktap_set_plan 9

check "this kernel has the tracer" grep -qw hypergraph "$TRACEFS/available_tracers"
check "no KVM guest: selecting it fails with ENODEV" refused
check_equal "and leaves the tracer that was there" \
	"$(cat "$TRACEFS/current_tracer")" nop
check_equal "and says why in one line" \
	"$(dmesg | grep -c 'hypergraph: not a KVM guest')" 1

status=0
record "-e hypergraph_host" guest "$TESTDIR/guest/refusal.sh" $rounds || status=$?
check_equal "$rounds rounds: the guest's status, and no warning in its log" $status 0
read -r sent late active <"$SHARE/rounds"
ktap_print_msg "$sent hypercalls, in $active of $rounds rounds"
check_equal "$rounds rounds: hypercalls after the tracer was left" "$late" 0
recorded_events >"$WORK/events"
check "$rounds rounds: the tracer was active in most" [ "$active" -gt $((rounds / 2)) ]
check_equal "$rounds rounds: the host saw what was counted" \
	"$(wc -l <"$WORK/events")" "$sent"
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
