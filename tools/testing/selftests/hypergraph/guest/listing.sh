#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, trace the writes of a task called hypergraph-test. Without the tracer the status
# is that of a skipped test.
set -eu

cd /sys/kernel/tracing
grep -qw hypergraph available_tracers || exit 4
echo 0 >tracing_on
echo vfs_write >set_graph_function
echo 6 >max_graph_depth
echo hypergraph >current_tracer
# The name goes out when the task is switched to, so it sleeps before it writes.
sh -c 'echo -n hypergraph-test >/proc/self/comm
	echo $$ >/share/pid
	echo 1 >/sys/kernel/tracing/tracing_on
	sleep 0.1
	echo one >/tmp/file
	echo two >/tmp/file'
echo 0 >tracing_on
echo nop >current_tracer
cat hypergraph_stats >/share/stats
