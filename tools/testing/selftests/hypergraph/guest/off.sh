#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: off.sh NUMBER...
# In a guest, tell what each hypercall returns and what the tracer counts.
set -eu

for nr; do
	insmod /share/test_hypercall.ko nr="$nr"
	rmmod test_hypercall
done
dmesg | sed -n 's/.*test_hypercall: nr=\([0-9]*\) ret=\([-0-9]*\) .*/\1 \2/p' >/share/returned

cd /sys/kernel/tracing
echo 0 >tracing_on
echo __x64_sys_mkdir >set_graph_function
echo hypergraph >current_tracer
echo 1 >tracing_on
mkdir /tmp/dir
echo 0 >tracing_on
echo nop >current_tracer
cat hypergraph_stats >/share/stats
