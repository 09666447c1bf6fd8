#!/bin/sh
# Installs the real servers that the tests talk to, where that is allowed, and says
# what stays untested where it is not. Servers are only installed, never started: each
# test run starts its own, on loopback, in temporary folders.
set -eu

missing=""
need() { # PROGRAM PACKAGE…
    program=$1; shift
    for dir in $(echo "$PATH" | tr ':' ' ') /usr/sbin /usr/lib/postgresql/*/bin; do
        [ -x "$dir/$program" ] && return 0
    done
    missing="$missing $*"
}

need dovecot dovecot-core dovecot-imapd dovecot-lmtpd
need postfix postfix
need initdb postgresql
need strace strace
need chromium chromium
need systemd-analyze systemd
[ -n "$(echo "$missing" | tr -d ' ')" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing the servers that the tests use:$missing"
    apt-get update -qq
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
    echo "NOT INSTALLED (needs root and apt):$missing"
    echo "Tests that need them will be skipped and will say so."
fi
