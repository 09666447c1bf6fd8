"""Reading the ledgers for people: inbox, outbox and mailboxes, a page at a time.

Newest first, since that is what somebody looks for; bodies are never read for a list.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select

from chamado.daemon.store.engine import Work
from chamado.daemon.store.mailboxes import is_gone
from chamado.daemon.store.schema import heartbeat, inbox, lease, mailbox_state, outbox

Row = dict[str, Any]

_INBOX = (
    "id",
    "source",
    "state",
    "outcome",
    "ticket",
    "message_id",
    "mail_from",
    "rcpt_tos",
    "subject",
    "size",
    "sha256",
    "received_at",
    "processed_at",
    "attempts",
    "error",
)
_INBOX_MORE = (
    "source_key",
    "accepted_at",
    "strikes",
    "peer",
    "login",
    "no_ack",
    "from_address",
    "kind",
    "auth",
    "entry_id",
    "ack",
    "content_digest",
    "why",
)
_OUTBOX = (
    "id",
    "kind",
    "ticket",
    "state",
    "subject",
    "message_id",
    "attempts",
    "next_attempt_at",
    "last_reply",
)
_OUTBOX_MORE = (
    "entry_id",
    "mail_from",
    "at_most_once",
    "created_at",
    "sent_at",
    "dedupe_key",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Where the raw bytes of a message are: in the row, else in the blob store."""

    content: bytes | None
    sha256: str


def inbox_rows(
    work: Work,
    *,
    state: str | None,
    outcome: str | None,
    before: int | None,
    limit: int,
) -> list[Row]:
    """Return messages, newest first; those below the id `before`."""
    wanted: list[ColumnElement[bool]] = []
    if state:
        wanted.append(inbox.c.state == state)
    if outcome:
        wanted.append(inbox.c.outcome == outcome)
    if before is not None:
        wanted.append(inbox.c.id < before)
    query = select(*(inbox.c[name] for name in _INBOX)).where(*wanted)
    rows = work.execute(query.order_by(inbox.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]


def inbox_row(work: Work, id_: int) -> Row | None:
    """Return one message with everything but its bytes."""
    return next(iter(_inbox_where(work, inbox.c.id == id_)), None)


def inbox_by_message_id(work: Work, message_id: str) -> list[Row]:
    """Return every message with this Message-ID, oldest first."""
    return _inbox_where(work, inbox.c.message_id == message_id)


def copies(work: Work, content_digest: str) -> list[int]:
    """Return the ids of all messages with the same content."""
    rows = work.execute(
        select(inbox.c.id)
        .where(inbox.c.content_digest == content_digest)
        .order_by(inbox.c.id)
    )
    return [int(id_) for id_ in rows.scalars()]


def inbox_states(work: Work, ids: Sequence[int]) -> dict[int, str]:
    """Return the states of those of these messages that there are."""
    rows = work.execute(select(inbox.c.id, inbox.c.state).where(inbox.c.id.in_(ids)))
    return {int(id_): str(state) for id_, state in rows}


def inbox_raw(work: Work, id_: int) -> Raw | None:
    """Return the bytes of a message, or where they are."""
    row = work.execute(
        select(inbox.c.raw, inbox.c.sha256).where(inbox.c.id == id_)
    ).one_or_none()
    return Raw(content=row.raw, sha256=row.sha256) if row else None


def inbox_by_key(work: Work, source_keys: Sequence[str]) -> dict[str, Row]:
    """Return id, state and outcome of messages by source key."""
    found: dict[str, Row] = {}
    for start in range(0, len(source_keys), 500):
        chunk = list(source_keys[start : start + 500])
        rows = work.execute(
            select(
                inbox.c.source_key, inbox.c.id, inbox.c.state, inbox.c.outcome
            ).where(inbox.c.source_key.in_(chunk))
        )
        found |= {row["source_key"]: dict(row) for row in rows.mappings()}
    return found


def outbox_rows(
    work: Work, *, state: str | None, before: int | None, limit: int
) -> list[Row]:
    """Return letters, newest first; those below the id `before`."""
    wanted: list[ColumnElement[bool]] = []
    if state:
        wanted.append(outbox.c.state == state)
    if before is not None:
        wanted.append(outbox.c.id < before)
    columns = (outbox.c[name] for name in _OUTBOX)
    query = select(*columns, outbox.c.rcpt_to.label("to")).where(*wanted)
    rows = work.execute(query.order_by(outbox.c.id.desc()).limit(limit))
    return [dict(row) for row in rows.mappings()]


def outbox_row(work: Work, id_: int) -> Row | None:
    """Return one letter with everything but its bytes."""
    columns = (outbox.c[name] for name in (*_OUTBOX, *_OUTBOX_MORE))
    row = work.execute(
        select(*columns, outbox.c.rcpt_to.label("to")).where(outbox.c.id == id_)
    ).one_or_none()
    return dict(row._mapping) if row else None


def outbox_states(work: Work, ids: Sequence[int]) -> dict[int, str]:
    """Return the states of those of these letters that there are."""
    rows = work.execute(select(outbox.c.id, outbox.c.state).where(outbox.c.id.in_(ids)))
    return {int(id_): str(state) for id_, state in rows}


def outbox_content(work: Work, id_: int) -> bytes | None:
    """Return the bytes of a letter."""
    found = work.execute(
        select(outbox.c.content).where(outbox.c.id == id_)
    ).scalar_one_or_none()
    return None if found is None else bytes(found)


def letters_of(work: Work, number: int, kind: str) -> list[Row]:
    """Return id, state and recipient of the letters of a kind on a case."""
    rows = work.execute(
        select(outbox.c.id, outbox.c.state, outbox.c.rcpt_to.label("to"))
        .where(outbox.c.ticket == number, outbox.c.kind == kind)
        .order_by(outbox.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def mailboxes(work: Work, our_host: str, now: datetime) -> dict[str, Row]:
    """Return the state of every mailbox ever watched, by name.

    `watched_by` is the host whose daemon has the lease. Without one, whatever a daemon
    that is gone had written about its connection does not hold any more.
    """
    holders = {
        row.name.removeprefix("mailbox:"): row.host
        for row in work.execute(select(lease).where(lease.c.name.like("mailbox:%")))
        if row.until > now and not is_gone(row.owner, row.host, our_host)
    }
    found: dict[str, Row] = {}
    for row in work.execute(select(mailbox_state)).mappings():
        holder = holders.get(row["mailbox"])
        alive = bool(row["connected"] and holder)
        found[row["mailbox"]] = {**row, "connected": alive, "watched_by": holder}
    return found


def heartbeats(work: Work) -> list[Row]:
    """Return when each daemon was last heard of, the newest first."""
    rows = work.execute(select(heartbeat).order_by(heartbeat.c.at.desc()))
    return [dict(row) for row in rows.mappings()]


def stuck_letters(work: Work, since: datetime) -> int:
    """Count letters that should have left before `since` and still wait."""
    return int(
        work.execute(
            select(func.count()).where(
                outbox.c.state.in_(("queued", "deferred")),
                outbox.c.next_attempt_at < since,
            )
        ).scalar_one()
    )


def _inbox_where(work: Work, condition: ColumnElement[bool]) -> list[Row]:
    columns = (inbox.c[name] for name in (*_INBOX, *_INBOX_MORE))
    rows = work.execute(select(*columns).where(condition).order_by(inbox.c.id))
    return [dict(row) for row in rows.mappings()]
