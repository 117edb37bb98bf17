# SPDX-License-Identifier: GPL-2.0
# Sourced by what runs suites of tests, after common.sh. That sets $vm to the folder vm/,
# $out to the base's, $work to where the suites keep what they need for a while, and
# $guest_build to the build whose kernel the guests run.
# shellcheck shell=bash disable=SC2154,SC2034

begin_suites()
{
	suites_start=$(date +%s)
	results=$work/results
	rm -rf "$work"
	mkdir -p "$work/share"
	: >"$results"
}

# suite NAME COMMAND...: run a suite of tests, that prints TAP. If a host of it stood still,
# which QEMU's does now and then on a machine that is busy, it is run again, three times at most.
suite()
{
	_name=$1
	shift
	say ""
	say "== $_name"
	_start=$(date +%s)
	run_suite "$@"
	for _again in 1 2 3; do
		[ -e "$work/stood-still" ] || break
		plain_tap <"$work/output" >"$out/log/check-$_name-stood-still.log"
		run_suite "$@"
		echo "# $_name: ran again ($_again): the machine stood still"
	done
	plain_tap <"$work/output" | tee "$work/tap"
	tee -a "$results" <"$work/tap" >/dev/null
	if [ "$_status" -ne 0 ] && ! grep -q '^not ok' "$work/tap"; then
		tail -n 20 "$work/output" | sed 's/^/# /'
		echo "not ok - $_name: status $_status" | tee -a "$results"
	elif ! grep -q '^ok' "$work/tap"; then
		echo "not ok - $_name: no test ran" | tee -a "$results"
	fi
	cp "$work/output" "$out/log/check-$_name.log"
	say "== $_name: $(elapsed "$_start")"
}

run_suite()
{
	rm -f "$work/stood-still"
	_status=0
	"$@" >"$work/output" 2>&1 </dev/null || _status=$?
	[ "$_status" -ne 123 ] || touch "$work/stood-still"
}

# host BUILD COMMAND OPTIONS...: run that line of sh in a host with that build's kernel,
# which vm/machine/run boots with OPTIONS. The limit is for a machine that is busy, too.
host()
{
	_build=$1
	_command=$2
	shift 2
	_ended=0
	"$vm/machine/run" --build "$_build" --guest-build "$guest_build" --share "$work/share" \
		--log "$work/console.log" --timeout 3600 --run "$_command" "$@" || _ended=$?
	[ "$_ended" -ne 123 ] || touch "$work/stood-still"
	return "$_ended"
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

# kselftest BUILD TESTS OPTIONS...: those of our selftests, by the kernel's own runner
kselftest()
{
	# shellcheck disable=SC2086 # a list
	_tests=$(printf ' -t hypergraph:%s' $2)
	host "$1" "export GUEST_APPEND='${GUEST_APPEND:-}' REPORTS=/share
		exec /share/run_kselftest.sh$_tests" "${@:3}"
}

# This kernel has neither Xen's nor Hyper-V's hypercalls.
not_configured="-T xen -T hyperv"
# Where vCPUs do move from CPU to CPU. The others go by interrupts, which guests in QEMU
# 7.2's TCG may then get twice, on a stock kernel too, or by how soon a static branch is
# turned, which takes long where CPUs take turns.
with_two_cpus="-t two_vms -t other_thread -t vm_killed -t vm_ends -t hypercalls -t nested_state"

# hypergraph_tests OPTIONS: these two, a line each. An option that names a test of the other
# one says nothing to them.
hypergraph_tests()
{
	printf '%s\n' "hypergraph_test $1" "hypergraph_company_test $1"
}

# selftests OPTIONS: those for a host with one CPU, of which the last two get OPTIONS
selftests()
{
	echo hypergraph_nested_test
	hypergraph_tests "$not_configured $1"
}

# kvm_host BUILD COMMANDS OPTIONS...: run lines of sh that try selftests of KVM's own framework
kvm_host()
{
	"$vm/check/kvm-selftests" "$out" "$work/share/kvm" hypergraph_test \
		hypergraph_company_test hypergraph_nested_test hypergraph_stress_test ||
		return
	cp "$vm/check/try.sh" "$work/share/kvm/"
	host "$1" "cd /share/kvm
		. ./try.sh
		$2
		no_report" "${@:3}"
}

# kvm_selftests BUILD TESTS OPTIONS...: the same of TESTS, each a line with its arguments
kvm_selftests()
{
	kvm_host "$1" "try ./${2//$'\n'/$'\n'try ./}" "${@:3}"
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
