#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# At any moment the host knows which task runs on a vCPU and which of its calls are open, or
# knows that it does not know.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

cases="two_tasks cpumask stale no_sched pid_reuse seventeen late late_no_sleep graph_function
	cleared thread_exec"

# Put the events of each case in $WORK/CASE, from its mark to the next case's. seventeen has
# a second one, from which on they go to $WORK/last.
record_cases()
{
	status=0
	# shellcheck disable=SC2086 # a list
	record "-e hypergraph_host" guest --cpus 2 "$TESTDIR/guest/who.sh" $cases || status=$?
	check_equal "the guest's status" $status 0
	[ $status -eq 0 ] || ktap_finished
	recorded_events >"$WORK/events"
	learn_names "$WORK/events"
	marks=$(echo "$cases" | tr -s '\n\t' ' ' | sed 's/seventeen/& last/')
	calls_of_tasks <"$WORK/events" | awk -v work="$WORK" -v cases="$marks" '
	NR == FNR { function_at[$2] = $1; next }
	FNR == 1 { split(cases, name, " "); file = work "/before" }
	$2 == "mark" && $3 == "user" { file = work "/" name[++nr] }
	$2 == "entry" || $2 == "return" { $3 = function_at[$3] }
	{ print >file }' "$WORK/names" -
}

# events_of CASE PATTERN: print how many of its events look like that.
events_of()
{
	grep -cE "$2" "$WORK/$1" || :
}

# owners CASE FUNCTION: print whose calls of it were recorded, and how many: "PID CALLS ".
owners()
{
	awk -v name="$2" '
	$2 == "entry" && $3 == name { calls[$5]++ }
	END { for (pid in calls) print pid, calls[pid] }' "$WORK/$1" | sort -n | tr '\n' ' '
}

# pid_of CASE N: print the pid of the Nth task that was to call something.
pid_of()
{
	sed -n "$2p" "$SHARE/$1.pids"
}

check_no_fault()
{
	grep ' fault$' "$WORK/$1" | head | sed 's/^/# /'
	check_equal "$1: calls of no known task, or not on its stack" "$(events_of "$1" ' fault$')" 0
}

# traced_on VCPU: print the pids whose calls function_graph has traced there in case late.
traced_on()
{
	sed -n 's/^ *[0-9]*) *\([^|]*[^ ]\) *|.*switch_mm_irqs_off().*/\1/p' "$SHARE/late.$1" |
	sed 's/.*-//' | tr '\n' ' '
}

# The next case has calls before its mark.
recorded_on()
{
	awk -v vcpu="$1" '
	/ off all$/ { exit }
	$1 == vcpu && $2 == "entry" { printf "%s ", $5 }' "$WORK/late"
}

# function_graph traces before the tracer begins, and until it has ended.
check_late()
{
	traced=$(traced_on "$1")
	recorded=$(recorded_on "$1")
	ktap_print_msg "vCPU $1: $recorded"
	case "$traced" in
	*"$recorded"*) same=yes ;;
	*) same="no: $traced" ;;
	esac
	check_equal "late: the same tasks' calls on vCPU $1" "$same" yes
}

need_host
need_event
need_module test_calls
need_module test_exec
need_program thread_exec
cp "$(command -v busybox)" "$SHARE/sh"
ktap_print_header
ktap_set_plan 34

record_cases
check_equal "events sent and recorded" \
	"$(awk '$1 == "sent:" { n += $2 } END { print n }' "$SHARE/stats")" "$(wc -l <"$WORK/events")"

check_equal "two_tasks: whose calls" "$(owners two_tasks test_chain1)" "$(cat "$SHARE/pid") 1 "
check_no_fault two_tasks
check "two_tasks: tracing off is told" [ "$(events_of two_tasks 'off vcpu')" -ge 1 ]
check_equal "two_tasks: leaving is told" "$(events_of two_tasks 'off all')" 1

check_equal "cpumask: whose calls" "$(owners cpumask test_leaf)$(owners cpumask test_chain1)" \
	"$(pid_of cpumask 1) 1 $(pid_of cpumask 3) 1 "
check_no_fault cpumask
check "cpumask: tracing off is told on that vCPU" [ "$(sed '/entry test_chain1/q' "$WORK/cpumask" |
	grep -c '^1 off vcpu')" -ge 1 ]

check_no_fault stale
check "stale: that calls are not known is told" [ "$(events_of stale ' stale$')" -ge 1 ]

check_equal "no_sched: whose calls" "$(owners no_sched test_outer)$(owners no_sched test_chain1)" \
	"$(pid_of no_sched 2) 1 $(pid_of no_sched 3) 1 "
check_no_fault no_sched

check_equal "pid_reuse: calls" "$(events_of pid_reuse 'entry test_leaf')" 230
check_no_fault pid_reuse
check "pid_reuse: tasks that have ended" [ "$(events_of pid_reuse ' gone')" -ge 230 ]

check_equal "seventeen: calls, in the first selection and in the last" \
	"$(events_of seventeen 'entry fifo_open') $(events_of last 'entry fifo_open')" "1 1"
check_equal "seventeen: returns of them" \
	"$(events_of seventeen 'return fifo_open') $(events_of last 'return fifo_open')" "0 1"

check "late: calls" [ "$(events_of late 'entry switch_mm_irqs_off')" -ge 10 ]
check_late 0
check_late 1
check_no_fault late
check "late_no_sleep: calls" [ "$(events_of late_no_sleep 'return schedule')" -ge 10 ]
check_equal "late_no_sleep: calls that took no time" \
	"$(events_of late_no_sleep 'return schedule [0-9]+ 0 ')" 0

check_equal "graph_function: calls of another function that no such one has made" \
	"$(events_of graph_function 'entry mutex_unlock 0')" 0
check_equal "cleared: calls and returns" \
	"$(events_of cleared 'entry test_') $(events_of cleared 'return test_')" "1001 1001"
leader=$(pid_of thread_exec 2)
told="switch $(pid_of thread_exec 1) $leader gone stale"
check_equal "thread_exec: whose calls" "$(owners thread_exec test_leaf)" "$leader 1 "
check_no_fault thread_exec
check_equal "thread_exec: the thread is told to be its leader now" \
	"$(events_of thread_exec "$told")" 1
check_equal "thread_exec: it is told when that first sleeps" \
	"$(sed "1,/^0 $told/d" "$WORK/thread_exec" |
		grep -m 1 -E '^0 (switch|entry|return) ' | cut -d ' ' -f 1-3)" "0 switch $leader"
check_equal "thread_exec: the leader ends by its own pid" \
	"$(events_of thread_exec "^1 switch $leader [0-9]+ gone")" 1
check_equal "thread_exec: whose return from the exec" "$(sed "1,/$told/d" "$WORK/thread_exec" |
	awk '$2 == "return" { print $6; exit }')" "$leader"
check_equal "thread_exec: the names of the process" \
	"$(report | names_told "$leader" | uniq | tail -n 2 | tr '\n' ' ')" "thread_exec sh "
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
