#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest that was booted with ftrace=hypergraph, tell what the tracer has counted, and what
# it had to say of its options.
set -eu

cd /sys/kernel/tracing
echo 0 >tracing_on
cat current_tracer >/share/tracer
echo nop >current_tracer
cat hypergraph_stats >/share/stats
cat /proc/kallsyms >/share/kallsyms
dmesg | grep hypergraph_boot=: >/share/refused || :
