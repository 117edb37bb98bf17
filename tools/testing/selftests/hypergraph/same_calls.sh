#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# What the host recorded of a guest is, call for call, what function_graph
# recorded in that guest at the same time, and is all that the guest sent.
set -eu
. "$(dirname "$(readlink -f "$0")")/functions.sh"

# From a vCPU's events, the calls and returns: "call|return address depth"
calls_recorded()
{
	awk -v vcpu="$1" '
	$1 != vcpu { next }
	$2 == "0x64" { print "call", substr($3, 3), $4 }
	$2 == "0x65" { print "return", substr($3, 3), $5 }' "$WORK/events"
}

# "name address" for every address, as kallsyms has it: of symbols at the same
# address the first. Addresses are all of one length, so text order will do.
name_addresses()
{
	{
		awk '$2 ~ /^[tTwW]$/ { print $1, "symbol", $3 }' "$SHARE/kallsyms"
		awk '{ print $2, "z" }' "$@" | sort -u
	} | LC_ALL=C sort -s -k1,2 | awk '
	$2 == "symbol" && $1 != last { last = $1; name = $3 }
	$2 == "z" { print name, $1 }'
}

# The same as calls_recorded, with names
named_calls_recorded()
{
	calls_recorded "$1" >"$WORK/addresses"
	name_addresses "$WORK/addresses" >"$WORK/names"
	awk 'NR == FNR { name[$2] = $1; next }
	     { print $1, name[$2], $3 }' "$WORK/names" "$WORK/addresses"
}

# From function_graph's text; two columns of indentation are one of depth, and a
# leaf is a call with its return.
calls_traced()
{
	sed -n 's/^[^|]*|  \( *[^ ].*\)$/\1/p' "$SHARE/oracle.$1" | awk '
	{
		match($0, /^ */)
		depth = RLENGTH / 2
		$0 = substr($0, RLENGTH + 1)
	}
	/^} \/\* .* \*\/$/ { print "return", $3, depth; next }
	/\(\) \{$/ { sub(/\(\) \{$/, ""); print "call", $0, depth; next }
	/\(\);$/ {
		sub(/\(\);$/, "")
		print "call", $0, depth
		print "return", $0, depth
	}'
}

# The calls of tasks, then those of interrupts, then those of interrupts that came
# in these. An interrupt may come when one tracer has recorded a call and the
# other has not: each is in order, but where between calls it came is not known
# better than that. It ends with its root's return or, where set_graph_notrace
# has swallowed that, with the next call that is no deeper than its root.
by_interrupt_level()
{
	awk '
	{
		returned = level && $1 == "return" && root[level] == $2 " " $3
		while (!returned && level && $3 <= depth[level]) {
			level--
			returned = level && $1 == "return" && root[level] == $2 " " $3
		}
	}
	$1 == "call" && $2 ~ /^(irq_enter_rcu|irq_exit_rcu|__sysvec_.*|__common_interrupt|__hrtimer_rearm_deferred)$/ {
		level++
		root[level] = $2 " " $3
		depth[level] = $3
	}
	{ print level + 0, $0 }
	returned { level-- }' |
	sort -s -k1,1n
}

check_vcpu()
{
	named_calls_recorded "$1" | by_interrupt_level >"$WORK/recorded.$1"
	calls_traced "$1" | by_interrupt_level >"$WORK/traced.$1"
	lines=$(wc -l <"$WORK/traced.$1")
	ktap_print_msg "vCPU $1: $lines calls and returns"
	check "$2 vCPUs: vCPU $1 was traced (1000 lines or more)" [ "$lines" -ge 1000 ]
	check "$2 vCPUs: function_graph lost nothing on vCPU $1" \
		[ "$(awk '{ n += $NF } END { print n }' "$SHARE/overrun.$1")" = 0 ]
	same=0
	[ -s "$WORK/traced.$1" ] || same=1
	diff -u "$WORK/traced.$1" "$WORK/recorded.$1" >"$WORK/diff" || same=1
	head -n 20 "$WORK/diff" | sed 's/^/# /'
	check "$2 vCPUs: same calls on vCPU $1" [ $same -eq 0 ]
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
	[ $status -eq 0 ] || show "$WORK/record.log"
	check_equal "$cpus vCPUs: the guest's status" $status 0
	recorded_events >"$WORK/events"
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
