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
*-idle)
	echo do_idle >set_ftrace_filter
	echo 0 >options/hypergraph-entry
	;;
power-off)
	echo >set_ftrace_filter
	echo kernel_power_off >set_graph_function
	;;
esac
echo hypergraph >current_tracer
case $1 in
power-off)
	exit 0
	;;
*-idle)
	# From then on each CPU has an idle task whose call is traced.
	for cpu in 1 2 3; do
		taskset -c $cpu true
	done
	taskset -cp 0 $$ >/dev/null
	sleep 0.1
	;;
esac
how=${1%-returns}
echo crash "${how%-idle}" >/sys/module/test_calls/parameters/run
