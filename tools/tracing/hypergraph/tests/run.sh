#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Tests the hypergraph tool without a VM and prints TAP.
#
#	[UNDER="valgrind -q"] run.sh HYPERGRAPH GEN_TRACE PLUGIN
#
# Each cases/NAME.events becomes a trace.dat. What a command prints of it, with the
# symbols in cases/NAME.kallsyms or else in kallsyms, must be cases/NAME.COMMAND, for each
# command that has such a file, and on stderr what is in cases/NAME.stderr, or nothing. So
# must be what it exports, as the program that the format is for prints it. That of a
# cases/stock_NAME.events is of a host which has only KVM's own events.
# After those come the errors, each of them one clear line, and that --help, the manual
# pages and bash's completion agree.
set -eu

if [ $# -ne 3 ]; then
	echo "usage: $0 HYPERGRAPH GEN_TRACE PLUGIN" >&2
	exit 2
fi
hypergraph=$1
gen_trace=$2
plugin=$3
convert_trace=$(dirname "$gen_trace")/convert-trace
damage=$(dirname "$gen_trace")/damage
dir=$(cd "$(dirname "$0")" && pwd)
man=$dir/../../../../Documentation/tools/hypergraph
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
: >"$tmp/none"

count=0
failed=0
perturb=165
under=${UNDER:-}

# result STATUS NAME
result() {
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}

# skip NAME WHY
skip() {
	count=$((count + 1))
	echo "ok $count - $1 # SKIP $2"
}

# Runs hypergraph in $tmp; leaves its output in $tmp/out, $tmp/err and $status. Memory that it
# does not set has no zeroes.
run() {
	status=0
	# shellcheck disable=SC2086 # a command and its options
	(cd "$tmp" && MALLOC_PERTURB_=$perturb exec $under "$hypergraph" "$@") >"$tmp/out" 2>"$tmp/err" || status=$?
}

# same WANTED GOT: 0, or 1 and their difference in TAP's comments
same() {
	if diff -u "$1" "$2" >"$tmp/diff"; then
		return 0
	fi
	sed 's/^/# /' "$tmp/diff"
	return 1
}

# ended NAME STATUS FILE STDERR: so did the last run, and that is what it printed
ended() {
	ok=0
	same "$3" "$tmp/out" || ok=1
	same "$4" "$tmp/err" || ok=1
	[ "$status" -eq "$2" ] || ok=1
	result $ok "$1"
}

# reports NAME FILE [STDERR]: the last run printed FILE, and STDERR or no error
reports() {
	ended "$1" 0 "$2" "${3:-$tmp/none}"
}

# fails NAME STATUS LINE: the last run printed just LINE, on stderr
fails() {
	echo "$3" >"$tmp/said"
	ended "$1" "$2" "$tmp/none" "$tmp/said"
}

# reads_on NAME FILE LINE: the last run printed FILE, and failed with LINE
reads_on() {
	echo "$3" >"$tmp/said"
	ended "$1" 1 "$2" "$tmp/said"
}

# save WHAT FILE: append to it the lines on stdin, and where they begin, as record does it
save() {
	begin=$(wc -c <"$2")
	{
		cat
		printf '#hypergraph %s begin at %020d\n' "$1" "$begin"
	} >>"$2"
}

stderr_of() {
	if [ -f "$dir/cases/$1.stderr" ]; then
		echo "$dir/cases/$1.stderr"
	fi
}

# make_trace CASE FILE
make_trace() {
	case $1 in
	stock_old*) "$gen_trace" --stock --old ;;
	stock_*) "$gen_trace" --stock ;;
	*) "$gen_trace" ;;
	esac <"$dir/cases/$1.events" >"$2"
	! grep '^#hypergraph thread ' "$dir/cases/$1.events" >"$tmp/threads" ||
		save threads "$2" <"$tmp/threads"
}

# copy_symbols CASE: to $tmp/kallsyms
copy_symbols() {
	symbols=$dir/cases/$1.kallsyms
	[ -f "$symbols" ] || symbols=$dir/kallsyms
	cp "$symbols" "$tmp/kallsyms"
}

test_cases() {
	for events in "$dir"/cases/*.events; do
		name=$(basename "$events" .events)
		make_trace "$name" "$tmp/trace.dat"
		copy_symbols "$name"
		for command in $commands; do
			wanted=$dir/cases/$name.$command
			[ -f "$wanted" ] || continue
			run "$command" --kallsyms kallsyms
			reports "$name: $command" "$wanted" "$(stderr_of "$name")"
		done
	done
}

test_without_kallsyms() {
	"$gen_trace" <"$dir/cases/exits.events" >"$tmp/some.dat"
	run report some.dat
	reports "no kallsyms" "$dir/cases/exits.no_kallsyms"
	"$gen_trace" <"$dir/cases/boot_returns.events" >"$tmp/some.dat"
	run boot some.dat
	reports "boot without kallsyms" "$dir/cases/boot_returns.no_kallsyms"
}

# bad_trace NAME FILE LINE
bad_trace() {
	run report "$2"
	fails "$1" 1 "hypergraph: $2: $3"
}

test_bad_traces() {
	nothing="no event of a guest was recorded: did one trace?"

	"$gen_trace" <"$dir/cases/calls.events" >"$tmp/whole"
	head -c 500 "$tmp/whole" >"$tmp/cut_header"
	head -c 8500 "$tmp/whole" >"$tmp/cut_page"
	sed 's/tracing6/tracing9/' "$tmp/whole" >"$tmp/version_9"
	"$gen_trace" --without-hypergraph </dev/null >"$tmp/unpatched"
	"$gen_trace" </dev/null >"$tmp/silent"
	echo "not a trace" >"$tmp/text"
	: >"$tmp/empty"

	bad_trace "missing file" missing "No such file or directory"
	bad_trace "directory" . "Is a directory"
	bad_trace "empty file" empty "empty file"
	printf '\027\010\104tracing' >"$tmp/begun"
	bad_trace "no more than the begin of a file" begun "truncated at offset 10, in its header"
	{ cat "$tmp/begun"; head -c 500 "$tmp/whole" | tr '\0' 7; } >"$tmp/long_version"
	bad_trace "a version that does not end" long_version \
		'of version "": those that are known are 6 and 7'
	bad_trace "not a trace.dat" text "not a trace.dat file"
	bad_trace "truncated in the header" cut_header \
		"truncated at offset 500, before any events"
	bad_trace "truncated in the first page" cut_page \
		"truncated at offset 8500, before any events"
	bad_trace "version from the future" version_9 \
		'of version "9": those that are known are 6 and 7'
	bad_trace "no event of a guest" unpatched "$nothing"
	bad_trace "nothing recorded" silent "$nothing"
	sed -i 's/name: hypergraph_/name: othertrace_/; s/name: kvm_exit/name: kvm_lost/' "$tmp/silent"
	bad_trace "no event that tells of guests" silent \
		"has no event of guests: hypergraph record tells which to record"
	sed 's/field:u64 a0;/field:u64 b0;/' "$tmp/whole" >"$tmp/damaged"
	bad_trace "a field of hypergraph_host missing" damaged \
		"event hypergraph_host has no field a0"
	sed 's/^ID: /id: /' "$tmp/whole" >"$tmp/damaged"
	bad_trace "the number of hypergraph_host missing" damaged "event hypergraph_host has no ID"
	"$gen_trace" --stock <"$dir/cases/stock_calls.events" | sed 's/common_pid/common_pix/' >"$tmp/damaged"
	run report damaged
	{
		for event in kvm_exit kvm_entry funcgraph_entry funcgraph_exit kvm_hypercall kvm_nested_vmexit; do
			echo "hypergraph: damaged: event $event has no field common_pid: it is left out"
		done
		echo "hypergraph: damaged: has no event of guests: hypergraph record tells which to record"
	} >"$tmp/said"
	fails "no field tells of which thread events are" 1 "$(cat "$tmp/said")"
}

# As kvm_exit of other architectures
test_left_out() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	grep -v '^exit' "$dir/cases/vcpus.events" | "$gen_trace" >"$tmp/some.dat"
	run report --kallsyms kallsyms some.dat
	cp "$tmp/out" "$tmp/without"
	"$gen_trace" <"$dir/cases/vcpus.events" >"$tmp/some.dat"
	sed -i 's/field:u32 isa;/field:u32 ret;/' "$tmp/some.dat"
	run report --kallsyms kallsyms some.dat
	echo "hypergraph: some.dat: event kvm_exit has no field isa: it is left out" >"$tmp/said"
	reports "an event that lacks a field" "$tmp/without" "$tmp/said"
}

# 2000 calls of a vCPU on each of two host CPUs, which do not compress well
two_cpus() {
	awk 'BEGIN {
		for (i = 1; i <= 2000; i++)
			for (cpu = 0; cpu < 2; cpu++) {
				at = cpu " " 101 + cpu " " 1000 * i " 100 " cpu
				print "enter " at " ffffffff81000100 0"
				print "return " at " ffffffff81000100 " int(1e6 * rand()) " 0"
			}
	}'
}

# make_whole: 6.dat of these, and its whole.report
make_whole() {
	two_cpus | "$gen_trace" >"$tmp/6.dat"
	run report 6.dat
	cp "$tmp/out" "$tmp/whole.report"
}

# calls_of VCPU FILE
calls_of() {
	grep "^ $1) .*();" "$2" || true
}

# same_calls VCPU FILTER...: FILTER leaves the same of the last run's calls and of those in
# whole.report
same_calls() {
	vcpu=$1
	shift
	calls_of "$vcpu" "$tmp/whole.report" | "$@" >"$tmp/wanted"
	calls_of "$vcpu" "$tmp/out" | "$@" >"$tmp/got"
	same "$tmp/wanted" "$tmp/got"
}

# complains LINE: the last run failed with just LINE, in which N is any number
complains() {
	echo "$1" >"$tmp/wanted"
	sed 's/offset [0-9]*/offset N/; s/[0-9]*\.[0-9]* s/N s/g' "$tmp/err" >"$tmp/got"
	same "$tmp/wanted" "$tmp/got" && [ "$status" -eq 1 ]
}

