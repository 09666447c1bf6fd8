#!/bin/sh
# Installs the real servers that the tests talk to, where that is allowed, and says
# what stays untested where it is not. Servers are only installed, never started: each
# test run starts its own, on loopback, in temporary folders.
set -eu

missing=""
need() { # PROGRAM PACKAGE…
    program=$1; shift
    for place in $(echo "$PATH" | tr ':' ' ') /usr/sbin /usr/lib/dovecot \
            /usr/lib/postgresql/*/bin; do
        [ -x "$place/$program" ] && return 0
    done
    missing="$missing $*"
}

not_installed() { # WHY
    echo "NOT INSTALLED ($1):$missing"
    echo "Tests that need them will be skipped and will say so."
    exit 0
}

# Debian starts a server as soon as it is installed, unless this file says no.
policy=/usr/sbin/policy-rc.d
forbid_starting() {
    [ -e "$policy" ] && return 0
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

need dovecot dovecot-core
need imap dovecot-imapd
need lmtp dovecot-lmtpd
need postfix postfix
need initdb postgresql
need strace strace
need curl curl
need systemd-analyze systemd
need chromium chromium
need chromedriver chromium-driver
need faketime faketime
need tesseract tesseract-ocr tesseract-ocr-por
[ -n "$missing" ] || exit 0

[ "$(id -u)" = 0 ] || not_installed "needs root"
command -v apt-get >/dev/null 2>&1 || not_installed "needs apt"

echo "installing the servers that the tests use:$missing"
forbid_starting
apt-get update -qq || not_installed "no package index"
# One word for each package is what is wanted here.
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    not_installed "apt failed"
