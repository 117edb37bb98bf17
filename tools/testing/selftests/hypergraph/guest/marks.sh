#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# In a guest, write marks of all lengths, between calls. /share gets what was refused.
set -eu

cd /sys/kernel/tracing

# refused BYTES FILE WHY: note what writing so much of FILE is answered with.
refused()
{
	head -c "$1" "$2" 2>/share/error >hypergraph_marker || :
	echo "$3: $(sed 's/.*: //' /share/error)" >>/share/refused
}

i=0
while [ $i -lt 40 ]; do
	printf 12345678
	i=$((i + 1))
done >/share/text
printf 'a\0b' >/share/nul
insmod /share/test_calls.ko

refused 1 /share/text "not selected"
echo 'test_*' >set_ftrace_filter
echo 0 >options/hypergraph-sched
cat buffer_size_kb >/share/buffer
echo hypergraph >current_tracer
cat buffer_size_kb >>/share/buffer
echo first >hypergraph_marker
echo leaf >/sys/module/test_calls/parameters/run
echo second >hypergraph_marker
for bytes in 1 24 25 256; do
	head -c $bytes /share/text >hypergraph_marker
done
refused 257 /share/text "257 bytes"
refused 3 /share/nul "a NUL"
echo 0 >options/markers
refused 1 /share/text "no markers"
echo 1 >options/markers
echo 0 >tracing_on
refused 1 /share/text "tracing_on is 0"
echo 1 >tracing_on
echo nop >current_tracer
cat hypergraph_stats >/share/stats
refused 1 /share/text "left"
