#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ftrace's own tests of the tracer, and of what it has in common with function_graph, pass in a
# guest, whether or not its host listens.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"

# run DESCRIPTION EVENTS: run them in a guest while the host records EVENTS.
run()
{
	: >"$SHARE/log"
	status=0
	record "$2" guest "$TESTDIR/guest/ftracetest.sh" || status=$?
	[ $status -eq 0 ] || show "$SHARE/log"
	check_equal "$1: status" $status 0
	check_equal "$1: tests that passed" "$(grep -c '\[PASS\]' "$SHARE/log")" 7
}

need_host
need_event
[ -f "$TESTDIR/../ftrace/ftracetest" ] || skip "needs ftrace/ftracetest beside it"
show_guests "$TESTDIR/../ftrace"
ktap_print_header
ktap_set_plan 4
run "the host listens" "-e hypergraph_host"
run "the host does not" "-e kvm_hypercall"
ktap_finished
