"""A scripted SMTP server on a socket: a relay that does exactly what a test says.

    with Sink({"RCPT": "550 5.1.1 no such user"}) as sink:
        ...  # connect to sink.port
        assert sink.letters[0].content == b"..."

Each step of a conversation (GREETING, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, DOT,
RSET, QUIT) has an answer: a reply, raw bytes, or HANG_UP, RESET or SILENCE. A list is
used up one answer an occurrence, over all connections; a step that is not in the script
gets the polite reply. `wait` blocks until something was seen, never for a fixed time.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Self


class Fault(Enum):
    """What a relay does instead of answering."""

    HANG_UP = "close the connection"
    RESET = "reset the connection (RST)"
    SILENCE = "say nothing until the client goes"


HANG_UP, RESET, SILENCE = Fault.HANG_UP, Fault.RESET, Fault.SILENCE
Answer = str | bytes | Fault
Script = Mapping[str, Answer | Sequence[Answer]]

POLITE: dict[str, Answer] = {
    "GREETING": "220 sink ESMTP",
    "HELO": "250 sink",
    "STARTTLS": "220 2.0.0 go ahead",
    "AUTH": "235 2.7.0 welcome",
    "MAIL": "250 2.1.0 ok",
    "RCPT": "250 2.1.5 ok",
    "DATA": "354 end with a dot",
    "DOT": "250 2.0.0 ok: queued",
    "RSET": "250 2.0.0 ok",
    "NOOP": "250 2.0.0 ok",
    "QUIT": "221 2.0.0 bye",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message that reached the final dot; `wire` is what stood before the dot."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    wire: bytes
    secure: bool

    @property
    def content(self) -> bytes:
        """The message with the doubled dots taken back (RFC 5321 §4.5.2)."""
        lines = self.wire.split(b"\r\n")
        return b"\r\n".join(line.removeprefix(b".") for line in lines)


class _Gone(Exception):
    """The conversation is over, by either side."""


@dataclass(eq=False)
class _Talk:
    sock: socket.socket
    secure: bool
    inbox: bytes = b""
    mail_from: str = ""
    rcpt_tos: list[str] = field(default_factory=list)

    def line(self) -> bytes:
        return self.until(b"\r\n")

    def until(self, end: bytes) -> bytes:
        while end not in self.inbox:
            more = self.sock.recv(65536)
            if not more:
                raise _Gone
            self.inbox += more
        before, _, self.inbox = self.inbox.partition(end)
        return before


class Sink:
    """The server, in threads of its own while the `with` lasts.

    `features` are the EHLO keywords (STARTTLS is added when `tls` is given and not
    `implicit`); `port` is for one that comes back. `commands` and `letters` collect
    everything in the order of arrival.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        features: Sequence[str] = ("PIPELINING", "8BITMIME", "SIZE 10000000"),
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.commands: list[str] = []
        self.letters: list[Received] = []
        self.connections = 0
        self._script = {
            step: [answer] * 1000
            if isinstance(answer, str | bytes | Fault)
            else list(answer)
            for step, answer in (script or {}).items()
        }
        self._features = features
        self._tls = tls
        self._implicit = implicit
        self._news = threading.Condition()
        self._open: list[_Talk] = []
        self._threads: list[threading.Thread] = []
        self._server = socket.create_server((host, port))
        self.host, self.port = self._server.getsockname()[:2]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._news:
            for talk in self._open:
                _shut(talk.sock)
        for thread in self._threads:
            thread.join(10)

    def wait(self, seen: Callable[["Sink"], bool], seconds: float = 10.0) -> None:
        """Wait until `seen(sink)` is true; fails the test after `seconds`."""
        with self._news:
            if not self._news.wait_for(lambda: seen(self), seconds):
                raise AssertionError(f"not seen in {seconds} s; saw {self.commands}")

    def count(self, verb: str) -> int:
        """Return how many commands with this verb came."""
        return sum(c.upper().startswith(verb) for c in self.commands)

    def hang_up(self) -> None:
        """Close every connection now, as a relay does that was idle for too long."""
        with self._news:
            for talk in self._open:
                _shut(talk.sock)
            gone = self._news.wait_for(lambda: not self._open, 10)
        assert gone

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name="sink")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            talk = _Talk(sock=sock, secure=False)
            with self._news:
                self.connections += 1
                self._open.append(talk)
                self._news.notify_all()
            self._start(partial(self._serve, talk))

    def _serve(self, talk: _Talk) -> None:
        try:
            if self._implicit:
                self._secure(talk)
            self._say(talk, "GREETING")
            while self._step(talk, talk.line().decode("utf-8", "replace")):
                pass
        except (_Gone, OSError):
            pass  # The client left, or the script said so: the end of a conversation.
        finally:
            talk.sock.close()
            with self._news:
                self._open.remove(talk)
                self._news.notify_all()

    def _step(self, talk: _Talk, command: str) -> bool:
        with self._news:
            self.commands.append(command)
            self._news.notify_all()
        verb = command.partition(" ")[0].upper()
        if verb == "MAIL":
            talk.mail_from, talk.rcpt_tos = _path(command), []
        elif verb == "RCPT":
            talk.rcpt_tos.append(_path(command))
        said = self._say(talk, verb)
        if verb == "STARTTLS" and said.startswith("220"):
            self._secure(talk)
        elif verb == "DATA" and said.startswith("354"):
            self._take(talk)
        return verb != "QUIT"

    def _take(self, talk: _Talk) -> None:
        wire = talk.until(b"\r\n.\r\n") + b"\r\n"
        received = Received(
            mail_from=talk.mail_from,
            rcpt_tos=tuple(talk.rcpt_tos),
            wire=wire,
            secure=talk.secure,
        )
        with self._news:
            self.letters.append(received)
            self._news.notify_all()
        self._say(talk, "DOT")

    def _say(self, talk: _Talk, step: str) -> str:
        answer = self._answer(step, talk)
        if isinstance(answer, Fault):
            self._fail(talk, answer)
        raw = answer if isinstance(answer, bytes) else f"{answer}\r\n".encode()
        talk.sock.sendall(raw)
        return raw.decode("utf-8", "replace")

    def _answer(self, step: str, talk: _Talk) -> Answer:
        with self._news:
            scripted = self._script.get(step)
            if scripted:
                return scripted.pop(0)
        if step == "EHLO":
            words = ["sink", *self._features]
            if self._tls and not talk.secure:
                words.append("STARTTLS")
            return "\r\n".join(
                f"250{'-' if n < len(words) else ' '}{word}"
                for n, word in enumerate(words, 1)
            )
        return POLITE.get(step, "502 5.5.1 unknown command")

    def _fail(self, talk: _Talk, fault: Fault) -> None:
        if fault is SILENCE:
            while talk.sock.recv(65536):
                pass
        elif fault is RESET:
            linger = struct.pack("ii", 1, 0)
            talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        raise _Gone

    def _secure(self, talk: _Talk) -> None:
        assert self._tls is not None
        # What came in clear is forgotten (RFC 3207 §4.2).
        talk.inbox = b""
        talk.sock = self._tls.wrap_socket(talk.sock, server_side=True)
        talk.secure = True


def _path(command: str) -> str:
    return command.partition("<")[2].partition(">")[0]


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # It is closed already.


def free_port() -> int:
    """Return a port of loopback that was free a moment ago, for servers of others."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


def wait_for_port(port: int, seconds: float = 10.0) -> None:
    """Wait until somebody listens on a port of loopback."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            # A foreign program tells nobody that it listens; one can only ask again.
            time.sleep(0.01)
        else:
            return
