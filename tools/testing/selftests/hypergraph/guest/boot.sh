#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: boot.sh DIR
# In a guest that was booted with ftrace=hypergraph
set -eu

cd /sys/kernel/tracing
echo 0 >tracing_on
cat hypergraph_stats >"$1/stats"
cat current_tracer >"$1/tracer"
echo nop >current_tracer
cat /proc/kallsyms >"$1/kallsyms"
dmesg | grep hypergraph_boot=: >"$1/refused" || :
