# SPDX-License-Identifier: GPL-2.0
# This is sourced by what runs in a host, in its guest and in that one's nested guest. One has
# something done in the next by files in a directory that all see. A nested guest's access to
# that is slow, so there are few.
# shellcheck shell=sh

# serve DIR LEVEL: do what is asked of this level, until killed.
serve()
{
	while sleep 0.1; do
		[ -s "$1/asked.$2" ] || continue
		_asked=$(cat "$1/asked.$2")
		eval "$_asked" || echo "$2: $_asked: status $?"
		rm "$1/asked.$2"
	done
}

# ask DIR LEVEL COMMAND: have it done, and wait for that.
ask()
{
	echo "$3" >"$1/asked.$2"
	while [ -e "$1/asked.$2" ]; do
		sleep 0.1
	done
}
