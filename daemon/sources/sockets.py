"""Opens listening points: host:port, unix:/path, and fd:NAME handed over by systemd.

It refuses to take a path away from a running server, to remove anything that is not a
socket, and to guess among inherited sockets. What it returns is bound and listening,
so a client that comes before the event loop runs waits in the backlog.
"""

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Deep enough for a burst while the loop is busy; the kernel caps it at somaxconn.
BACKLOG = 512
SOCKET_MODE = 0o660


class ListenError(OSError):
    """A listening point could not be opened; the text names it and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A listening socket, and where it is bound in the spelling of the settings.

    `made` tells the path that we made for a Unix socket from any later one: device,
    inode, and the time of making, because a freed inode is soon used again.
    """

    sock: socket.socket
    address: str
    made: tuple[int, int, int] | None = None

    def remove_path(self) -> None:
        """Remove the path of our own Unix socket, unless a successor replaced it."""
        path = Path(self.address.removeprefix("unix:"))
        with contextlib.suppress(OSError):
            if self.made and _identity(path) == self.made:
                path.unlink()


def open_sockets(
    listen: str, inherited: Mapping[str, socket.socket]
) -> tuple[Opened, ...]:
    """Open one listening point of the settings.

    A host name may stand for several addresses and so give several sockets, all on
    one port. Raises ListenError.
    """
    kind, _, rest = listen.partition(":")
    try:
        if kind == "fd":
            return (_inherit(rest, inherited),)
        if kind == "unix":
            return (_open_unix(Path(rest)),)
        host, _, port = listen.rpartition(":")
        return _open_inet(host.strip("[]"), int(port))
    except (OSError, ValueError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ListenError(f"cannot listen on {listen}: {why}") from error


def _address(sock: socket.socket) -> str:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{os.fsdecode(name)}"
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _identity(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _inherit(name: str, inherited: Mapping[str, socket.socket]) -> Opened:
    if name not in inherited:
        there = ", ".join(sorted(inherited)) or "none"
        raise ValueError(f"no socket named {name} was handed over (there: {there})")
    sock = inherited[name]
    if sock.type != socket.SOCK_STREAM:
        raise ValueError(f"the socket named {name} is no stream socket")
    # A copy, so that a source that is started again finds the socket open.
    return _listening(sock.dup())


def _listening(sock: socket.socket, made: tuple[int, int, int] | None = None) -> Opened:
    sock.setblocking(False)
    sock.listen(BACKLOG)
    return Opened(sock=sock, address=_address(sock), made=made)


def _open_unix(path: Path) -> Opened:
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(str(path))
        made = _identity(path)
        # Between bind and listen nobody can connect, so the mode is right from the
        # first connection on, without touching the umask of the other threads.
        path.chmod(SOCKET_MODE)
        return _listening(sock, made)
    except OSError:
        sock.close()
        raise


def _clear(path: Path) -> None:
    """Remove a socket that a crashed server left behind; refuse all else there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ValueError("something that is no socket lies there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        if probe.connect_ex(str(path)) != errno.ECONNREFUSED:
            raise ValueError("a running server answers there already")
    path.unlink(missing_ok=True)


def _open_inet(host: str, port: int) -> tuple[Opened, ...]:
    found = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    opened: list[Opened] = []
    absent: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        try:
            opened.append(_bind_inet(family, (address[0], port, *address[2:])))
        except OSError as error:
            # "localhost" names ::1 also where the machine has no IPv6.
            if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                _close(opened)
                raise
            absent = error
            continue
        port = opened[0].sock.getsockname()[1]
    if not opened:
        raise absent or ValueError("the name stands for no address")
    return tuple(opened)


def _bind_inet(family: int, address: tuple[object, ...]) -> Opened:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # So that 0.0.0.0:25 and [::]:25 can stand side by side.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        return _listening(sock)
    except (OSError, OverflowError):
        sock.close()
        raise


def _close(opened: list[Opened]) -> None:
    for one in opened:
        one.sock.close()
