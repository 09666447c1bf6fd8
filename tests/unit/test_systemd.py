"""The service manager's protocol, spoken to a real socket."""

import os
import secrets
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.systemd import Systemd, listen_fds, watchdog_seconds


@pytest.fixture(params=["path", "abstract"])
def manager(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[socket.socket, Systemd]]:
    """Stand in for systemd: a datagram socket, by path or abstract name."""
    name = f"@{secrets.token_hex(8)}" if request.param == "abstract" else None
    name = name or str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(name.replace("@", "\0"))
        heard.settimeout(5)
        yield heard, Systemd({"NOTIFY_SOCKET": name})


def test_each_state_is_one_datagram(manager: tuple[socket.socket, Systemd]) -> None:
    """Readiness, status, watchdog and stop go out in the words systemd knows."""
    heard, systemd = manager
    systemd.ready("2/3 mailboxes connected")
    systemd.status("waiting")
    systemd.alive()
    systemd.stopping()
    assert [heard.recv(999) for _ in range(4)] == [
        b"READY=1\nSTATUS=2/3 mailboxes connected",
        b"STATUS=waiting",
        b"WATCHDOG=1",
        b"STOPPING=1\nSTATUS=stopping",
    ]


def test_reloading_carries_the_time(manager: tuple[socket.socket, Systemd]) -> None:
    """Without the monotonic time in the same datagram systemd ignores a reload."""
    heard, systemd = manager
    before = time.monotonic_ns() // 1000
    systemd.reloading()
    first, second = heard.recv(999).decode().split("\n")
    assert first == "RELOADING=1"
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= before + 60_000_000


def test_a_status_cannot_become_another_field(
    manager: tuple[socket.socket, Systemd],
) -> None:
    """A server's answer with a line end does not name another main process."""
    heard, systemd = manager
    systemd.status("cannot log in:\r\nMAINPID=1\n")
    assert heard.recv(999) == b"STATUS=cannot log in: MAINPID=1"


@pytest.mark.parametrize("address", ["", "/nowhere/notify", "@nobody-listens"])
def test_without_a_manager_nothing_happens(address: str) -> None:
    """On a terminal, or when systemd cannot hear, the daemon runs all the same."""
    systemd = Systemd({"NOTIFY_SOCKET": address} if address else {})
    systemd.ready("x")
    systemd.alive()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_ours_only(
    environ: dict[str, str], seconds: float | None
) -> None:
    """A watchdog meant for another process, or none, is not fed."""
    assert watchdog_seconds(environ) == seconds


def test_sockets_meant_for_another_process_are_left_alone() -> None:
    """A child that inherits the variables takes nothing, and they are gone."""
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "X": "1"}
    assert listen_fds(environ) == {}
    assert environ == {"X": "1"}


PASSED = """
    import json, os, socket, sys
    from chamado.daemon.systemd import listen_fds
    os.environ["LISTEN_PID"] = str(os.getpid())
    found = listen_fds(os.environ)
    print(json.dumps({
        name: [sock.getsockname()[1], sock.get_inheritable()]
        for name, sock in found.items()
    } | {"left": [k for k in os.environ if k.startswith("LISTEN")]}))
"""


def test_passed_sockets_come_by_name_and_close_on_exec() -> None:
    """Descriptors from 3 on are sockets with the unit's names; a double is kept."""
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        # A shell puts them where systemd would: at 3 and 4.
        line = f'exec 3<&{one.fileno()} 4<&{two.fileno()}; exec "$0" -c "$1"'
        done = subprocess.run(
            ["bash", "-c", line, sys.executable, textwrap.dedent(PASSED)],
            env={**os.environ, "LISTEN_FDS": "2", "LISTEN_FDNAMES": "smtp:smtp"},
            pass_fds=(one.fileno(), two.fileno()),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        first, second = one.getsockname()[1], two.getsockname()[1]
    expected = f'{{"smtp": [{first}, false], "smtp-2": [{second}, false], "left": []}}'
    assert done.stdout.strip() == expected
