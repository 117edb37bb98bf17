#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: ftracetest.sh FTRACETEST DIR
# In a guest: run ftrace's own tests of the tracer, with their output in DIR/log.
set -eu

cd "$(dirname "$1")"
"$1" -v --fail-unsupported --logdir /tmp/logs test.d/tracer/hypergraph*.tc >"$2/log" 2>&1
