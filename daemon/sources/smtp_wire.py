"""Bytes in, replies out, for one SMTP client, in blocks (RFC 5321 §2.3.7, RFC 2920).

It never cancels anybody: the end of input, half a close and a lost connection only end
the reading, so that a commit that was begun runs to its end. What waits unread or
unsent is bounded.
"""

import asyncio
import math
from typing import cast

from chamado.daemon.sources import smtp_replies as replies

LINE_OCTETS = 2_048
READ_AHEAD_OCTETS = 65_536
LINGER_SECONDS = 2.0


class Gone(Exception):
    """The client went away; nobody is left to answer."""


class Wire:
    """One connection.

    `deadline` is in seconds of the loop's clock and `busy` says that a mail is on its
    way: a sweep over all wires looks at both, which is cheaper than a timer a command.
    """

    transport: asyncio.Transport

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.deadline = math.inf
        self.busy = False
        self.leaving = False
        self.lost = False
        self._loop = loop
        self._inbound = b""
        self._outbound = bytearray()
        self._waiting: asyncio.Future[None] | None = None
        self._reading = True
        self._writable = True
        self._ended = False

    # What the transport tells.

    def connect(self, transport: asyncio.BaseTransport) -> None:
        """Begin on a transport, or go on with the one that TLS put in its place."""
        # uvloop's transports have all that asyncio.Transport has, without being one.
        self.transport = cast("asyncio.Transport", transport)

    def feed(self, data: bytes) -> None:
        """Take a block; stop reading when nobody has use for it yet."""
        self._inbound = self._inbound + data if self._inbound else data
        self._wake()
        if self._reading and len(self._inbound) >= READ_AHEAD_OCTETS:
            self._reading = False
            self.transport.pause_reading()

    def end(self, *, lost: bool = False) -> None:
        """Take note that no more will come, or even that nobody listens any more."""
        self._ended = True
        self.lost = self.lost or lost
        self._wake()

    def set_writable(self, writable: bool) -> None:
        """Take note that the client does, or does not, read our replies."""
        self._writable = writable
        self._wake()

    # What the conversation asks for. Replies go out together when there is nothing
    # more to read, as RFC 2920 §3.2 wants it.

    def say(self, reply: str) -> None:
        """Put one reply line in line."""
        self._outbound += reply.encode() + b"\r\n"

    async def flush(self) -> None:
        """Send what was said. Raises Gone."""
        if not self._outbound:
            return
        if self.transport.is_closing():
            raise Gone
        said, self._outbound = self._outbound, bytearray()
        self.transport.write(said)
        while not self._writable:
            if self.lost:
                raise Gone
            await self._wait()

    async def line(self) -> bytes:
        """Return the next line with its end; b"" when there is none. Raises Gone."""
        while (end := self._inbound.find(b"\n", 0, LINE_OCTETS)) < 0:
            if len(self._inbound) >= LINE_OCTETS:
                await self.hang_up(replies.LINE_TOO_LONG)
                return b""
            if not await self._more():
                return b""
        line, self._inbound = self._inbound[: end + 1], self._inbound[end + 1 :]
        return line

    async def block(self) -> bytes:
        """Return all that came; b"" when nothing will come any more. Raises Gone."""
        if not self._inbound:
            await self._more()
        return self.drop()

    def drop(self) -> bytes:
        """Return, and have no more, what came and was not read."""
        block, self._inbound = self._inbound, b""
        return block

    def put_back(self, rest: bytes) -> None:
        """Give back what was read too far, before anything else is read."""
        self._inbound = rest + self._inbound

    async def hang_up(self, *said: str) -> None:
        """Say why, then read on for a moment. Raises Gone.

        A socket closed with unread input is reset, and a reset may overtake the reply.
        """
        for reply in said:
            self.say(reply)
        await self.flush()
        self.leaving = True
        self.deadline = self._loop.time() + LINGER_SECONDS
        if self.transport.can_write_eof():
            self.transport.write_eof()
        while await self.block():
            pass

    def dismiss(self, reply: str) -> None:
        """Say goodbye unasked and close; the second time, without ceremony."""
        if self.leaving or self.transport.is_closing():
            self.transport.abort()
            return
        self.leaving = True
        self.deadline = self._loop.time() + LINGER_SECONDS
        self.transport.write(reply.encode() + b"\r\n")
        self.transport.close()

    async def _more(self) -> bool:
        """Wait for input that is not there yet; False when none will come."""
        before = len(self._inbound)
        await self.flush()
        while len(self._inbound) == before and not self._ended:
            if not self._reading:
                self._reading = True
                self.transport.resume_reading()
            await self._wait()
        return len(self._inbound) > before

    async def _wait(self) -> None:
        self._waiting = self._loop.create_future()
        try:
            await self._waiting
        finally:
            self._waiting = None

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
