"""The proof that nothing was lost: every accepted message against what became of it.

Only reads. On PostgreSQL everything is seen as of one moment, so that mail that comes
in meanwhile is no gap.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select, text

from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import attachment, blob, entry, inbox, outbox, ticket

CHUNK = 200
#: Outcomes that put an entry on a case.
FILED = ("ticket_opened", "reply_appended", "bounce_recorded")

_OF_INBOX = exists().where(entry.c.inbox_id == inbox.c.id)
_ON_TICKET = exists().where(entry.c.ticket == ticket.c.number)

#: What must not be, in words, and the query that finds the ids where it is.
LAWS: tuple[tuple[str, Select[Any]], ...] = (
    (
        "messages that are done without an outcome, or have one without being done",
        select(inbox.c.id).where(
            (inbox.c.state == "done") != (inbox.c.outcome.is_not(None))
        ),
    ),
    (
        "messages that were filed, but are on no case",
        select(inbox.c.id).where(inbox.c.outcome.in_(FILED), ~_OF_INBOX),
    ),
    (
        "messages whose entry is not there",
        select(inbox.c.id).where(
            inbox.c.entry_id.is_not(None),
            ~exists().where(entry.c.id == inbox.c.entry_id),
        ),
    ),
    (
        "messages whose case is not there",
        select(inbox.c.id).where(
            inbox.c.ticket.is_not(None),
            ~exists().where(ticket.c.number == inbox.c.ticket),
        ),
    ),
    (
        "messages that are on a case and still wait or are failed",
        select(inbox.c.id).where(inbox.c.state != "done", _OF_INBOX),
    ),
    (
        "entries from mail that no accepted message stands behind",
        select(entry.c.id).where(
            entry.c.kind.in_(("inbound", "bounce")),
            or_(entry.c.message_id.is_not(None), entry.c.content_digest.is_not(None)),
            or_(
                entry.c.inbox_id.is_(None),
                ~exists().where(inbox.c.id == entry.c.inbox_id),
            ),
        ),
    ),
    (
        "cases on which nothing was ever said",
        select(ticket.c.number).where(ticket.c.merged_into.is_(None), ~_ON_TICKET),
    ),
    (
        "files of cases that no bytes stand behind",
        select(attachment.c.id).where(
            ~exists().where(blob.c.sha256 == attachment.c.sha256)
        ),
    ),
    (
        "cases that were acknowledged more than once",
        select(outbox.c.ticket)
        .where(outbox.c.kind == "ack")
        .group_by(outbox.c.ticket)
        .having(func.count() > 1),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """Bytes that a row speaks of: in the row, or (None) in the blob store."""

    what: str
    sha256: str
    size: int
    content: bytes | None


def begin(work: Work) -> None:
    """Look at one moment from here on; call it before anything else."""
    if work.dialect.name == "postgresql":
        work.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))


def accepted(work: Work) -> int:
    """Count everything that was ever accepted."""
    return int(work.execute(select(func.count()).select_from(inbox)).scalar_one())


def broken_laws(work: Work, shown: int = 10) -> Iterator[tuple[str, int, list[int]]]:
    """Yield each broken law in words, how often, and the first ids."""
    for words, query in LAWS:
        broken = query.subquery()
        count = work.execute(select(func.count()).select_from(broken)).scalar_one()
        if count:
            ids = work.execute(query.order_by(query.selected_columns[0]).limit(shown))
            yield words, int(count), [int(id_) for id_ in ids.scalars()]


def raw_bytes(work: Work) -> Iterator[Bytes]:
    """Yield the raw bytes of every accepted message, a few at a time."""
    last = 0
    columns = (inbox.c.id, inbox.c.sha256, inbox.c.size, inbox.c.raw)
    while True:
        query = select(*columns).where(inbox.c.id > last).order_by(inbox.c.id)
        rows = work.execute(query.limit(CHUNK)).all()
        if not rows:
            return
        for row in rows:
            yield Bytes(
                what=f"message {row.id}",
                sha256=row.sha256,
                size=row.size,
                content=row.raw,
            )
        last = rows[-1].id


def file_bytes(work: Work) -> Iterator[Bytes]:
    """Yield the bytes of every file on a case, a few at a time."""
    last = ""
    columns = (blob.c.sha256, blob.c.size, blob.c.content)
    while True:
        query = select(*columns).where(blob.c.sha256 > last).order_by(blob.c.sha256)
        rows = work.execute(query.limit(CHUNK)).all()
        if not rows:
            return
        for row in rows:
            empty = b"" if row.size == 0 else None
            yield Bytes(
                what=f"file {row.sha256[:12]}",
                sha256=row.sha256,
                size=row.size,
                content=empty if row.content is None else row.content,
            )
        last = rows[-1].sha256


def blob_digests(work: Work) -> list[tuple[str, int]]:
    """Return digest and size of everything that rows expect in the blob store."""
    wanted = select(inbox.c.sha256, inbox.c.size).where(inbox.c.raw.is_(None))
    files = select(blob.c.sha256, blob.c.size).where(
        and_(blob.c.content.is_(None), blob.c.size > 0)
    )
    rows = work.execute(wanted.union(files))
    return sorted({(str(sha256), int(size)) for sha256, size in rows})