# some_of NAME LINE: the last run printed all of vCPU 0 in whole.report and the begin of vCPU
# 1, and complains
some_of() {
	ok=0
	same_calls 0 cat || ok=1
	calls_of 1 "$tmp/out" >"$tmp/some"
	calls=$(wc -l <"$tmp/some")
	[ "$calls" -gt 0 ] && [ "$calls" -lt 2000 ] || ok=1
	same_calls 1 head -n "$calls" || ok=1
	complains "$2" || ok=1
	result $ok "$1"
}

# gap_in NAME LINE: as some_of, but what is missing of vCPU 1 is in one place, not its end
gap_in() {
	ok=0
	same_calls 0 cat || ok=1
	same_calls 1 tail -n 1 || ok=1
	calls_of 1 "$tmp/whole.report" >"$tmp/wanted"
	calls_of 1 "$tmp/out" >"$tmp/got"
	[ "$(diff "$tmp/wanted" "$tmp/got" | grep -c '^[0-9]')" -eq 1 ] || ok=1
	complains "$2" || ok=1
	result $ok "$1"
}

# bytes_at FILE TEXT: where it is
bytes_at() {
	LC_ALL=C grep -obUa "$2" "$1" | head -n 1 | cut -d : -f 1
}

# patch FILE OFFSET BYTES: BYTES as printf has them
patch() {
	# shellcheck disable=SC2059 # a format is what it is
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>"$tmp/dd"
}

# Cut are three quarters of the way to the end of the events, which are last, or nearly.
test_truncated() {
	make_whole
	cut="hypergraph: cut.dat: truncated at offset N, in the events of CPU 1: what comes later is lost"
	damaged="hypergraph: 7.dat: damaged at offset N: what CPU 1 recorded from N s to N s is lost"
	head -c "$(($(wc -c <"$tmp/6.dat") * 3 / 4))" "$tmp/6.dat" >"$tmp/cut.dat"
	run report cut.dat
	some_of "truncated, version 6" "$cut"
	for compression in none zstd; do
		name="version 7, compression: $compression"
		if ! trace-cmd convert -i "$tmp/6.dat" -o "$tmp/7.dat" --file-version 7 \
			--compression "$compression" >"$tmp/err" 2>&1; then
			skip "truncated, $name" "trace-cmd does not write it"
			continue
		fi
		size=$(wc -c <"$tmp/7.dat")
		head -c "$((size * 3 / 4))" "$tmp/7.dat" >"$tmp/cut.dat"
		run report cut.dat
		some_of "truncated, $name" "$cut"
		# Nothing but the section of where the events are
		head -c "$((size - 300))" "$tmp/7.dat" >"$tmp/cut.dat"
		run report cut.dat
		some_of "truncated at the end, $name" "$cut"
		# Nothing that is needed
		head -c "$((size - 1))" "$tmp/7.dat" >"$tmp/cut.dat"
		run report cut.dat
		ok=0
		same "$tmp/whole.report" "$tmp/out" || ok=1
		complains "hypergraph: cut.dat: truncated at offset N, behind events" || ok=1
		result $ok "truncated by a byte, $name"
		[ "$compression" = zstd ] || continue
		# The first block that begins there: without its magic it is none.
		at=$(LC_ALL=C grep -obUaP '\x28\xb5\x2f\xfd' "$tmp/7.dat" |
			awk -F: -v from="$((size * 3 / 4))" '$1 > from { print $1; exit }')
		patch "$tmp/7.dat" "$at" 0000
		run report 7.dat
		gap_in "damaged, $name" "$damaged"
	done
}

# clock NAME CLOCKS [STDERR]
clock() {
	"$gen_trace" --clock "$2" <"$dir/cases/calls.events" >"$tmp/some.dat"
	cp "$dir/kallsyms" "$tmp/kallsyms"
	run report --kallsyms kallsyms some.dat
	echo "${3:-}" | sed '/^$/d' >"$tmp/said"
	reports "$1" "$dir/cases/calls.report" "$tmp/said"
}

test_clocks() {
	clock "a clock in ns" "local global [mono] x86-tsc"
	clock "a clock in other units" "local global mono [counter]" \
		"hypergraph: some.dat: recorded with the clock counter: times of the host are not in ns"
}

# bad_kallsyms NAME LINE CONTENT
bad_kallsyms() {
	printf '%s' "$3" >"$tmp/kallsyms"
	run report --kallsyms kallsyms whole
	fails "$1" 1 "hypergraph: kallsyms$2"
}

test_bad_kallsyms() {
	hidden="all addresses are zero: be root in the guest, and kernel.kptr_restrict below 2"

	run report --kallsyms missing whole
	fails "missing kallsyms" 1 "hypergraph: missing: No such file or directory"
	bad_kallsyms "empty kallsyms" ": empty file" ""
	bad_kallsyms "hidden kallsyms" ": $hidden" "0000000000000000 T _text
0000000000000000 t func
"
	bad_kallsyms "kallsyms without text" ": no text symbols" "ffffffff82000000 D jiffies
"
	bad_kallsyms "bad line in kallsyms" ":2: not a line of kallsyms" "ffffffff81000000 T _text
func ffffffff81000100
"
}

# usage_error NAME LINE ARGS...: the first line on stderr is LINE
usage_error() {
	name=$1
	echo "$2" >"$tmp/wanted"
	shift 2
	run "$@"
	ok=0
	head -n 1 "$tmp/err" >"$tmp/got"
	same "$tmp/wanted" "$tmp/got" || ok=1
	[ "$status" -eq 129 ] || ok=1
	[ ! -s "$tmp/out" ] || ok=1
	result $ok "$name"
}

# help NAME ARGS...
help() {
	name=$1
	shift
	run "$@"
	ok=0
	grep -qi '^usage: hypergraph' "$tmp/out" || ok=1
	awk 'length($0) > 79 { exit 1 }' "$tmp/out" || ok=1
	[ "$status" -eq 0 ] || ok=1
	[ ! -s "$tmp/err" ] || ok=1
	result $ok "$name"
}

# filtered NAME CASE ARGS...: what a report of CASE with ARGS prints is cases/NAME.filtered
filtered() {
	name=$1
	"$gen_trace" <"$dir/cases/$2.events" >"$tmp/some.dat"
	shift 2
	run report --kallsyms kallsyms "$@" some.dat
	reports "filter: $*" "$dir/cases/$name.filtered"
}

test_filters() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	filtered vm vms --vm 20000
	filtered vm_id untraced --vm 100.8
	filtered vcpu vcpus --vcpu 1
	filtered nested nested --vcpu n0
	filtered comm switches --task 'd*'
	filtered pid switches --task 1602
	filtered function calls --function '*write'
	filtered depth calls --depth 1
	filtered function_depth calls --function do_syscall_64 --depth 2
	filtered time calls --time 0.000008..0.000011
	run report --time 1 whole
	fails "bad time" 1 "hypergraph: --time 1: not FROM..TO, each in seconds or left out"
	run report --vcpu first whole
	fails "bad vcpu" 1 \
		"hypergraph: --vcpu first: not a number, or that of a nested one after an n"
	run report --task "" whole
	fails "bad task" 1 "hypergraph: --task : not a pid or a comm"
	run report --depth 0 whole
	fails "bad depth" 1 "hypergraph: --depth 0: not a number from 1 to 1024"
}

# one_vm COMMAND: of two VMs it shows what it shows of a recording of that one
one_vm() {
	run "$1" one.dat
	cp "$tmp/out" "$tmp/one"
	run "$1" --vm 20000 some.dat
	reports "$1 --vm" "$tmp/one"
}

