"""imaplib over our own wire: its documented ways to read and send, replaced.

What imaplib itself does not do: bound a literal before memory is taken for it, forget
what was said in clear once TLS stands (RFC 9051 §6.2.1), and wait in IDLE without
losing half a line. `open`, `read`, `readline`, `send` and `shutdown` are the methods
that its documentation lets a subclass replace.
"""

import imaplib
import io
import ssl
from typing import TYPE_CHECKING

from chamado.daemon.sources.imap_wire import Wire

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER = 65_536
_LINE = 1_000_000


class Imap4(imaplib.IMAP4):
    """An IMAP conversation on a wire that is connected already."""

    def __init__(self, host: str, port: int, *, wire: Wire, literal: int) -> None:
        """Read the greeting and the capabilities; `literal` is the most bytes of one.

        Raises imaplib's own exceptions for anything that is no IMAP server.
        """
        self._wire, self._literal = wire, literal
        super().__init__(host, port)

    def open(
        self, host: str = "", port: int = 143, timeout: float | None = None
    ) -> None:
        """Begin on the wire; the timeouts are the wire's own."""
        self.host, self.port = host, port
        self.sock = self._wire.sock
        self._reader = io.BufferedReader(self._wire, _BUFFER)

    def read(self, size: int) -> bytes:
        """Read a literal; one that is too large ends the conversation unread."""
        if size > self._literal:
            raise self.abort(f"the server announces {size} bytes at once")
        return self._reader.read(size)

    def readline(self) -> bytes:
        """Read a line of at most a million bytes."""
        line = self._reader.readline(_LINE + 1)
        if len(line) > _LINE:
            raise self.abort("the server's line does not end")
        return line

    def send(self, data: "ReadableBuffer") -> None:
        """Send all of it; patience and allowance of the wire begin anew."""
        self._wire.new_command()
        self._wire.send(bytes(data))

    def shutdown(self) -> None:
        """Hang up."""
        self._wire.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None):  # type: ignore[no-untyped-def]  # typeshed's own type is not what imaplib returns
        """Go on under TLS and ask again what the server can do."""
        if ssl_context is None:
            raise ValueError("a context that verifies is required")
        status, data = self._simple_command("STARTTLS")
        if status == "OK":
            self._wire.start_tls(ssl_context, self.host)
            self.sock = self._wire.sock
            # What came in clear behind the OK is still in the reader, and what came
            # before it in the answers: an attacker on the way may have put it there.
            self._reader.detach()
            self._reader = io.BufferedReader(self._wire, _BUFFER)
            self.untagged_responses.clear()
            self._tls_established = True
            self._get_capabilities()
        return status, data

    def idle_begin(self) -> bytes:
        """Send IDLE and return its tag once the server agrees (RFC 2177).

        A server may tell news before it agrees; whoever sweeps afterwards finds them.
        """
        tag: bytes = self._command("IDLE")
        while self._get_response() is not None:
            if self.tagged_commands[tag]:
                raise self.error("the server refuses IDLE")
        return tag

    def rings(self, seconds: float) -> bool:
        """Whether the server says anything within the time; raises OSError if gone.

        What it says is left unread, so that half a line is not lost: it is only a bell.
        """
        self._wire.listen(seconds)
        try:
            return bool(self._reader.peek(1))
        finally:
            self._wire.listen(None)

    def idle_end(self, tag: bytes) -> None:
        """Take the server out of IDLE."""
        self.send(b"DONE\r\n")
        status, data = self._command_complete("IDLE", tag)
        if status != "OK":
            raise self.error(f"IDLE ended with {data!r}")
