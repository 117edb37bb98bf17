#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: refusal.sh ROUNDS|once|after-hyperv
# In a guest, select and leave the tracer under load, ROUNDS times, or tell whether there is
# one: once, or in a kernel that comes after one that has said to be a system of Hyper-V's.
set -eu

begin_as_hyperv()
{
	(cd / && printf '%s\n' command script | cpio -o -H newc) |
		cat /share/guest.cpio - >/tmp/initrd
	echo nop >/sys/kernel/tracing/current_tracer
	# HV_X64_MSR_GUEST_OS_ID
	printf '\1\0\0\0\0\0\0\0' |
		dd of=/dev/cpu/0/msr bs=8 seek=$((0x40000000 / 8)) conv=notrunc
	/share/kexec_boot /share/kernel /tmp/initrd "$(cat /proc/cmdline) second"
}

if [ "$1" = after-hyperv ] && ! grep -qw second /proc/cmdline; then
	begin_as_hyperv
fi

if [ "$1" = once ] || [ "$1" = after-hyperv ]; then
	cd /sys/kernel/tracing
	cat current_tracer >/share/tracer
	cat available_tracers >/share/tracers
	echo hypergraph_* >/share/files
	# The first of those that CPUID names, which begin at a leaf of 0x40000000
	dd if=/dev/cpu/0/cpuid bs=16 skip=$((0x40000000 / 16)) count=1 2>/dev/null |
		tail -c 12 >/share/hypervisor
	dmesg | grep -e hypergraph: -e "tracer 'hypergraph'" >/share/said
	echo nop >current_tracer
	[ ! -e hypergraph_stats ] || cat hypergraph_stats >/share/stats
	exit 0
fi

rounds=$1

# Each round has some events, on a fast machine too.
load()
{
	while :; do
		for i in 1 2 3 4 5 6 7 8 9 10; do
			echo load $i >/tmp/load
		done
		sleep 0.005
	done
}

sent()
{
	sed -n 's/^sent: //p' /sys/kernel/tracing/hypergraph_stats
}

cd /sys/kernel/tracing
# One function is traced only, as selecting and leaving rewrite the code of all.
echo vfs_write >set_ftrace_filter
load &
load=$!

total=0
late=0
active=0
round=0
while [ $round -lt "$rounds" ]; do
	echo hypergraph >current_tracer
	sleep 0.02
	echo nop >current_tracer
	before=$(sent)
	sleep 0.02
	after=$(sent)
	total=$((total + after))
	late=$((late + after - before))
	# It begins with two and ends with one in any case.
	[ "$before" -le 3 ] || active=$((active + 1))
	round=$((round + 1))
done
kill $load

echo "$total $late $active" >/share/rounds
