#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ftrace's controls do to hypergraph what they do to function_graph: with each of
# them set for both, the host recorded the calls that function_graph recorded.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

cases="filter notrace mod graph_function graph_notrace max_depth pid pid_fork
	tracing_on thresh irqs no_irqs sleep_time no_sleep_time no_entry no_sched
	deep deep_alone instance module"

# record_cases CPUS CASE...: record them, and put the events of each in $WORK/CASE.events.
record_cases()
{
	cpus=$1
	shift
	status=0
	rm -f "$SHARE"/*.stats
	record "-e hypergraph_host" guest --cpus "$cpus" "$TESTDIR/guest/controls.sh" \
		"$@" || status=$?
	check_equal "$cpus vCPUs: the guest's status" $status 0
	[ $status -eq 0 ] || ktap_finished
	recorded_events >"$WORK/events"
	check_equal "$cpus vCPUs: events sent and recorded" \
		"$(cat "$SHARE"/*.stats | awk '$1 == "sent:" { n += $2 } END { print n }')" \
		"$(grep -vc ' reset$' "$WORK/events")"
	learn_names "$WORK/events"
	# A case begins and ends with a mark; around that an interrupt may be traced.
	awk -v cases="$*" -v work="$WORK" '
	BEGIN { split(cases, name, " ") }
	$2 == "mark" && $3 == "user" {
		file = file ? "" : work "/" name[++nr] ".events"
		if (file)
			printf "" >file
		next
	}
	file { print >file }' "$WORK/events"
}

# compare_case NAME [COMMAND...]: list the calls of every vCPU, filtered by COMMAND.
compare_case()
{
	case=$1
	shift
	[ $# -gt 0 ] || set -- cat
	for oracle in "$SHARE/$case".[0-9]; do
		vcpu=${oracle##*.}
		named_calls_recorded "$vcpu" <"$WORK/$case.events" | "$@" |
		by_interrupt_level >"$WORK/recorded.$vcpu"
		calls_traced <"$oracle" | "$@" | by_interrupt_level >"$WORK/traced.$vcpu"
	done
}

# Keep what is between test_spin's leaves: an interrupt elsewhere may be seen by one tracer only.
within_spin()
{
	awk '
	$1 == "return" && $2 == "test_leaf" { spins = 1 }
	spins
	spins && $1 == "call" && $2 == "test_leaf" { exit }'
}

# check_case NAME CALLS: both have the same calls and returns, CALLS of them.
check_case()
{
	compare_case "$1"
	same_calls "$1: same calls" "$WORK/traced.0" "$WORK/recorded.0"
	check_equal "$1: calls and returns" "$(wc -l <"$WORK/recorded.0")" "$2"
}

# duration CASE FUNCTION: print the duration in ms of the function's recorded return.
duration()
{
	awk -v wanted="$2" '
	NR == FNR { name[$2] = $1; next }
	$2 == "return" && name[$3] == wanted { print int($5 / 1000000) }' \
		"$WORK/names" "$WORK/$1.events"
}

# calls_of TEXT: print how many calls of functions with TEXT in their name the case compared
# last had.
calls_of()
{
	awk -v name="$1" '$2 == "call" && $3 ~ name' "$WORK/recorded.0" | wc -l
}

# There are 201 calls, of which some were dropped and counted.
check_deep()
{
	compare_case "$1"
	calls=$(calls_of test_deep)
	check "$1: some calls were dropped" [ "$calls" -lt 201 ]
	check_equal "$1: as many returns as calls" \
		"$(grep -c ' return ' "$WORK/recorded.0")" "$calls"
	check_equal "$1: calls recorded and dropped" \
		$((calls + $(sed -n 's/^dropped: //p' "$SHARE/$1.stats"))) 201
}

switches()
{
	grep -c ' switch ' "$WORK/$1.events" || :
}

need_host
need_event
need_module test_calls
ktap_print_header
ktap_set_plan 60

# shellcheck disable=SC2086 # a list
record_cases 1 $cases
check_case filter 8
check_case notrace 6
check_case mod 28
check_case graph_function 10
check_case graph_notrace 20
check_case max_depth 12
check_case pid 14
check_case pid_fork 24
check_case tracing_on 18
check_case thresh 2
compare_case irqs within_spin
same_calls "irqs: same calls" "$WORK/traced.0" "$WORK/recorded.0"
check "irqs: those of ticks are among them" [ "$(calls_of hrtimer_interrupt)" -gt 1 ]
compare_case no_irqs within_spin
same_calls "no_irqs: same calls" "$WORK/traced.0" "$WORK/recorded.0"
check_equal "no_irqs: those of ticks are not" "$(calls_of hrtimer_interrupt)" 0
check_case sleep_time 2
check "sleep_time: the duration includes sleep" [ "$(duration sleep_time test_sleep)" -ge 50 ]
check_case no_sleep_time 2
check "no_sleep_time: it does not" [ "$(duration no_sleep_time test_sleep)" -lt 20 ]
compare_case no_entry
grep return "$WORK/traced.0" >"$WORK/returns"
same_calls "no_entry: the returns, and no calls" "$WORK/returns" "$WORK/recorded.0"
check_case no_sched 16
check_equal "no_sched: no task switch" "$(switches no_sched)" 0
check "sched: task switches" [ "$(switches sleep_time)" -gt 1 ]
check_deep deep
check_deep deep_alone
check_case instance 14
check "instance: selecting it in a second one fails with EBUSY" grep -q busy "$SHARE/second"
compare_case module
same_calls "module: same calls" "$WORK/traced.0" "$WORK/recorded.0"
check "module: those of its init are among them" [ "$(calls_of test_calls_init)" -eq 1 ]

record_cases 2 hotplug hotplug_masked nmi
check_case hotplug 10
same_calls "hotplug: same calls on the vCPU that comes and goes" \
	"$WORK/traced.1" "$WORK/recorded.1"
check_equal "hotplug: calls and returns on it" "$(wc -l <"$WORK/recorded.1")" 28
check_case hotplug_masked 10
check_equal "hotplug_masked: calls and returns on the vCPU that is not traced" \
	"$(wc -l <"$WORK/recorded.1")" 0
compare_case nmi
same_calls "nmi: same calls on the vCPU that gets it" "$WORK/traced.1" "$WORK/recorded.1"
check "nmi: those of the NMI are among them" \
	grep -q 'call nmi_cpu_backtrace_handler' "$WORK/recorded.1"

check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
