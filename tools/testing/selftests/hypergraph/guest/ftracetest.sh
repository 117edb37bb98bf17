#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, run ftrace's own tests of the tracer, and of what it has in common with
# function_graph, with their output in /share/log.
set -eu

cd /share/ftrace
graph=test.d/ftrace/fgraph
./ftracetest -v --fail-unsupported --logdir /tmp/logs test.d/tracer/hypergraph*.tc \
	$graph-notrace-others.tc $graph-open-calls.tc $graph-refused-entry.tc \
	$graph-task-vars.tc >/share/log 2>&1
