"""A real Postfix of one's own: on loopback, with its own configuration and queue.

It takes mail by SMTP on `port` and relays what is for `acme.example` wherever
`relay_to` says; all other mail, such as its bounces, it throws away. It must be started
by root, as Postfix must. A test module that imports the fixture gets one instance a
session:

    from tests.support.postfix import Postfix, postfix  # noqa: F401 — a fixture

It lives in a short folder of its own below the temporary folder and not in `tmp_path`,
because its processes run as an unprivileged user who may not enter pytest's folders.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

PROGRAM = "/usr/sbin/postfix"
DOMAIN = "acme.example"
SECONDS = 30.0

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop
myhostname = relay.test
mydestination =
local_recipient_maps =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relay_domains = {domain}
relay_transport = discard:
default_transport = discard:
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
lmtp_destination_recipient_limit = 50
minimal_backoff_time = 300s
queue_run_delay = 300s
"""

_MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str:
    """Say why there is no Postfix to start; "" if there is."""
    if not Path(PROGRAM).exists():
        return "Postfix is not installed (make servers)"
    return "" if os.getuid() == 0 else "Postfix can only be started by root"


@pytest.fixture(scope="session")
def postfix() -> Iterator["Postfix"]:
    """Start one Postfix for the session and stop it at the end."""
    if why := why_not():
        pytest.skip(why)
    with Postfix() as running:
        yield running


class Postfix:
    """An instance; `settings` are lines of main.cf beyond the usual ones."""

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pf-"))
        self.folder.chmod(0o711)
        self.config = self.folder / "etc"
        self.port = _free_port()
        self._settings = settings or {}

    def __enter__(self) -> Self:
        try:
            self._configure()
            self._postfix("start")
            self._wait_for_port()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def relay_to(self, transport: str) -> None:
        """Send mail for our domain to, say, "lmtp:inet:127.0.0.1:2424" from now on."""
        self._run("postconf", "-e", f"relay_transport = {transport}")
        self._postfix("reload")

    def queue(self) -> list[dict[str, Any]]:
        """Return what is in the queue, as `postqueue -j` tells it."""
        listed = self._run("postqueue", "-j")
        return [json.loads(line) for line in listed.splitlines()]

    def flush(self) -> None:
        """Try everything that is deferred once more."""
        self._run("postqueue", "-f")

    def wait_until_empty(self, seconds: float = SECONDS) -> None:
        """Wait for an empty queue; a deferred mail fails at once, with the log."""
        until = time.monotonic() + seconds
        while queue := self.queue():
            deferred = [mail for mail in queue if mail["queue_name"] == "deferred"]
            assert not deferred, f"deferred: {deferred}\n{self.log()}"
            assert time.monotonic() < until, f"still queued: {queue}\n{self.log()}"
            time.sleep(0.05)

    def log(self) -> str:
        """Return what it logged."""
        file = self.folder / "log"
        return file.read_text() if file.exists() else ""

    def _configure(self) -> None:
        for name in ("etc", "queue", "data"):
            (self.folder / name).mkdir(mode=0o755)
        shutil.chown(self.folder / "data", "postfix")
        facts = {"folder": self.folder, "port": self.port, "domain": DOMAIN}
        more = "".join(f"{key} = {value}\n" for key, value in self._settings.items())
        (self.config / "main.cf").write_text(_MAIN.format(**facts) + more)
        (self.config / "master.cf").write_text(_MASTER.format(**facts))

    def _wait_for_port(self) -> None:
        until = time.monotonic() + SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 5) as probe:
                    assert probe.recv(3) == b"220"
                    return
            except OSError:
                assert time.monotonic() < until, f"never came up\n{self.log()}"
                time.sleep(0.05)

    def _end(self) -> None:
        if (self.folder / "queue" / "pid" / "master.pid").exists():
            self._postfix("stop")
        shutil.rmtree(self.folder)

    def _postfix(self, verb: str) -> None:
        self._run("postfix", verb)

    def _run(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [f"/usr/sbin/{program}", "-c", str(self.config), *arguments],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stderr}\n{self.log()}"
        return done.stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
