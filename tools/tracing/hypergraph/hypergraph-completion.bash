# SPDX-License-Identifier: GPL-2.0
# Bash's completion for hypergraph: what it knows of commands and options is in --help.

# The names in that: of the commands, or of what export writes
_hypergraph_names()
{
	"$@" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

# A command's options, a line for each row: "-o, --output=FILE"
_hypergraph_options()
{
	"$@" --help 2>/dev/null | sed -n '/^ \{2,6\}-/ { s/^ *//; s/  .*//; p; }'
}

# What the option $1 of a command takes: "FILE"
_hypergraph_argument()
{
	local option=$1 row

	while read -r row; do
		if [[ ", $row," =~ ", $option"(, --[a-z-]+)?=([^,]+), ]]; then
			echo "${BASH_REMATCH[2]}"
			return
		fi
	done < <(_hypergraph_options "${@:2}")
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
	local command=("$1" "${COMP_WORDS[1]}") argument='' words=''

	if [[ $COMP_CWORD -eq 1 ]]; then
		words="$(_hypergraph_names "$1") --help"
	else
		[[ $before != -* ]] || argument=$(_hypergraph_argument "$before" "${command[@]}")
		case $argument in
		FORMAT) words=$(_hypergraph_names "${command[@]}") ;;
		PID) words=$(_hypergraph_vms) ;;
		'')
			if [[ $word == -* ]]; then
				words=$(_hypergraph_options "${command[@]}" | grep -o -e '--[a-z-]*')
			fi
			;;
		*FILE) ;;
		*) return ;;
		esac
	fi
	if [[ -n $words ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o filenames -F _hypergraph hypergraph
