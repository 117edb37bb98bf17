# SPDX-License-Identifier: GPL-2.0
# This is sourced by PID 1 of a guest, and by that of an emulated host. Both mount the same, and
# tell their status in the same way.
# shellcheck shell=sh

mount_all()
{
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	mount -t devtmpfs dev /dev
	mkdir -p /dev/pts /dev/shm
	ln -s /proc/self/fd /dev/fd
	ln -s fd/0 /dev/stdin
	ln -s fd/1 /dev/stdout
	ln -s fd/2 /dev/stderr
	mount -t devpts devpts /dev/pts
	mount -t tmpfs shm /dev/shm
	mount -t tmpfs tmp /tmp
	mount -t debugfs debug /sys/kernel/debug
	mount -t tracefs tracing /sys/kernel/tracing
}

# mount_9p TAG [OPTION]: mount what the machine's own host shows by that name, if it does, on
# /TAG.
mount_9p()
{
	grep -qs "^$1" /sys/bus/virtio/devices/*/mount_tag || return 0
	mkdir -p "/$1"
	mount -t 9p -o "trans=virtio,version=9p2000.L,msize=262144${2+,$2}" "$1" "/$1"
}

# KVM may be built in, so that there is nothing to load.
load_kvm()
{
	case $(grep -m 1 vendor_id /proc/cpuinfo) in
	*GenuineIntel) modprobe kvm_intel || : ;;
	*) modprobe kvm_amd || : ;;
	esac
	[ -e /dev/kvm ]
}

# report PORT STATUS: send one byte straight to a serial port. This needs no driver and no tty,
# and is the same in every emulator. Bochs sends as many bits of it as the line is set to: 8.
report()
{
	write_port "$(($1 + 3))" 3
	write_port "$1" "$2"
}

# write_port PORT BYTE: write it to an I/O port.
write_port()
{
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\$(printf %03o "$2")" | dd of=/dev/port bs=1 seek="$(($1))" 2>/dev/null
}
