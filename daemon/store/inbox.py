"""The inbox: what was accepted and is not yet, or was not, understood.

Rows are never deleted by the pipeline. `attempts` counts how often a row was taken up,
committed before anything looks at it; `strikes` counts what the message did to a parser
child, and only strikes lead to `failed`: a daemon killed under load quarantines nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    bindparam,
    func,
    literal_column,
    select,
    true,
    update,
)

from chamado.daemon.store.engine import Work
from chamado.daemon.store.ignoring import ignoring
from chamado.daemon.store.schema import Instant, inbox
from chamado.parsers.types import Envelope

# Word by word the conditions of the partial indexes, or SQLite does not use them.
RECEIVED = inbox.c.state == literal_column("'received'")
_FAILED = inbox.c.state == literal_column("'failed'")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A message about to be accepted; `raw` is None where a blob holds it."""

    source: str
    source_key: str
    envelope: Envelope
    no_ack: bool
    size: int
    sha256: str
    content_digest: str
    raw: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneRow:
    """The fate of one message, with the reasons that `why` shows."""

    id: int
    outcome: str
    message_id: str | None
    from_address: str | None
    subject: str
    kind: str
    auth: str
    body_hash: str | None
    ticket: int | None
    entry_id: int | None
    ack: str | None
    why: dict[str, Any]


def accept(
    work: Work, rows: Sequence[NewRow], now: datetime
) -> dict[str, tuple[int, bool]]:
    """Insert rows; answer id and freshness by source key. Twice is harmless."""
    unique = {row.source_key: row for row in rows}
    fresh = {
        key: (id_, True)
        for id_, key in work.execute(
            _ACCEPT[work.dialect.name], [_values(row, now) for row in unique.values()]
        )
    }
    known = [key for key in unique if key not in fresh]
    if known:
        found = work.execute(
            select(inbox.c.id, inbox.c.source_key).where(inbox.c.source_key.in_(known))
        )
        fresh |= {key: (id_, False) for id_, key in found}
    return fresh


def accepted_keys(work: Work, source_keys: Sequence[str]) -> frozenset[str]:
    """Of these source keys, those that have a row."""
    found: set[str] = set()
    for start in range(0, len(source_keys), 500):
        chunk = list(source_keys[start : start + 500])
        found.update(
            work.execute(
                select(inbox.c.source_key).where(inbox.c.source_key.in_(chunk))
            ).scalars()
        )
    return frozenset(found)


def pending(work: Work, ids: Sequence[int]) -> int:
    """Of these rows, how many still wait."""
    found = select(func.count()).where(
        inbox.c.id.in_(list(ids)), inbox.c.state == "received"
    )
    return int(work.execute(found).scalar_one())


