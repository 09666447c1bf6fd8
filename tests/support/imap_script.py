"""An IMAP server in a hundred lines, for what no real server would do.

`FakeImap` behaves; a test overrides the one answer that should not. It keeps every
line that a client sent in `commands` (literals and secrets included: they are fakes).
"""

import contextlib
import re
import socket
import ssl
import threading
from typing import Self

_SET = re.compile(rb"(\d+|\*)(?::(\d+|\*))?")


class Hangup(Exception):
    """Ends a conversation."""


class FakeImap:
    """Serves `mails` (UID to content) to everybody who connects."""

    capabilities = "IMAP4rev1 IDLE MOVE UIDPLUS AUTH=PLAIN"
    greeting = b"* OK ready\r\n"
    uidvalidity = 7

    def __init__(
        self, mails: dict[int, bytes] | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.mails = dict(mails or {})
        self.tls = tls
        self.commands: list[bytes] = []
        self.moved: list[int] = []
        self.connections = 0
        self.changed = threading.Condition()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def wait_until(self, word: bytes, times: int = 1, seconds: float = 20.0) -> None:
        """Wait until clients sent so many lines with this word in them."""
        with self.changed:
            met = self.changed.wait_for(lambda: self.count(word) >= times, seconds)
        assert met, self.commands[-20:]

    def count(self, word: bytes) -> int:
        """Return in how many lines the word came."""
        return sum(word in line for line in self.commands)

    # The conversation; `send` and `line` are all there is.

    def _listen(self) -> None:
        self._listener.settimeout(0.05)
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                sock = self._listener.accept()[0]
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(sock,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        talk = Talk(sock, self._closing)
        try:
            talk.send(self.greeting)
            while True:
                line = talk.line()
                with self.changed:
                    self.commands.append(line)
                    self.changed.notify_all()
                self._answer(talk, line)
        except (OSError, Hangup):
            pass
        finally:
            talk.sock.close()

    def _answer(self, talk: "Talk", line: bytes) -> None:
        tag, _, rest = line.partition(b" ")
        verb, _, arguments = rest.partition(b" ")
        if verb.upper() == b"UID":
            verb, _, arguments = arguments.partition(b" ")
        method = getattr(self, f"on_{verb.decode().lower()}", None)
        if method is None:
            talk.send(tag + b" BAD unknown\r\n")
            return
        method(talk, tag, arguments)

    def ok(self, talk: "Talk", tag: bytes, words: str = "done") -> None:
        """End a command well."""
        talk.send(tag + f" OK {words}\r\n".encode())

    def on_capability(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        talk.send(f"* CAPABILITY {self.capabilities}\r\n".encode())
        self.ok(talk, tag)

    def on_starttls(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        assert self.tls
        self.ok(talk, tag)
        talk.start_tls(self.tls)

    def on_login(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        self.ok(talk, tag)

    def on_authenticate(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        talk.send(b"+ \r\n")
        with self.changed:
            self.commands.append(talk.line())
        self.on_login(talk, tag, b"")

    def on_select(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        top = max(self.mails, default=0) + 1
        talk.send(
            b"* FLAGS (\\Seen \\Deleted)\r\n* 0 RECENT\r\n"
            + f"* {len(self.mails)} EXISTS\r\n".encode()
            + f"* OK [UIDVALIDITY {self.uidvalidity}] valid\r\n".encode()
            + f"* OK [UIDNEXT {top}] next\r\n".encode()
        )
        self.ok(talk, tag, "[READ-WRITE] selected")

    on_examine = on_select

    def asked(self, arguments: bytes) -> list[int]:
        """Return the UIDs that a set names, the last one always for `n:*`."""
        top = max(self.mails, default=0)
        wanted: set[int] = set()
        for part in arguments.split(b" ")[0].split(b","):
            found = _SET.fullmatch(part)
            assert found, arguments
            ends = [
                top if end == b"*" else int(end or found[1]) for end in found.groups()
            ]
            wanted.update(u for u in self.mails if min(ends) <= u <= max(ends))
        return sorted(wanted)

    def on_search(self, talk: "Talk", tag: bytes, arguments: bytes) -> None:
        found = self.asked(arguments.partition(b"UID ")[2])
        talk.send(b"* SEARCH" + b"".join(b" %d" % uid for uid in found) + b"\r\n")
        self.ok(talk, tag)

    def on_fetch(self, talk: "Talk", tag: bytes, arguments: bytes) -> None:
        for uid in self.asked(arguments):
            if b"BODY" in arguments:
                self.send_body(talk, uid)
            else:
                self.send_facts(talk, uid)
        self.ok(talk, tag)

    def send_facts(self, talk: "Talk", uid: int) -> None:
        number = sorted(self.mails).index(uid) + 1
        talk.send(
            f"* {number} FETCH (UID {uid} RFC822.SIZE {len(self.mails[uid])} FLAGS () "
            'INTERNALDATE "01-Nov-2026 10:00:00 -0300")\r\n'.encode()
        )

    def send_body(self, talk: "Talk", uid: int) -> None:
        number, content = sorted(self.mails).index(uid) + 1, self.mails[uid]
        talk.send(f"* {number} FETCH (UID {uid} BODY[] {{{len(content)}}}\r\n".encode())
        talk.send(content + b")\r\n")

    def on_move(self, talk: "Talk", tag: bytes, arguments: bytes) -> None:
        for uid in self.asked(arguments):
            del self.mails[uid]
            self.moved.append(uid)
        self.ok(talk, tag)

    def on_idle(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        talk.send(b"+ idling\r\n")
        self.while_idle(talk)
        assert talk.line() == b"DONE"
        self.ok(talk, tag)

    def while_idle(self, talk: "Talk") -> None:
        """Say something, or hang up, while a client listens."""

    def on_noop(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        self.ok(talk, tag)

    on_store = on_create = on_subscribe = on_noop

    def on_logout(self, talk: "Talk", tag: bytes, _: bytes) -> None:
        talk.send(b"* BYE bye\r\n")
        self.ok(talk, tag)
        raise Hangup


class Talk:
    """One connection, as the server sees it."""

    def __init__(self, sock: socket.socket, closing: threading.Event) -> None:
        self.sock, self._closing, self._buffer = sock, closing, b""
        sock.settimeout(0.1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Go on under TLS."""
        self.sock.settimeout(5)
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.sock.settimeout(0.1)

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self.sock.settimeout(10)
        self.sock.sendall(data)
        self.sock.settimeout(0.1)

    def line(self) -> bytes:
        """Return the next line without its end."""
        while b"\r\n" not in self._buffer:
            if self._closing.is_set():
                raise Hangup
            with contextlib.suppress(TimeoutError):
                data = self.sock.recv(65536)
                if not data:
                    raise Hangup
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line
