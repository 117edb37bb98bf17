#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: crash.sh HOW
# In a guest, trace, and end as HOW says.
set -eu

insmod /share/test_calls.ko
cat /proc/kallsyms >/share/kallsyms
cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
case $1 in
*-returns)
	echo 0 >options/hypergraph-entry
	;;
power-off)
	echo >set_ftrace_filter
	echo kernel_power_off >set_graph_function
	;;
esac
echo hypergraph >current_tracer
[ "$1" != power-off ] || exit 0
echo crash "${1%-returns}" >/sys/module/test_calls/parameters/run
