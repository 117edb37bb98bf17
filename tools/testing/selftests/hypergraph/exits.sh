#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Each VM-Exit that is followed by a VM-Entry is one event of ours: hypergraph_host if it
# was a hypercall of hypergraph's, and else hypergraph_exit. kvm_exit, kvm_userspace_exit
# and kvm_entry, recorded at the same time, tell what is to be in it.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

# Print the raw fields of all events, without what the KVM plugin makes of them.
raw_events()
{
	trace-cmd report -N -R -t -i "$WORK/trace.dat" 2>/dev/null
}

# count NAME: print what exits.awk has counted by that name.
count()
{
	sed -n "s/^$1 //p" "$WORK/counts" | grep . || echo 0
}

need_host
need_event
need_module test_calls
ktap_print_header
ktap_set_plan 6

status=0
record "-e hypergraph -e kvm_exit -e kvm_userspace_exit -e kvm_entry" \
	guest "$TESTDIR/guest/exits.sh" || status=$?
check_equal "the guest's status" $status 0
raw_events | awk -v hypercall="$(hypercall_exit)" -f "$TESTDIR/lib/exits.awk" >"$WORK/counts"
show "$WORK/counts"
check_equal "events that are not what kvm_exit and kvm_entry say" "$(count wrong)" 0
check "exits that are no hypercalls" [ "$(count hypergraph_exit)" -gt 1000 ]
check_equal "hypercalls" "$(count hypergraph_host)" "$(guest_count sent)"
check "exits to the VMM" [ "$(count vmm)" -gt 100 ]
# Between kvm_exit and kvm_entry the recording itself takes its time, too.
check "most of the time between exit and entry is told" [ "$(count percent)" -gt 50 ]
ktap_finished
