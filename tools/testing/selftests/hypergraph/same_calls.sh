#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the host recorded of a guest is, call for call, what function_graph
# recorded in that guest at the same time, and is all that the guest sent.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

check_guest()
{
	cpus=$1
	rm -f "$SHARE"/*
	truncate -s 8M "$WORK/disk"
	status=0
	record "-e hypergraph_host" guest --cpus "$cpus" \
		--vm-args "-drive file=$WORK/disk,if=virtio,format=raw" \
		"$TESTDIR/guest/same_calls.sh" || status=$?
	check_equal "$cpus vCPUs: the guest's status" $status 0
	recorded_events >"$WORK/events"
	learn_names "$WORK/events"
	check_equal "$cpus vCPUs: events sent and recorded" \
		"$(guest_count sent)" "$(wc -l <"$WORK/events")"
	check_equal "$cpus vCPUs: events unheard" "$(guest_count unheard)" 0
	vcpu=0
	while [ $vcpu -lt "$cpus" ]; do
		check_vcpu $vcpu "$cpus vCPUs"
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
