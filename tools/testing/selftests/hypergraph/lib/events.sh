# SPDX-License-Identifier: GPL-2.0
# This is sourced by functions.sh. It lists what a host has recorded of its guests as events, and
# alone knows the hypercalls of include/uapi/linux/hypergraph.h. An event is a line:
#
#	VCPU entry ADDRESS DEPTH
#	VCPU return ADDRESS DEPTH NS
#	VCPU switch PREVIOUS-PID NEXT-PID [gone] [stale]
#	VCPU who PID [untold] [stale]
#	VCPU off vcpu|all
#	VCPU hello VERSION CPUS STEXT BOOT
#	VCPU build-id VERSION WORD BOOT
#	VCPU mark KIND LENGTH OFFSET WORD WORD WORD
#	VCPU frame WORD DEPTH PID APIC-ID
#	VCPU reset
#	VCPU unknown NUMBER
#
# An ADDRESS looks as in kallsyms, STEXT, a WORD and BOOT as in the recording, and all else is
# decimal. A KIND is one of user, boot, oops, panic, reboot and triple-fault. Each part of a hello
# is an event. A who tells which task runs. A reset and a triple fault are the host's own events.
# shellcheck shell=sh disable=SC2034 # who sources it uses them

NR_ENTRY=0x64
NR_RETURN=0x65
NR_HELLO=0x66
NR_MARK=0x67
NR_OFF=0x69
NR_TRIPLE_FAULT=0x6a
NR_RESET=0x6b
NR_SWITCH=0x3e8

# decode_events: list the events of hypercalls on stdin, a line each: VCPU NUMBER A0 A1 A2 A3.
decode_events()
{
	awk -v nr_entry=$NR_ENTRY -v nr_return=$NR_RETURN -v nr_hello=$NR_HELLO \
		-v nr_mark=$NR_MARK -v nr_switch=$NR_SWITCH -v nr_off=$NR_OFF \
		-v nr_triple_fault=$NR_TRIPLE_FAULT -v nr_reset=$NR_RESET '
	# Not every awk knows what 0x means.
	function hex(text,    i, n)
	{
		n = 0
		for (i = 1; i <= length(text); i++)
			n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
		return sprintf("%.0f", n)
	}
	function decimal(number)
	{
		return number ~ /^0x/ ? hex(substr(number, 3)) : number
	}
	function digits(number)
	{
		number = "0000000000000000" substr(number, 3)
		return substr(number, length(number) - 15)
	}
	function low(number)
	{
		return number % 4294967296
	}
	function high(number)
	{
		return int(number / 4294967296)
	}
	BEGIN { split("user boot oops panic reboot triple-fault frame", kinds, " ") }
	$2 == nr_entry { print $1, "entry", digits($3), decimal($4); next }
	$2 == nr_return { print $1, "return", digits($3), decimal($5), decimal($4); next }
	$2 == nr_switch {
		previous = decimal($3)
		following = decimal($4)
		if (low(previous) == low(following))
			line = $1 " who " low(following)
		else
			line = $1 " switch " low(previous) " " low(following)
		if (high(previous) % 2)
			line = line " gone"
		if (high(previous) >= 2)
			line = line " untold"
		if (high(following))
			line = line " stale"
		print line
		next
	}
	$2 == nr_off { print $1, "off", decimal($3) == 1 ? "all" : "vcpu"; next }
	$2 == nr_reset { print $1, "reset"; next }
	$2 == nr_triple_fault { print $1, "mark triple-fault 0 0 0 0 0"; next }
	$2 == nr_hello && hex(substr(digits($3), 9, 4)) == 0 {
		print $1, "hello", hex(substr(digits($3), 13)), hex(substr(digits($3), 1, 8)), $4, $6
		next
	}
	$2 == nr_hello { print $1, "build-id", hex(substr(digits($3), 13)), $4, $6; next }
	$2 == nr_mark {
		kind = kinds[hex(substr(digits($3), 15))]
		if (kind == "frame")
			print $1, "frame", $4, $5, low(decimal($6)), high(decimal($6))
		else
			print $1, "mark", kind, hex(substr(digits($3), 9, 6)),
				hex(substr(digits($3), 1, 8)), $4, $5, $6
		next
	}
	{ print $1, "unknown", $2 }'
}

