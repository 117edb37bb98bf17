#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# However often the host begins to record a guest that was left alone, it learns which kernel and
# which task that is before the first of its calls.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

# recording N: have the guest call while the host records, and put the events in $WORK/N.
recording()
{
	# shellcheck disable=SC2016 # for the inner shell
	record "-e hypergraph_host" sh -c 'touch "$0/call.$1"
		until [ -e "$0/called.$1" ]; do sleep 0.1; done' "$SHARE" "$1"
	recorded_events >"$WORK/$1"
}

# in_order N: print the kinds of the recording's events from the last hello before its first
# call to that, without what tells who runs.
in_order()
{
	awk '
	$2 == "hello" { kinds = "" }
	$2 !~ /^(who|switch|off)$/ { kinds = kinds $2 " " }
	$2 == "entry" { print kinds; exit }' "$WORK/$1"
}

need_host
need_event
ktap_print_header
ktap_set_plan 8

guest "$TESTDIR/guest/again.sh" >"$WORK/console" 2>&1 &
guest=$!
recording 1
recording 2
recording 3
touch "$SHARE/end"
status=0
wait $guest || status=$?
[ $status -eq 0 ] || show "$WORK/console"
check_equal "the guest's status" $status 0
for n in 1 2 3; do
	check_equal "recording $n: hello comes first" "$(in_order $n)" "hello build-id entry "
	check_equal "recording $n: calls of no known task, or not on its stack" \
		"$(calls_of_tasks <"$WORK/$n" | grep -c ' fault$')" 0
done
check_equal "one kernel" "$(awk '$2 == "hello" { print $6 }' "$WORK"/[123] | sort -u | wc -l)" 1
ktap_finished
