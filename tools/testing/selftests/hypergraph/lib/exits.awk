# SPDX-License-Identifier: GPL-2.0
# Usage: awk -v hypercall=REASON -f exits.awk
# This reads the raw fields of recorded events and prints "NAME NUMBER" for each thing that it
# counts. REASON is the exit reason of a hypercall.

function field(name)
{
	if (!match($0, " " name "=[^ ]*"))
		return "none"
	value = substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 2)
	sub(/^0x0*/, "0x", value)
	return value
}
function wrong(what)
{
	n["wrong"]++
	if (n["wrong"] <= 5)
		print "# " what ": " $0 " # after: " exit_line[thread]
}
# The time since the last kvm_exit of this thread is in ns. Times are "SECONDS.NANOSECONDS:".
function since_exit()
{
	return (seconds - exit_seconds[thread]) * 1000000000 + ns - exit_ns[thread]
}
{
	match($0, /-[0-9]+ +\[/)
	thread = substr($0, RSTART + 1) + 0
	match($0, /[0-9]+\.[0-9]+:/)
	split(substr($0, RSTART, RLENGTH), time, /[.:]/)
	seconds = time[1]
	ns = "1" time[2]	# or a leading 0 may make it octal; only differences count
}
/ kvm_exit: / {
	n["exits"]++
	exit_line[thread] = $0
	said[thread] = field("exit_reason") " " field("guest_rip") " " \
		field("info1") " " field("info2")
	is_hypercall[thread] = field("exit_reason") + 0 == hypercall
	exit_seconds[thread] = seconds
	exit_ns[thread] = ns
	pending[thread] = 1
	in_vmm[thread] = 0
}
/ kvm_userspace_exit: / {
	in_vmm[thread] = 1
}
/ hypergraph_host: / {
	n["hypergraph_host"]++
	if (!pending[thread] || !is_hypercall[thread])
		wrong("not joined with a hypercall")
	if (field("exit_overhead") + 0 > since_exit())
		wrong("longer than from exit to entry")
	pending[thread] = 0
}
/ hypergraph_exit: / {
	n["hypergraph_exit"]++
	duration = field("duration") + 0
	vmm = field("vmm") + 0
	if (!pending[thread])
		wrong("not joined with an exit")
	if (field("reason") " " field("guest_rip") " " field("info1") " " \
	    field("info2") != said[thread])
		wrong("not what kvm_exit said")
	if (duration > since_exit())
		wrong("longer than from exit to entry")
	if (vmm > duration)
		wrong("longer in the VMM than in all")
	if ((vmm > 0) != in_vmm[thread])
		wrong("time in the VMM, or none")
	n["vmm"] += in_vmm[thread]
	spent += duration
	passed += since_exit()
	pending[thread] = 0
}
/ kvm_entry: / {
	if (pending[thread])
		wrong("an entry without an event")
}
END {
	for (name in n)
		print name, n[name]
	print "percent", passed ? int(100 * spent / passed) : 0
}
