#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# On a host whose KVM does not know hypergraph, its kvm_hypercall tracepoint
# shows the three hypercalls with the arguments of include/uapi/linux/hypergraph.h.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

hex='0x[0-9a-f]+'
text='0xffffffff[0-9a-f]{8}'

# lines PATTERN: how many hypercalls of the listing look like it
lines()
{
	grep -cE "^$1\$" "$WORK/hypercalls" || :
}

# all_sent COUNT...: none of the counts is small
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

# Every return has the address and the depth of a call that is open in its task: the
# running one or, from when a switch is announced until it is made, still the previous one.
# Who ran before the first switch is known from that, and "" until then.
returns_match_calls()
{
	awk '
	function task_of(pid)
	{
		return pid == first ? "" : pid
	}
	$2 == "0x3e8" {
		if (first == "")
			first = $4
		previous = task_of($4)
		task = task_of($6)
	}
	$2 == "0x64" { open[task, $4, $6]++ }
	$2 == "0x65" {
		n++
		of = open[task, $4, $8] ? task : previous
		if (--open[of, $4, $8] < 0)
			bad++
	}
	END { exit bad > 0 || !n }' "$WORK/hypercalls"
}

need_host
[ ! -d "$EVENT" ] || skip "needs a host without CONFIG_KVM_HYPERTRACE"

ktap_print_header
ktap_set_plan 8

status=0
record "-e kvm_hypercall -e kvm_exit -f exit_reason!=$(hypercall_exit)" \
	guest "$TESTDIR/guest/listing.sh" "$SHARE" || status=$?
check_equal "the guest's status" $status 0

trace-cmd report -N -i "$WORK/trace.dat" 2>/dev/null >"$WORK/report"
# KVM's own hypercalls have smaller numbers.
sed -n 's/.* kvm_hypercall: *\(nr 0x\(64\|65\|66\|3e8\) .*\)/\1/p' "$WORK/report" \
	>"$WORK/hypercalls"
head -n 12 "$WORK/hypercalls" | sed 's/^/# /'

sent=$(guest_count sent)
check_equal "all were sent unheard" "$(guest_count unheard)" "$sent"
check_equal "all sent are in the listing" "$(wc -l <"$WORK/hypercalls")" "$sent"
entries=$(lines "nr 0x64 a0 $text a1 0x[0-5] a2 0x0 a3 0x0")
returns=$(lines "nr 0x65 a0 $text a1 $hex a2 0x[0-5] a3 0x0")
switches=$(lines "nr 0x3e8 a0 $hex a1 $hex a2 $hex a3 $hex")
hellos=$(lines "nr 0x66 a0 0x100000001 a1 $text a2 $hex a3 $hex")
ktap_print_msg "$entries entries, $returns returns, $switches switches, $hellos hello"
check "entries, returns and switches were sent" all_sent \
	"$entries" "$returns" "$switches"
check_equal "and have the form of the listing" \
	$((entries + returns + switches + hellos)) "$sent"
check "each return is that of a call" returns_match_calls
# The task's pid, and its name as it stands in memory: "ph-test", "hypergra"
check "the switch to hypergraph-test names it" [ "$(lines \
	"nr 0x3e8 a0 $hex a1 $(printf 0x%x "$(cat "$SHARE/pid")") a2 0x747365742d6870 a3 0x6172677265707968")" -ge 1 ]
check "VM exits are between them" exits_between
ktap_finished
