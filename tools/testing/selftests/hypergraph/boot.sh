#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# ftrace=hypergraph traces a guest from start_kernel() on, and the host learns the
# levels of its boot; hypergraph_boot= picks some of them.
set -eu
. "$(dirname "$(readlink -f "$0")")/lib/functions.sh"
. "$TESTDIR/lib/calls.sh"

# boot OPTIONS: boot a guest that traces its initcalls and has OPTIONS on its command line.
boot()
{
	status=0
	record "-e hypergraph_host" guest --append "ftrace=hypergraph \
		ftrace_filter=do_one_initcall,start_kernel,rest_init,*_init $1" \
		"$TESTDIR/guest/boot.sh" || status=$?
	recorded_events >"$WORK/events"
	learn_names "$WORK/events"
	marks_recorded <"$WORK/events" >"$WORK/marks"
}

# Print "LEVEL CALLS" for each level that has calls; what is before the first is "-".
calls_by_level()
{
	awk 'NR == FNR { if ($1 == "boot") level[++nr] = $2; next }
	$2 == "mark" { now++ }
	$2 == "entry" { calls[now + 0]++ }
	END {
		level[0] = "-"
		for (i = 0; i <= nr; i++)
			if (calls[i])
				print level[i], calls[i]
	}' "$WORK/marks" "$WORK/events"
}

need_host
need_event
ktap_print_header
ktap_set_plan 13

boot ""
check_equal "the guest's status" $status 0
check_equal "the tracer is the one of the command line" "$(cat "$SHARE/tracer")" hypergraph
check_equal "events sent and recorded" "$(guest_count sent)" "$(wc -l <"$WORK/events")"
check_equal "hello comes first, with version and CPUs" \
	"$(head -n 1 "$WORK/events" | cut -d' ' -f 2-4)" "hello 1 1"
check_equal "and tells where the kernel is" \
	"$(printf %x "$(head -n 1 "$WORK/events" | cut -d' ' -f 5)")" \
	"$(sed -n 's/ . _stext$//p' "$SHARE/kallsyms")"
check_equal "levels, in order" "$(sed 's/^boot //' "$WORK/marks" | tr '\n' ' ')" \
	"console early pure core postcore arch subsys fs rootfs device late user "
named_calls_recorded 0 <"$WORK/events" | head -n 1 >"$WORK/first"
show "$WORK/first"
calls_by_level >"$WORK/levels"
show "$WORK/levels"
check_equal "calls from before the first level on" "$(head -n 1 "$WORK/levels" | cut -d' ' -f 1)" -
check_equal "initcalls of all levels" "$(awk '$2 > 0 { printf "%s ", $1 }' "$WORK/levels" |
	grep -o 'early pure core postcore arch subsys fs rootfs device late')" \
	"early pure core postcore arch subsys fs rootfs device late"

boot "hypergraph_boot=fs,nonsense,late"
check_equal "hypergraph_boot=: the guest's status" $status 0
calls_by_level >"$WORK/levels"
show "$WORK/levels"
check_equal "hypergraph_boot=fs,late: calls of these only" \
	"$(cut -d' ' -f 1 "$WORK/levels" | tr '\n' ' ')" "fs late "
check_equal "and all marks" "$(grep -c ^boot "$WORK/marks")" 12
check_equal "and a word on what is no level" \
	"$(sed 's/.*hypergraph: //' "$SHARE/refused")" "hypergraph_boot=: there is no boot level 'nonsense'"
check_equal "no warning in the host's log" "$(host_warnings)" ""
ktap_finished
