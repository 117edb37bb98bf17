#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# The tool records a guest and tells the same of it on a host without CONFIG_KVM_HYPERTRACE as on
# one with it: on both it prints the calls that the guest has made, and the VM exits in them. What
# it prints is left in the directory REPORTS, if there is one, and compared with what it printed
# on the other host.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

need_host
need_module test_calls
need_command hypergraph

if [ -d "$EVENT" ]; then
	host=patched other=stock
	note="recording the calls and VM exits of all VMs"
else
	host=stock other=patched
	note="hypergraph: no hypergraph_host here: recording kvm_hypercall, kvm_exit, kvm_entry and"
	note="$note kvm_nested_vmexit"
fi

# The recording lasts as long as this command. The file with the pid goes when QEMU ends.
record_guest()
{
	echo 1 >"$WORK/status"
	cat >"$WORK/command" <<-END
	guest --cpus 2 --vm-args "-pidfile $WORK/pid" "$TESTDIR/guest/any_host.sh" &
	until [ -s $WORK/pid ] || ! kill -0 \$! 2>/dev/null; do
		sleep 0.2
	done
	cp $WORK/pid $WORK/vm
	status=0
	wait \$! || status=\$?
	echo \$status >$WORK/status
	END
	status=0
	hypergraph record -o "$WORK/any.dat" --exits -- sh "$WORK/command" \
		>"$WORK/record.log" 2>&1 || status=$?
	guest_status=$(cat "$WORK/status")
	[ "$status $guest_status" = "0 0" ] || show "$WORK/record.log"
}

# run_tool COMMAND OPTION...: run it on the recording, with the guest's symbols.
run_tool()
{
	_command=$1
	shift
	hypergraph "$_command" --kallsyms "$SHARE/kallsyms" --vm "$vm" "$@" "$WORK/any.dat" \
		2>>"$WORK/err"
}

# What the guest's task has called, and its CPUIDs in that, a line each: "VCPU LINE". Times are
# left out, and other exits, which come when they come.
calls()
{
	run_tool report --task any-host |
	sed -nE 's/^ *([0-9]+)\)[^|]*\|  /\1 /p' | awk '
	/ \/\* exit: cpuid / {
		n = match($0, / x[0-9]+ /) ? substr($0, RSTART + 2) + 0 : 1
		sub(/ x[0-9]+ /, " ")
		while (n-- > 0)
			print
		next
	}
	/ \/\*.*\*\/$/ && !/ } / { next }
	sub(/\(\);$/, "() {") {
		print
		sub(/[^ ]*( \[.*\])?\(\) \{$/, "}")
		print
		next
	}
	{ sub(/ \/\* .* \*\/$/, ""); print }'
}

# Which kernel it is: its boot and what its TSC was measured to be are not the same again.
hellos()
{
	run_tool report | sed -nE 's/.*\/\* (hello: .*) \*\/$/\1/p' | sort -u |
	sed -E 's/boot [0-9a-f]+/boot N/; s/TSC of [0-9]+ kHz/TSC of N kHz/'
}

# Of the same task by stack: "EXITS STACK"
cpuids()
{
	run_tool exits --task any-host | awk '
	/  VM / { sub(/.*  VM [0-9]+ /, ""); sub(/-[0-9]+:/, ":"); stack = $0 }
	$4 == "cpuid" { print $3, stack }'
}

# same_as_other FILE: is it what the other host's was? What differs is shown.
same_as_other()
{
	diff -u "$REPORTS/any_host.$other" "$1" >"$WORK/diff" || :
	head -n 20 "$WORK/diff" | sed 's/^/# /'
	[ ! -s "$WORK/diff" ]
}

# The one that comes first has nothing to be compared with.
has_other()
{
	[ -s "${REPORTS:-}/any_host.$other" ]
}

ktap_print_header
record_guest
[ "$guest_status" != "$KSFT_SKIP" ] || skip "needs a guest's kernel with CONFIG_HYPERGRAPH_TRACER"
if has_other; then
	ktap_set_plan 8
else
	ktap_set_plan 7
fi
check_equal "$host host: record: status, and the guest's" "$status $guest_status" "0 0"
[ "$status" -eq 0 ] || ktap_finished
check "$host host: record: which events it takes" grep -qF "$note" "$WORK/record.log"

vm=$(cat "$WORK/vm")
: >"$WORK/err"
run_tool exits >"$WORK/exits"
tail -n 6 "$WORK/exits" | sed 's/^/# /'
check_equal "$host host: all that the guest sent was recorded" \
	"$(sed -n 's/^# \([0-9]*\) hypercalls of hypergraph itself.*/\1/p' "$WORK/exits")" \
	"$(guest_count sent)"
check "$host host: of a VM that is known, and nothing lost" grep -q ', 0 events lost$' "$WORK/exits"

hellos >"$WORK/said"
calls >"$WORK/calls"
cpuids >"$WORK/cpuids"
cat "$WORK/said" "$WORK/calls" "$WORK/cpuids" >"$WORK/report"
tail -n 20 "$WORK/report" | sed 's/^/# /'
check_equal "$host host: calls of test_leaf on the second vCPU" \
	"$(grep -c '^1 .*test_leaf \[test_calls\]() {$' "$WORK/calls")" 1003
check_equal "$host host: CPUIDs, and where they are" "$(cat "$WORK/cpuids")" \
	"3 any-host: test_exits [test_calls]"
check_equal "$host host: the tool has nothing to complain of" "$(cat "$WORK/err")" ""
if has_other; then
	check "$host host: the same as on a $other host" same_as_other "$WORK/report"
fi
[ -z "${REPORTS:-}" ] || cp "$WORK/report" "$REPORTS/any_host.$host"
ktap_finished
