# SPDX-License-Identifier: GPL-2.0
# Sourced by what runs suites of tests, after common.sh. It sets $vm to the one above it,
# $out to the base's, $work to where the suites keep what they need for a while, and
# $guest_build to the build whose kernel the guests run. $cpu may be the hosts' vendor.
# shellcheck shell=bash disable=SC2154,SC2034

begin_suites()
{
	suites_start=$(date +%s)
	results=$work/results
	rm -rf "$work"
	mkdir -p "$work/share"
	: >"$results"
}

# suite NAME COMMAND...: run a suite of tests, that prints TAP
suite()
{
	_name=$1
	shift
	say ""
	say "== $_name"
	_start=$(date +%s)
	_status=0
	"$@" >"$work/output" 2>&1 </dev/null || _status=$?
	plain_tap <"$work/output" | tee "$work/tap"
	tee -a "$results" <"$work/tap" >/dev/null
	if [ "$_status" -ne 0 ] && ! grep -q '^not ok' "$work/tap"; then
		tail -n 20 "$work/output" | sed 's/^/# /'
		echo "not ok - $_name: status $_status" | tee -a "$results"
	elif ! grep -q '^ok' "$work/tap"; then
		echo "not ok - $_name: no test ran" | tee -a "$results"
	fi
	cp "$work/output" "$out/log/check-${_name// /-}.log"
	say "== $_name: $(elapsed "$_start")"
}

# Of kselftest's nested TAP the tests themselves, and a script only if it failed
# or was skipped as a whole.
plain_tap()
{
	sed -E -e 's/^(# )+((not )?ok [0-9])/\2/' |
	sed -E -n -e '/^ok .* selftests: .* # SKIP/p' -e '/^ok [0-9]+ selftests:/d' \
		-e '/^(not )?ok /p' -e '/^# /p'
}

# beside NAME COMMAND...: run COMMAND's suites in the background, in a $work of their own:
# an emulator is busy on one CPU. join waits for them, and prints what they say.
beside()
{
	lane=$work/$1
	shift
	mkdir "$lane"
	cp -a "$work/share" "$lane/"
	set -m # or the group that is ended would be ours
	in_lane "$@" >"$lane/said" 2>&1 &
	lane_pid=$!
	set +m
	trap 'kill -- -$lane_pid' EXIT
}

in_lane()
{
	set +m
	work=$lane
	"$@"
}

join()
{
	tail -n +1 -f --pid="$lane_pid" "$lane/said"
	trap - EXIT
	wait "$lane_pid"
}

count()
{
	grep -cE "$1" "$results" || :
}

install_selftests()
{
	run_logged "building the selftests" "$out/log/selftests.log" \
		make -s -C "$out/hypergraph/src/tools/testing/selftests" \
		TARGETS='hypergraph ftrace' O="$guest_build" KDIR="$guest_build" CC='ccache gcc' \
		INSTALL_PATH="$work/share" install
}

# kselftest BUILD ARGUMENTS...: the kernel's own runner, in a host of that kernel, and
# with the files below $host_files if that is set
kselftest()
{
	_build=$1
	shift
	printf '#!/bin/sh\nexport GUEST_APPEND="%s"\nexec /share/run_kselftest.sh %s\n' \
		"${GUEST_APPEND:-}" "$*" >"$work/run"
	chmod +x "$work/run"
	"$vm/machine/run" --cpu "${cpu:-amd}" --kernel "$_build" --modules "$_build/modules" \
		--guest-kernel "$guest_build/arch/x86/boot/bzImage" \
		${host_files:+--host-files "$host_files"} \
		--share "$work/share" --run "$work/run" --timeout 3600 \
		--log "$work/console.log"
}

# This kernel has neither Xen's nor Hyper-V's hypercalls.
not_configured="-T xen -T hyperv"
# Where vCPUs do move from CPU to CPU. The others go by interrupts, which guests in QEMU
# 7.2's TCG may then get twice, on a stock kernel too, or by how soon a static branch is
# turned, which takes long where CPUs take turns.
with_two_cpus="-t two_vms -t other_thread -t vm_killed -t vm_ends -t hypercalls -t nested_state"

# hypergraph_tests OPTIONS: the commands that run these two. An option that names a test
# of the other one says nothing to them.
hypergraph_tests()
{
	echo "try ./hypergraph_test $1; try ./hypergraph_company_test $1"
}

# selftests OPTIONS: the commands for a host with one CPU, whose last two tests get OPTIONS
selftests()
{
	echo "try ./kvm_pv_test; try ./hypergraph_nested_test"
	hypergraph_tests "$not_configured $1"
}

# kvm_selftests BUILD COMMANDS OPTIONS...: run selftests of KVM's own framework, which the
# shell's COMMANDS name, in a host of that kernel that vm/machine/run boots with OPTIONS. What it
# logs meanwhile is shown, and a report in it is a failure.
kvm_selftests()
{
	"$vm/check/kvm-selftests" "$out" "$work/share/kvm" hypergraph_test \
		hypergraph_company_test hypergraph_nested_test hypergraph_stress_test \
		kvm_pv_test || return
	_build=$1
	cat >"$work/run" <<-END
	#!/bin/sh
	cd /share/kvm
	try()
	{
		status=0
		"\$@" || status=\$?
		[ \$status -eq 0 ] || printf 'not '
		echo "ok - \$1: status \$status"
	}
	lines=\$(dmesg | wc -l)
	$2
	dmesg | tail -n +\$((lines + 1)) >/tmp/log
	sed 's/^/# /' /tmp/log
	! grep -qE 'WARNING|BUG:|UBSAN:|Oops|rcu.*stall|soft lockup|hung task' /tmp/log ||
		printf 'not '
	echo "ok - no report of the host's kernel; lines logged: \$(wc -l </tmp/log)"
	END
	chmod +x "$work/run"
	shift 2
	"$vm/machine/run" "$@" --kernel "$_build" --modules "$_build/modules" \
		--guest-kernel "$out/hypergraph/build/arch/x86/boot/bzImage" \
		--share "$work/share" --run "$work/run" --timeout 2400 \
		--log "$work/console.log"
}

# end_suites WHAT: its last line, and whether all passed
end_suites()
{
	say ""
	say "$1: $(elapsed "$suites_start"); logs: ${out#"$PWD"/}/log/check-*.log"
	skipped=$(count '^ok .*# SKIP')
	failed=$(count '^not ok')
	echo "$(($(count '^ok') - skipped)) passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
}
