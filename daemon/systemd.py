"""What we tell systemd and what it hands us: sd_notify(3), sd_listen_fds(3), watchdog.

The protocol is a datagram and three variables, promised to be stable, so it needs no
library. Outside systemd everything here does nothing. It never raises: a service that
dies because its supervisor cannot hear it would be the wrong way round.
"""

import os
import socket
import time
from collections.abc import Mapping, MutableMapping

# The first inherited descriptor; SD_LISTEN_FDS_START in systemd's headers.
FIRST = 3


class Systemd:
    """The line to the service manager; silent when there is none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read where to write to; `@name` is a name in the abstract namespace."""
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address

    def ready(self, status: str) -> None:
        """Say that start or reload is over and mail is taken."""
        self._send("READY=1", _status(status))

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`."""
        self._send(_status(text))

    def reloading(self) -> None:
        """Say that a reload has begun; `ready` ends it.

        The time has to be in the same datagram, or systemd ignores the whole.
        """
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._send("STOPPING=1", _status("stopping"))

    def alive(self) -> None:
        """Feed the watchdog; only after having seen that the work moves."""
        self._send("WATCHDOG=1")

    def _send(self, *fields: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                # A manager that does not read must not hold up the supervisor.
                line.settimeout(1)
                line.sendto("\n".join(fields).encode(), self._address)
        except OSError:
            return


def _status(text: str) -> str:
    # A line end would begin another field, such as MAINPID.
    return "STATUS=" + " ".join(text.split())


def watchdog_seconds(environ: Mapping[str, str]) -> float | None:
    """Return within which time systemd wants to hear `alive`; None: it does not care.

    Feed it at half this time (sd_watchdog_enabled(3)).
    """
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    return int(text) / 1e6 if text.isdecimal() and int(text) else None


def listen_fds(environ: MutableMapping[str, str]) -> dict[str, socket.socket]:
    """Take the sockets that systemd opened for us, by their FileDescriptorName.

    Further sockets of one name are called NAME-2, NAME-3. The variables are removed
    and the sockets closed on exec: no child takes them for its own.
    """
    pid, count, names = (
        environ.pop(f"LISTEN_{what}", "") for what in ("PID", "FDS", "FDNAMES")
    )
    if pid != str(os.getpid()) or not count.isdecimal():
        return {}
    called = names.split(":") if names else []
    found: dict[str, socket.socket] = {}
    for number in range(int(count)):
        name = called[number] if number < len(called) else "unknown"
        found[_free(name, found)] = _taken(FIRST + number)
    return found


def _free(name: str, found: Mapping[str, object]) -> str:
    wanted, number = name, 2
    while wanted in found:
        wanted, number = f"{name}-{number}", number + 1
    return wanted


def _taken(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    return socket.socket(fileno=descriptor)
