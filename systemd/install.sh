#!/bin/sh
# Puts the files of this folder where systemd looks for them, makes the user and the
# folders. Safe to repeat: an upgrade runs it again. Drop-ins are left alone.
set -eu
cd "$(dirname "$0")"

install -D -m 644 chamado.sysusers /usr/lib/sysusers.d/chamado.conf
install -D -m 644 chamado.tmpfiles /usr/lib/tmpfiles.d/chamado.conf
install -m 644 chamado.service chamado-smtp.socket chamado-lmtp.socket \
    /etc/systemd/system/
systemd-sysusers /usr/lib/sysusers.d/chamado.conf
systemd-tmpfiles --create /usr/lib/tmpfiles.d/chamado.conf
# Where systemd does not run (an image that is being built) there is nothing to reload.
[ ! -d /run/systemd/system ] || systemctl daemon-reload
echo "installed; next: chamado config init /etc/chamado/chamado.toml"
