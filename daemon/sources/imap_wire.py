"""One TCP connection, in clear or under TLS, whose every wait can be interrupted.

A blocking socket with a timeout cannot be stopped before the timeout, says nothing
while it waits, and is useless after it. This one never blocks for longer than a slice
and calls `tick` in between. It knows no IMAP; `imap_protocol` puts it under imaplib.
"""

import io
import ipaddress
import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from chamado.daemon.sources.imap_watch import Pace

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Tick = Callable[[], None]


def _waited(fileno: int, event: int, pace: Pace) -> bool:
    poller = select.poll()
    poller.register(fileno, event)
    return bool(poller.poll(pace.slice * 1000))


def connected(host: str, port: int, *, tick: Tick, pace: Pace) -> socket.socket:
    """Return a non-blocking connected socket; try every address of the host.

    Raises OSError when no address answers within `pace.connect` seconds. Looking the
    name up is the one wait that cannot be interrupted: the resolver has its own.
    """
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM
    ):
        attempt = socket.socket(family, kind, protocol)
        try:
            _connect(attempt, address, tick, pace)
        except OSError as error:
            attempt.close()
            failure = error
        except BaseException:
            attempt.close()
            raise
        else:
            return attempt
    raise failure


def _connect(attempt: socket.socket, address: object, tick: Tick, pace: Pace) -> None:
    attempt.setblocking(False)
    # imapclient sends a SEARCH and its line end apart; without this the second packet
    # waits 40 ms for the acknowledgement of the first.
    attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end = time.monotonic() + pace.connect
    try:
        attempt.connect(address)  # type: ignore[arg-type]  # as getaddrinfo gave it
    except BlockingIOError:
        while not _waited(attempt.fileno(), select.POLLOUT, pace):
            tick()
            if time.monotonic() > end:
                raise TimeoutError("no answer to the connection attempt") from None
    error = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


class Wire(io.RawIOBase):
    """Reads and writes of one connection; raises OSError once it is of no more use.

    `most` is the number of bytes one command may bring: a server that never ends its
    answer must not fill our memory.
    """

    def __init__(self, sock: socket.socket, *, tick: Tick, pace: Pace, most: int):
        """Take over the socket, which must be connected and non-blocking."""
        self.sock = sock
        self._tick, self._pace, self._most = tick, pace, most
        self._listen_until: float | None = None
        self.new_command()

    def new_command(self) -> None:
        """Count time and bytes anew."""
        self._left = self._most
        self._end = time.monotonic() + self._pace.command

    def hurry(self, seconds: float) -> None:
        """Wait no longer than this for anything from now on: we are leaving."""
        pace = self._pace
        self._pace = Pace(slice=pace.slice, silence=seconds, command=seconds)

    def listen(self, seconds: float | None) -> None:
        """Let reads return None after so many seconds of silence; None: never."""
        until = None if seconds is None else time.monotonic() + seconds
        self._listen_until = until

    @property
    def loopback(self) -> bool:
        """Whether the other end is on this very machine."""
        return ipaddress.ip_address(self.sock.getpeername()[0]).is_loopback

    def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS; raises ssl.SSLError, a certificate in doubt among them."""
        secure = context.wrap_socket(
            self.sock, server_hostname=host, do_handshake_on_connect=False
        )
        self.sock = secure
        self._patiently(secure.do_handshake, select.POLLIN)

    def readable(self) -> bool:
        """Say yes to BufferedReader."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        """Read what is there, at least one byte; None only while listening."""
        view = memoryview(buffer)
        count = self._patiently(partial(self.sock.recv_into, view), select.POLLIN)
        if count == 0:
            raise ConnectionResetError("the server closed the connection")
        if count is not None:
            self._left -= count
            if self._left < 0:
                raise OSError("the server's answer does not end")
        return count

    def send(self, data: bytes) -> None:
        """Write all of it."""
        view = memoryview(data)
        while view:
            sent = self._patiently(partial(self.sock.send, view), select.POLLOUT)
            view = view[sent or 0 :]

    def close(self) -> None:
        """Hang up; harmless when done twice."""
        super().close()
        self.sock.close()

    def _patiently(self, step: Callable[[], int | None], event: int) -> int | None:
        silent_until = time.monotonic() + self._pace.silence
        while True:
            self._tick()
            try:
                return step()
            except ssl.SSLWantReadError:
                _waited(self.sock.fileno(), select.POLLIN, self._pace)
            except BlockingIOError:
                _waited(self.sock.fileno(), event, self._pace)
            except ssl.SSLWantWriteError:
                _waited(self.sock.fileno(), select.POLLOUT, self._pace)
            now = time.monotonic()
            if self._listen_until is not None:
                if now >= self._listen_until:
                    return None
            elif now > silent_until or now > self._end:
                raise TimeoutError("the server has gone silent")
