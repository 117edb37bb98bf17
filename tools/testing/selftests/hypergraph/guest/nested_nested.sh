#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: nested_nested.sh PHASE...
# In a nested guest, trace the same calls in each phase, for which its guest sees to the
# state of guest and host, and in the last what guest/same_calls.sh traces.
set -eu

. /share/lib/levels.sh

trace_calls()
{
	echo hypergraph >current_tracer
	for call in outer chain sleep deep outer; do
		echo $call >/sys/module/test_calls/parameters/run
	done
	echo 0 >tracing_on
	echo nop >current_tracer
	cat hypergraph_stats >"/share/$1.stats"
	echo 1 >tracing_on
}

insmod /share/test_calls.ko
cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
for phase; do
	echo "$phase"
	ask /share guest "begin $phase"
	trace_calls "$phase"
done

echo calls
ask /share guest "begin calls"
echo >set_ftrace_filter
/share/guest/same_calls.sh
exit 42
