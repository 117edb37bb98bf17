#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Print what a hypercall and a CPUID of a guest take with nothing recorded, in
# TSC ticks: "hypercall cpuid". Under a deterministic clock these are
# instructions, and two host kernels can be compared.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

need_host
need_module test_hypercall
guest "$TESTDIR/guest/exit_cost.sh" $((NR_ENTRY)) >"$WORK/log" 2>&1 || show "$WORK/log"
cat "$SHARE/cost"