test_vm() {
	"$gen_trace" <"$dir/cases/vms.events" >"$tmp/some.dat"
	grep 20000 "$dir/cases/vms.events" | "$gen_trace" >"$tmp/one.dat"
	one_vm boot
	one_vm crash
}

# no_match ARGS...
no_match() {
	run "$@" some.dat
	cp "$tmp/out" "$tmp/printed"
	echo "hypergraph: some.dat: nothing in it is what the filters ask for" >"$tmp/said"
	reports "no match: $*" "$tmp/printed" "$tmp/said"
}

test_no_match() {
	"$gen_trace" <"$dir/cases/switches.events" >"$tmp/some.dat"
	for command in report exits crash boot "export --to folded"; do
		# shellcheck disable=SC2086 # a command and its options
		no_match $command --vm 999
	done
	no_match report --task nosuch
	no_match report --vcpu 7
	no_match report --function nosuch
	no_match report --time 1..2
}

# A task is asked for: what was not traced is none, whatever its name is to match.
test_filtered_exits() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	"$gen_trace" <"$dir/cases/toggled.events" >"$tmp/some.dat"
	run exits --task '*' --kallsyms kallsyms some.dat
	reports "exits of any task" "$dir/cases/toggled.exits_of_tasks"
	run exits --folded --kallsyms kallsyms some.dat
	reports "exits, folded, with what was not traced" "$dir/cases/toggled.folded_exits"
}

# The fields that events got later
test_old_events() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	"$gen_trace" --old <"$dir/cases/vcpus.events" >"$tmp/some.dat"
	run report --kallsyms kallsyms some.dat
	reports "events without vm_id and by_host" "$dir/cases/vcpus.report"
}

# stock_lines FILE: its events as a host without hypergraph_exit has them, in order of time
stock_lines() {
	awk '
	/^#/ || /^$/ { next }
	/^ / {
		print NR "\t" $0
		next
	}
	$1 == "hypergraph_exit" {
		print $4 - $10 "\texit", $2, $3, $4 - $10, $7, $8, $9, $6
		print $4 "\tentry", $2, $3, $4, $6
		next
	}
	{ print $4 "\t" $0 }' "$1" | sort -s -n -k 1,1 | cut -f 2-
}

# stock_threads FILE TRACE: append whose threads they are, as its events tell
stock_threads() {
	awk '
	/^ / && !n++ {
		sub(/.*-/, "", $1)
		sub(/vm=/, "", $5)
		print "#hypergraph thread " $1 " of " $5
	}
	/^[a-z]/ && NF > 5 && $1 !~ /^(exit|entry)$/ && !seen[$3]++ {
		print "#hypergraph thread " $3 " of " $5
	}' "$1" | save threads "$2"
}

# Has the case only what any host can tell? No nested guests, resets, VMs of one process, what
# was lost, the functions of the host, hypercalls that are no tracer's, exits of what sends later,
# times that awk does not count
any_host_tells() {
	case $1 in
	*/foreign_exits.events | */hypercall_exits.events | */odd_times.events | */stock_*) false ;;
	*) ! grep -qE '^(reset|lost|host_|call|[^ 	]*	[0-9]+ [0-9]+ [0-9]+	[0-9]+(\.| [0-9]+/))' "$1" ;;
	esac
}

# Both ways to record the same, kvm_hypercall with whose threads they are, print the same.
test_stock_same() {
	for events in "$dir"/cases/*.events; do
		name=$(basename "$events" .events)
		any_host_tells "$events" || continue
		copy_symbols "$name"
		stock_lines "$events" | "$gen_trace" --stock >"$tmp/trace.dat"
		stock_threads "$events" "$tmp/trace.dat"
		for command in report exits crash boot; do
			[ -f "$dir/cases/$name.$command" ] || continue
			run "$command" --kallsyms kallsyms
			reports "$name by kvm_hypercall: $command" \
				"$dir/cases/$name.$command" "$(stderr_of "$name")"
		done
	done
}

# The recording is read twice there, and what is damaged in it is said once.
test_damaged_lookahead() {
	"$gen_trace" <"$dir/cases/foreign_exits.events" >"$tmp/some.dat"
	at=$(($(wc -c <"$tmp/some.dat") - 4096))
	patch "$tmp/some.dat" "$at" '\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377'
	run exits some.dat
	: >"$tmp/out"
	fails "damaged, with exits before a thread's first event" 1 \
		"hypergraph: some.dat: damaged at offset $at: what CPU 1 recorded is lost"
}

# The threads are read also where symbols stand behind them, and as far as they are whole.
test_saved_threads() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	"$gen_trace" --stock <"$dir/cases/durations.events" >"$tmp/some.dat"
	stock_threads "$dir/cases/durations.events" "$tmp/some.dat"
	cp "$tmp/some.dat" "$tmp/saved.dat"
	save_symbols "$tmp/saved.dat"
	run report saved.dat
	reports "threads and symbols in the recording" "$dir/cases/durations.report"
	sed '$a # 1 VM of which only a thread is known' "$dir/cases/durations.report" \
		>"$tmp/by_thread"
	at=$(bytes_at "$tmp/some.dat" '#hypergraph thread ')
	sed -i 's/#hypergraph thread 101 /#hypergraph thread x01 /' "$tmp/some.dat"
	run report --kallsyms kallsyms some.dat
	reads_on "damaged threads in the recording" "$tmp/by_thread" \
		"hypergraph: some.dat: damaged at offset $at: of what follows there, VMs are threads"
}

# make_vmlinux FILE BUILD-ID: of $tmp/vmlinux.S
make_vmlinux() {
	if ! gcc -nostdlib -static -Wl,-Ttext=0xffffffff81000000,-e,_text,--build-id="$2" \
		-o "$tmp/$1" "$tmp/vmlinux.S" 2>"$tmp/err"; then
		cat "$tmp/err"
	fi
}

test_symbols() {
	"$gen_trace" <"$dir/cases/vms.events" >"$tmp/some.dat"
	sed 's/ksys_write/other_kernel/' "$dir/kallsyms" >"$tmp/other"
	run report --guest 100=kallsyms --guest 20000=other some.dat
	reports "a kernel of its own for each VM" "$dir/cases/symbols_two.symbols"
	run report --guest 100=kallsyms --guest 20000=other --guest 999=other some.dat
	echo "hypergraph: some.dat: VM 999, which has symbols, is not in it" >"$tmp/said"
	reports "symbols of a VM that is not there" "$dir/cases/symbols_two.symbols" "$tmp/said"
	run report --guest kallsyms some.dat
	fails "no PID" 1 "hypergraph: --guest kallsyms: not PID=FILE"

	# Addresses are as in kallsyms; the linker's address is that of the first one.
	awk '$2 ~ /[tTwW]/ && !/\[/ {
		printf ".org 0x%s, 0x90\n.globl %s\n.type %s, @function\n%s:\n",
		       substr($1, 11), $3, $3, $3 }' "$dir/kallsyms" >"$tmp/vmlinux.S"
	"$gen_trace" <"$dir/cases/durations.events" >"$tmp/some.dat"
	id=00112233445566778899aabbccddeeff01234567
	make_vmlinux vmlinux 0x$id
	run report --vmlinux vmlinux some.dat
	reports "symbols of a vmlinux" "$dir/cases/durations.report"
	run report some.dat
	cp "$tmp/out" "$tmp/unnamed"
	other=00112233445566778899aabbccddeeff01234568
	make_vmlinux other 0x$other
	run report --vmlinux other some.dat
	echo "hypergraph: other: refused: its build id is $other, that of VM 100's kernel is $id" \
		>"$tmp/said"
	reports "a vmlinux of another build" "$tmp/unnamed" "$tmp/said"
	cp "$tmp/vmlinux" "$tmp/stripped"
	strip "$tmp/stripped"
	run report --vmlinux stripped some.dat
	fails "a vmlinux without symbols" 1 \
		"hypergraph: stripped: has no symbols: the vmlinux of the kernel's build has"
}

# A kernel's of which few functions are where the guest's are
test_other_kernel() {
	sed '/_stext/!s/00 \([tT]\)/10 \1/' "$dir/kallsyms" >"$tmp/other"
	"$gen_trace" <"$dir/cases/calls.events" >"$tmp/some.dat"
	run report --kallsyms other some.dat
	cp "$tmp/out" "$tmp/printed"
	echo "hypergraph: other: 83% of the calls begin no function in it: another kernel's?" \
		>"$tmp/said"
	reports "another kernel's kallsyms" "$tmp/printed" "$tmp/said"
}

# save_symbols TRACE
save_symbols() {
	{
		printf '#hypergraph symbols vm 0 bytes %d\n' "$(wc -c <"$dir/kallsyms")"
		cat "$dir/kallsyms"
	} | save symbols "$1"
}

test_saved_symbols() {
	"$gen_trace" <"$dir/cases/durations.events" >"$tmp/saved.dat"
	save_symbols "$tmp/saved.dat"
	run report saved.dat
	reports "symbols in the recording" "$dir/cases/durations.report"
	sed 's/symbols vm 0 bytes [0-9]*/symbols vm 0 bytes 99999999/' "$tmp/saved.dat" \
		>"$tmp/damaged.dat"
	run report damaged.dat
	fails "damaged symbols in the recording" 1 \
		"hypergraph: damaged.dat: the symbols in it are damaged"
}

