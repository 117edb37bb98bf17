#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the host recorded of a guest is, call for call, what function_graph
# recorded in that guest at the same time, and is all that the guest sent.
set -eu
. "$(dirname "$(readlink -f "$0")")/functions.sh"
. "$TESTDIR/calls.sh"

# An interrupt right in a function of set_graph_function, which is at depth 0, may come
# when one tracer has begun with it and the other has not.
check_vcpu()
{
	named_calls_recorded "$1" <"$WORK/events" | by_interrupt_level 2 >"$WORK/recorded.$1"
	calls_traced <"$SHARE/oracle.$1" | by_interrupt_level 2 >"$WORK/traced.$1"
	lines=$(wc -l <"$WORK/traced.$1")
	ktap_print_msg "vCPU $1: $lines calls and returns"
	check "$2 vCPUs: vCPU $1 was traced (1000 lines or more)" [ "$lines" -ge 1000 ]
	check "$2 vCPUs: function_graph lost nothing on vCPU $1" \
		[ "$(awk '{ n += $NF } END { print n }' "$SHARE/overrun.$1")" = 0 ]
	same_calls "$2 vCPUs: same calls on vCPU $1" "$WORK/traced.$1" "$WORK/recorded.$1"
}

check_guest()
{
	cpus=$1
	rm -f "$SHARE"/*
	truncate -s 8M "$WORK/disk"
	status=0
	record "-e hypergraph_host" guest --cpus "$cpus" \
		--vm-args "-drive file=$WORK/disk,if=virtio,format=raw" \
		"$TESTDIR/same_calls.guest.sh" "$SHARE" || status=$?
	check_equal "$cpus vCPUs: the guest's status" $status 0
	recorded_events >"$WORK/events"
	learn_names "$WORK/events"
	check_equal "$cpus vCPUs: events sent and recorded" \
		"$(guest_count sent)" "$(wc -l <"$WORK/events")"
	check_equal "$cpus vCPUs: events unheard" "$(guest_count unheard)" 0
	vcpu=0
	while [ $vcpu -lt "$cpus" ]; do
		check_vcpu $vcpu "$cpus"
		vcpu=$((vcpu + 1))
	done
}

need_host
need_event
ktap_print_header
ktap_set_plan 15
check_guest 1
check_guest 2
ktap_finished
