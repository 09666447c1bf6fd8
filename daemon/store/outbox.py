"""The outbox: what was decided and is not yet sent.

A letter is marked `sending`, durably, before a byte of it leaves, so that a crash in
between shows: an automatic letter is then `unknown` and never sent again, an agent's
reply is sent again with the same Message-ID.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Integer,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import Instant, outbox

#: How long one process may be busy with a batch of letters.
CLAIM_TERM = timedelta(seconds=900)
# Word by word the condition of the partial index, or SQLite does not use it.
_UNSENT = outbox.c.state != literal_column("'sent'")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLetter:
    """A letter to queue, in the transaction that decided it."""

    kind: str
    ticket: int | None
    entry_id: int | None
    dedupe_key: str
    mail_from: str
    rcpt_to: str
    message_id: str
    subject: str
    content: bytes
    at_most_once: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A claimed letter."""

    id: int
    kind: str
    ticket: int | None
    entry_id: int | None
    mail_from: str
    rcpt_to: str
    message_id: str
    content: bytes
    at_most_once: bool
    attempts: int
    created_at: datetime


_ROW = tuple(outbox.c[name] for name in OutboxRow.__slots__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one attempt."""

    id: int
    state: str
    reply: str
    next_attempt_at: datetime | None
    sent_at: datetime | None


def put(work: Work, letters: Sequence[NewLetter], now: datetime) -> None:
    """Queue letters; raises `Conflict` when one of them was queued before."""
    if not letters:
        return
    work.execute(
        _PUT,
        [
            {
                "kind": letter.kind,
                "ticket": letter.ticket,
                "entry_id": letter.entry_id,
                "dedupe_key": letter.dedupe_key,
                "mail_from": letter.mail_from,
                "rcpt_to": letter.rcpt_to,
                "rcpt_domain": letter.rcpt_to.rpartition("@")[2].lower(),
                "message_id": letter.message_id,
                "subject": letter.subject,
                "content": letter.content,
                "at_most_once": letter.at_most_once,
                "state": "queued",
                "attempts": 0,
                "next_attempt_at": now,
                "last_reply": "",
                "created_at": now,
            }
            for letter in letters
        ],
    )


def claim(work: Work, owner: str, limit: int, now: datetime) -> list[OutboxRow]:
    """Take letters that are due and mark them as being sent."""
    rows = work.execute(
        _CLAIM,
        {
            "b_now": now,
            "b_limit": limit,
            "b_owner": owner,
            "b_until": now + CLAIM_TERM,
        },
    )
    return sorted((OutboxRow(**row) for row in rows.mappings()), key=lambda row: row.id)


def settle(work: Work, owner: str, results: Sequence[Result]) -> None:
    """Record what became of letters that `owner` claimed.

    A process that was stopped for so long that another took its letters over must not
    overwrite what that one wrote, hence the owner in the condition.
    """
    if not results:
        return
    work.execute(
        _SETTLE,
        [
            {
                "b_owner": owner,
                "b_id": r.id,
                "b_state": r.state,
                "b_reply": r.reply,
                "b_next": r.next_attempt_at,
                "b_sent": r.sent_at,
            }
            for r in results
        ],
    )


def unsend(work: Work, owner: str, now: datetime) -> None:
    """Give back what `owner` claimed and did not settle: not a byte of it has left."""
    work.execute(
        update(outbox)
        .where(outbox.c.state == "sending", outbox.c.claimed_by == owner)
        .values(
            state="queued",
            attempts=outbox.c.attempts - 1,
            next_attempt_at=now,
            claimed_by=None,
            claimed_until=None,
        )
    )


def senders(work: Work) -> list[str]:
    """Return who holds letters in `sending`."""
    found = work.execute(
        select(outbox.c.claimed_by)
        .where(_UNSENT, outbox.c.state == "sending")
        .distinct()
    )
    return [str(owner) for owner in found.scalars() if owner]


def left_by(work: Work, owner: str) -> list[OutboxRow]:
    """Return what a process that is gone left in `sending`."""
    query = select(*_ROW).where(
        _UNSENT, outbox.c.state == "sending", outbox.c.claimed_by == owner
    )
    return [OutboxRow(**row) for row in work.execute(query).mappings()]


def recover(work: Work, gone: Sequence[str], now: datetime) -> tuple[int, int]:
    """Settle what processes that are gone left in `sending`.

    Returns how many are `unknown` and how many are queued again.
    """
    left = or_(outbox.c.claimed_by.in_(list(gone)), outbox.c.claimed_until < now)
    stuck = _UNSENT & (outbox.c.state == "sending") & left
    unknown = work.execute(
        update(outbox)
        .where(stuck, outbox.c.at_most_once)
        .values(
            state="unknown",
            next_attempt_at=None,
            last_reply="the daemon ended while it was sending this",
            claimed_by=None,
            claimed_until=None,
        )
    ).rowcount
    again = work.execute(
        update(outbox)
        .where(stuck)
        .values(
            state="queued", next_attempt_at=now, claimed_by=None, claimed_until=None
        )
    ).rowcount
    return unknown, again


def retry(work: Work, ids: Sequence[int], now: datetime) -> list[int]:
    """Queue letters again that failed, wait or are unknown; answer which.

    One that failed is queued as if it were new: it has days again before it is given
    up, and as an answer it counts from now. Its case must know before that it failed.
    """
    again = {"state": "queued", "next_attempt_at": now, "attempts": 0}
    queued: list[int] = []
    known = (outbox.c.state == "failed") & outbox.c.lost_at.is_not(None)
    for condition, values in (
        (known, {**again, "created_at": now, "lost_at": None}),
        (outbox.c.state.in_(("deferred", "unknown")), again),
    ):
        found = work.execute(
            update(outbox)
            .where(outbox.c.id.in_(ids), condition)
            .values(**values)
            .returning(outbox.c.id)
        )
        queued += found.scalars()
    return sorted(queued)


def drop(work: Work, ids: Sequence[int], reason: str) -> list[int]:
    """Give letters up that were not sent; answer which."""
    found = work.execute(
        update(outbox)
        .where(
            outbox.c.id.in_(ids),
            outbox.c.state.in_(("queued", "deferred", "unknown")),
        )
        .values(
            state="failed", next_attempt_at=None, last_reply=f"dropped: {reason}"[:500]
        )
        .returning(outbox.c.id)
    )
    return sorted(found.scalars())


def by_message_id(work: Work, message_id: str) -> dict[str, Any] | None:
    """Find the letter with this Message-ID."""
    row = work.execute(
        select(
            outbox.c.id,
            outbox.c.kind,
            outbox.c.ticket,
            outbox.c.entry_id,
            outbox.c.created_at,
        )
        .where(outbox.c.message_id == message_id)
        .limit(1)
    ).one_or_none()
    return dict(row._mapping) if row else None


def newest_to(work: Work, ticket: int, rcpt_to: str, most: int) -> list[bytes]:
    """Return the newest letters to somebody on a case, the last one first."""
    rows = work.execute(
        select(outbox.c.content)
        .where(outbox.c.ticket == ticket, outbox.c.rcpt_to == rcpt_to)
        .order_by(outbox.c.id.desc())
        .limit(most)
    )
    return [content for content in rows.scalars() if content]


def bounced(work: Work, message_id: str, reply: str, now: datetime) -> None:
    """A letter came back: it is failed, whatever the relay had said, and its case
    knows."""
    work.execute(
        update(outbox)
        .where(outbox.c.message_id == message_id)
        .values(
            state="failed", next_attempt_at=None, last_reply=reply[:500], lost_at=now
        )
    )


def next_due(work: Work) -> datetime | None:
    """When the next letter wants to leave."""
    found: datetime | None = work.execute(
        select(func.min(outbox.c.next_attempt_at)).where(
            _UNSENT, outbox.c.state.in_(("queued", "deferred"))
        )
    ).scalar_one()
    return found


def unsent(work: Work) -> dict[str, int]:
    """Count by state the letters that are not sent; quick however many are."""
    rows = work.execute(
        select(outbox.c.state, func.count()).where(_UNSENT).group_by(outbox.c.state)
    )
    return {str(state): int(count) for state, count in rows}


def depth(work: Work) -> dict[str, int]:
    """Count letters by state."""
    rows = work.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state))
    return {str(state): int(count) for state, count in rows}


# Statements of the straight way are made once: making one and working out its key in
# SQLAlchemy's cache takes as long as running it. The CTE: see `claims`.
_DUE = (
    select(outbox.c.id)
    .where(
        _UNSENT,
        outbox.c.state.in_(("queued", "deferred")),
        outbox.c.next_attempt_at <= bindparam("b_now", type_=Instant),
    )
    .order_by(outbox.c.next_attempt_at, outbox.c.id)
    .limit(bindparam("b_limit", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_PUT = insert(outbox)
_CLAIM = (
    update(outbox)
    .where(outbox.c.id.in_(select(_DUE.c.id)))
    .values(
        state="sending",
        attempts=outbox.c.attempts + 1,
        claimed_by=bindparam("b_owner"),
        claimed_until=bindparam("b_until", type_=Instant),
    )
    .returning(*_ROW)
)
_SETTLE = (
    update(outbox)
    .where(
        outbox.c.id == bindparam("b_id"),
        outbox.c.state == "sending",
        outbox.c.claimed_by == bindparam("b_owner"),
    )
    .values(
        state=bindparam("b_state"),
        last_reply=bindparam("b_reply"),
        next_attempt_at=bindparam("b_next"),
        sent_at=bindparam("b_sent"),
        claimed_by=None,
        claimed_until=None,
    )
)
