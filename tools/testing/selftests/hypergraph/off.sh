#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# While hypergraph_host is not recorded the guest is answered -KVM_ENOSYS (-1000),
# as by a KVM that does not know its hypercalls, and goes on sending.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

# These are three of hypergraph's numbers, in decimal, and those below and above them.
below=$((NR_ENTRY - 1))
ours="$((NR_ENTRY)) $((NR_RETURN)) $((NR_SWITCH))"
above=$((NR_SWITCH + 1))
numbers="$below $ours $above"

# expected FIRST OTHERS: print "NUMBER ANSWER" of each if hypergraph's are answered so.
expected()
{
	printf '%d -1000 ' $below
	# shellcheck disable=SC2086 # a list
	printf "%d $2 " $ours | sed "s/ [^ ]*/ $1/"
	printf '%d -1000 ' $above
}

returned()
{
	tr '\n' ' ' <"$SHARE/returned"
}

need_host
need_event
need_module test_hypercall
ktap_print_header
ktap_set_plan 7

status=0
# shellcheck disable=SC2086 # a list
guest "$TESTDIR/guest/off.sh" $numbers >"$WORK/log" 2>&1 || status=$?
check_equal "off: the guest's status" $status 0
check_equal "off: every number returns -KVM_ENOSYS" "$(returned)" \
	"$(expected -1000 -1000)"
check "off: events are sent" [ "$(guest_count sent)" -gt 10 ]
check_equal "off: all unheard" "$(guest_count unheard)" "$(guest_count sent)"

status=0
# shellcheck disable=SC2086 # a list
record "-e hypergraph_host" guest "$TESTDIR/guest/off.sh" $numbers || status=$?
check_equal "on: the guest's status" $status 0
check_equal "on: the first of hypergraph's asks for hello, the others return 0" "$(returned)" \
	"$(expected 1 0)"
check_equal "on: none unheard" "$(guest_count unheard)" 0
ktap_finished
