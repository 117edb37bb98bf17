#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: controls.sh CASE...
# In a guest, set each of ftrace's controls for hypergraph and, in a trace instance,
# for function_graph, and trace what calls the functions of test_calls.ko. /share gets
# per case what function_graph recorded and what hypergraph counted. In the host's
# recording a mark of the user's begins each case, and another ends it.
set -eu

tracefs=/sys/kernel/tracing
oracle=$tracefs/instances/oracle
run=/sys/module/test_calls/parameters/run
hypergraph=$tracefs

# both FILE TEXT: write TEXT to FILE of both tracers.
both()
{
	echo "$2" >>"$hypergraph/$1"
	echo "$2" >>"$oracle/$1"
}

clear_controls()
{
	for file in set_ftrace_filter set_ftrace_notrace set_ftrace_pid; do
		echo >$hypergraph/$file
		echo >$oracle/$file
	done
	echo >$tracefs/set_graph_function
	echo >$tracefs/set_graph_notrace
	echo 0 >$tracefs/max_graph_depth
	echo 0 >$tracefs/tracing_thresh
	for option in entry sched irqs sleep-time; do
		echo 1 >$hypergraph/options/hypergraph-$option
	done
	for option in funcgraph-irqs sleep-time; do
		echo 1 >$oracle/options/$option
	done
}

# Both trace from here to stop.
start()
{
	echo function_graph >$oracle/current_tracer
	echo hypergraph >$hypergraph/current_tracer
	echo 1 >$oracle/tracing_on
	echo 1 >$hypergraph/tracing_on
	echo "$case" >$tracefs/hypergraph_marker
}

stop()
{
	echo end >$tracefs/hypergraph_marker
	echo 0 >$hypergraph/tracing_on
	echo 0 >$oracle/tracing_on
	for cpu in "$oracle"/per_cpu/cpu*; do
		cat "$cpu/trace" >"/share/$case.${cpu##*cpu}"
	done
	echo nop >$hypergraph/current_tracer
	cat $tracefs/hypergraph_stats >"/share/$case.stats"
	echo nop >$oracle/current_tracer
}

# trace NAME...: trace what each calls.
trace()
{
	start
	for name; do
		echo "$name" >$run
	done
	stop
}

case_filter()
{
	both set_ftrace_filter 'test_i*_? test_outer'
	trace outer chain
}

case_notrace()
{
	both set_ftrace_filter 'test_*'
	both set_ftrace_notrace '*inner_b *leaf'
	trace outer
}

case_mod()
{
	both set_ftrace_filter ':mod:test_calls'
	trace outer chain
}

case_graph_function()
{
	both set_ftrace_filter 'test_*'
	echo test_inner_b test_chain3 >$tracefs/set_graph_function
	trace outer chain
}

case_graph_notrace()
{
	both set_ftrace_filter 'test_*'
	echo test_inner_b >$tracefs/set_graph_notrace
	trace outer chain
}

case_max_depth()
{
	both set_ftrace_filter 'test_*'
	echo 2 >$tracefs/max_graph_depth
	trace outer chain
}

case_pid()
{
	both set_ftrace_filter 'test_*'
	start
	sh -c "read go; echo outer >$run" </tmp/go &
	traced=$!
	both set_ftrace_pid $traced
	echo go >/tmp/go
	echo chain >$run
	wait $traced
	stop
}

case_pid_fork()
{
	both set_ftrace_filter 'test_*'
	echo 1 >$hypergraph/options/function-fork
	echo 1 >$oracle/options/function-fork
	start
	sh -c "read go; (echo outer >$run); echo chain >$run" </tmp/go &
	traced=$!
	both set_ftrace_pid $traced
	echo go >/tmp/go
	echo leaf >$run
	wait $traced
	stop
	echo 0 >$hypergraph/options/function-fork
	echo 0 >$oracle/options/function-fork
}

# The functions themselves turn it off and on, in mid-call.
case_tracing_on()
{
	both set_ftrace_filter 'test_*'
	both set_ftrace_filter 'test_inner_b:traceoff'
	both set_ftrace_filter 'test_inner_c:traceon'
	trace outer outer
	both set_ftrace_filter '!test_inner_b:traceoff'
	both set_ftrace_filter '!test_inner_c:traceon'
}

