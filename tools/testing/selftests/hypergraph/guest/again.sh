#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, select the tracer once, and call for each recording that the host begins. What is
# asked of it are files in /share: call.N, which becomes called.N, and then end.
set -eu

cd /sys/kernel/tracing
echo 0 >tracing_on
echo __x64_sys_mkdir >set_ftrace_filter
echo hypergraph >current_tracer
while [ ! -e /share/end ]; do
	for call in /share/call.*; do
		[ -e "$call" ] || continue
		echo 1 >tracing_on
		mkdir -p "/tmp/dir.${call##*.}"
		echo 0 >tracing_on
		mv "$call" "/share/called.${call##*.}"
	done
	sleep 0.1
done
echo nop >current_tracer
cat hypergraph_stats >/share/stats
