#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest that is a host, boot a nested guest, and begin phases when it asks for them.
# shellcheck disable=SC2317 # functions are asked for
set -eu

. /share/lib/levels.sh
parameters=/sys/module/kvm/parameters
event=events/hypergraph/hypergraph_host
exits=events/hypergraph/hypergraph_exit

begin_off()
{
	ask /share host "echo 0 >$parameters/hypertrace_nested"
}

begin_on()
{
	ask /share host "echo 1 >$parameters/hypertrace_nested"
}

begin_offered()
{
	echo 1 >"$parameters/hypertrace_offer"
}

# That is no reason for this guest's KVM to keep what the nested guest sends.
begin_exits_recorded()
{
	echo 1 >"$exits/enable"
}

begin_not_offered()
{
	echo 0 >"$exits/enable"
	echo 0 >"$parameters/hypertrace_offer"
}

begin_recorded_by_guest()
{
	echo 1 >"$event/enable"
}

begin_offered_again()
{
	echo 0 >"$event/enable"
	grep -c ' hypergraph_host: ' trace >/share/recorded_by_guest
	begin_offered
}

# This traces what the nested guest's exits come to in this guest's KVM.
begin_both()
{
	echo 'kvm_arch_vcpu_* kvm_vcpu_*' >set_ftrace_filter
	echo hypergraph >current_tracer
}

begin_calls()
{
	echo 0 >tracing_on
	echo nop >current_tracer
	cat hypergraph_stats >/share/guest.stats
}

begin()
{
	ask /share host "echo $1 >/sys/kernel/tracing/trace_marker"
	"begin_$1"
}

cd /sys/kernel/tracing
echo 4000 >buffer_size_kb
serve /share guest &
status=0
GUEST_APPEND=loglevel=5 GUEST_TIMEOUT=900 /share/lib/guest \
	/share/guest/nested_nested.sh off on offered exits_recorded not_offered \
	recorded_by_guest offered_again both || status=$?
kill $!
exit $status
