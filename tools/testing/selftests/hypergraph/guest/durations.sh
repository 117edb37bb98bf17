#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: durations.sh FUNCTION...
# In a guest, measure what each of test_calls.ko's functions takes by itself, with an
# fgraph_ops that does nothing, with function_graph, and with the tracer.
set -eu

parameters=/sys/module/test_calls/parameters

# measure HOW NAME...: write "HOW NAME TICKS" of each to the file.
measure()
{
	how=$1
	shift
	for name; do
		dmesg -c >/dev/null
		echo "$name ticks" >$parameters/run
		dmesg | sed -n "s/.*test_calls: $name ticks=/$how $name /p" >>/share/ticks
	done
}

insmod /share/test_calls.ko
: >/share/ticks
measure untraced "$@"
echo 1 >$parameters/graph
measure floor "$@"
echo 0 >$parameters/graph
cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
echo function_graph >current_tracer
measure function_graph "$@"
echo hypergraph >current_tracer
measure uncorrected "$@"
echo nop >current_tracer
cat /proc/kallsyms >/share/kallsyms
