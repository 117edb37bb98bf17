#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On a host whose KVM does not know hypergraph, its kvm_hypercall tracepoint
# shows the three hypercalls with the arguments of include/uapi/linux/hypergraph.h.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

# lines PATTERN: print how many hypercalls of the listing look like it.
lines()
{
	grep -cE "^$1\$" "$WORK/hypercalls" || :
}

# all_sent COUNT...: none of the counts is small.
all_sent()
{
	for count; do
		[ "$count" -ge 4 ] || return 1
	done
}

exits_between()
{
	sed '1,/ kvm_hypercall:/d' "$WORK/report" | grep -q ' kvm_exit:'
}

# Every return has the address and the depth of a call that is open in the task that runs.
returns_match_calls()
{
	listed_events <"$WORK/hypercalls" | awk '
	$2 == "who" { task = $3 }
	$2 == "switch" { task = $4 }
	$2 == "entry" { open[task, $3, $4]++ }
	$2 == "return" {
		n++
		if (--open[task, $3, $4] < 0)
			bad++
	}
	END { exit bad > 0 || !n }'
}

need_host
[ ! -d "$EVENT" ] || skip "needs a host without CONFIG_KVM_HYPERTRACE"

status=0
record "-e kvm_hypercall -e kvm_exit -f exit_reason!=$(hypercall_exit)" \
	guest "$TESTDIR/guest/listing.sh" || status=$?
[ $status -ne "$KSFT_SKIP" ] || skip "needs a guest's kernel with CONFIG_HYPERGRAPH_TRACER"
ktap_print_header
ktap_set_plan 8
check_equal "the guest's status" $status 0

trace-cmd report -N -i "$WORK/trace.dat" 2>/dev/null >"$WORK/report"
listed <"$WORK/report" >"$WORK/hypercalls"
head -n 12 "$WORK/hypercalls" | sed 's/^/# /'

sent=$(guest_count sent)
check_equal "all were sent unheard" "$(guest_count unheard)" "$sent"
check_equal "all sent are in the listing" "$(wc -l <"$WORK/hypercalls")" "$sent"
entries=$(lines "$LISTED_ENTRY")
returns=$(lines "$LISTED_RETURN")
switches=$(lines "$LISTED_SWITCH")
others=$(lines "($LISTED_HELLO|$LISTED_BUILD_ID|$LISTED_OFF)")
ktap_print_msg "$entries entries, $returns returns, $switches switches, $others others"
check "entries, returns and switches were sent" all_sent \
	"$entries" "$returns" "$switches"
check_equal "and have the form of the listing" \
	$((entries + returns + switches + others)) "$sent"
check "each return is that of a call" returns_match_calls
# Its name stands there as in memory: "ph-test", "hypergra".
check "the switch to hypergraph-test names it" [ "$(lines \
	"$(listed_switch_to "$(cat "$SHARE/pid")" 0x747365742d6870 0x6172677265707968)")" -ge 1 ]
check "VM exits are between them" exits_between
ktap_finished
