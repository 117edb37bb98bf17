#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, call and switch tasks until /share/end is there.
set -eu

cd /sys/kernel/tracing
echo vfs_write >set_ftrace_filter
echo hypergraph >current_tracer
touch /share/calls
until [ -e /share/end ]; do
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		echo call | cat >/tmp/calls
	done
done
echo nop >current_tracer
cat hypergraph_stats >/share/stats
