# SPDX-License-Identifier: GPL-2.0
# This is sourced by what makes a root file system.
# shellcheck shell=sh

# Print where this machine's busybox is, if it is one that needs no libraries.
static_busybox()
{
	_busybox=$(command -v busybox) || return
	! ldd "$_busybox" >/dev/null 2>&1 || return
	echo "$_busybox"
}

# install_busybox ROOT: install it, and a link for each of its applets.
install_busybox()
{
	install -D "$(static_busybox)" "$1/bin/busybox"
	for _applet in $("$1/bin/busybox" --list); do
		[ "$_applet" = busybox ] || ln -s busybox "$1/bin/$_applet"
	done
}
