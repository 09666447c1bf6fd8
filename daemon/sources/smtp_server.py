"""Runs the listeners of the SMTP source: one event loop, in the thread of `run`.

One sweep for all looks at deadlines and at the wish to stop, and tells the watchdog
that the loop still turns. It knows nothing of the protocol that is spoken.
"""

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from chamado.daemon.sources import smtp_replies as replies
from chamado.daemon.sources.memory import give_back_big_blocks
from chamado.daemon.sources.smtp_intake import Intake
from chamado.daemon.sources.smtp_post import Post
from chamado.daemon.sources.smtp_wire import Wire
from chamado.daemon.sources.sockets import BACKLOG, Opened, open_sockets
from chamado.daemon.sources.source import Door

log = structlog.get_logger()

SWEEP_SECONDS = 0.1
STOPPING_SWEEP_SECONDS = 0.05
# From 3.13 on Python removes the path of a Unix socket itself, systemd's as well.
_KEEP_PATH: dict[str, Any] = (
    {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
)


Converse = Callable[[Post, Intake, set[Wire]], asyncio.Protocol]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Where a listener really listens.

    `source` names the listener as RawMessage does; `address` has the true port.
    """

    source: str
    address: str


class Server:
    """The machinery of a source that listens.

    `listening` is set while clients are served, `bound` says where. `room` bounds the
    octets of mail in memory at once.
    """

    def __init__(
        self,
        posts: Sequence[Post],
        *,
        converse: Converse,
        inherited: Mapping[str, socket.socket],
        room: int,
        grace_seconds: float,
        commit_seconds: float,
    ) -> None:
        self.listening = threading.Event()
        self.bound: tuple[Bound, ...] = ()
        self._posts = tuple(posts)
        self._converse = converse
        self._inherited = inherited
        self._room = room
        self._grace = grace_seconds
        self._commit_seconds = commit_seconds
        self._opened: list[tuple[Post, Opened]] = []

    def open(self) -> tuple[Bound, ...]:
        """Bind all listening points; clients wait in the backlog until `run`.

        Raises ListenError and leaves none open.
        """
        try:
            for post in self._posts:
                for opened in open_sockets(post.listener.listen, self._inherited):
                    self._opened.append((post, opened))
        except OSError:
            self._close_all()
            raise
        self.bound = tuple(
            Bound(source=post.source, address=opened.address)
            for post, opened in self._opened
        )
        return self.bound

    def run(self, door: Door, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Serve until `stop` is set; then finish the mails that were begun."""
        # At DEBUG it writes every line of every mail, at INFO every address.
        logging.getLogger("mail.log").setLevel(logging.WARNING)
        give_back_big_blocks()
        if not self._opened:
            self.open()
        try:
            with asyncio.Runner(loop_factory=_new_loop) as runner:
                runner.run(self._serve(door, stop, beat))
        finally:
            self._close_all()

    def reload_tls(self) -> None:
        """Read all certificates anew (SIGHUP); may be called from any thread."""
        for post in self._posts:
            post.tls.reload()

    async def _serve(
        self, door: Door, stop: threading.Event, beat: Callable[[], None]
    ) -> None:
        asyncio.get_running_loop().set_exception_handler(_report)
        intake = Intake(door, room=self._room, commit_seconds=self._commit_seconds)
        wires: set[Wire] = set()
        servers = [
            await self._listen(post, opened, intake, wires)
            for post, opened in self._opened
        ]
        self._say_listening()
        while not stop.is_set():
            _sweep(intake, wires)
            beat()
            await asyncio.sleep(SWEEP_SECONDS)
        self.listening.clear()
        for _, opened in self._opened:
            opened.remove_path()
        for server in servers:
            server.close()
        await self._finish(intake, wires, beat)

    async def _listen(
        self, post: Post, opened: Opened, intake: Intake, wires: set[Wire]
    ) -> asyncio.AbstractServer:
        def converse() -> asyncio.Protocol:
            return self._converse(post, intake, wires)

        loop = asyncio.get_running_loop()
        if opened.sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(
                converse, sock=opened.sock, backlog=BACKLOG, **_KEEP_PATH
            )
        return await loop.create_server(converse, sock=opened.sock, backlog=BACKLOG)

    async def _finish(
        self, intake: Intake, wires: set[Wire], beat: Callable[[], None]
    ) -> None:
        """Send the idle away, let the others end their mail within the grace time."""
        intake.closing = True
        loop = asyncio.get_running_loop()
        until = loop.time() + self._grace
        while wires and loop.time() < until:
            for wire in tuple(wires):
                if not wire.busy:
                    wire.dismiss(replies.CLOSING)
            _sweep(intake, wires)
            beat()
            await asyncio.sleep(STOPPING_SWEEP_SECONDS)
        if wires:
            log.warning("smtp.cut_short", conversations=len(wires))
            for wire in tuple(wires):
                wire.transport.abort()
            await asyncio.sleep(STOPPING_SWEEP_SECONDS)

    def _say_listening(self) -> None:
        for bound in self.bound:
            log.info("smtp.listening", source=bound.source, address=bound.address)
        self.listening.set()

    def _close_all(self) -> None:
        self.listening.clear()
        for _, opened in self._opened:
            opened.remove_path()
            opened.sock.close()
        self._opened = []


def _sweep(intake: Intake, wires: set[Wire]) -> None:
    now = asyncio.get_running_loop().time()
    intake.report(now)
    for wire in tuple(wires):
        if now >= wire.deadline:
            wire.dismiss(replies.TIMED_OUT)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _report(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong between the conversations, without the words of it."""
    error = context.get("exception")
    log.error("smtp.loop_error", what=context["message"], error=type(error).__name__)
