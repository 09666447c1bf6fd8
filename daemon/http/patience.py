"""What a connection may cost before it has said what it wants.

uvicorn has a time limit for what comes between two requests and none for the requests:
a thousand sockets that send nothing, or a byte a minute, would stay for ever and count
against everybody else. When there is no more room, whoever has said nothing for longest
makes place, so that a visitor who speaks at once is served in a flood of silent ones.
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: From the connection, or the first byte of a later request, to the end of a header.
HEADER_SECONDS = 10.0
#: From there to the end of the body. Nothing that is posted here is large.
BODY_SECONDS = 15.0
#: Below uvicorn's limit_concurrency, at which it answers everybody with 503.
CONNECTIONS = 150


class PatientProtocol(H11Protocol):
    """HTTP/1.1 by h11, which refuses what smugglers send, with an end to waiting."""

    _waits_for = ""
    _deadline: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: Any) -> None:
        """Take the connection; where there are too many, one has to go."""
        super().connection_made(transport)
        self._wait_for("header")
        if len(self.connections) > CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline."""
        self._wait_for("")
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Handle what came, and let the clock run for what is still missing."""
        super().handle_events()
        if self.conn.their_state is h11.SEND_BODY:
            self._wait_for("body")
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._wait_for("header")
        else:
            # Between two requests uvicorn has a clock of its own.
            self._wait_for("")

    def _wait_for(self, what: str) -> None:
        if what == self._waits_for:
            return
        self._waits_for, self._since = what, self.loop.time()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if what:
            seconds = BODY_SECONDS if what == "body" else HEADER_SECONDS
            self._deadline = self.loop.call_later(seconds, self._too_late)

    def _make_room(self) -> None:
        waiting = [
            one
            for one in self.connections
            if isinstance(one, PatientProtocol) and one._waits_for == "header"
        ]
        oldest = min(waiting, key=lambda one: one._since)
        # At once, and not only when the loop tells of the loss: a flood is taken in
        # many connections a turn of the loop.
        self.connections.discard(oldest)
        oldest._wait_for("")
        oldest.transport.abort()

    def _too_late(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
