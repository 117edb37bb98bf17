#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tracer is not offered where there is no host to send to, and leaves nothing
# behind where there is one, however often it is selected and left.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

rounds=200

HYPERV=,hv-relaxed,hv-vpindex,hv-time,hv-vapic

# offered HOW OPTIONS [ARGUMENT]: boot a guest whose command line names the tracer, on a CPU with
# OPTIONS. The guest tells in /share whether it is there.
offered()
{
	status=0
	record "-e hypergraph_host -e kvm_hv_hypercall" \
		guest --append "ftrace=hypergraph ftrace_filter=do_one_initcall" \
		--vm-args "-cpu host,-kvm-pv-eoi$2" "$TESTDIR/guest/refusal.sh" \
		"${3:-once}" || status=$?
	check_equal "$1: the guest's status, and no warning in its log" $status 0
	show "$SHARE/said"
}

# A Linux that sees Hyper-V and KVM is KVM's guest: its hypercalls are, too.
offered_beside_hyperv()
{
	offered "beside Hyper-V" $HYPERV
	check_equal "beside Hyper-V: what the guest sees" "$(cat "$SHARE/hypervisor")" "Microsoft Hv"
	check_equal "beside Hyper-V: selected" "$(cat "$SHARE/tracer")" hypergraph
	sent=$(guest_count sent)
	check "beside Hyper-V: it sends ($sent)" [ "$sent" -gt 0 ]
	check_equal "beside Hyper-V: the host saw what was counted" \
		"$(recorded_events | wc -l)" "$sent"
	check_equal "beside Hyper-V: hypercalls taken for that" \
		"$(report | grep -c ' kvm_hv_hypercall: ')" 0
}

# Once a system has said that it speaks Hyper-V's hypercalls, KVM takes all for these.
offered_after_hyperv()
{
	show_second_kernel
	offered "after one of Hyper-V" $HYPERV after-hyperv
	check_equal "after one of Hyper-V: selected" "$(cat "$SHARE/tracer")" nop
	check_equal "after one of Hyper-V: lines on why it is not" \
		"$(grep -c 'hypergraph: not available: the host takes' "$SHARE/said")" 1
}

skip_hyperv()
{
	for what in status sees selected sends saw taken status selected lines; do
		ktap_test_skip "Hyper-V: $what: needs a host with CONFIG_KVM_HYPERV"
	done
}

need_host
need_event
need_program kexec_boot
ktap_print_header
ktap_set_plan 24

offered "a KVM guest" ""
check_equal "a KVM guest: selected" "$(cat "$SHARE/tracer")" hypergraph
check "a KVM guest: listed" grep -qw hypergraph "$SHARE/tracers"
check_equal "a KVM guest: files" "$(cat "$SHARE/files")" "hypergraph_marker hypergraph_stats"
check_equal "a KVM guest: lines on why it is not" "$(grep -c 'not available' "$SHARE/said")" 0

if grep -qw kvm_hv_hypercall /proc/kallsyms; then
	offered_beside_hyperv
	offered_after_hyperv
else
	skip_hyperv
fi

offered "no KVM guest" ",kvm=off"
check_equal "no KVM guest: selected" "$(cat "$SHARE/tracer")" nop
check_equal "no KVM guest: listed" "$(grep -cw hypergraph "$SHARE/tracers")" 0
check_equal "no KVM guest: files" "$(cat "$SHARE/files")" "hypergraph_*"
check_equal "no KVM guest: lines on why it is not" \
	"$(grep -c 'hypergraph: not available: this is no KVM guest' "$SHARE/said")" 1

status=0
record "-e hypergraph_host" guest "$TESTDIR/guest/refusal.sh" $rounds || status=$?
check_equal "$rounds rounds: the guest's status, and no warning in its log" $status 0
read -r sent late active <"$SHARE/rounds"
ktap_print_msg "$sent hypercalls, in $active of $rounds rounds"
check_equal "$rounds rounds: hypercalls after the tracer was left" "$late" 0
recorded_events >"$WORK/events"
check "$rounds rounds: the tracer was active in most" [ "$active" -gt $((rounds / 2)) ]
check_equal "$rounds rounds: the host saw what was counted" \
	"$(wc -l <"$WORK/events")" "$sent"
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
