"""The SMTP source running on free ports, and a client that speaks raw bytes to it."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from chamado.config.settings import Listener
from chamado.daemon.sources.smtp import SmtpSource
from chamado.daemon.sources.source import RawMessage
from tests.support.doors import Ledger, MemoryDoor

SECONDS = 20.0
OURS = "suporte@acme.example"
END = b"\r\n.\r\n"


class Serving:
    """A source in a thread of its own, with a door in memory.

    `knows` judges the recipients. `stop` ends it like SIGTERM does.
    """

    def __init__(
        self,
        *listeners: Listener,
        knows: Callable[[str], bool] = lambda address: address.lower() == OURS,
        message_bytes: int = 1_000_000,
        inherited: Mapping[str, socket.socket] | None = None,
        grace_seconds: float = 10.0,
        commit_seconds: float = 10.0,
        door: MemoryDoor | None = None,
    ) -> None:
        self.door = door or MemoryDoor(Ledger())
        self.stop = threading.Event()
        self.beats = 0
        self.failure: BaseException | None = None
        self.source = SmtpSource(
            listeners=listeners or (Listener(listen="127.0.0.1:0"),),
            known=knows,
            message_bytes=message_bytes,
            hostname="mx.acme.example",
            inherited=inherited,
            grace_seconds=grace_seconds,
            commit_seconds=commit_seconds,
        )
        self.source.open()
        self.thread = threading.Thread(target=self._run, name="smtp under test")
        self.thread.start()
        if not self.source.listening.wait(SECONDS):
            self.close()
            raise AssertionError("the source never listened")

    def _run(self) -> None:
        try:
            self.source.run(self.door, self.stop, self._beat)
        except BaseException as error:
            self.failure = error
            raise

    def _beat(self) -> None:
        self.beats += 1

    @property
    def rows(self) -> list[RawMessage]:
        """Return what was accepted, in order."""
        return list(self.door.ledger.rows.values())

    def address(self, listener: int = 0) -> str:
        """Return where a listener is bound."""
        return self.source.bound[listener].address

    def client(self, listener: int = 0, *, source: str = "127.0.0.1") -> "Client":
        """Connect; `source` is the loopback address to come from."""
        return Client(self.address(listener), source=source)

    def finish(self, seconds: float = SECONDS) -> None:
        """Wait for the end of `run`; it must be clean."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the source did not stop"
        assert self.failure is None

    def close(self) -> None:
        """Stop, and free what a test may have left hanging."""
        self.stop.set()
        self.door.let_go()
        self.finish()


class Client:
    """A client that sends exactly what it is told."""

    def __init__(self, address: str, *, source: str = "127.0.0.1") -> None:
        self.sock = _connect(address, source)
        self.sock.settimeout(SECONDS)
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def reply(self) -> str:
        """Return the next reply, its lines joined by newlines; "" when none comes."""
        lines: list[str] = []
        while True:
            while b"\r\n" not in self._read:
                try:
                    block = self.sock.recv(65_536)
                except ConnectionError:
                    block = b""
                if not block:
                    assert not self._read, f"half a reply: {self._read!r}"
                    return "\n".join(lines)
                self._read += block
            line, _, self._read = self._read.partition(b"\r\n")
            lines.append(line.decode())
            if line[3:4] != b"-":
                return "\n".join(lines)

    def ask(self, command: str | bytes) -> str:
        """Send one command and return the reply."""
        self.send(
            (command if isinstance(command, bytes) else command.encode()) + b"\r\n"
        )
        return self.reply()

    def greet(self, verb: str = "EHLO") -> str:
        """Read the banner and introduce ourselves."""
        assert self.reply().startswith("220 ")
        return self.ask(f"{verb} client.example")

    def begin(
        self, *recipients: str, sender: str = "ana@cliente.example", verb: str = "EHLO"
    ) -> None:
        """Come as far as the 354 of DATA."""
        self.greet(verb)
        self.transaction(*recipients, sender=sender)

    def transaction(
        self, *recipients: str, sender: str = "ana@cliente.example"
    ) -> None:
        """Say MAIL, RCPT and DATA; all must be taken."""
        assert self.ask(f"MAIL FROM:<{sender}>") == "250 2.1.0 Sender accepted"
        for recipient in recipients or (OURS,):
            assert self.ask(f"RCPT TO:<{recipient}>").startswith("250 2.1.5 ")
        assert self.ask("DATA").startswith("354 ")

    def mail(self, content: bytes, *recipients: str, verb: str = "EHLO") -> str:
        """Send one whole mail and return the (first) reply to it."""
        self.begin(*recipients, verb=verb)
        self.send(content + b".\r\n")
        return self.reply()

    def end_input(self) -> None:
        """Close our half: nothing more will be sent."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Break the connection with a RST."""
        self.sock.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
        )
        self.sock.close()

    def is_closed(self) -> bool:
        """Wait until the server closes; nothing more may come before that."""
        return self.reply() == ""

    def start_tls(self, context: ssl.SSLContext, name: str) -> None:
        """Change over to TLS."""
        self.sock = context.wrap_socket(self.sock, server_hostname=name)


def _connect(address: str, source: str) -> socket.socket:
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address.removeprefix("unix:"))
        return sock
    host, _, port = address.rpartition(":")
    if ":" in host:
        return socket.create_connection((host.strip("[]"), int(port)), SECONDS)
    return socket.create_connection((host, int(port)), SECONDS, (source, 0))


def wait_for(met: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Poll for what no condition tells: the state of another process or thread."""
    until = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.01)


def no_more(sock: socket.socket, seconds: float = 0.3) -> bool:
    """Say whether nothing comes for a while; for what must not happen."""
    sock.settimeout(seconds)
    with contextlib.suppress(TimeoutError):
        return sock.recv(1) == b""
    return True
