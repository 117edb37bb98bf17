#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, trace calls of test_calls.ko on the second vCPU, in a task called any-host, of which
# one makes VM exits. /share gets the guest's symbols. Without the tracer the status is that of a
# skipped test.
set -eu

run=/sys/module/test_calls/parameters/run

cd /sys/kernel/tracing
grep -qw hypergraph available_tracers || exit 4
insmod /share/test_calls.ko
cat /proc/kallsyms >/share/kallsyms
echo 'test_*' >set_ftrace_filter
echo hypergraph >current_tracer
# The name goes out when the task is switched to, so it sleeps before it calls.
taskset -c 1 sh -c "echo -n any-host >/proc/self/comm
	sleep 0.1
	echo parent >$run
	echo exits >$run
	echo outer >$run"
echo nop >current_tracer
cat hypergraph_stats >/share/stats
