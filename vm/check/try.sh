# SPDX-License-Identifier: GPL-2.0
# Sourced in a host that runs KVM's selftests: each is a test, and so is what the host's
# kernel logs meanwhile, which is shown.
# shellcheck shell=sh

lines=$(dmesg | wc -l)

# try COMMAND...: ok if it ends with 0
try()
{
	status=0
	"$@" || status=$?
	[ $status -eq 0 ] || printf 'not '
	echo "ok - $1: status $status"
}

no_report()
{
	dmesg | tail -n +$((lines + 1)) >/tmp/log
	sed 's/^/# /' /tmp/log
	! grep -qE 'WARNING|BUG:|UBSAN:|Oops|rcu.*stall|soft lockup|hung task' /tmp/log ||
		printf 'not '
	echo "ok - no report of the host's kernel; lines logged: $(wc -l </tmp/log)"
}
