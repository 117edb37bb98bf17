#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, run ftrace's own tests of the tracer, with their output in /share/log.
set -eu

cd /share/ftrace
./ftracetest -v --fail-unsupported --logdir /tmp/logs test.d/tracer/hypergraph*.tc >/share/log 2>&1
