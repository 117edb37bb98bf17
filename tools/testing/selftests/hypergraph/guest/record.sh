#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, call test_leaf a thousand times and more, again and again, until a file in /share
# says that it is done. Another one says when it has begun.
set -eu

insmod /share/test_calls.ko
cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
echo hypergraph >current_tracer
touch /share/ready
until [ -e /share/done ]; do
	echo parent >/sys/module/test_calls/parameters/run
	sleep 1
done
echo nop >current_tracer
