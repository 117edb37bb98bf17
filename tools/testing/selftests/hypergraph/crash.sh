#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# However a guest ends, its host has recorded how, and the call stack it ended in.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

# crash HOW [OPTION...]: boot a guest that ends so, with no status unless it powers off.
crash()
{
	how=$1
	shift
	rm -f "$SHARE/kallsyms"
	record_any "-e hypergraph_host" guest --append oops=panic "$@" \
		"$TESTDIR/guest/crash.sh" "$how" || :
	recorded_events >"$WORK/events"
	learn_names "$WORK/events"
	marks_recorded <"$WORK/events" >"$WORK/marks"
	show "$WORK/marks"
	reports <"$WORK/record.log" | grep -v -e 'NULL pointer dereference' -e 'Oops: 0002' |
		tee -a "$WORK/reports" >"$WORK/report"
	[ ! -s "$WORK/report" ] || show "$WORK/record.log"
}

# Print the functions that were open after the events on stdin, the outermost first.
open_after()
{
	named_calls_recorded 0 | awk '
	$1 == "call" { name[$3] = $2; depth = $3 }
	$1 == "return" { depth = $3 - 1 }
	END { for (i = 0; i <= depth; i++) printf "%s ", name[i] }'
}

# Print those that were open when the first mark of a crash came.
open_calls()
{
	awk '$2 == "mark" { exit } { print }' "$WORK/events" | open_after
}

# Print the same as told by the marks that carry a frame each, which begin with the innermost.
frames()
{
	frames_recorded <"$WORK/events" >"$WORK/frames"
	learn_names "$WORK/frames"
	named_calls_recorded 0 <"$WORK/frames" | sort -k 3n | awk '{ printf "%s ", $2 }'
}

# The oops text of the guest's console has the same functions.
console_calls()
{
	sed -n 's/.*[ :]\(test_crash[a-z_]*\)+0x.*/\1/p' "$WORK/record.log" | awk '!seen[$1]++'
}

# Print the vCPUs on which idle tasks have a call open, by the marks that carry a frame each.
idle_vcpus()
{
	awk '$2 == "frame" && $5 == 0 { print $6 }' "$WORK/events" | sort -n | tr '\n' ' '
}

# Print the vCPUs that were left to their idle tasks when the first mark came, or that there was none.
vcpus_left_idle()
{
	awk '
	$2 == "mark" { exit }
	$2 == "switch" { running[$1] = $4 }
	$2 == "who" { running[$1] = $3 }
	END { for (vcpu in running) if (running[vcpu] == 0) print vcpu }' "$WORK/events" |
		sort -n | tr '\n' ' ' | grep . || echo "one at least"
}

mark_kinds()
{
	cut -d' ' -f1 "$WORK/marks" | uniq | tr '\n' ' '
}

stack="test_crash_outer test_crash_inner test_crash "

need_host
need_event
need_module test_calls
ktap_print_header
ktap_set_plan 15

crash oops
check_equal "oops: marks" "$(mark_kinds)" "oops panic "
check "oops: says where" grep -q '^oops Oops at test_crash+0x' "$WORK/marks"
check_equal "oops: the open calls" "$(open_calls)" "$stack"
check_equal "oops: the guest's console shows the same" \
	"$(console_calls | tr '\n' ' ')" "test_crash test_crash_inner test_crash_outer "

crash panic
check_equal "panic: marks" "$(mark_kinds)" "panic "
check_equal "panic: its text" "$(cat "$WORK/marks")" "panic test_calls: as asked"
check_equal "panic: the open calls" "$(open_calls)" "$stack"

crash panic-returns
check_equal "returns only, panic: the open calls" "$(frames)" "$stack"

# The fourth CPU is the vCPU 4, as each socket has room for four.
crash panic-idle --cpus 4 --vm-args "-smp 4,maxcpus=6,sockets=2,cores=3,threads=1"
check_equal "returns only, panic: the other vCPUs, whose idle tasks have a call open" \
	"$(idle_vcpus)" "$(vcpus_left_idle)"

crash triple-fault
check_equal "triple fault: marks" "$(mark_kinds)" "triple-fault "
check_equal "triple fault: the open calls" "$(open_calls)" "$stack"

crash power-off
check_equal "power-off: marks" "$(cat "$WORK/marks")" "reboot power-off"
last=$(open_after <"$WORK/events")
ktap_print_msg "$last"
check "power-off: traced into what the guest ends in" \
	expr "$last" : 'kernel_power_off machine_power_off .* acpi_enter_sleep_state ' '>' 0
check_equal "no report in the guests' logs but what they were to do" "$(cat "$WORK/reports")" ""
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
