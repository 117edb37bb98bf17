#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: off.sh DIR NUMBER...
# In a guest: what each hypercall returns, and what the tracer counts.
set -eu

dir=$1
shift

for nr; do
	insmod "$dir/test_hypercall.ko" nr="$nr"
	rmmod test_hypercall
done
dmesg | sed -n 's/.*test_hypercall: nr=\([0-9]*\) ret=\([-0-9]*\) .*/\1 \2/p' >"$dir/returned"

cd /sys/kernel/tracing
echo 0 >tracing_on
echo __x64_sys_mkdir >set_graph_function
echo hypergraph >current_tracer
echo 1 >tracing_on
mkdir /tmp/dir
echo 0 >tracing_on
cat hypergraph_stats >"$dir/stats"
echo nop >current_tracer
