#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Usage: nested_cost.sh DIR PROGRAM
# In a guest that is a host: run a nested guest that does hypercalls, once to measure
# them, and then while the host counts exits.
set -eu

"$2" -e hypercall -r nothing >"$1/cost"
touch "$1/started"
while [ ! -e "$1/enough" ]; do
	"$2" -e hypercall -r nothing
done
