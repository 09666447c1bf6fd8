"""What all conversations of the SMTP source share: the door, its health, the memory.

A commit that was begun is never cancelled: not by a client that went away, not by a
time limit. When its end cannot be waited for, the client is told to come again, and
the source key makes the second time harmless.
"""

import asyncio
import time
import traceback
from collections import Counter

import structlog

from chamado.daemon.sources.smtp_data import DataReader, Fault
from chamado.daemon.sources.smtp_gate import Gate
from chamado.daemon.sources.source import Accepted, Door, RawMessage

log = structlog.get_logger()

HEALTH_SECONDS = 1.0
REPORT_SECONDS = 10.0


class Intake:
    """The way in. `room` bounds the octets of mail that are in memory at once."""

    def __init__(self, door: Door, *, room: int, commit_seconds: float) -> None:
        self.closing = False
        self._door = door
        self._room = room
        self._commit_seconds = commit_seconds
        self._ask_again = 0.0
        self._why_not: str | None = None
        self._turned_away: Counter[str] = Counter()
        self._report_again = 0.0
        self._in_use = 0

    def refuse(self, gate: Gate, peer: str, now: float) -> str | None:
        """Let a peer through the gate (None), or say in words why not."""
        why = "closing down" if self.closing else gate.enter(peer, now)
        if why:
            self._turned_away[why] += 1
        return why

    def report(self, now: float) -> None:
        """Log who was turned away: the first at once, a flood in one line for all."""
        if self._turned_away and now >= self._report_again:
            self._report_again = now + REPORT_SECONDS
            for why, count in self._turned_away.items():
                log.warning("smtp.turned_away", why=why, connections=count)
            self._turned_away.clear()

    async def unwell(self) -> bool:
        """Say whether mail should come later. Asks the door once a second at most."""
        if time.monotonic() >= self._ask_again:
            self._ask_again = time.monotonic() + HEALTH_SECONDS
            # It may look at a disk, and the loop serves everybody else meanwhile.
            why_not = await asyncio.to_thread(self._door.unwell)
            if why_not != self._why_not:
                log.warning("smtp.health", paused=bool(why_not), why=why_not or "")
            self._why_not = why_not
        return self._why_not is not None

    def take_room(self, reader: DataReader) -> None:
        """Set memory aside for what a reader holds; where there is none, it gives up.

        It gives up rather than waits: readers that wait for each other's memory would
        all wait for ever.
        """
        if self._in_use + reader.held - reader.reserved > self._room:
            reader.give_up(Fault.NO_ROOM)
        self._in_use += reader.held - reader.reserved
        reader.reserved = reader.held

    def give_room(self, reader: DataReader) -> None:
        """Give back what was set aside for a reader."""
        self._in_use -= reader.reserved
        reader.reserved = 0

    async def commit(self, raw: RawMessage) -> Accepted | None:
        """Store a message durably; None when that failed or is not known in time."""
        try:
            storing = asyncio.wrap_future(self._door.accept(raw))
            await asyncio.wait((storing,), timeout=self._commit_seconds)
            if not storing.done():
                storing.add_done_callback(_note_late)
                log.error("smtp.commit_slow", seconds=self._commit_seconds)
                return None
            return None if storing.cancelled() else storing.result()
        except Exception as error:  # noqa: BLE001 — whatever it is, the sender keeps it
            log.error("smtp.commit_failed", **facts(error))
            return None


def facts(error: BaseException) -> dict[str, str]:
    """Say what failed and where; an exception's own text may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""
    return {"error": type(error).__name__, "where": where}


def _note_late(storing: "asyncio.Future[Accepted]") -> None:
    failed = storing.cancelled() or storing.exception() is not None
    log.warning("smtp.commit_late", stored=not failed)
