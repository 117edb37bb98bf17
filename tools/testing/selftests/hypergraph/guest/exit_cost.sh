#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: exit_cost.sh NUMBER
# In a guest, measure what the hypercall of that NUMBER and a CPUID cost.
set -eu

insmod /share/test_hypercall.ko nr="$1" count=1000
dmesg | sed -n 's/.*test_hypercall: nr=.* count=1000 tsc=\([0-9]*\) cpuid_tsc=\([0-9]*\)/\1 \2/p' >/share/cost
