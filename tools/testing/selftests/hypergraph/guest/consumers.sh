#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: consumers.sh NAME CALL...
# In a guest, once all in the host are ready to listen, trace what the CALLs of
# test_calls.ko call. /share/NAME gets where these functions are and what the tracer counted.
set -eu

dir=/share/$1
shift
insmod /share/test_calls.ko
grep -F '[test_calls]' /proc/kallsyms >"$dir/kallsyms"

cd /sys/kernel/tracing
echo 0 >tracing_on
echo 'test_*' >set_ftrace_filter
touch "$dir/ready"
until [ -e /share/go ]; do
	sleep 0.2
done

echo hypergraph >current_tracer
echo 1 >tracing_on
for call; do
	echo "$call" >/sys/module/test_calls/parameters/run
done
echo 0 >tracing_on
echo nop >current_tracer
cat hypergraph_stats >"$dir/stats"
