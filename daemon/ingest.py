"""Mail out of files, by the very way that mail comes in, without a daemon.

A mail that is met twice is taken once. Or it is only rehearsed: decided, told, and
everything taken back.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from hashlib import sha256
from typing import Any

from chamado.config import derive
from chamado.config.settings import Settings
from chamado.daemon import parts
from chamado.daemon.accept import Acceptor, Unwell, row_of
from chamado.daemon.core.arrival import Triage
from chamado.daemon.desk import Desk
from chamado.daemon.filing import file_batch
from chamado.daemon.item import item_of
from chamado.daemon.process import Processor
from chamado.daemon.sources.file import FoundMessage, looks_like_mail, messages
from chamado.daemon.sources.source import Accepted, RawMessage
from chamado.daemon.store import claims, inbox
from chamado.daemon.store.engine import Store
from chamado.parsers.types import Envelope
from chamado.parsers.understand import understand

CHUNK_MESSAGES = 200
CHUNK_BYTES = 64 << 20


class FileIntake:
    """The accept and process path for files, whose envelope is said by hand.

    `refused` is told of every file that is not taken, in words; the others go on.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        rcpt: Sequence[str],
        mail_from: str | None,
        at: datetime | None,
        no_ack: bool,
        refused: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._rcpt = tuple(rcpt)
        self._mail_from = mail_from
        self._at = at
        self._no_ack = no_ack
        self._refused = refused

    def ingest(self, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Accept and process everything, a chunk at a time."""
        settings = self._settings
        me = parts.identity()
        store, blobs = parts.open_store(settings), parts.open_blob_store(settings)
        desk = parts.open_desk(settings, store)
        pool = parts.open_pool(settings.limits)
        door = Acceptor(
            store,
            blobs,
            data_dir=parts.data_dir(settings),
            raw_in_row_bytes=settings.limits.raw_in_row_bytes,
            disk_reserve_bytes=settings.limits.disk_reserve_bytes,
            clock=parts.utc_now,
            on_accepted=lambda: None,
        )
        processor = Processor(
            store,
            blobs,
            pool,
            lambda: desk,
            owner=me.owner,
            host=me.host,
            limits=settings.limits,
        )
        try:
            for chunk in _chunks(self._found(paths)):
                accepted = [(f, door.accept(self._raw(f))) for f in chunk]
                ids = [(f.file, _taken(future)) for f, future in accepted]
                processor.process_all([id_ for _, id_ in ids])
                with store.read() as work:
                    fates = inbox.fates(work, [id_ for _, id_ in ids])
                for file, id_ in ids:
                    yield {"file": file, **fates[id_]}
        finally:
            door.close()
            processor.close()
            pool.close()
            store.close()

    def rehearse(self, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Decide every message alone and take everything back."""
        settings = self._settings
        store = parts.open_store(settings)
        desk = parts.open_desk(settings, store)
        try:
            for found in self._found(paths):
                yield self._rehearse(found, store, desk)
        finally:
            store.close()

    def _found(self, paths: Sequence[str]) -> Iterator[FoundMessage]:
        most = self._settings.limits.message_bytes
        for path in paths:
            for found in messages(path, most, self._refused):
                if why := _unfit(found, most):
                    self._refused(f"{found.file}: {why}")
                else:
                    yield found

    def _rehearse(
        self, found: FoundMessage, store: Store, desk: Desk
    ) -> dict[str, Any]:
        raw = self._raw(found)
        new = row_of(raw, in_row=True)
        understood = understand(
            found.content, raw.envelope, desk.own, desk.trusted(raw.source)
        )
        with store.rehearse() as work:
            id_, fresh = inbox.accept(work, [new], desk.clock())[new.source_key]
            if fresh:
                (row,) = claims.by_ids(work, [id_])
                file_batch(work, [item_of(row, understood, desk, rung=0)], desk)
            fate = inbox.fates(work, [id_])[id_]
            (row,) = claims.by_ids(work, [id_])
            # Also of mail that was filed long ago: that is what rules are tried on.
            judged = item_of(row, understood, desk, rung=0).triage
        fate |= {"triage": _triage(judged)}
        if fresh:
            # Numbers of what is taken back would be lies.
            fate |= {"inbox_id": None, "state": "rehearsed", "entry_id": None}
            if fate["outcome"] == "ticket_opened":
                fate["ticket"] = None
        return {"file": found.file, **fate}

    def _raw(self, found: FoundMessage) -> RawMessage:
        default = (derive.support_addresses(self._settings)[0].address,)
        return RawMessage(
            content=found.content,
            envelope=Envelope(
                mail_from=self._mail_from,
                rcpt_tos=self._rcpt or default,
                received_at=self._at or found.received_at or parts.utc_now(),
            ),
            source="file",
            source_key=f"file:{sha256(found.content).hexdigest()}",
            no_ack=self._no_ack,
        )


def _taken(future: Future[Accepted]) -> int:
    """Return the number in the inbox; raises what the database or the disk said."""
    try:
        return future.result().inbox_id
    except Unwell as error:
        raise error.__cause__ or error from None


def _unfit(found: FoundMessage, most: int) -> str:
    """Say why something is not taken, or nothing."""
    if not found.content:
        return "is empty"
    if len(found.content) > most:
        return f"is larger than {most} bytes ([limits] message_bytes)"
    # By SMTP and IMAP only mail comes. A name can be mistyped, and what a wrong file
    # holds would be a case for good.
    if found.guessed and not looks_like_mail(found.content):
        return "does not look like a message; if it is one, name it .eml"
    return ""


def _triage(judged: Triage) -> dict[str, Any]:
    return {
        "severity": judged.severity.value,
        "impact": judged.impact.value,
        "priority": judged.priority.value,
        "team": judged.team or None,
        "tags": list(judged.tags),
        "assignee": judged.assignee,
        "suppress": judged.suppress,
        "reasons": list(judged.reasons),
    }


def _chunks(found: Iterator[FoundMessage]) -> Iterator[list[FoundMessage]]:
    chunk: list[FoundMessage] = []
    size = 0
    for message in found:
        chunk.append(message)
        size += len(message.content)
        if len(chunk) >= CHUNK_MESSAGES or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
