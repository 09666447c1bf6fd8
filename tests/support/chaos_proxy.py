"""A TCP proxy that does what networks do: cut, go silent, hang up half.

A test sets one `Fault` at a time; it strikes once, on the connection that meets its
condition, and later connections pass through untouched.
"""

import contextlib
import select
import socket
import struct
import threading
from dataclasses import dataclass
from typing import Self

_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong, and when.

    `seen` is what must have passed: from the client if `asked`, else from the server;
    `then` is how many bytes still pass in the same direction. `how`: `reset` (RST),
    `close` (FIN), `half` (the server's side only), `silence` (nothing passes any more,
    in either direction, and nobody is told).
    """

    seen: bytes
    asked: bool = False
    then: int = 0
    how: str = "reset"


class ChaosProxy:
    """Listens on a port of its own and passes on to a target."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._fault: Fault | None = None
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self.struck = 0
        self.connections = 0
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def break_at(self, fault: Fault) -> None:
        """Let this go wrong, once."""
        with self._changed:
            self._fault = fault

    def wait_until_struck(self, times: int = 1, seconds: float = 20.0) -> None:
        """Wait until so many faults have happened."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.struck >= times, seconds)

    def _listen(self) -> None:
        while not self._closing.is_set():
            if not select.select([self._listener], [], [], 0.05)[0]:
                continue
            client, _ = self._listener.accept()
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection(self._target, 5) as server,
        ):
            self._pass(client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        passed = {client: bytearray(), server: bytearray()}
        while not self._closing.is_set():
            for end in select.select([client, server], [], [], 0.05)[0]:
                other = server if end is client else client
                data = end.recv(65536)
                if not data:
                    return
                allowed, how = self._judge(passed[end], data, asked=end is client)
                other.sendall(data[:allowed])
                if how is not None:
                    self._strike(how, client, server)
                    return

    def _judge(
        self, before: bytearray, data: bytes, *, asked: bool
    ) -> tuple[int, str | None]:
        """Return how many of these bytes pass, and what happens then."""
        with self._changed:
            fault = self._fault
        start = len(before)
        before += data
        if fault is None or fault.asked is not asked:
            return len(data), None
        found = before.find(fault.seen)
        if found < 0:
            return len(data), None
        limit = found + len(fault.seen) + fault.then
        if limit > len(before):
            return len(data), None
        return max(0, limit - start), fault.how

    def _strike(self, how: str, client: socket.socket, server: socket.socket) -> None:
        with self._changed:
            self._fault = None
            self.struck += 1
            self._changed.notify_all()
        if how == "silence":
            self._closing.wait(60)
        elif how == "half":
            client.shutdown(socket.SHUT_WR)
            while not self._closing.is_set():
                if select.select([client], [], [], 0.05)[0] and not client.recv(65536):
                    return
        elif how == "reset":
            for end in (client, server):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
