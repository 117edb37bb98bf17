#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a guest's program writes to hypergraph_marker is recorded by the host, whole
# and in order with calls, or is refused.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

# The host may ask for hello, and who runs, at any time.
in_order()
{
	cut -d ' ' -f 2 "$WORK/events" | grep -E 'mark|entry|return' | tr '\n' ' '
}

# digits N: print the first N bytes of the text.
digits()
{
	head -c "$1" "$SHARE/text"
}

need_host
need_event
need_module test_calls
ktap_print_header
ktap_set_plan 10

status=0
record "-e hypergraph_host" guest "$TESTDIR/guest/marks.sh" || status=$?
check_equal "the guest's status" $status 0
recorded_events >"$WORK/events"
marks_recorded <"$WORK/events" >"$WORK/marks"
check_equal "events sent and recorded" "$(guest_count sent)" "$(wc -l <"$WORK/events")"
check_equal "one hypercall for each 24 bytes, in order with calls" "$(in_order)" \
	"mark entry return mark mark mark mark mark $(yes mark | head -n 11 | tr '\n' ' ')"
check_equal "before and after the call" "$(head -n 2 "$WORK/marks" | tr '\n' ' ')" \
	"user first user second "
nr=3
for bytes in 1 24 25 256; do
	check_equal "text of $bytes bytes" "$(sed -n ${nr}p "$WORK/marks")" "user $(digits $bytes)"
	nr=$((nr + 1))
done
check_equal "what is refused, and why" "$(tr '\n' ',' <"$SHARE/refused")" \
	"not selected: Bad file descriptor,257 bytes: Message too long,a NUL: Invalid argument,no markers: Invalid argument,tracing_on is 0: Bad file descriptor,left: Bad file descriptor,"
check_equal "the trace buffer, which is not written to, stays as small as it was" \
	"$(uniq "$SHARE/buffer" | wc -l) $(grep -c expanded "$SHARE/buffer")" "1 2"
ktap_finished
