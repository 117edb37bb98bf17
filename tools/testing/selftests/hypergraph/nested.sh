#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What a nested guest sends is recorded by the host if its admin says so, and the guest
# whose guest it is offers it. Otherwise that guest may record it.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"
. "$TESTDIR/lib/levels.sh"

PARAMETER=/sys/module/kvm/parameters/hypertrace_nested

# Each phase begins with a line to the host's trace_marker.
split_phases()
{
	report | awk -v work="$WORK" '
	/ print: / { file = work "/" $NF ".report"; printf "" >file; next }
	file { print >file }'
}

# recorded PHASE: print how many events of the nested guest the host recorded.
recorded()
{
	host_events 1 <"$WORK/$1.report" | wc -l
}

# check_phase PHASE WHO: the host, the guest or nobody recorded what the nested guest sent.
check_phase()
{
	sent=$(guest_count sent "$1.stats")
	recorded=0
	unheard=0
	case $2 in
	host) recorded=$sent ;;
	nobody) unheard=$sent ;;
	esac
	check "$1: events were sent" [ "$sent" -ge 100 ]
	check_equal "$1: recorded by the host" "$(recorded "$1")" "$recorded"
	check_equal "$1: unheard" "$(guest_count unheard "$1.stats")" "$unheard"
}

# offers PHASE: print what the guest's KVM told of its offer in it, a 0 or 1 for each time.
offers()
{
	sed -n 's/.* kvm_hypercall: *nr 0x68 a0 0x\([01]\) .*/\1/p' "$WORK/$1.report" | tr '\n' ' '
}

# The guest itself traced in that phase only.
check_guest_of_both()
{
	sent=$(guest_count sent guest.stats)
	check "both: events of the guest itself were sent" [ "$sent" -ge 100 ]
	check_equal "both: of these recorded by the host" "$(recorded_events | wc -l)" "$sent"
	check_equal "both: of these unheard" "$(guest_count unheard guest.stats)" 0
}

check_calls()
{
	host_events 1 <"$WORK/calls.report" >"$WORK/events"
	learn_names "$WORK/events"
	check_vcpu 0 "calls"
}

need_host
need_event
need_module test_calls
[ -e "$PARAMETER" ] || skip "needs a KVM with hypertrace_nested"
before=$(cat $PARAMETER)
export GUEST_TIMEOUT=1100
ktap_print_header
ktap_set_plan 39

show_guests "$TESTDIR/lib" "$TESTDIR/guest"
serve "$SHARE" host &
status=0
record "-e hypergraph_host -e kvm_hypercall -f nr==0x68" \
	guest --host "$TESTDIR/guest/nested.sh" || status=$?
kill $!
echo "$before" >$PARAMETER
check_equal "the nested guest's status" $status 42
split_phases
check_phase off nobody
check_phase on nobody
check_equal "off, on: unless it is told to, the guest's KVM offers nothing" \
	"$(offers off)$(offers on)" ""
check_phase offered host
check_equal "offered: the guest's KVM has said so" "$(offers offered)" "1 "
check_phase exits_recorded host
check_phase not_offered nobody
check_equal "not_offered: the guest's KVM has said so" "$(offers not_offered)" "0 "
check_phase recorded_by_guest guest
check_equal "recorded_by_guest: recorded by the guest" \
	"$(cat "$SHARE/recorded_by_guest")" "$(guest_count sent recorded_by_guest.stats)"
check_phase offered_again host
check_phase both host
check_guest_of_both
mv "$SHARE/stats" "$SHARE/calls.stats"
check_phase calls host
check_calls
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