test_stdin() {
	"$gen_trace" <"$dir/cases/durations.events" >"$tmp/some.dat"
	run report --kallsyms kallsyms - <"$tmp/some.dat"
	reports "stdin, a file" "$dir/cases/durations.report"
	status=0
	# shellcheck disable=SC2002 # a pipe is the point
	cat "$tmp/some.dat" | (cd "$tmp" && "$hypergraph" report --kallsyms kallsyms -) \
		>"$tmp/out" 2>"$tmp/err" || status=$?
	reports "stdin, a pipe" "$dir/cases/durations.report"
	"$gen_trace" <"$dir/cases/durations.events" | head -c 1000000 >"$tmp/piped.dat"
	run report --kallsyms kallsyms piped.dat
	reports "made into a pipe" "$dir/cases/durations.report"
}

# form NAME OPTION...: the same trace in another form is reported in the same way
form() {
	name=$1
	shift
	"$convert_trace" "$@" <"$tmp/6.dat" >"$tmp/some.dat"
	run report some.dat
	reports "$name" "$tmp/whole.report"
}

test_forms() {
	make_whole
	form "version 6, an instance" --buffer vm
	for compression in none zstd zlib; do
		form "version 7, $compression" --compression $compression
		form "version 7, $compression, an instance" --compression $compression --buffer vm
		form "version 7, $compression, of trace-cmd 3.2" --compression $compression --trace-cmd 3.2
	done
	form "of x86_64" --machine x86_64
	"$convert_trace" --machine aarch64 <"$tmp/6.dat" >"$tmp/arm.dat"
	bad_trace "of another machine" arm.dat "not of an x86 host: of aarch64"
	mkfifo "$tmp/fifo"
	cat "$tmp/6.dat" >"$tmp/fifo" &
	run report fifo
	wait $!
	reports "a FIFO" "$tmp/whole.report"
}

# What is no trace.dat is not copied, and what cannot be copied not read to its end.
test_endless() {
	two_cpus | "$gen_trace" >"$tmp/6.dat"
	run report /dev/zero
	fails "endless, and not a trace.dat" 1 "hypergraph: /dev/zero: not a trace.dat file"
	status=0
	cat "$tmp/6.dat" /dev/zero | (
		cd "$tmp"
		trap '' XFSZ
		ulimit -f 2048
		exec "$hypergraph" report -
	) >"$tmp/out" 2>"$tmp/err" || status=$?
	fails "endless" 1 "hypergraph: copying stdin into a temporary file: File too large"
}

# bad_header NAME OFFSET BYTES LINE: of a file with those bytes at that offset
bad_header() {
	cp "$tmp/6.dat" "$tmp/bad.dat"
	patch "$tmp/bad.dat" "$2" "$3"
	bad_trace "$1" bad.dat "$4"
}

test_headers() {
	two_cpus | "$gen_trace" >"$tmp/6.dat"
	bad_header "version 5" 10 5 'of version "5": those that are known are 6 and 7'
	bad_header "version 8" 10 8 'of version "8": those that are known are 6 and 7'
	bad_header "big-endian" 12 '\001' "not of an x86 host: it is big-endian"
	bad_header "of 128 bits" 13 '\020' "with a long of 16 bytes: 4 and 8 are known"
	bad_header "pages that are too large" 14 '\0\0\040\0' \
		"with pages of 2097152 bytes: 4096 to 1048576 are known"
	bad_header "no pages" 14 '\0\0\0\0' \
		"with pages of 0 bytes: 4096 to 1048576 are known"
	"$convert_trace" --compression zstd <"$tmp/6.dat" | sed 's/zstd/lz44/' >"$tmp/lz44.dat"
	bad_trace "another compression" lz44.dat "compressed with lz44: zstd and zlib are known"
}

# The second page of CPU 0 ends behind its end, which libtraceevent does not look at.
test_damaged_page() {
	make_whole
	"$convert_trace" <"$tmp/6.dat" >"$tmp/bad.dat"
	begin=$(trace-cmd dump --flyrecord -i "$tmp/bad.dat" |
		sed -n 's/^[^0-9]*\([0-9]*\) .*of cpu 1\]$/\1/p')
	patch "$tmp/bad.dat" "$((begin + 4096 + 8))" '\377\377\377\007'
	run report bad.dat
	gap_in "a damaged page" \
		"hypergraph: bad.dat: damaged at offset N: what CPU 1 recorded from N s to N s is lost"
	patch "$tmp/bad.dat" "$begin" '\377\377\377\377\377\377\0\0'
	patch "$tmp/bad.dat" "$((begin + 4096 + 8))" '\0\0\0\0'
	run report bad.dat
	ok=0
	grep -q "bad.dat: damaged at offset $begin: what CPU 1 recorded before" "$tmp/err" || ok=1
	same_calls 1 tail -n 1 || ok=1
	result $ok "a page of another day"
}

# says NAME LINE: the last run complains of bad.dat's damage, and read its end
says() {
	ok=0
	complains "hypergraph: bad.dat: damaged at offset N: $2" || ok=1
	same_calls 0 tail -n 1 || ok=1
	same_calls 1 tail -n 1 || ok=1
	result $ok "$1"
}

# What two CPUs are said to have is that of the second one.
test_damaged_parts() {
	make_whole
	table=$(($(bytes_at "$tmp/6.dat" flyrecord) + 10))
	begin=$(od -A n -t u8 -j "$((table + 16))" -N 8 "$tmp/6.dat" | tr -d ' ')
	cp "$tmp/6.dat" "$tmp/bad.dat"
	patch "$tmp/bad.dat" "$((table + 8 + 2))" '\006'
	run report bad.dat
	says "a CPU's events that do not end" "it is said to be of CPU 0, but also of CPU 1"
	all_shown "a CPU's events that do not end"
	# As many as are compressed into one
	for page in 0 1 2 3 4 5 6 7 8 9; do
		patch "$tmp/6.dat" "$((begin + 4096 * page + 4))" '\020'
	done
	"$convert_trace" --compression zstd <"$tmp/6.dat" >"$tmp/bad.dat"
	run report bad.dat
	says "pages of another time" "the time of CPU 1 goes back from N s to N s"
}

# all_shown NAME: the last run printed whole.report
all_shown() {
	ok=0
	cmp "$tmp/whole.report" "$tmp/out" >"$tmp/got" || ok=1
	sed 's/^/# /' "$tmp/got"
	result $ok "$1: all is shown"
}

# A size that leads out of the file, of each format and of the symbols
test_damaged_sizes() {
	make_whole
	for name in 'name: funcgraph_entry' 'name: hypergraph_host' 'name: kvm_exit' ffffffff91000000; do
		cp "$tmp/6.dat" "$tmp/bad.dat"
		at=$(bytes_at "$tmp/bad.dat" "$name")
		patch "$tmp/bad.dat" "$((at - 1))" '\177'
		run report bad.dat
		says "version 6, the size of $name" "a size does not lead to what comes next"
		all_shown "version 6, the size of $name"
	done
	"$convert_trace" --compression none <"$tmp/6.dat" >"$tmp/bad.dat"
	at=$(bytes_at "$tmp/bad.dat" 'name: hypergraph_host')
	patch "$tmp/bad.dat" "$((at - 1))" '\177'
	run report bad.dat
	says "version 7, a size" "not all that it tells of events is there"
	all_shown "version 7, a size"
}

# The host's symbols: their size, which does not lead to what comes next, and none
test_host_symbols() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	"$gen_trace" <"$dir/cases/host_functions.events" >"$tmp/some.dat"
	at=$(bytes_at "$tmp/some.dat" ffffffff91000000)
	cp "$tmp/some.dat" "$tmp/bad.dat"
	patch "$tmp/bad.dat" "$((at - 1))" '\177'
	run report --kallsyms kallsyms bad.dat
	reads_on "the host's symbols, of a damaged size" "$dir/cases/host_functions.report" \
		"hypergraph: bad.dat: damaged at offset $at: a size does not lead to what comes next"
	# They become formats of printk, which come next.
	dd if="$tmp/some.dat" of="$tmp/size" bs=1 skip="$((at - 4))" count=4 2>"$tmp/dd"
	dd if="$tmp/size" of="$tmp/some.dat" bs=1 seek="$at" conv=notrunc 2>"$tmp/dd"
	patch "$tmp/some.dat" "$((at - 4))" '\0\0\0\0'
	run report --kallsyms kallsyms some.dat
	sed 's/handle_exit/0xffffffff91000100/; s/emulate/0xffffffff91000200/
		0,/queue_work/s/queue_work/0xffffffff91000300/; s/queue_work/0xffffffff91000310/' \
		"$dir/cases/host_functions.report" >"$tmp/wanted"
	reports "no symbols of the host" "$tmp/wanted"
}

