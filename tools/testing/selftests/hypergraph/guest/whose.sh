#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, keep two vCPUs busy, and trace that with hypergraph and, in another trace instance
# and with the TSC as its clock, with function_graph and sched_switch. Only for hypergraph is
# tracing off meanwhile, and at the end. /share gets what that instance recorded, and files that
# tell when the guest is ready and when it is done. It waits for one named go.
set -eu

tracefs=/sys/kernel/tracing
oracle=$tracefs/instances/oracle
functions='ksys_read ksys_write vfs_* pipe_* blk_mq_submit_bio virtqueue_add_sgs kernel_clone
	do_exit schedule handle_softirqs try_to_wake_up'

# work CPU: have tasks there that read a disk, talk through a pipe, sleep, begin and end.
work()
{
	echo text | taskset -c "$1" sed s/t/T/ | cat >/dev/null
	taskset -c "$1" dd if=/dev/vda of=/dev/null bs=64k count=1 iflag=direct 2>/dev/null
	taskset -c "$1" usleep 5000
	(: this is a fork)
}

# They also move between vCPUs.
busy()
{
	for cpu in 0 1; do
		work "$cpu" &
	done
	work 0-1
	wait
}

# The host's, with its libraries
trace_cmd()
{
	/share/programs/ld-linux-x86-64.so.2 --library-path /share/programs \
		/share/programs/trace-cmd "$@"
}

trace_functions()
{
	for function in $functions; do
		echo "$function" >>"$1/set_ftrace_filter"
	done
}

echo 0 >$tracefs/tracing_on
trace_functions $tracefs
mkdir $oracle
echo 0 >$oracle/tracing_on
echo 16000 >$oracle/buffer_size_kb
echo x86-tsc >$oracle/trace_clock
trace_functions $oracle
# It begins first, so that it has recorded a call, a return or a switch when hypergraph tells the
# host.
echo function_graph >$oracle/current_tracer
echo 1 >$oracle/events/sched/sched_switch/enable
echo hypergraph >$tracefs/current_tracer
cat /proc/kallsyms >/share/kallsyms
touch /share/ready
until [ -e /share/go ]; do
	sleep 0.2
done

echo 1 >$oracle/tracing_on
for _ in 1 2; do
	echo 1 >$tracefs/tracing_on
	echo on >$oracle/trace_marker
	busy
	echo off >$oracle/trace_marker
	echo 0 >$tracefs/tracing_on
	busy
done
echo 0 >$oracle/tracing_on
echo nop >$tracefs/current_tracer
touch /share/done
awk '/overrun|dropped/ { n += $NF } END { print n }' $oracle/per_cpu/cpu*/stats >/share/overrun
# The text of function_graph has no ticks, and one line for two of them.
trace_cmd extract -B oracle -o /share/oracle.dat >/dev/null