def fates(work: Work, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What became of these rows, in the words of `ingest --json`."""
    rows = work.execute(
        select(
            inbox.c.id.label("inbox_id"),
            inbox.c.state,
            inbox.c.outcome,
            inbox.c.ticket,
            inbox.c.entry_id,
            inbox.c.ack,
        ).where(inbox.c.id.in_(sorted(set(ids))))
    )
    return {
        row["inbox_id"]: {**row, "ack": row["ack"] or NO_NEW_CASE}
        for row in rows.mappings()
    }


#: What `ingest` says of the acknowledgement of what opened no case.
NO_NEW_CASE = "suppressed:no_new_case"


def strike(work: Work, id_: int, reason: str) -> int:
    """Count what a message did to a parser child; return the strikes so far."""
    return int(
        work.execute(
            update(inbox)
            .where(inbox.c.id == id_)
            .values(strikes=inbox.c.strikes + 1, error=reason)
            .returning(inbox.c.strikes)
        ).scalar_one()
    )


def fail(
    work: Work, id_: int, error: str, now: datetime, *, owner: str | None = None
) -> None:
    """Set a row aside with its raw bytes; `retry` brings it back.

    With `owner` only while he holds it: who slept must not undo another's work.
    """
    held = inbox.c.claimed_by == owner if owner else true()
    work.execute(
        update(inbox)
        .where(inbox.c.id == id_, inbox.c.state == "received", held)
        .values(
            state="failed",
            error=error,
            processed_at=now,
            claimed_by=None,
            claimed_until=None,
        )
    )


def finish(work: Work, rows: Sequence[DoneRow], now: datetime) -> None:
    """Record the fate of rows; raises if one of them has a fate already."""
    done = work.execute(
        _FINISH,
        [
            {"b_now": now, **{f"b_{n}": getattr(row, n) for n in ("id", *_FATE)}}
            for row in rows
        ],
    )
    if done.rowcount not in (-1, len(rows)):
        raise AlreadyDone(f"{len(rows) - done.rowcount} of {len(rows)} rows were done")


class AlreadyDone(Exception):
    """Another process finished a row that this one had claimed."""


def retry(work: Work, ids: Sequence[int]) -> list[int]:
    """Bring failed rows back with a clean slate; answer those that were failed."""
    found = work.execute(
        update(inbox)
        .where(inbox.c.id.in_(ids), inbox.c.state == "failed")
        .values(state="received", strikes=0, attempts=0, error=None, processed_at=None)
        .returning(inbox.c.id)
    )
    return sorted(found.scalars())


def drop(work: Work, ids: Sequence[int], reason: str, now: datetime) -> list[int]:
    """Give failed or waiting rows the outcome `dropped`; raw stays."""
    found = work.execute(
        update(inbox)
        .where(inbox.c.id.in_(ids), inbox.c.state.in_(("failed", "received")))
        .values(
            state="done",
            outcome="dropped",
            processed_at=now,
            claimed_by=None,
            claimed_until=None,
            why={"reason": reason},
        )
        .returning(inbox.c.id)
    )
    return sorted(found.scalars())


def waiting(work: Work) -> tuple[int, datetime | None]:
    """How many rows wait, and since when the oldest does."""
    row = work.execute(
        select(func.count(), func.min(inbox.c.accepted_at)).where(RECEIVED)
    ).one()
    return int(row[0]), row[1]


def failed(work: Work) -> int:
    """How many rows are set aside."""
    found = select(func.count()).where(_FAILED)
    return int(work.execute(found).scalar_one())


def ledger(work: Work) -> dict[tuple[str, str | None], int]:
    """Count rows by state and outcome: the sum of fates."""
    found = work.execute(
        select(inbox.c.state, inbox.c.outcome, func.count()).group_by(
            inbox.c.state, inbox.c.outcome
        )
    )
    return {(state, outcome): int(count) for state, outcome, count in found}


_FATE = (
    "outcome",
    "message_id",
    "from_address",
    "subject",
    "kind",
    "auth",
    "body_hash",
    "ticket",
    "entry_id",
    "ack",
    "why",
)


def _values(row: NewRow, now: datetime) -> dict[str, Any]:
    return {
        "source": row.source,
        "source_key": row.source_key,
        "state": "received",
        "mail_from": row.envelope.mail_from,
        "rcpt_tos": list(row.envelope.rcpt_tos),
        "peer": row.envelope.peer,
        "login": row.envelope.login,
        "no_ack": row.no_ack,
        "size": row.size,
        "sha256": row.sha256,
        "content_digest": row.content_digest,
        "raw": row.raw,
        "received_at": row.envelope.received_at,
        "accepted_at": now,
        "attempts": 0,
        "strikes": 0,
    }


# Statements of the straight way are made once: making one and working out its key in
# SQLAlchemy's cache takes as long as running it.
_ACCEPT = {
    name: statement.returning(inbox.c.id, inbox.c.source_key)
    for name, statement in ignoring(inbox, ("source_key",)).items()
}


_FINISH = (
    update(inbox)
    .where(inbox.c.id == bindparam("b_id"), inbox.c.state == "received")
    .values(
        state="done",
        processed_at=bindparam("b_now", type_=Instant),
        claimed_by=None,
        claimed_until=None,
        error=None,
        **{name: bindparam(f"b_{name}") for name in _FATE},
    )
)