# damaged NAME FILE: no damage ends in a signal, and nearly all is read, in the order of time
damaged() {
	ok=0
	"$damage" "$2" 250 >"$tmp/read" 2>&1 || ok=1
	sed "s/^/# damaged 250 times, $1: read are /" "$tmp/read"
	awk '$2 == "%" && $1 > 75 { ok = 1 } END { exit !ok || NR > 1 }' "$tmp/read" || ok=1
	result $ok "random damage, $1"
}

test_damage() {
	"$gen_trace" --load 10000 >"$tmp/6.dat"
	damaged "version 6" "$tmp/6.dat"
	for compression in none zstd zlib; do
		"$convert_trace" --compression $compression <"$tmp/6.dat" >"$tmp/7.dat"
		damaged "version 7, $compression" "$tmp/7.dat"
	done
}

# trace-cmd prints irqs and preemption from 3.2 on, of which these traces tell nothing.
without_latency() {
	sed 's/\(\[[0-9]*\] \)[^ 0-9]\{5\} /\1/'
}

# read_export FORMAT: what the program that it is for prints of $tmp/exported
read_export() {
	case $1 in
	folded) cat "$tmp/exported" ;;
	speedscope) python3 -m json.tool "$tmp/exported" ;;
	perfetto) protoc --decode=perfetto.Trace -I "$dir/../export" perfetto.proto <"$tmp/exported" ;;
	ctf) babeltrace2 --clock-seconds --no-delta "$tmp/exported" ;;
	trace-dat) trace-cmd report -i "$tmp/exported" | without_latency ;;
	esac
}

# exported CASE FORMAT PROGRAM: what PROGRAM prints of CASE in that FORMAT is
# cases/CASE.FORMAT
exported() {
	if ! command -v "$3" >/dev/null; then
		skip "export: $2 of $1" "$3 is not installed"
		return
	fi
	make_trace "$1" "$tmp/trace.dat"
	rm -rf "$tmp/exported"
	run export --to "$2" --output exported --kallsyms kallsyms trace.dat
	if [ "$status" -eq 0 ]; then
		read_export "$2" >"$tmp/out" 2>>"$tmp/err" || status=$?
	fi
	reports "export: $2 of $1" "$dir/cases/$1.$2" "$(stderr_of "$1")"
}

# A line "NS PREV-PID STATE NEXT-PID" for each switch in $tmp/exported
exported_switches() {
	case $1 in
	perfetto)
		read_export perfetto | awk '
			$1 == "timestamp:" { ns = $2 }
			$1 == "prev_pid:" { prev = $2 }
			$1 == "prev_state:" { state = $2 }
			$1 == "next_pid:" { print ns, prev, state, $2 }' ;;
	ctf)
		read_export ctf | sed -n 's/^\[0\.0*\([0-9]*\)\] sched_switch: '\
'.*prev_tid = \([-0-9]*\),.*prev_state = \([0-9]*\),.*next_tid = \([-0-9]*\),.*/\1 \2 \3 \4/p' ;;
	trace-dat)
		trace-cmd report -R -t -i "$tmp/exported" | sed -n 's/.* 0\.0*\([0-9]*\): sched_switch: '\
'.*prev_pid=\([0-9]*\) .*prev_state=\([x0-9a-f]*\) .*next_pid=\([0-9]*\) .*/\1 \2 \3 \4/p' |
			sed 's/ 0x10 / 16 /; s/ 0x200 / 512 /' ;;
	esac
}

# switches CASE FORMAT PROGRAM: each switch in CASE is exported, with its time and what is
# known of the state, and no other ones are but those from and to what is no task: that has
# pids from 2^30 on. Dead is 0x10, and unknown 0x200; idle is neither.
switches() {
	if ! command -v "$3" >/dev/null; then
		skip "switches: $2 of $1" "$3 is not installed"
		return
	fi
	"$gen_trace" <"$dir/cases/$1.events" >"$tmp/some.dat"
	rm -rf "$tmp/exported"
	run export --to "$2" --output exported some.dat
	awk '/^switch/ { print $4, $7, $7 ? /^switch,gone/ ? 16 : 512 : 0, $8 }' \
		"$dir/cases/$1.events" | sort >"$tmp/wanted"
	exported_switches "$2" | awk '$2 >= 0 && $2 < 2^30 && $4 >= 0 && $4 < 2^30' |
		sort >"$tmp/out"
	[ -s "$tmp/wanted" ] || status=1
	reports "switches: $2 of $1" "$tmp/wanted"
}

# More vCPUs than an x86 guest has
test_many_vcpus() {
	awk 'BEGIN {
		for (i = 0; i <= 8192; i++)
			print "enter 0 " i + 1 " " 1000 + i " 100 " i " ffffffff81000100 0"
	}' | "$gen_trace" >"$tmp/some.dat"
	run export --to trace-dat --output exported some.dat
	fails "export: a trace.dat of too many vCPUs" 1 \
		"hypergraph: some.dat: has 8193 vCPUs: a trace.dat has at most 8192"
}

# Events that are far apart take no page each.
test_sparse() {
	awk 'BEGIN {
		for (i = 0; i < 1000; i++) {
			printf "enter 0 101 %d000001000 100 0 ffffffff81000100 0\n", i
			printf "return 0 101 %d500000000 100 0 ffffffff81000100 499999000 0\n", i
		}
	}' | "$gen_trace" >"$tmp/some.dat"
	rm -rf "$tmp/exported"
	run export --to trace-dat --output exported some.dat
	wc -c <"$tmp/exported" | awk '{ print $1 < 200000 ? "small" : $1 }' >"$tmp/out"
	echo small >"$tmp/small"
	reports "export: sparse events" "$tmp/small"
}

# babeltrace2 2.0 shows what it read before in place of an empty text.
test_unnamed() {
	if ! command -v babeltrace2 >/dev/null; then
		skip "export: ctf of functions without names" "babeltrace2 is not installed"
		return
	fi
	awk 'BEGIN {
		print "hello 0 101 1000 100 0 1 ffffffff81000000",
		      "00112233445566778899aabbccddeeff01234567 b007"
		for (i = 0; i < 40; i++)
			print "enter 0 101", 2000 + i, "100 0", i < 20 ? "ffffffff81000100" : "1234", 0
	}' | "$gen_trace" >"$tmp/some.dat"
	cp "$dir/kallsyms" "$tmp/kallsyms"
	rm -rf "$tmp/exported"
	run export --to ctf --output exported --kallsyms kallsyms some.dat
	read_export ctf | grep -o ' name = "[^"]*"' | sort | uniq -c |
		sed 's/^ *//; s/  / /' >"$tmp/out"
	printf '20 name = "0x1234"\n20 name = "do_syscall_64"\n' >"$tmp/names"
	reports "export: ctf of functions without names" "$tmp/names"
}

# trace-cmd shows a function without a name only if the recording gives its address one.
test_returns_without_names() {
	if ! command -v trace-cmd >/dev/null; then
		skip "export: trace-dat of returns without names" "trace-cmd is not installed"
		return
	fi
	"$gen_trace" <"$dir/cases/frames.events" >"$tmp/some.dat"
	rm -rf "$tmp/exported"
	run export --to trace-dat --output exported some.dat
	trace-cmd report -O fgraph:tailprint -i "$tmp/exported" 2>"$tmp/err" |
		sed -n 's/.*funcgraph_exit:.*} *//p' >"$tmp/out"
	printf "/* 0x%s */\n" ffffffff81000400 ffffffff81000600 ffffffff81000200 >"$tmp/names"
	reports "export: trace-dat of returns without names" "$tmp/names"
}

# babeltrace2 takes quadratic time for a long packet.
test_packets() {
	if ! command -v babeltrace2 >/dev/null; then
		skip "export: the packets of ctf" "babeltrace2 is not installed"
		return
	fi
	"$gen_trace" --load 40000 >"$tmp/some.dat"
	rm -rf "$tmp/exported"
	run export --to ctf --output exported some.dat
	babeltrace2 "$tmp/exported" --component sink.text.details |
		grep -a '^Stream beginning\|^Packet beginning' | sort | uniq -c |
		awk '{ nr[$2] = $1 } END { print (nr["Packet"] < 2 * nr["Stream"] ? "long" : "short") }' \
		>"$tmp/out"
	echo short >"$tmp/short"
	reports "export: the packets of ctf" "$tmp/short"
}

