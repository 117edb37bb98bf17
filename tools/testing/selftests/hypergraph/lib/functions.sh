# SPDX-License-Identifier: GPL-2.0
# Sourced by the tests, which run in a KVM host: what they need of it, a place
# for what guests bring back, and recordings as lists of events.
# shellcheck shell=sh

TESTDIR=$(dirname "$(readlink -f "$0")")
. "$TESTDIR/../kselftest/ktap_helpers.sh"
. "$TESTDIR/lib/events.sh"

TRACEFS=/sys/kernel/tracing
EVENT=$TRACEFS/events/hypergraph/hypergraph_host

skip()
{
	ktap_print_header
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# Guests see the host's /share as their own.
need_host()
{
	[ -e /dev/kvm ] || skip "needs a KVM host: there is no /dev/kvm"
	[ -d /share ] || skip "needs /share, by which guests bring back files"
	for command in guest trace-cmd; do
		command -v "$command" >/dev/null || skip "needs the command $command"
	done
	SHARE=$(mktemp -d /share/hypergraph.XXXXXX)
	WORK=$(mktemp -d)
	trap 'rm -rf "$SHARE" "$WORK"' EXIT
}

need_event()
{
	[ -d "$EVENT" ] || skip "needs a host with CONFIG_KVM_HYPERTRACE"
}

need_module()
{
	[ -f "$TESTDIR/test_modules/$1.ko" ] || skip "needs test_modules/$1.ko"
	cp "$TESTDIR/test_modules/$1.ko" "$SHARE/"
}

# The exit reason of a hypercall: VMMCALL on AMD, VMCALL on Intel.
hypercall_exit()
{
	case $(grep -m 1 vendor_id /proc/cpuinfo) in
	*GenuineIntel) echo 18 ;;
	*) echo 129 ;;
	esac
}

# What a kernel says of its own faults, among lines of its log on stdin
reports()
{
	grep -E 'WARNING|BUG:|Oops|rcu.*stall|soft lockup|hung task' || :
}

host_warnings()
{
	dmesg | reports
}

# A guest takes seconds; its console shows warnings, too.
export GUEST_TIMEOUT=200
export GUEST_APPEND="${GUEST_APPEND:-} loglevel=5"

# record EVENTS COMMAND...: as record_any, for guests that are not to crash: their
# console is shown if they fail, and a report of their kernels is a failure (99).
record()
{
	_result=0
	record_any "$@" || _result=$?
	[ -z "$(reports <"$WORK/record.log")" ] || _result=99
	[ $_result -eq 0 ] || show "$WORK/record.log"
	return $_result
}

# record_any EVENTS COMMAND...: record trace-cmd's EVENTS in $WORK/trace.dat while
# COMMAND runs, and return COMMAND's status, which trace-cmd does not.
record_any()
{
	_events=$1
	shift
	echo 1 >"$WORK/status"
	# shellcheck disable=SC2016 # for the inner shell
	printf 'status=0; "$@" || status=$?; echo $status >%s\n' \
		"$WORK/status" >"$WORK/command"
	# shellcheck disable=SC2086 # a list of arguments
	trace-cmd record -q -b 20000 -o "$WORK/trace.dat" $_events \
		sh "$WORK/command" "$@" >"$WORK/record.log" 2>&1
	return "$(cat "$WORK/status")"
}

# Without plugins: hypergraph's own would print other text.
report()
{
	trace-cmd report -N -i "$WORK/trace.dat" 2>/dev/null
}

# The events of guests, not nested ones, that were recorded
recorded_events()
{
	report | host_events 0
}

# guest_count NAME [FILE]: a counter of the guest's hypergraph_stats, or words that are
# no other counter's, nor a number
guest_count()
{
	sed -n "s/^$1: //p" "$SHARE/${2:-stats}" 2>/dev/null | grep . || echo "no $1"
}

# Show FILE as diagnostics.
show()
{
	sed 's/^/# /' "$1"
}

# check DESCRIPTION COMMAND...: pass if COMMAND is true
check()
{
	_description=$1
	shift
	if "$@"; then
		ktap_test_pass "$_description"
	else
		ktap_test_fail "$_description"
	fi
}

check_equal()
{
	[ "$2" = "$3" ] || ktap_print_msg "$1: $2, but expected $3"
	check "$1" [ "$2" = "$3" ]
}
