"""Receives one mail after DATA and has it stored; only then there is a 250.

A mail at fault is read to its end, within bounds, so that the client learns why; the
reply to it is for the whole mail, in LMTP one for each recipient (RFC 2033 §4.2).
"""

import asyncio
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from chamado.daemon.digest import day_apart
from chamado.daemon.sources import smtp_replies as replies
from chamado.daemon.sources.smtp_data import DataReader, Fault, count_hops
from chamado.daemon.sources.smtp_intake import Intake
from chamado.daemon.sources.smtp_post import Post
from chamado.daemon.sources.smtp_wire import Wire
from chamado.daemon.sources.source import RawMessage
from chamado.parsers.types import Envelope

log = structlog.get_logger()

BLOCK_SECONDS = 180.0
MAX_HOPS = 100

_FAULTS = {
    Fault.TOO_BIG: replies.TOO_BIG,
    Fault.NO_ROOM: replies.NO_ROOM,
    Fault.BARE_NEWLINE: replies.BARE_NEWLINE,
}


def source_key(
    digest: str, recipients: Sequence[str], sender: str = "", day: str = ""
) -> str:
    """Name a content and its envelope, whatever the recipients' order and case.

    The sender belongs to it: the same words from two people are two deliveries, and
    each has a row and a fate. So does the day where `day_apart` says one.
    """
    people = sorted({address.lower() for address in recipients})
    whom = "\n".join((*people, "", sender.lower()) if sender else people)
    key = f"smtp:{digest}:{hashlib.sha256(whom.encode()).hexdigest()[:32]}"
    return f"{key}:{day}" if day else key


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail on its way from a wire to the door.

    `sender` is "" for the null sender; `recipients` are as accepted, duplicates and
    all, because LMTP answers each.
    """

    wire: Wire
    post: Post
    intake: Intake
    peer: str
    sender: str
    recipients: tuple[str, ...]

    async def receive(self) -> bool:
        """Read and store the mail and say the replies; True if it was stored.

        Raises Gone.
        """
        reader = DataReader(
            limit=self.post.message_bytes, normalize=self.post.normalizes(self.peer)
        )
        self.wire.say(replies.GO_AHEAD)
        self.wire.busy = True
        try:
            return await self._read(reader) and await self._finish(reader)
        finally:
            self.intake.give_room(reader)
            self.wire.busy = False

    async def _read(self, reader: DataReader) -> bool:
        """Read to the end of the mail; False when we or the client gave up on it."""
        began = asyncio.get_running_loop().time()
        rest = None
        while rest is None:
            self.wire.deadline = self._deadline(began, reader.received)
            block = await self.wire.block()
            if not block:
                self._note("smtp.data_cut", octets=reader.received)
                self.wire.leaving = True
                return False
            rest = reader.feed(block)
            self.intake.take_room(reader)
            if reader.fault and self._hopeless(reader, ended=rest is not None):
                self._note("smtp.mail_refused", fault=reader.fault.value)
                await self.wire.hang_up(*self._answers(_FAULTS[reader.fault]))
                return False
        self.wire.put_back(rest)
        return True

    def _hopeless(self, reader: DataReader, *, ended: bool) -> bool:
        """Say whether to hang up: it smells of smuggling, or there is no end of it."""
        if reader.fault is Fault.BARE_NEWLINE:
            return True
        return not ended and reader.received > 2 * self.post.message_bytes

    def _deadline(self, began: float, received: int) -> float:
        """When to give up: the mail takes too long, a block does, or bytes drip in."""
        settings = self.post.listener
        rate = settings.bytes_per_second
        drip = settings.idle_timeout + received / rate if rate else math.inf
        now = asyncio.get_running_loop().time()
        return min(now + BLOCK_SECONDS, began + min(settings.data_timeout, drip))

    async def _finish(self, reader: DataReader) -> bool:
        if reader.fault:
            self._note("smtp.mail_refused", fault=reader.fault.value)
            reply = _FAULTS[reader.fault]
        else:
            # Nothing that the client does, or fails to do, ends a commit.
            self.wire.deadline = math.inf
            reply = await self._store(reader.content(), reader.digest())
        for answer in self._answers(reply):
            self.wire.say(answer)
        return reply.startswith("2")

    def _answers(self, reply: str) -> list[str]:
        return [reply] * (len(self.recipients) if self.post.lmtp else 1)

    async def _store(self, content: bytes, digest: str) -> str:
        if count_hops(content) >= MAX_HOPS:
            self._note("smtp.mail_refused", fault="loop")
            return replies.LOOP
        recipients = tuple(dict.fromkeys(self.recipients))
        now = datetime.now(UTC)
        day = day_apart(content, now)
        stored = await self.intake.commit(
            RawMessage(
                content=content,
                envelope=Envelope(
                    mail_from=self.sender,
                    rcpt_tos=recipients,
                    received_at=now,
                    peer=self.peer,
                ),
                source=self.post.source,
                source_key=source_key(digest, recipients, self.sender, day),
                sha256=digest,
            )
        )
        if stored is None:
            return replies.TRY_LATER
        self._note(
            "smtp.accepted",
            inbox_id=stored.inbox_id,
            fresh=stored.fresh,
            size=len(content),
            recipients=len(recipients),
            digest=digest[:12],
        )
        return replies.accepted(digest)

    def _note(self, event: str, **more: object) -> None:
        log.info(event, source=self.post.source, peer=self.peer, **more)
