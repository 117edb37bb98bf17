#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, trace one workload on every vCPU with hypergraph and, in another
# trace instance, with function_graph. /share gets what function_graph recorded. If there
# is a disk, the workload's files are on it.
set -eu

cpus=$(grep -c ^processor /proc/cpuinfo)
tracefs=/sys/kernel/tracing
oracle=$tracefs/instances/oracle

mkdir -p /mnt
if [ -e /dev/vda ]; then
	mke2fs -F /dev/vda >/dev/null 2>&1
	mount /dev/vda /mnt
fi

# workload CPU: make calls that only look up, that change files, and that sleep.
workload()
{
	i=0
	while [ $i -lt 2 ]; do
		taskset -c "$1" mkdir "/mnt/$1.$i"
		taskset -c "$1" touch "/mnt/$1.$i/file"
		taskset -c "$1" mv "/mnt/$1.$i/file" "/mnt/$1.$i/new"
		taskset -c "$1" sync "/mnt/$1.$i/new"
		i=$((i + 1))
	done
}

# Only what the workload calls is traced, so that both start and end with the same call.
cd $tracefs
echo 0 >tracing_on
echo '__x64_sys_mkdir __x64_sys_rename __x64_sys_utimensat __x64_sys_fsync' >set_graph_function
# Interrupts are traced without what would make a tick last longer than its period, when each
# call in it is a hypercall and an emulator's hypercall takes 33 us.
echo '__hrtimer_run_queues handle_softirqs' >set_graph_notrace
mkdir $oracle
echo 0 >$oracle/tracing_on
echo 20000 >$oracle/buffer_size_kb
# function_graph starts first, so that its callbacks run first: an interrupt that the host has
# ready after a hypercall then comes when both have recorded the call.
echo function_graph >$oracle/current_tracer
echo 1 >$oracle/options/funcgraph-tail
echo hypergraph >current_tracer
echo 1 >$oracle/tracing_on
echo 1 >tracing_on

cpu=0
while [ $cpu -lt "$cpus" ]; do
	workload $cpu &
	cpu=$((cpu + 1))
done
wait

echo 0 >tracing_on
echo 0 >$oracle/tracing_on
echo nop >current_tracer
cat hypergraph_stats >/share/stats
cpu=0
while [ $cpu -lt "$cpus" ]; do
	cat $oracle/per_cpu/cpu$cpu/trace >"/share/oracle.$cpu"
	grep overrun $oracle/per_cpu/cpu$cpu/stats >"/share/overrun.$cpu"
	cpu=$((cpu + 1))
done
cat /proc/kallsyms >/share/kallsyms
