# SPDX-License-Identifier: GPL-2.0
# Sourced by the scripts below this folder: help, messages, long work with its progress
# shown, its output logged and its error never hidden, and Debian's archive.
# shellcheck shell=sh

# What a script says at its top is its --help.
help()
{
	sed -n -e 1,2d -e '/^#/!q' -e 's/^# \{0,1\}//p' "$0"
}

if [ "${1-}" = --help ]; then
	help
	exit
fi

# A call that does not fit
misused()
{
	help >&2
	exit 2
}

say()
{
	printf '%s\n' "$*" >&2
}

die()
{
	say "error: $*"
	exit 1
}

# elapsed SINCE: minutes and seconds since SINCE (date +%s)
elapsed()
{
	_secs=$(($(date +%s) - $1))
	printf '%dm%02ds' $((_secs / 60)) $((_secs % 60))
}

# run_logged WHAT LOG COMMAND...: run COMMAND with its output in LOG, show that
# it goes on, and on failure print the end of LOG.
run_logged()
{
	_what=$1 _log=$2
	shift 2
	_start=$(date +%s)
	mkdir -p "$(dirname "$_log")"
	"$@" >"$_log" 2>&1 </dev/null &
	_pid=$!
	while kill -0 "$_pid" 2>/dev/null; do
		show_progress
		sleep 1
	done
	if wait "$_pid"; then
		clear_progress
		say "$_what: done in $(elapsed "$_start")"
		return 0
	fi
	clear_progress
	say "$_what: failed after $(elapsed "$_start"); the end of $_log:"
	tail -n 20 "$_log" >&2
	return 1
}

# On a terminal one line that is written over, elsewhere one line a minute.
show_progress()
{
	if [ -t 2 ]; then
		printf '\r\033[K%s: %s, %d lines logged' "$_what" \
			"$(elapsed "$_start")" "$(wc -l <"$_log")" >&2
	elif [ $((($(date +%s) - _start) % 60)) -eq 59 ]; then
		say "$_what: $(elapsed "$_start"), $(wc -l <"$_log") lines logged"
	fi
}

clear_progress()
{
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
}

# apt with a source list, lists and cache of its own, below $apt: the user's are left alone,
# and signatures are checked all the same.
# private_apt_sources SUITE TYPE...: what it reads (TYPE: deb or deb-src)
# shellcheck disable=SC2154 # $apt
private_apt_sources()
{
	_suite=$1
	shift
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	for _type; do
		echo "$_type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" \
			"http://deb.debian.org/debian $_suite main"
	done >"$apt/sources.list"
}

# private_apt TOOL ARG...
private_apt()
{
	_tool=$1
	shift
	"$_tool" -q -o Dir::Etc::sourcelist="$apt/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" \
		-o APT::Update::Error-Mode=any \
		-o APT::Sandbox::User="$(id -un)" "$@"
}
