#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, trace what test_calls.ko calls, which is 1003 calls of test_leaf and some.
# /share gets the guest's symbols, and files that tell when it is ready and when it is done. It
# waits for one named go.
set -eu

insmod /share/test_calls.ko
cat /proc/kallsyms >/share/kallsyms

cd /sys/kernel/tracing
echo 'test_*' >set_ftrace_filter
touch /share/ready
until [ -e /share/go ]; do
	sleep 0.2
done

echo hypergraph >current_tracer
echo parent >/sys/module/test_calls/parameters/run
echo outer >/sys/module/test_calls/parameters/run
echo nop >current_tracer
touch /share/done
