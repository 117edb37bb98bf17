#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: who.sh CASE...
# In a guest, trace while tasks run that the host may not know of. In the host's recording a
# mark of the user's begins each case; the tracer is left at its end.
set -eu

tracefs=/sys/kernel/tracing
oracle=$tracefs/instances/oracle
run=/sys/module/test_calls/parameters/run

start()
{
	echo hypergraph >current_tracer
	echo 1 >tracing_on
	echo "$case" >hypergraph_marker
}

leave()
{
	echo nop >current_tracer
	cat hypergraph_stats >>/share/stats
}

stop()
{
	echo 0 >tracing_on
	leave
	echo >set_ftrace_filter
	echo >set_graph_function
	for option in entry sched irqs sleep-time; do
		echo 1 >options/hypergraph-$option
	done
}

# call CPU NAME...: have a new task call them there, and note its pid.
call()
{
	cpu=$1
	shift
	# shellcheck disable=SC2016 # for that task
	taskset -c "$cpu" sh -c 'echo $$ >>"$1.pids"
		shift
		for name; do
			echo "$name" >/sys/module/test_calls/parameters/run
		done' call "/share/$case" "$@"
}

# One task turns tracing off, the next one on.
case_two_tasks()
{
	echo 'test_*' >set_ftrace_filter
	start
	taskset -c 0 sh -c "echo outer >$run; echo 0 >$tracefs/tracing_on"
	taskset -c 0 sh -c "echo \$\$ >/share/pid; echo 1 >$tracefs/tracing_on; echo chain >$run"
	stop
}

case_cpumask()
{
	echo 'test_*' >set_ftrace_filter
	start
	call 1 leaf
	echo 1 >tracing_cpumask
	call 1 outer
	echo 3 >tracing_cpumask
	call 1 chain
	stop
}

# The return of test_inner_b is not sent, so that the host does not know what is open then.
case_stale()
{
	echo 'test_*' >set_ftrace_filter
	echo 'test_inner_c:traceon' >>set_ftrace_filter
	start
	sh -c "echo 'test_leaf:traceoff:1' >>set_ftrace_filter; echo outer >$run"
	call 0 leaf
	stop
	echo '!test_inner_c:traceon' >>set_ftrace_filter
}

case_no_sched()
{
	echo 'test_*' >set_ftrace_filter
	start
	call 0 leaf
	echo 0 >options/hypergraph-sched
	call 0 outer leaf
	call 1 chain
	stop
}

# There are more tasks than pids, and each dies in a call.
case_pid_reuse()
{
	echo 'test_leaf do_exit' >set_ftrace_filter
	echo 400 >/proc/sys/kernel/pid_max
	start
	i=0
	while [ $i -lt 230 ]; do
		(echo leaf >$run)
		i=$((i + 1))
	done
	stop
	echo 32768 >/proc/sys/kernel/pid_max
}

# A function that was entered in the first selection returns in the 17th.
case_seventeen()
{
	mkfifo /tmp/fifo
	echo fifo_open >set_ftrace_filter
	start
	cat /tmp/fifo >/dev/null &
	reader=$!
	until grep -q fifo_open "/proc/$reader/stack"; do
		sleep 0.1
	done
	i=1
	while [ $i -lt 17 ]; do
		leave
		echo hypergraph >current_tracer
		i=$((i + 1))
	done
	echo last >hypergraph_marker
	echo >/tmp/fifo
	wait $reader
	stop
}

# Calls between the switch that is told and the one that is made. function_graph knows whose.
case_late()
{
	echo switch_mm_irqs_off >set_ftrace_filter
	echo switch_mm_irqs_off >$oracle/set_ftrace_filter
	echo 1 >$oracle/options/funcgraph-proc
	echo function_graph >$oracle/current_tracer
	echo 1 >$oracle/tracing_on
	start
	for i in 1 2 3 4 5; do
		echo $i | cat | cat >/dev/null
	done
	stop
	echo 0 >$oracle/tracing_on
	for cpu in 0 1; do
		cat $oracle/per_cpu/cpu$cpu/trace >"/share/late.$cpu"
	done
	echo nop >$oracle/current_tracer
}

case_late_no_sleep()
{
	echo 'schedule switch_mm_irqs_off' >set_ftrace_filter
	echo 0 >options/hypergraph-sleep-time
	start
	for i in 1 2 3 4 5; do
		echo $i | cat | cat >/dev/null
	done
	stop
}

# What was entered while tracing was off is no function within which to trace.
case_graph_function()
{
	echo 'ksys_write mutex_unlock' >set_ftrace_filter
	echo ksys_write >set_graph_function
	start
	for i in 1 2 3; do
		echo 0 >tracing_on
		echo 1 >tracing_on
	done
	stop
}

# Nothing of the trace is in the buffer that is cleared.
case_cleared()
{
	echo 'test_*' >set_ftrace_filter
	echo 0 >options/hypergraph-sched
	start
	while :; do
		echo >trace
	done &
	clearing=$!
	echo parent >$run
	kill $clearing
	stop
}

# A thread that execs takes its leader's pid, within calls, and that its pid while it runs yet. The
# thread then waits for the program's pages, whose file nobody has read before. It and then the
# leader are noted.
case_thread_exec()
{
	insmod /share/test_exec.ko
	echo 'test_leaf __x64_sys_execve do_exit release_task' >set_ftrace_filter
	start
	/share/thread_exec /share/sh -c "echo \$\$; echo leaf >$run" >"/share/$case.pids"
	stop
	rmmod test_exec
}

insmod /share/test_calls.ko
cd $tracefs
echo 0 >tracing_on
mkdir $oracle
echo 0 >$oracle/tracing_on
cat /proc/kallsyms >/share/kallsyms
for case; do
	echo "$case"
	case_"$case"
done