# host_events NESTED: list the hypergraph_host events of a report on stdin, those of nested
# guests if NESTED is 1 and else those of guests.
host_events()
{
	sed -n 's/.* hypergraph_host: .* vcpu=\([^ ]*\) nested='"$1"' nested_vcpu=.* nr=\([^ ]*\) a0=\([^ ]*\) a1=\([^ ]*\) a2=\([^ ]*\) a3=\([^ ]*\) .*/\1 \2 \3 \4 \5 \6/p' |
	decode_events
}

# listed: print hypergraph's hypercalls in a report on stdin of a stock host, whose kvm_hypercall
# shows the registers themselves: "nr NUMBER a0 A0 a1 A1 a2 A2 a3 A3".
listed()
{
	sed -n 's/.* kvm_hypercall: *\(nr .*\)/\1/p' |
	grep -E "^nr ($NR_ENTRY|$NR_RETURN|$NR_HELLO|$NR_OFF|$NR_SWITCH) "
}

# These extended regular expressions say what each of them has to look like. A function is
# within the kernel's text, and no depth above 5 is traced.
_number='0x[0-9a-f]+'
_text='0xffffffff[0-9a-f]{8}'
LISTED_ENTRY="nr $NR_ENTRY a0 $_text a1 0x[0-5] a2 0x0 a3 0x0"
LISTED_RETURN="nr $NR_RETURN a0 $_text a1 $_number a2 0x[0-5] a3 0x0"
LISTED_HELLO="nr $NR_HELLO a0 0x100000001 a1 $_text a2 $_number a3 $_number"
LISTED_BUILD_ID="nr $NR_HELLO a0 ${_number}00010001 a1 $_number a2 $_number a3 $_number"
LISTED_OFF="nr $NR_OFF a0 0x[01] a1 $_number a2 0x0 a3 0x0"
LISTED_SWITCH="nr $NR_SWITCH a0 $_number a1 $_number a2 $_number a3 $_number"

# listed_switch_to PID COMM8 COMM0: print the same for a switch to that task, whose comm has
# these bytes from its eighth and from its first on.
listed_switch_to()
{
	printf 'nr %s a0 %s a1 0x%x a2 %s a3 %s' "$NR_SWITCH" "$_number" "$1" "$2" "$3"
}

# listed_events: list the events of such hypercalls on stdin. They do not tell the vCPU: it is 0.
listed_events()
{
	awk '{ print 0, $2, $4, $6, $8, $10 }' | decode_events
}

# names_told PID: print the name of that task each time that a report on stdin tells of it.
names_told()
{
	sed -n "s/.* hypergraph_host: .* nr=$NR_SWITCH a0=[^ ]* a1=\([^ ]*\) a2=\([^ ]*\) a3=\([^ ]*\) .*/\1 \3 \2/p" |
	while read -r _pid _words; do
		[ $((_pid & 0xffffffff)) -eq "$1" ] || continue
		for _word in $_words; do
			for _shift in 0 8 16 24 32 40 48 56; do
				_byte=$((_word >> _shift & 0xff))
				# shellcheck disable=SC2059 # the format is the byte
				[ $_byte -eq 0 ] || printf "\\$(printf %03o $_byte)"
			done
		done
		echo
	done
}

# marks_recorded: print the marks among events on stdin whole, a line each: KIND TEXT.
marks_recorded()
{
	grep ' mark ' | while read -r _vcpu _mark _kind _len _pos _words; do
		[ "$_pos" -gt 0 ] || printf '%s ' "$_kind"
		for _word in $_words; do
			for _shift in 0 8 16 24 32 40 48 56; do
				[ "$_pos" -lt "$_len" ] || break
				# shellcheck disable=SC2059 # the format is the byte
				printf "\\$(printf %03o $((_word >> _shift & 0xff)))"
				_pos=$((_pos + 1))
			done
		done
		[ "$_pos" -lt "$_len" ] || echo
	done
}

# frames_recorded: print the frames among events on stdin as if they were entries.
frames_recorded()
{
	grep ' frame ' | while read -r _vcpu _frame _addr _depth _pid_and_vcpu; do
		printf '%s entry %x %s\n' "$_vcpu" "$_addr" "$_depth"
	done
}