# exported_clock CLOCKS WANTED [STDERR]
exported_clock() {
	if ! command -v trace-cmd >/dev/null; then
		skip "export: the clock of $1" "trace-cmd is not installed"
		return
	fi
	"$gen_trace" --clock "$1" <"$dir/cases/calls.events" >"$tmp/some.dat"
	rm -rf "$tmp/exported"
	run export --to trace-dat --output exported some.dat
	trace-cmd dump --options -i "$tmp/exported" | grep '^\[' >"$tmp/out"
	echo "$2" >"$tmp/clock"
	echo "${3:-}" | sed '/^$/d' >"$tmp/said"
	reports "export: the clock of $1" "$tmp/clock" "$tmp/said"
}

test_exports() {
	test_sparse
	test_many_vcpus
	test_unnamed
	test_returns_without_names
	test_packets
	exported_clock "[local] global mono" "[local]"
	exported_clock "local global [mono]" "[mono]"
	exported_clock "local [counter]" "[counter]" \
		"hypergraph: some.dat: recorded with the clock counter: times of the host are not in ns"
	for case in switches switch_times; do
		switches $case perfetto protoc
		switches $case ctf babeltrace2
		switches $case trace-dat trace-cmd
	done
	for case in switches nested_exits host_functions toggled odd_names stock_crash; do
		exported $case folded cat
		exported $case speedscope python3
		exported $case perfetto protoc
		exported $case ctf babeltrace2
	done
	for case in switch_times switch_tail vms marks odd_times; do
		exported $case ctf babeltrace2
	done
	exported identified folded cat
	exported off_all speedscope python3
	exported off_all perfetto protoc
	for case in switches toggled warm_reboot odd_names stock_crash marks sparse stock_old_threads; do
		exported $case trace-dat trace-cmd
	done
	"$gen_trace" <"$dir/cases/vms.events" >"$tmp/some.dat"
	run export --to trace-dat some.dat
	fails "a trace.dat of two guests" 1 \
		"hypergraph: some.dat: has several guests: choose one with --vm, a nested one with --vcpu"
	make_trace exits_alone "$tmp/exits.dat"
	run export --to trace-dat exits.dat
	fails "a trace.dat of nothing but exits" 1 \
		"hypergraph: exits.dat: no guest has sent anything: VM exits are all there is
hypergraph: exits.dat: a trace.dat has a guest's calls, task switches and marks: here is none"
	run export some.dat
	fails "no format" 1 "hypergraph: --to FORMAT is missing"
	run export --to excel some.dat
	fails "unknown format" 1 "hypergraph: --to excel: no such format"
	run export --to ctf some.dat
	fails "a directory to stdout" 1 "hypergraph: ctf is a directory: give --output DIR"
	run export --to ctf --output . some.dat
	fails "a directory that exists" 1 "hypergraph: .: exists: --output is to be a new directory"
	run export --to folded --output /nowhere/file some.dat
	fails "no such directory" 1 "hypergraph: /nowhere/file: No such file or directory"
	rm -rf "$tmp/exported"
	run export --to ctf --output exported some.dat
	run export --to ctf --output exported some.dat
	fails "ctf for the second time" 1 \
		"hypergraph: exported: exists: --output is to be a new directory"
}

# unchanged NAME FILE: it is as it was saved before
unchanged() {
	ok=0
	cmp "$tmp/saved" "$tmp/$2" >"$tmp/diff" 2>&1 || ok=1
	sed 's/^/# /' "$tmp/diff"
	# What was written beside it is gone, too.
	ls "$tmp/$2".* >"$tmp/beside" 2>/dev/null && ok=1
	result $ok "$1"
}

# reads_and_writes NAME FORMAT OUTPUT FILE ARGS...: it would write to FILE, which it reads
reads_and_writes() {
	name=$1
	format=$2
	output=$3
	file=$4
	shift 4
	cp "$tmp/$file" "$tmp/saved"
	run export --to "$format" --output "$output" "$@"
	fails "$name: refused" 1 \
		"hypergraph: $output: is what is read: give another --output"
	unchanged "$name: untouched" "$file"
}

test_input_is_output() {
	"$gen_trace" <"$dir/cases/calls.events" >"$tmp/trace.dat"
	for format in perfetto trace-dat speedscope folded; do
		reads_and_writes "$format onto its input" $format trace.dat trace.dat
	done
	ln -sf trace.dat "$tmp/link"
	reads_and_writes "onto its input by a link" folded link trace.dat
	ln -f "$tmp/trace.dat" "$tmp/hard"
	reads_and_writes "onto its input by another name" folded hard trace.dat
	reads_and_writes "onto stdin" folded trace.dat trace.dat - <"$tmp/trace.dat"
	reads_and_writes "onto its symbols" folded kallsyms kallsyms --kallsyms kallsyms
	cp "$tmp/trace.dat" "$tmp/saved"
	status=0
	# shellcheck disable=SC2094 # that is the point
	"$hypergraph" report "$tmp/trace.dat" >>"$tmp/trace.dat" 2>"$tmp/err" || status=$?
	: >"$tmp/out"
	fails "report onto its input: refused" 1 \
		"hypergraph: $tmp/trace.dat: is where the output goes to"
	unchanged "report onto its input: untouched" trace.dat
}

# holds NAME FILE: it is what the last run was to write, which said nothing
holds() {
	cp "$tmp/$2" "$tmp/out"
	reports "$1" "$tmp/wanted"
}

# to_descriptor NAME: what stands in the file already stays, and so does what comes later
to_descriptor() {
	status=0
	# shellcheck disable=SC2086 # a command and its options
	{
		echo "before"
		(cd "$tmp" && exec $under "$hypergraph" export --to folded --output "$1" some.dat) ||
			status=$?
		echo "after"
	} >"$tmp/kept" 2>"$tmp/err" 3>&1
	holds "export to $1" kept
}

# Nothing is beside what was written, nor in place of that.
nothing_left() {
	find "$tmp" -name 'file.*' -o -name 'kept.*' -o -name 'hypergraph.*' >"$tmp/beside"
	ok=0
	same "$tmp/none" "$tmp/beside" || ok=1
	result $ok "$1"
}

# A file that is open, has two names, or is where nothing can be made beside it
test_written_output() {
	mkdir "$tmp/places"
	"$gen_trace" <"$dir/cases/vms.events" >"$tmp/some.dat"
	run export --to folded some.dat
	cp "$tmp/out" "$tmp/folded"
	{
		echo "before"
		cat "$tmp/folded"
		echo "after"
	} >"$tmp/wanted"
	to_descriptor /dev/stdout
	to_descriptor /dev/fd/3
	cp "$tmp/folded" "$tmp/wanted"
	echo "of the user" >"$tmp/places/one"
	ln "$tmp/places/one" "$tmp/places/two"
	run export --to folded --output places/one some.dat
	holds "export to one of a file's names" places/two
	echo "of the user" >"$tmp/places/file"
	chmod 555 "$tmp/places"
	# The superuser may make files anywhere.
	[ "$(id -u)" -ne 0 ] || under="setpriv --inh-caps=-all --bounding-set=-all ${UNDER:-}"
	TMPDIR=$tmp run export --to folded --output places/file some.dat
	under=${UNDER:-}
	chmod 755 "$tmp/places"
	holds "export to where no file can be made" places/file
	nothing_left "nothing is left of what was written"
}

test_mounted_output() {
	if ! unshare -rm true 2>"$tmp/err"; then
		skip "export to a mount" "mounts take a namespace"
		return
	fi
	echo "of the user" >"$tmp/mounted"
	# shellcheck disable=SC2016 # for the inner shell
	echo 'mount --bind mounted places/file && exec "$@"' >"$tmp/with_mount"
	under="unshare -rm sh with_mount ${UNDER:-}"
	run export --to folded --output places/file some.dat
	under=${UNDER:-}
	holds "export to a mount" mounted
	nothing_left "nothing is left of what was written to a mount"
}

