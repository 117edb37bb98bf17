#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: refusal.sh [ROUNDS]
# In a guest, select and leave the tracer under load, ROUNDS times, or tell whether there is
# one.
set -eu

if [ $# -eq 0 ]; then
	cd /sys/kernel/tracing
	cat current_tracer >/share/tracer
	cat available_tracers >/share/tracers
	echo hypergraph_* >/share/files
	dmesg | grep -e hypergraph: -e "tracer 'hypergraph'" >/share/said
	echo nop >current_tracer
	exit 0
fi

rounds=$1

# Each round has some events, on a fast machine too.
load()
{
	while :; do
		for i in 1 2 3 4 5 6 7 8 9 10; do
			echo load $i >/tmp/load
		done
		sleep 0.005
	done
}

sent()
{
	sed -n 's/^sent: //p' /sys/kernel/tracing/hypergraph_stats
}

cd /sys/kernel/tracing
# One function is traced only, as selecting and leaving rewrite the code of all.
echo vfs_write >set_ftrace_filter
load &
load=$!

total=0
late=0
active=0
round=0
while [ $round -lt "$rounds" ]; do
	echo hypergraph >current_tracer
	sleep 0.02
	echo nop >current_tracer
	before=$(sent)
	sleep 0.02
	after=$(sent)
	total=$((total + after))
	late=$((late + after - before))
	# It begins with two and ends with one in any case.
	[ "$before" -le 3 ] || active=$((active + 1))
	round=$((round + 1))
done
kill $load

echo "$total $late $active" >/share/rounds
