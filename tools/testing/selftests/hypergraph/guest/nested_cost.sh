#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: nested_cost.sh PROGRAM
# In a guest that is a host, run a nested guest that does hypercalls, once to measure
# them, and then while the host counts exits.
set -eu

offer=/sys/module/kvm/parameters/hypertrace_offer
[ ! -e $offer ] || echo 1 >$offer
"$1" -e hypercall -r nothing >/share/cost
touch /share/started
while [ ! -e /share/enough ]; do
	"$1" -e hypercall -r nothing
done
