# SPDX-License-Identifier: GPL-2.0
# This is sourced after functions.sh. It brings the calls that the host recorded and those that
# function_graph recorded in the guest into a form in which they can be compared.
# shellcheck shell=sh

# calls_recorded VCPU: print the calls and returns among events on stdin: "call|return ADDRESS
# DEPTH".
calls_recorded()
{
	awk -v vcpu="$1" '
	$1 == vcpu && $2 == "entry" { print "call", $3, $4 }
	$1 == vcpu && $2 == "return" { print "return", $3, $4 }'
}

# name_addresses FILE...: print "NAME ADDRESS" for every address, with the first of the symbols
# that kallsyms has there. Addresses are all of one length, so text order will do.
name_addresses()
{
	{
		awk '$2 ~ /^[tTwW]$/ { print $1, "symbol", $3 }' "$SHARE/kallsyms"
		awk '{ print $2, "z" }' "$@" | sort -u
	} | LC_ALL=C sort -s -k1,2 | awk '
	$2 == "symbol" && $1 != last { last = $1; name = $3 }
	$2 == "z" { print name, $1 }'
}

# learn_names FILE...: find the names of the functions in recorded events, for what follows.
learn_names()
{
	awk '$2 == "entry" || $2 == "return" { print "call", $3 }' "$@" >"$WORK/addresses"
	name_addresses "$WORK/addresses" >"$WORK/names"
}

# named_calls_recorded VCPU: do as calls_recorded, with names.
named_calls_recorded()
{
	calls_recorded "$1" | awk '
	NR == FNR { name[$2] = $1; next }
	{ print $1, name[$2], $3 }' "$WORK/names" -
}

# Print the same from function_graph's text on stdin, in which two columns of indentation are
# one of depth, and a leaf is a call with its return.
calls_traced()
{
	sed -n 's/^[^|]*|  \( *[^ ].*\)$/\1/p' | awk '
	{
		match($0, /^ */)
		depth = RLENGTH / 2
		$0 = substr($0, RLENGTH + 1)
	}
	{ sub(/ \[[^ ]*\]/, "") }
	/^} \/\* .* \*\/$/ { print "return", $3, depth; next }
	/\(\) \{$/ { sub(/\(\) \{$/, ""); print "call", $0, depth; next }
	/\(\);$/ {
		sub(/\(\);$/, "")
		print "call", $0, depth
		print "return", $0, depth
	}'
}

# by_interrupt_level [DEPTH]: print the calls of tasks, then those of interrupts, then those of
# interrupts that came in these, without interrupts that came at less than DEPTH. An interrupt
# may come when one tracer has recorded a call and the other has not: each is in order, but
# where between calls it came is not known better than that. It ends with its root's return
# or, where set_graph_notrace has swallowed that, with the next call that is no deeper than its
# root.
by_interrupt_level()
{
	awk -v least="${1:-0}" '
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
		if (level == 1)
			left_out = $3 < least
	}
	!(level && left_out) { print level + 0, $0 }
	returned { level-- }' |
	sort -s -k1,1n
}

# same_calls DESCRIPTION TRACED RECORDED: pass if both files hold the same calls, and some.
same_calls()
{
	same=0
	[ -s "$2" ] || same=1
	diff -u "$2" "$3" >"$WORK/diff" || same=1
	head -n 20 "$WORK/diff" | sed 's/^/# /'
	check "$1" [ $same -eq 0 ]
}

# check_vcpu VCPU DESCRIPTION: what guest/same_calls.sh traced on it is in $WORK/events.
# An interrupt right in a function of set_graph_function, which is at depth 0, may come
# when one tracer has begun with it and the other has not.
check_vcpu()
{
	named_calls_recorded "$1" <"$WORK/events" | by_interrupt_level 2 >"$WORK/recorded.$1"
	calls_traced <"$SHARE/oracle.$1" | by_interrupt_level 2 >"$WORK/traced.$1"
	lines=$(wc -l <"$WORK/traced.$1")
	ktap_print_msg "vCPU $1: $lines calls and returns"
	check "$2: vCPU $1 was traced (1000 lines or more)" [ "$lines" -ge 1000 ]
	check "$2: function_graph lost nothing on vCPU $1" \
		[ "$(awk '{ n += $NF } END { print n }' "$SHARE/overrun.$1")" = 0 ]
	same_calls "$2: same calls on vCPU $1" "$WORK/traced.$1" "$WORK/recorded.$1"
}

# calls_of_tasks: add to the calls and returns among events on stdin whose they are, by what the
# host was told: "VCPU entry ADDRESS DEPTH PID" and "VCPU return ADDRESS DEPTH NS PID". The PID is
# "-" where that is not known. A word more, "fault", says that the task has not as many calls
# open by what was told of it. All other events are left as they are.
calls_of_tasks()
{
	awk '
	function forget_vcpus(    vcpu)
	{
		for (vcpu in task)
			task[vcpu] = "-"
	}
	function run(vcpu, pid)
	{
		if (task[vcpu] != pid)
			ran_on[pid] = vcpu
		task[vcpu] = pid
	}
	$2 == "off" && $3 == "vcpu" || $2 == "reset" { task[$1] = "-" }
	$2 == "off" && $3 == "all" { forget_vcpus(); split("", open); split("", unknown) }
	# One that another vCPU has run by that pid since is another task.
	$2 == "switch" && / gone/ && (!($3 in ran_on) || ran_on[$3] == $1) {
		delete open[$3]
		delete unknown[$3]
	}
	$2 == "switch" { run($1, $4) }
	$2 == "who" { run($1, $3) }
	/ stale$/ { unknown[task[$1]] = 1 }
	$2 == "entry" || $2 == "return" {
		pid = $1 in task ? task[$1] : "-"
		if (pid in unknown)
			open[pid] = $4 + ($2 == "return")
		delete unknown[pid]
		if (pid == "-" || open[pid] + 0 != $4 + ($2 == "return"))
			fault = " fault"
		else
			fault = ""
		open[pid] = $4 + ($2 == "entry")
		print $0, pid fault
		next
	}
	{ print }'
}
