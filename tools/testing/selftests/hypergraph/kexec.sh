#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# A kernel that begins where another one ran, without a reset, is not taken for that one: from
# the first one's last word on nothing is known until the second one tells it.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

# exits_between: print how many exits there were between the events of both kernels.
exits_between()
{
	report | awk -v hello=" nr=$NR_HELLO " '
	/ hypergraph_exit: / { exits++ }
	/ by_host=0 / && index($0, hello) {
		sub(/.* a3=/, "")
		if (!boot)
			boot = $1
		if (boot != $1) {
			print exits + 0
			exit
		}
	}
	/ by_host=0 / { exits = 0 }'
}

# last_word: print the last event of the first kernel, and put those of the second in
# $WORK/second.
last_word()
{
	awk -v second="$WORK/second" '
	$2 == "reset" { next }
	$2 == "hello" && !boot { boot = $6 }
	$2 == "hello" && $6 != boot && !n++ { print last }
	n { print >second }
	{ last = $2 " " $3 }' "$WORK/events"
}

# Print the first kernel's marks, the second one's being those of its boot, and how many frames
# it has sent.
ending()
{
	marks_recorded <"$WORK/events" | grep -v ^boot | tr '\n' ' '
	grep -c ' frame ' "$WORK/events" || :
}

# check_kexec HOW ENDING [OPTION...]: have a guest boot its second kernel so.
check_kexec()
{
	how=$1
	ending=$2
	shift 2
	rm -f "$WORK/second" "$SHARE/pid"
	status=0
	record_any "-e hypergraph" guest --cpus 2 "$@" "$TESTDIR/guest/kexec.sh" "$how" || status=$?
	[ $status -eq 0 ] || show "$WORK/record.log"
	check_equal "$how: the second kernel's status" $status 0
	recorded_events >"$WORK/events"
	check_equal "$how: the first kernel's last word" "$(last_word)" "off all"
	check_equal "$how: its marks, and open calls in them" "$(ending)" "$ending"
	exits=$(exits_between | grep . || echo 0)
	check "$how: exits between both ($exits)" [ "$exits" -gt 100 ]
	check_equal "$how: the second kernel's task that called" \
		"$(calls_of_tasks <"$WORK/second" | awk '$2 == "entry" { pid = $5 } END { print pid }')" \
		"$(cat "$SHARE/pid")"
	check_equal "$how: its calls of no known task, or not on its stack" \
		"$(calls_of_tasks <"$WORK/second" | grep -c ' fault$')" 0
}

# Put into $SHARE/can how guests can boot a second kernel.
ask_guest()
{
	guest "$TESTDIR/guest/kexec.sh" can >"$WORK/log" 2>&1 || show "$WORK/log"
	[ ! -f "$SHARE/can" ] || [ -s "$SHARE/can" ] ||
		skip "needs guests with CONFIG_KEXEC_FILE"
}

need_host
need_event
need_program kexec_boot
ask_guest
show_second_kernel
ktap_print_header
kdump=$(grep -cx crash "$SHARE/can" || :)
ktap_set_plan $((8 + 5 * kdump))

check_kexec now "reboot restart 0"
# Of the open calls only those of the task that crashed are told.
if [ "$kdump" -eq 0 ]; then
	ktap_test_skip "crash: needs guests with CONFIG_CRASH_DUMP"
else
	check_kexec crash "panic kdump 1" --append crashkernel=256M --vm-args "-m 768"
fi
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
