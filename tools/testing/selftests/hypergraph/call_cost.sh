#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Print what a call of an empty function takes in a guest, in TSC ticks: a line
# "HOW leaf TICKS" for each way to trace it, as guest/durations.sh names them.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

need_host
need_event
need_module test_calls
record "-e hypergraph_host" guest "$TESTDIR/guest/durations.sh" leaf
cat "$SHARE/ticks"
