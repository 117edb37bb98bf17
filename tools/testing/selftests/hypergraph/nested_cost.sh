#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Print what a hypergraph hypercall of a nested guest takes: "ticks N", in ticks of the
# TSC, and "exits N", those to this host. Nested guests' are recorded meanwhile if this
# host knows how. Under a deterministic clock ticks are instructions.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

PROGRAM=/share/hypergraph_perf_test
PARAMETER=/sys/module/kvm/parameters/hypertrace_nested
INSTANCE=$TRACEFS/instances/nested_cost

# Print the exits of as long as the program takes for one round, the last ones if they are many.
sample()
{
	echo >"$INSTANCE/trace"
	echo 1 >"$INSTANCE/events/kvm/kvm_exit/enable"
	sleep 0.3
	echo 0 >"$INSTANCE/events/kvm/kvm_exit/enable"
	cat "$INSTANCE/trace"
}

# Print the least number of exits from one hypercall to the next of the same address, as
# interrupts make it more, or nothing if there are few hypercalls.
least_exits()
{
	awk '
	/ kvm_exit: / {
		exits++
		if (!match($0, / reason (hypercall|VMCALL) rip 0x[0-9a-f]+/))
			next
		call = substr($0, RSTART, RLENGTH)
		if (call == last) {
			n++
			if (!least || exits < least)
				least = exits
		}
		last = call
		exits = 0
	}
	END { if (n >= 50) print least }'
}

need_host
[ -e $PROGRAM ] || skip "needs $PROGRAM"
cp $PROGRAM "$SHARE/"
if [ -e $PARAMETER ]; then
	echo 1 >$PARAMETER
	echo 1 >"$EVENT/enable"
fi
mkdir "$INSTANCE"
echo 1000 >"$INSTANCE/buffer_size_kb"

guest --host "$TESTDIR/guest/nested_cost.sh" "/share/${PROGRAM##*/}" >"$WORK/log" 2>&1 &
guest=$!
while [ ! -e "$SHARE/started" ] && kill -0 $guest 2>/dev/null; do
	sleep 0.1
done
sed -n 's/^hypercall nothing //p' "$SHARE/cost" | grep ticks
exits=
while [ -z "$exits" ] && kill -0 $guest 2>/dev/null; do
	exits=$(sample | least_exits)
done
echo "exits $exits"
touch "$SHARE/enough"
wait $guest || show "$WORK/log"
rmdir "$INSTANCE"
