#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A guest that its host asks for hello again and again gives up at some time. What the host
# then does not know is not taken for known, and it gets the last hello that it asked for.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

# Have the host ask five times in a row.
ask_often()
{
	insmod "$TESTDIR/test_modules/test_ask.ko" asks=4 2>/dev/null ||
		skip "needs a host whose kernel has kprobes and is that of test_ask.ko"
	trap 'rmmod test_ask; rm -rf "$WORK"' EXIT
}

need_host
need_event
need_module test_calls
need_module test_ask
ask_often
ktap_print_header
ktap_set_plan 7

status=0
record "-e hypergraph_host" guest "$TESTDIR/guest/asks.sh" || status=$?
check_equal "the guest's status" $status 0
[ $status -eq 0 ] || ktap_finished
recorded_events >"$WORK/events"
calls_of_tasks <"$WORK/events" >"$WORK/calls"
unheard=$(guest_count unheard)
check "events with which it gave up ($unheard)" [ "$unheard" -ge 3 ]
check_equal "events sent and heard, and recorded" "$(($(guest_count sent) - unheard))" \
	"$(wc -l <"$WORK/events")"
check "calls" [ "$(grep -c ' entry ' "$WORK/calls")" -ge 1000 ]
check_equal "calls of no known task, or not on its stack" "$(grep -c ' fault$' "$WORK/calls")" 0
check_equal "the host waits for a hello" \
	"$(cat /sys/module/test_ask/parameters/waits)" N
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
