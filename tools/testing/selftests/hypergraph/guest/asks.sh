#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, trace calls, with their task's switches and without, for so long that the host asks
# for hello while they go on, and after a time in which it has heard nothing.
set -eu

run=/sys/module/test_calls/parameters/run

insmod /share/test_calls.ko
cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
for sched in 1 0; do
	echo $sched >options/hypergraph-sched
	echo hypergraph >current_tracer
	i=0
	while [ $i -lt 5 ]; do
		echo parent >$run
		sleep 0.2
		echo leaf >$run
		i=$((i + 1))
	done
	echo nop >current_tracer
	cat hypergraph_stats >>/tmp/stats
done
awk '{ n[$1] += $2 } END { for (name in n) print name, n[name] }' /tmp/stats >/share/stats
