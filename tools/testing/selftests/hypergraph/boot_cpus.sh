#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ftrace=hypergraph traces a guest of four CPUs from start_kernel() on, the idle tasks of all
# of them, and its kernel has nothing to report.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

need_host
need_event
ktap_print_header
ktap_set_plan 3
status=0
record "-e hypergraph_host" guest --cpus 4 --append "ftrace=hypergraph ftrace_filter=do_idle" \
	"$TESTDIR/guest/boot.sh" || status=$?
check_equal "the guest's status, and no warning of its kernel" $status 0
check_equal "the tracer is the one of the command line" "$(cat "$SHARE/tracer")" hypergraph
check_equal "vCPUs whose idle task was traced" \
	"$(recorded_events | awk '$2 == "entry" { print $1 }' | sort -u | wc -l)" 4
ktap_finished
