#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: kexec.sh can|now|crash
# In a guest, trace, and boot the same kernel and script again as one that traces its boot: now,
# or by a crash. The status is the second kernel's. Or tell in /share/can which of these it can.
set -eu

second="after_kexec ftrace=hypergraph ftrace_filter=__x64_sys_mkdir"

# call CPU: have a new task make a call there. Print its pid.
call()
{
	taskset -c "$1" sh -c 'echo $$; exec mkdir "/tmp/$$"'
}

in_second()
{
	call 0 >/share/pid
	echo nop >current_tracer
	cat hypergraph_stats >/share/stats
}

can()
{
	[ ! -e /sys/kernel/kexec_loaded ] || echo now
	[ ! -e /sys/kernel/kexec_crash_loaded ] || echo crash
}

if [ "$1" = can ]; then
	can >/share/can
	exit
fi

cd /sys/kernel/tracing
if grep -qw after_kexec /proc/cmdline; then
	in_second
	exit
fi

(cd / && printf '%s\n' command script | cpio -o -H newc) | cat /share/guest.cpio - >/tmp/initrd
echo '__x64_sys_mkdir write_sysrq_trigger' >set_ftrace_filter
[ "$1" = now ] || echo do_idle >>set_ftrace_filter
echo hypergraph >current_tracer
call 1
call 0
case $1 in
now)
	taskset -cp 0 $$
	/share/kexec_boot /share/kernel /tmp/initrd "$(cat /proc/cmdline) $second"
	;;
crash)
	# What is open is told where no panic notifier is called, too. The idle task of CPU 0 has
	# a call open as well.
	taskset -cp 1 $$
	echo 0 >options/hypergraph-entry
	/share/kexec_boot --crash /share/kernel /tmp/initrd "$(cat /proc/cmdline) $second nr_cpus=1"
	echo c >/proc/sysrq-trigger
	;;
esac
