"""One SMTP connection as a client, on smtplib's primitives (RFC 5321, RFC 2920).

smtplib greets, starts TLS and logs in. What it does not do is done here: replies are
bounded in lines, bytes and time (a hostile or broken relay can send for ever), nothing
received before TLS survives it, commands go out in one packet where the relay offers
PIPELINING, and a letter is handed over so that one knows whether its final dot left.
"""

import ipaddress
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from chamado.notifier.text import one_line

Tls = Literal["none", "starttls", "implicit"]

REPLY_CHARS = 500
_REPLY_LINES = 100
_REPLY_BYTES = 65_536
_CHUNK = 65_536
_REPLY = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_LINE_ENDS = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the relay answered, as one clean line; code -1 for what is no reply."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}"[:REPLY_CHARS] if self.code > 0 else self.text


class NotLoopback(OSError):
    """A connection without TLS that would leave this machine."""


class Conversation(smtplib.SMTP):
    """A connection that has been greeted, secured and introduced.

    Every method raises OSError or smtplib.SMTPException when the connection breaks;
    times are seconds. `used` says that a transaction was begun on it before.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        tls: Tls,
        context: ssl.SSLContext | None,
        timeout: float,
        ehlo_name: str,
    ) -> None:
        self.used = False
        self._inbox = b""
        self._tls = tls
        self._context = context
        try:
            super().__init__(host, port, ehlo_name or "localhost", timeout)
            if not ehlo_name:
                self.local_hostname = self._literal()
            self._introduce()
        except BaseException:
            self.close()
            raise

    def ask(self, commands: Sequence[str]) -> list[Reply]:
        """Send the commands of one transaction, return the replies that came.

        All at once where the relay offers PIPELINING; else one after the other, and
        none after the first that is refused.
        """
        self.used = True
        if self.has_extn("pipelining"):
            self.send("".join(f"{command}\r\n" for command in commands))
            return self._replies(len(commands))
        replies: list[Reply] = []
        for command in commands:
            self.putcmd(command)
            replies.append(self.reply(self.timeout))
            if replies[-1].code >= 400:
                break
        return replies

    def hand_over(self, data: bytes) -> None:
        """Give all of `data` to the network; when this raises, its end did not leave.

        The kernel takes a call's bytes or refuses it, so a failure on the last call
        means that the final dot was not among what it took.
        """
        sent = 0
        view = memoryview(data)
        sock = self._open_socket()
        sock.settimeout(self.timeout)
        while sent < len(data):
            sent += sock.send(view[sent : sent + _CHUNK])

    def reply(self, patience: float) -> Reply:
        """Read one reply, waiting at most `patience` for all of it."""
        code, said = self._read(time.monotonic() + patience)
        words = said.decode("utf-8", "replace").replace("\n", " ")
        return Reply(code=code, text=one_line(words, REPLY_CHARS))

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply for smtplib's own commands."""
        return self._read(time.monotonic() + self.timeout)

    def _replies(self, number: int) -> list[Reply]:
        replies: list[Reply] = []
        refused = False
        while len(replies) < number and (not replies or replies[-1].code != 421):
            try:
                replies.append(self.reply(self.timeout))
            except (OSError, smtplib.SMTPException):
                if not refused:
                    raise
                # It refused and hung up on the rest: what it said counts all the same.
                self.close()
                break
            refused = refused or replies[-1].code >= 400
        return replies

    def _introduce(self) -> None:
        self.ehlo_or_helo_if_needed()
        if self._tls != "starttls":
            return
        self.starttls(context=self._context)
        if self._inbox:
            # CVE-2011-0411 and its forty sisters: words slipped in before TLS that
            # would be read as if they came through it.
            raise smtplib.SMTPException("the relay spoke between STARTTLS and TLS")
        self.ehlo_or_helo_if_needed()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = socket.create_connection((host, port), timeout)
        try:
            if self._tls == "none" and not _is_loopback(sock):
                raise NotLoopback(f"{host} is not this machine, and tls is none")
            # The last, short packet of a long letter must not wait for an ACK.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls == "implicit" and self._context:
                return self._context.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        return sock

    def _literal(self) -> str:
        # Who has no name says its address (RFC 5321 §4.1.3). smtplib would ask the
        # DNS for a name first, which takes as long as a dead resolver likes.
        own = self._open_socket().getsockname()[0]
        return f"[IPv6:{own}]" if ":" in own else f"[{own}]"

    def _read(self, deadline: float) -> tuple[int, bytes]:
        texts: list[bytes] = []
        codes: set[int] = set()
        size = 0
        while True:
            line = self._line(deadline)
            size += len(line)
            found = _REPLY.fullmatch(line)
            if len(texts) == _REPLY_LINES or size > _REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("the relay's reply has no end")
            if found is None:
                return -1, line
            codes.add(int(found[1]))
            texts.append((found[3] or b"").strip())
            if found[2] != b"-":
                break
        return codes.pop() if len(codes) == 1 else -1, b"\n".join(texts)

    def _line(self, deadline: float) -> bytes:
        sock = self._open_socket()
        while b"\n" not in self._inbox:
            if len(self._inbox) > _REPLY_BYTES:
                raise smtplib.SMTPServerDisconnected("the relay's reply has no end")
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the relay did not answer in time")
            sock.settimeout(left)
            more = sock.recv(4096)
            if not more:
                raise smtplib.SMTPServerDisconnected("the relay hung up")
            self._inbox += more
        sock.settimeout(self.timeout)
        line, _, self._inbox = self._inbox.partition(b"\n")
        return line.rstrip(b"\r")

    def _open_socket(self) -> socket.socket:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        return self.sock


def on_the_wire(content: bytes) -> bytes:
    """Return a message as DATA sends it: CRLF only, dots doubled, the final dot.

    A lone CR or LF is made CRLF before the dots are looked for: servers disagree on
    where a line ends, and the disagreement lets a text end the message (RFC 5321
    §2.3.8, §4.5.2).
    """
    pairs = content.count(b"\r\n")
    if content.count(b"\n") != pairs or content.count(b"\r") != pairs:
        content = _LINE_ENDS.sub(b"\r\n", content)
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


def _is_loopback(sock: socket.socket) -> bool:
    peer = str(sock.getpeername()[0]).partition("%")[0]
    return ipaddress.ip_address(peer).is_loopback
