# SPDX-License-Identifier: GPL-2.0
# Bash's completion for hypergraph

_hypergraph_options()
{
	local symbols='--kallsyms --system-map --vmlinux --guest --help'
	local filters='--vm --vcpu --task --function --time --depth'

	case $1 in
	record) echo "--output --vm --exits --host-functions $symbols" ;;
	report) echo "$filters $symbols" ;;
	exits) echo "--folded $filters $symbols" ;;
	export) echo "--to --output $filters $symbols" ;;
	top) echo "--delay --screens --vm $symbols" ;;
	boot | crash) echo "$symbols" ;;
	esac
}

# The PIDs of QEMU and other programs that have /dev/kvm open
_hypergraph_vms()
{
	local fd

	for fd in /proc/[0-9]*/fd/*; do
		if [[ $(readlink "$fd" 2>/dev/null) == anon_inode:kvm-vm ]]; then
			fd=${fd#/proc/}
			echo "${fd%%/*}"
		fi
	done
}

_hypergraph()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local words

	if [[ $COMP_CWORD -eq 1 ]]; then
		words='record report exits top boot crash export --help'
	else
		case $before in
		--to | -t) words='perfetto trace-dat speedscope folded ctf' ;;
		--vm) words=$(_hypergraph_vms) ;;
		--vcpu | --task | --function | --time | --depth | --delay | --screens) return ;;
		*) [[ $word != -* ]] || words=$(_hypergraph_options "${COMP_WORDS[1]}") ;;
		esac
	fi
	if [[ -n ${words-} ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _hypergraph hypergraph
