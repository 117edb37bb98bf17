#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# While hypergraph_host is not recorded the guest is answered -KVM_ENOSYS (-1000),
# as by a KVM that does not know its hypercalls, and goes on sending.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

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
guest "$TESTDIR/guest/off.sh" "$SHARE" >"$WORK/log" 2>&1 || status=$?
check_equal "off: the guest's status" $status 0
check_equal "off: every number returns -KVM_ENOSYS" "$(returned)" \
	"99 -1000 100 -1000 101 -1000 1000 -1000 1001 -1000 "
check "off: events are sent" [ "$(guest_count sent)" -gt 10 ]
check_equal "off: all unheard" "$(guest_count unheard)" "$(guest_count sent)"

status=0
record "-e hypergraph_host" guest "$TESTDIR/guest/off.sh" "$SHARE" || status=$?
check_equal "on: the guest's status" $status 0
check_equal "on: hypergraph's numbers return 0, and no others" "$(returned)" \
	"99 -1000 100 0 101 0 1000 0 1001 -1000 "
check_equal "on: none unheard" "$(guest_count unheard)" 0
ktap_finished