# What there was stays until there is something better.
test_kept_output() {
	echo "of the user" >"$tmp/saved"
	cp "$tmp/saved" "$tmp/kept"
	"$gen_trace" <"$dir/cases/vms.events" >"$tmp/some.dat"
	run export --to trace-dat --output kept some.dat
	unchanged "a failed export keeps what there was" kept
	chmod 640 "$tmp/kept"
	run export --to folded some.dat
	cp "$tmp/out" "$tmp/wanted"
	ln -sf kept "$tmp/link"
	run export --to folded --output link some.dat
	cp "$tmp/kept" "$tmp/out"
	reports "what a link leads to is replaced" "$tmp/wanted"
	echo "640 link" >"$tmp/wanted"
	echo "$(stat -c %a "$tmp/kept") $(find "$tmp/link" -type l -printf %f)" >"$tmp/got"
	ok=0
	same "$tmp/wanted" "$tmp/got" || ok=1
	result $ok "link and mode stay"
	run export --to folded some.dat
	cp "$tmp/out" "$tmp/wanted"
	mkdir -p "$tmp/elsewhere"
	ln -sf elsewhere/made "$tmp/link"
	run export --to folded --output link some.dat
	holds "what a link leads to is made" elsewhere/made
	run export --to folded --output /dev/full some.dat
	fails "no space for an export" 1 \
		"hypergraph: writing /dev/full: No space left on device"
	run export --to folded --output . some.dat
	fails "a directory as file" 1 "hypergraph: .: Is a directory"
}

# large_export FORMAT PROGRAM ENTRY: PROGRAM prints ENTRY once for each call of load.dat
large_export() {
	if ! command -v "$2" >/dev/null; then
		skip "export: $1, over a block for each stream" "$2 is not installed"
		return
	fi
	rm -rf "$tmp/exported"
	run export --to "$1" --output exported load.dat
	read_export "$1" 2>>"$tmp/err" | grep -c "$3" >"$tmp/out" || status=1
	reports "export: $1, over a block for each stream" "$tmp/calls"
}

# A block of the temporary file holds some hundred events.
test_large_exports() {
	"$gen_trace" --load 20000 >"$tmp/load.dat"
	run report load.dat
	grep -c '();\|() {' "$tmp/out" >"$tmp/calls"
	large_export perfetto protoc "funcgraph_entry {"
	large_export ctf babeltrace2 "func_entry:"
	large_export trace-dat trace-cmd "funcgraph_entry:"
}

# What can be told before anything is recorded: no root is needed for that.
test_record_output() {
	run record --output .
	fails "record into a directory" 1 "hypergraph: .: is no regular file"
	run record --output nowhere/rec
	fails "record to where no file can be made" 1 \
		"hypergraph: nowhere/rec: making a file in nowhere: No such file or directory"
	cp "$dir/kallsyms" "$tmp/saved"
	cp "$dir/kallsyms" "$tmp/kallsyms"
	run record --kallsyms kallsyms --output kallsyms
	fails "record onto the symbols" 1 \
		"hypergraph: kallsyms: is what is read: give another --output"
	unchanged "record onto the symbols: untouched" kallsyms
	cp "$tmp/saved" "$tmp/rec.new.cpu0"
	run record --output rec
	left="rec.new: of a recording that was cut short"
	fails "record over what one left" 1 \
		"hypergraph: $left: move or remove it (see trace-cmd restore)"
	mv "$tmp/rec.new.cpu0" "$tmp/left"
	unchanged "record over what one left: untouched" left
}

# record with a host that has the event, and with a trace-cmd that has recorded whole
make_host() {
	mkdir -p "$tmp/fake"
	cat >"$tmp/fake/trace-cmd" <<'END'
#!/bin/sh
[ "$1" = record ] || exit 0
cp whole "$3"
while [ "$1" != sh ]; do
	shift
done
exec "$@"
END
	chmod 755 "$tmp/fake/trace-cmd"
	cat >"$tmp/with_host" <<'END'
mount -t tmpfs tmpfs /sys/kernel/tracing || exit
mkdir -p /sys/kernel/tracing/events/hypergraph/hypergraph_host
PATH=$PWD/fake:$PATH exec "$@"
END
}

# What had the name of the recording has another content then, and is else what it was.
test_record_place() {
	make_host
	if ! unshare -rm sh "$tmp/with_host" true 2>"$tmp/err"; then
		skip "record to where a link leads" "a host to record on takes a namespace"
		return
	fi
	mkdir -p "$tmp/elsewhere"
	rm -f "$tmp/elsewhere/recorded"
	ln -sf elsewhere/recorded "$tmp/rec"
	under="unshare -rm sh with_host ${UNDER:-}"
	run record --output rec -- true
	: >"$tmp/err"
	cmp "$tmp/whole" "$tmp/elsewhere/recorded" >"$tmp/out" 2>&1 || :
	reports "record to where a link leads" "$tmp/none"
	echo "of the user" >"$tmp/elsewhere/recorded"
	chmod 600 "$tmp/elsewhere/recorded"
	run record --output rec -- true
	under=${UNDER:-}
	: >"$tmp/err"
	{
		stat -c %a "$tmp/elsewhere/recorded"
		find "$tmp/rec" -type l -printf '%f is a link\n'
		cmp "$tmp/whole" "$tmp/elsewhere/recorded" 2>&1 || :
	} >"$tmp/out"
	printf '600\nrec is a link\n' >"$tmp/wanted"
	reports "record: link and mode stay" "$tmp/wanted"
}

# Each of 200 tasks has calls open in the end: to close them fills a block of some.
test_speedscope_spool() {
	awk 'BEGIN {
		for (i = 1; i <= 200; i++) {
			print "switch 0 101", 100000 * i, "100 0", i, i + 1, "task" i + 1
			for (n = 0; n < i; n++) {
				print "enter 0 101", 100000 * i + 2 * n + 1, "100 0 ffffffff81000100 0"
				print "return 0 101", 100000 * i + 2 * n + 2, "100 0 ffffffff81000100 5 0"
			}
			for (n = 0; n < 3; n++)
				print "enter 0 101", 100000 * i + 9999, "100 0 ffffffff81000100", n
		}
	}' | "$gen_trace" >"$tmp/some.dat"
	run export --to speedscope some.dat
	echo "200 tasks, 20700 calls" >"$tmp/wanted"
	python3 -c 'import json, sys
profiles = json.load(sys.stdin)["profiles"]
opened = sum(e["type"] == "O" for p in profiles for e in p["events"])
closed = sum(e["type"] == "C" for p in profiles for e in p["events"])
print(len(profiles), "tasks,", opened, "calls" if opened == closed else "but " + str(closed))' \
		<"$tmp/out" >"$tmp/got" 2>>"$tmp/err" || status=1
	cp "$tmp/got" "$tmp/out"
	reports "speedscope, over a block for each task" "$tmp/wanted"
}

test_tmpdir() {
	if [ -n "$under" ]; then
		skip "TMPDIR" "valgrind needs one, too"
		return
	fi
	"$gen_trace" <"$dir/cases/calls.events" >"$tmp/some.dat"
	TMPDIR=$tmp/nowhere run export --to speedscope some.dat
	fails "TMPDIR" 1 \
		"hypergraph: making a temporary file in $tmp/nowhere: No such file or directory"
}

test_folded_exits() {
	cp "$dir/kallsyms" "$tmp/kallsyms"
	"$gen_trace" <"$dir/cases/exits.events" >"$tmp/some.dat"
	run exits --folded --kallsyms kallsyms some.dat
	reports "exits, folded" "$dir/cases/exits.folded_exits"
}

# is_folded NAME: each line of the last run is a task, which is one word, functions, and a
# number.
is_folded() {
	ok=0
	grep -vE '^VM [0-9]+ (n[0-9]+ )?[^ ;]+-[0-9?]+(;[^ ;]+( \[[^ ;]+\])?)* [0-9]+$' "$tmp/out" |
		sed 's/^/# /' >"$tmp/other"
	cat "$tmp/other"
	[ -s "$tmp/out" ] && [ ! -s "$tmp/other" ] || ok=1
	result $ok "$1"
}

test_odd_names() {
	"$gen_trace" <"$dir/cases/odd_names.events" >"$tmp/some.dat"
	printf 'ffffffff81000000 T _stext\nffffffff81000100 T a;b c\r\nffffffff81000200 t d\033\t[m;n]\n' >"$tmp/odd"
	run export --to folded --kallsyms odd some.dat
	is_folded "odd names: export --to folded"
	run exits --folded --kallsyms odd some.dat
	is_folded "odd names: exits --folded"
	run export --to speedscope --kallsyms odd some.dat
	python3 -m json.tool "$tmp/out" >"$tmp/json" 2>"$tmp/err" || status=1
	: >"$tmp/out"
	reports "odd names: JSON" "$tmp/none"
}

# A call and a return that are one too many, and 10 calls more
test_limit() {
	awk 'BEGIN {
		print "enter 0 101 2000 100 0 ffffffff81000100 0"
		print "exit 0 101 2500 2 0x7b ffffffff81000110"
		for (i = 0; i < 4095; i++)
			print "host_enter 0 101", 3000 + i, "ffffffff91000200", i % 900
		for (; i < 4097; i++)
			print "host_return 0 101", 3000 + i, "ffffffff91000200 5", 4094 % 900 - (i - 4095)
		for (; i < 4107; i++)
			print "host_enter 0 101", 3000 + i, "ffffffff91000200 1"
		print "hypergraph_exit 0 101", 3000 + i, "100 0 2 0x7b ffffffff81000110", i + 500
	}' | "$gen_trace" >"$tmp/some.dat"
	run report some.dat
	grep '^# left out' "$tmp/out" >"$tmp/left" || :
	echo "# left out: 10 host calls of exits with too many" >"$tmp/wanted"
	ok=0
	same "$tmp/wanted" "$tmp/left" || ok=1
	result $ok "more calls of the host than an exit may have"
}

