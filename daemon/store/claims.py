"""Who works on which message of the inbox, and until when.

`attempts` counts how often a row was taken up, committed before anything looks at it:
a daemon that dies of a message must find that out when it comes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, bindparam, or_, select, update

from chamado.daemon.store.engine import Work
from chamado.daemon.store.inbox import RECEIVED
from chamado.daemon.store.schema import Instant, inbox
from chamado.parsers.types import Envelope

#: How long a process may work on a row before another one may take it.
CLAIM_TERM = timedelta(seconds=120)
#: From here on a row waits behind those never tried, so that a message that kills the
#: daemon itself cannot keep the others from being filed.
SUSPECT_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """A claimed message, ready to be understood."""

    id: int
    source: str
    envelope: Envelope
    no_ack: bool
    size: int
    sha256: str
    content_digest: str
    raw: bytes | None
    attempts: int
    strikes: int


def claim(work: Work, owner: str, limit: int, now: datetime) -> list[InboxRow]:
    """Take up to `limit` waiting rows, oldest first, and count the attempt."""
    wish = {"b_now": now, "b_limit": limit, "b_owner": owner}
    wish["b_until"] = now + CLAIM_TERM
    for statement in (_CLAIM, _CLAIM_SUSPECTS):
        if rows := work.execute(statement, wish).all():
            return sorted(map(_claimed, rows), key=lambda row: row.id)
    return []


def by_ids(work: Work, ids: Sequence[int]) -> list[InboxRow]:
    """Return rows, oldest first."""
    rows = work.execute(
        select(*_WORK).where(inbox.c.id.in_(list(ids))).order_by(inbox.c.id)
    )
    return list(map(_claimed, rows))


def extend(work: Work, owner: str, ids: Sequence[int], now: datetime) -> None:
    """Keep rows that take long from being taken up by another process."""
    work.execute(
        update(inbox)
        .where(inbox.c.id.in_(ids), inbox.c.claimed_by == owner)
        .values(claimed_until=now + CLAIM_TERM)
    )


def release(work: Work, owner: str, ids: Sequence[int]) -> None:
    """Give rows back untried: the trouble was ours, so the attempt does not count."""
    work.execute(
        update(inbox)
        .where(
            inbox.c.id.in_(ids),
            inbox.c.state == "received",
            inbox.c.claimed_by == owner,
        )
        .values(claimed_by=None, claimed_until=None, attempts=inbox.c.attempts - 1)
    )


def postpone(work: Work, owner: str, id_: int, until: datetime, error: str) -> None:
    """Let a row rest until then; nobody takes it up before."""
    work.execute(
        update(inbox)
        .where(
            inbox.c.id == id_,
            inbox.c.state == "received",
            inbox.c.claimed_by == owner,
        )
        .values(claimed_by="resting", claimed_until=until, error=error)
    )


def release_owners(
    work: Work, owners: Sequence[str], *, but: Sequence[int] = ()
) -> None:
    """Take back what these had claimed, but for the rows that are worked on."""
    work.execute(
        update(inbox)
        .where(
            inbox.c.claimed_by.in_(list(owners)),
            RECEIVED,
            inbox.c.id.not_in(list(but)),
        )
        .values(claimed_by=None, claimed_until=None)
    )


def owners(work: Work) -> list[str]:
    """Return who holds claims on waiting rows."""
    found = work.execute(
        select(inbox.c.claimed_by)
        .where(RECEIVED, inbox.c.claimed_by.is_not(None))
        .distinct()
    )
    return [str(owner) for owner in found.scalars()]


def _claimed(row: Any) -> InboxRow:
    return InboxRow(
        id=row.id,
        source=row.source,
        envelope=Envelope(
            mail_from=row.mail_from,
            rcpt_tos=tuple(row.rcpt_tos),
            received_at=row.received_at,
            peer=row.peer,
            login=row.login,
        ),
        no_ack=row.no_ack,
        size=row.size,
        sha256=row.sha256,
        content_digest=row.content_digest,
        raw=row.raw,
        attempts=row.attempts,
        strikes=row.strikes,
    )


# Statements of the straight way are made once, as in the inbox.
_WORK = (
    inbox.c.id,
    inbox.c.source,
    inbox.c.mail_from,
    inbox.c.rcpt_tos,
    inbox.c.received_at,
    inbox.c.peer,
    inbox.c.login,
    inbox.c.no_ack,
    inbox.c.size,
    inbox.c.sha256,
    inbox.c.content_digest,
    inbox.c.raw,
    inbox.c.attempts,
    inbox.c.strikes,
)


def _claiming(attempts: ColumnElement[bool]) -> Any:
    # A CTE with FOR UPDATE is worked out once; a mere subquery PostgreSQL may run again
    # for every row that it compares, and claim more than the limit.
    free = (
        select(inbox.c.id)
        .where(
            RECEIVED,
            attempts,
            or_(
                inbox.c.claimed_until.is_(None),
                inbox.c.claimed_until < bindparam("b_now", type_=Instant),
            ),
        )
        .order_by(inbox.c.id)
        .limit(bindparam("b_limit", type_=Integer))
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    return (
        update(inbox)
        .where(inbox.c.id.in_(select(free.c.id)))
        .values(
            attempts=inbox.c.attempts + 1,
            claimed_by=bindparam("b_owner"),
            claimed_until=bindparam("b_until", type_=Instant),
        )
        .returning(*_WORK)
    )


_CLAIM = _claiming(inbox.c.attempts < SUSPECT_ATTEMPTS)
_CLAIM_SUSPECTS = _claiming(inbox.c.attempts >= SUSPECT_ATTEMPTS)
