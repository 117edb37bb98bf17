# SPDX-License-Identifier: GPL-2.0
# This is sourced by the tests, which run in a KVM host. It finds what they need of it, has a
# place for what guests bring back, makes recordings, and judges.
# shellcheck shell=sh

TESTDIR=$(dirname "$(readlink -f "$0")")
. "$TESTDIR/../kselftest/ktap_helpers.sh"
. "$TESTDIR/lib/events.sh"
PATH=$TESTDIR/lib:$PATH

TRACEFS=/sys/kernel/tracing
EVENT=$TRACEFS/events/hypergraph/hypergraph_host

skip()
{
	ktap_print_header
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

need_command()
{
	command -v "$1" >/dev/null || skip "needs the command $1"
}

# A test needs this to boot guests, which see $SHARE as /share and whose kernel is $KERNEL.
need_host()
{
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	[ -d "$TRACEFS/events" ] || skip "needs tracefs at $TRACEFS"
	need_command trace-cmd
	KERNEL=$(guest --check 2>&1) || skip "$KERNEL"
	WORK=$(mktemp -d)
	SHARE=$WORK/share
	mkdir "$SHARE"
	trap 'rm -rf "$WORK"' EXIT
	need_initrd
	export GUEST_SHARE="$SHARE"
}

# All guests of a test have the same initramfs.
need_initrd()
{
	[ -z "${GUEST_INITRD:-}" ] || return 0
	export GUEST_INITRD="$WORK/guest.cpio"
	_lacks=$(make-initrd "$GUEST_INITRD" 2>&1) || skip "$_lacks"
}

# For guests that boot a second kernel: it is their own once more.
show_second_kernel()
{
	cp "$KERNEL" "$SHARE/kernel"
	cp "$GUEST_INITRD" "$SHARE/guest.cpio"
}

# show_guests FILE...: put a copy in /share, of a directory with all that is in it.
show_guests()
{
	cp -R "$@" "$SHARE/"
}

need_event()
{
	[ -d "$EVENT" ] || skip "needs a host with CONFIG_KVM_HYPERTRACE"
}

need_module()
{
	[ -f "$TESTDIR/test_modules/$1.ko" ] || skip "needs test_modules/$1.ko"
	show_guests "$TESTDIR/test_modules/$1.ko"
}

need_program()
{
	[ -x "$TESTDIR/$1" ] || skip "needs the program $1, which make builds"
	show_guests "$TESTDIR/$1"
}

# Print the exit reason of a hypercall, which is VMMCALL on AMD and VMCALL on Intel.
hypercall_exit()
{
	case $(grep -m 1 vendor_id /proc/cpuinfo) in
	*GenuineIntel) echo 18 ;;
	*) echo 129 ;;
	esac
}

# Print what a kernel says of its own faults, among lines of its log on stdin.
reports()
{
	grep -E 'WARNING|BUG:|Oops|rcu.*stall|soft lockup|hung task' || :
}

host_warnings()
{
	dmesg | reports
}

# A guest takes seconds, on an emulated host that is short of CPU time minutes. Its console
# shows warnings, too.
export GUEST_TIMEOUT=500
export GUEST_APPEND="${GUEST_APPEND:-} loglevel=5"

# record EVENTS COMMAND...: do as record_any, for guests that are not to crash. Their console is
# shown if they fail, and it is a failure (99) if their kernels report a fault.
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

# Plugins are off, as hypergraph's own would print other text.
report()
{
	trace-cmd report -N -i "$WORK/trace.dat" 2>/dev/null
}

# List the recorded events of guests, not those of nested ones.
recorded_events()
{
	report | host_events 0
}

# guest_count NAME [FILE]: print a counter of the guest's hypergraph_stats, or words that are
# no other counter's, nor a number.
guest_count()
{
	sed -n "s/^$1: //p" "$SHARE/${2:-stats}" 2>/dev/null | grep . || echo "no $1"
}

# show FILE: show it as diagnostics.
show()
{
	sed 's/^/# /' "$1"
}

# check DESCRIPTION COMMAND...: pass if COMMAND is true.
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

# check_equal DESCRIPTION IS EXPECTED: pass if both are the same text.
check_equal()
{
	[ "$2" = "$3" ] || ktap_print_msg "$1: $2, but expected $3"
	check "$1" [ "$2" = "$3" ]
}