test_plugin() {
	if ! command -v trace-cmd >/dev/null; then
		skip "plugin" "trace-cmd is not installed"
		return
	fi
	mkdir -p "$tmp/plugins"
	cp "$plugin" "$tmp/plugins/"
	for case in switches marks frames host_functions toggled pid_reuse untold triple_fault \
		odd_names module_exit stock_calls; do
		make_trace "$case" "$tmp/some.dat"
		status=0
		TRACEEVENT_PLUGIN_DIR=$tmp/plugins trace-cmd report -i "$tmp/some.dat" \
			-O "hypergraph:kallsyms=$dir/kallsyms" >"$tmp/raw" 2>"$tmp/err" || status=$?
		without_latency <"$tmp/raw" | sed '/^cpus=/d; s/^ *<...>-//; s/ *$//' >"$tmp/out"
		# Others of KVM's events are not this plugin's to print.
		case $case in
		stock_*) sed -i '/ kvm_hypercall:/!d' "$tmp/out" ;;
		esac
		reports "plugin: $case" "$dir/cases/$case.plugin"
	done
}

# The names that --help lists: of the commands, or with one of them of what it lists
names_in_help() {
	"$hypergraph" "$@" --help | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p' | sort
}

# The names that a manual page lists
names_in_page() {
	sed -n 's/^\*\*\([a-z-]*\)\*\*$/\1/p' "$man/$1.rst" | sort
}

# A command's options, a line for each row: "-o, --output FILE"
options_in_help() {
	"$hypergraph" "$1" --help |
		sed -n '/^ \{2,6\}-/ { s/^ *//; s/  .*//; s/\(--[a-z-]*\)=/\1 /g; p; }' | sort
}

# The same of its manual page and what that includes
options_in_page() {
	awk -v man="$man" '
		/^\.\. include::/ {
			while ((getline line <(man "/" $3)) > 0)
				print line
			next
		}
		{ print }' "$man/hypergraph-$1.rst" |
		sed -n '/^\*\*-/ { s/\*//g; s/\\ //g; p; }' | sort
}

# agrees NAME: what $tmp/help and $tmp/page list is the same, and not nothing
agrees() {
	ok=0
	[ -s "$tmp/help" ] || ok=1
	same "$tmp/help" "$tmp/page" || ok=1
	result $ok "$1"
}

test_manual() {
	names_in_help >"$tmp/help"
	names_in_page hypergraph >"$tmp/page"
	agrees "commands in the manual"
	sed -n 's/^ *hypergraph-\([a-z]*\)$/\1/p' "$man/index.rst" | sort >"$tmp/page"
	agrees "commands in the manual's index"
	names_in_help export >"$tmp/help"
	names_in_page hypergraph-export >"$tmp/page"
	agrees "formats of export in the manual"
	for command in $commands; do
		options_in_help "$command" >"$tmp/help"
		options_in_page "$command" >"$tmp/page"
		agrees "options of $command in the manual"
	done
}

# completes WORDS ARGS...: what bash makes of the last of ARGS is WORDS, a line for each
completes() {
	echo "$1" >"$tmp/wanted"
	shift
	# shellcheck disable=SC2016 # bash is to expand that
	(cd "$tmp" && bash -c '
		. "$0"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_hypergraph "$1"
		printf "%s\n" "${COMPREPLY[@]}"' \
		"$dir/../hypergraph-completion.bash" "$hypergraph" "$@") >"$tmp/out" 2>&1 || :
	ok=0
	same "$tmp/wanted" "$tmp/out" || ok=1
	result $ok "completion: $*"
}

test_completion() {
	completes "record
report" re
	completes "--help" --
	completes "--task
--time" report --t
	completes "--vm
--vmlinux" boot --vm
	completes "" boot --to
	completes "perfetto" export --to p
	completes "speedscope" export -t s
	completes "" report --depth ""
	completes "whole.report" report --kallsyms whole.r
	completes "whole.report" export --to folded -o whole.r
	completes "whole.report" exits --folded whole.r
}

test_usage() {
	usage_error "no command" "usage: hypergraph [--help] COMMAND [ARGS]"
	usage_error "unknown command" "hypergraph: no such command: nonsense" nonsense
	help "help" --help
	for command in $commands; do
		help "help of $command" "$command" --help
		usage_error "unknown option of $command" \
			"hypergraph $command: unrecognized option '--nonsense'" "$command" --nonsense
	done
	for command in report exits export crash boot; do
		usage_error "two traces for $command" "hypergraph $command: Too many arguments" \
			"$command" one two
	done
	usage_error "a command for record without --" "hypergraph record: Too many arguments" \
		record true
	usage_error "an argument for top" "hypergraph top: Too many arguments" top one
	run record --vm nonsense
	fails "bad VM" 1 "hypergraph: --vm nonsense: not a pid or PID.ID"
	run top --delay 0
	fails "bad delay" 1 "hypergraph: --delay 0: not from 0.1 to 3600 seconds"
	run top --screens -1
	fails "bad number of screens" 1 "hypergraph: --screens -1: not a number of screens"
}

# A line "graph/filter util/map" for each of the tool's headers that a file of a floor
# includes. hypergraph.h is of the commands' floor.
includes() {
	(cd "$dir/.." && grep -o '^#include "[^"]*\.h"' ./*/*.[ch]) |
		sed -n 's,^\./\([^.]*\)\.[ch]:#include "\([^.]*\)\.h"$,\1 \2,p' |
		sed 's, hypergraph$, cmds/hypergraph,'
}

# Each floor uses only those below it, and no two files each other. A file and its header are
# one.
test_includes() {
	floors=$(sed -n 's/^FLOORS := //p' "$dir/../Makefile")
	includes >"$tmp/includes"
	awk -v floors="$floors" 'BEGIN {
		nr = split(floors, name, " ")
		for (i = 1; i <= nr; i++)
			rank[name[i]] = i
	}
	{
		split($1, from, "/")
		split($2, to, "/")
		if (from[1] in rank && to[1] in rank && rank[to[1]] < rank[from[1]])
			print "# " $1 " includes " $2 " of a higher floor"
	}' "$tmp/includes" >"$tmp/climbs"
	cat "$tmp/climbs"
	ok=0
	[ -s "$tmp/includes" ] && [ ! -s "$tmp/climbs" ] || ok=1
	result $ok "no include climbs to a higher floor"
	ok=0
	tsort "$tmp/includes" 2>&1 >"$tmp/sorted" | sed 's/^/# /' >"$tmp/circles"
	cat "$tmp/circles"
	[ -s "$tmp/sorted" ] && [ ! -s "$tmp/circles" ] || ok=1
	result $ok "no circle of includes"
}

# What is opened does not take its place.
test_closed_output() {
	status=0
	"$hypergraph" report "$tmp/whole" >&- 2>"$tmp/err" || status=$?
	: >"$tmp/out"
	fails "a closed output" 1 "hypergraph: writing the output: Bad file descriptor"
}

test_full_disk() {
	status=0
	"$hypergraph" report "$tmp/whole" >/dev/full 2>"$tmp/err" || status=$?
	: >"$tmp/out"
	fails "no space for the output" 1 \
		"hypergraph: writing the output: No space left on device"
	status=0
	"$hypergraph" export --to folded "$tmp/whole" >/dev/full 2>"$tmp/err" || status=$?
	fails "no space for an export to stdout" 1 \
		"hypergraph: writing the output: No space left on device"
}

echo "TAP version 13"
commands=$(names_in_help)
test_cases
test_folded_exits
test_without_kallsyms
test_bad_traces
test_left_out
test_truncated
test_clocks
test_bad_kallsyms
test_filters
test_vm
test_no_match
test_filtered_exits
test_old_events
test_stock_same
test_damaged_lookahead
test_saved_threads
test_symbols
test_other_kernel
test_saved_symbols
test_stdin
test_forms
test_endless
test_headers
test_damaged_page
test_damaged_parts
test_damaged_sizes
test_host_symbols
test_damage
test_exports
test_input_is_output
test_kept_output
test_written_output
test_mounted_output
test_record_output
test_record_place
test_large_exports
test_speedscope_spool
test_tmpdir
test_odd_names
test_limit
test_plugin
test_usage
test_manual
test_completion
test_closed_output
test_full_disk
test_includes
echo "1..$count"
[ "$failed" -eq 0 ]
