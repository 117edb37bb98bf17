#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The durations that hypergraph reports leave out what it takes itself. This has to be run
# under a deterministic clock, by which ticks of the TSC are instructions. It compares
#
#	untraced	what a function takes by itself
#	floor		the same with an fgraph_ops that does nothing, measured from outside
#	hypergraph	the duration that was reported
#	uncorrected	the same with the tracer, measured from outside
#
# What fgraph does before a function's entry and after its return callback is in the
# floor and not in a duration: the leaf tells how much that is.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

functions="leaf chain parent sleep"

ticks()
{
	sed -n "s/^$1 $2 //p" "$SHARE/ticks"
}

# reported FUNCTION: print the least of its durations that were reported, in ns.
reported()
{
	awk -v name="$1" '
	NR == FNR { addr[$2] = $1; next }
	$2 == "return" && addr[$3] == name { print $5 }' "$WORK/names" "$WORK/events" |
	sort -n | head -n 1
}

# within A B: they differ by 2 % of B or 20 at most.
within()
{
	difference=$(($1 - $2))
	[ ${difference#-} -le 20 ] || [ ${difference#-} -le $(($2 / 50)) ]
}

between()
{
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

need_host
need_event
need_module test_calls
ktap_print_header
ktap_set_plan 5

status=0
# shellcheck disable=SC2086 # a list
record "-e hypergraph_host" guest "$TESTDIR/guest/durations.sh" $functions || status=$?
check_equal "the guest's status" $status 0
[ $status -eq 0 ] || ktap_finished
recorded_events >"$WORK/events"
learn_names "$WORK/events"

leaf=$(reported test_leaf)
outside=$(($(ticks floor leaf) - leaf))
printf '# %-8s %10s %10s %10s %12s\n' function untraced floor hypergraph uncorrected
for name in $functions; do
	case $name in
	chain) function=test_chain1 ;;
	*) function=test_$name ;;
	esac
	duration=$(reported "$function")
	printf '# %-8s %10s %10s %10s %12s\n' "$name" "$(ticks untraced "$name")" \
		"$(ticks floor "$name")" "$duration" "$(ticks uncorrected "$name")"
	if [ "$name" = leaf ]; then
		check "leaf: no less than untraced, no more than with fgraph" \
			between "$(ticks untraced leaf)" "$duration" "$(ticks floor leaf)"
	else
		check "$name: as untraced and fgraph, by 2 % or 20 instructions" \
			within "$duration" $(($(ticks floor "$name") - outside))
	fi
done
ktap_finished
