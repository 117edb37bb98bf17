#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, make hypercalls of the tracer's among other exits.
set -eu

insmod /share/test_calls.ko
cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
echo hypergraph >current_tracer
for call in outer chain parent; do
	echo "$call" >/sys/module/test_calls/parameters/run
	sleep 0.1
done
echo 0 >tracing_on
echo nop >current_tracer
cat hypergraph_stats >/share/stats