# function_graph's durations hold hypercalls, so that none may be near the threshold.
case_thresh()
{
	both set_ftrace_filter 'test_*'
	echo 20000 >$tracefs/tracing_thresh
	trace outer sleep spin chain
}

case_no_irqs()
{
	both set_ftrace_filter 'test_leaf *sysvec_apic_timer_interrupt hrtimer_interrupt irq_*'
	echo 0 >$hypergraph/options/hypergraph-irqs
	echo 0 >$oracle/options/funcgraph-irqs
	trace spin
}

case_irqs()
{
	both set_ftrace_filter 'test_leaf *sysvec_apic_timer_interrupt hrtimer_interrupt irq_*'
	trace spin
}

case_sleep_time()
{
	both set_ftrace_filter 'test_*'
	trace sleep
}

case_no_sleep_time()
{
	both set_ftrace_filter 'test_*'
	echo 0 >$hypergraph/options/hypergraph-sleep-time
	echo 0 >$oracle/options/sleep-time
	trace sleep
}

case_no_entry()
{
	both set_ftrace_filter 'test_*'
	echo 0 >$hypergraph/options/hypergraph-entry
	trace outer chain
}

case_no_sched()
{
	both set_ftrace_filter 'test_*'
	echo 0 >$hypergraph/options/hypergraph-sched
	trace outer sleep
}

case_deep()
{
	both set_ftrace_filter 'test_*'
	trace deep
}

# Here nothing of function_graph is on the same stack.
case_deep_alone()
{
	echo 'test_*' >$hypergraph/set_ftrace_filter
	echo 'test_leaf' >$oracle/set_ftrace_filter
	trace deep
}

# The other tracer is where most users have theirs, and this one is in an instance.
case_instance()
{
	hypergraph=$tracefs/instances/hypergraph
	mkdir $hypergraph
	echo 0 >$hypergraph/tracing_on
	both set_ftrace_filter 'test_*'
	start
	echo hypergraph 2>&1 >$tracefs/current_tracer | cat >/share/second || :
	echo outer >$run
	stop
	rmdir $hypergraph
	hypergraph=$tracefs
}

case_hotplug()
{
	both set_ftrace_filter 'test_*'
	start
	taskset -c 1 sh -c "echo outer >$run"
	echo 0 >/sys/devices/system/cpu/cpu1/online
	echo chain >$run
	echo 1 >/sys/devices/system/cpu/cpu1/online
	taskset -c 1 sh -c "echo outer >$run"
	stop
}

# A CPU that comes back is no more traced than it was. Marks come from the one that is.
case_hotplug_masked()
{
	taskset -cp 0 $$ >/dev/null
	both set_ftrace_filter 'test_*'
	both tracing_cpumask 1
	start
	echo 0 >/sys/devices/system/cpu/cpu1/online
	echo 1 >/sys/devices/system/cpu/cpu1/online
	taskset -c 1 sh -c "echo outer >$run"
	taskset -c 0 sh -c "echo chain >$run"
	stop
	both tracing_cpumask 3
	taskset -cp 0,1 $$ >/dev/null
}

# The other CPU gets it while it calls what is traced, too.
case_nmi()
{
	both set_ftrace_filter 'nmi_cpu_backtrace* test_*'
	start
	taskset -c 1 sh -c "echo spin >$run" &
	taskset -c 0 sh -c "echo l >/proc/sysrq-trigger"
	wait $!
	stop
}

# This comes last, as the addresses of the module may change.
case_module()
{
	rmmod test_calls
	both set_ftrace_filter ':mod:test_calls'
	start
	insmod /share/test_calls.ko
	echo chain >$run
	stop
}

insmod /share/test_calls.ko
cd $tracefs
echo 0 >tracing_on
mkdir $oracle
echo 0 >$oracle/tracing_on
echo function_graph >$oracle/current_tracer
echo 1 >$oracle/options/funcgraph-tail
echo nop >$oracle/current_tracer
mkfifo /tmp/go
cat /proc/kallsyms >/share/kallsyms
for case; do
	echo "$case"
	clear_controls
	case_"$case"
done
cat /proc/kallsyms >>/share/kallsyms
