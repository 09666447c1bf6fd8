"""Answers that did not arrive: which they are, and what took their place.

An answer arrived unless its letter to the person who asked has failed. What an agent
sent with a mail program of his own has no letter of ours that could fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import literal_column, or_, select

from chamado.daemon.core.promises import ANSWERS, Ending
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import contact, deadline, entry, event, outbox, ticket

# Word by word the condition of the partial index, or SQLite does not use it.
_UNSENT = outbox.c.state != literal_column("'sent'")
#: The events of a case that one of its letters did not arrive.
LOST = ("answer_lost", "bounced")
_ANSWERS = tuple(clock.value for clock in ANSWERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An answer of that moment that did not arrive, and what the relay said."""

    ticket: int
    at: datetime
    said: str


def lost_answers(work: Work, since: datetime) -> list[Lost]:
    """Find answers from `since` on that kept a promise and that the relay refused, or
    took back after days."""
    failed = work.execute(
        select(outbox.c.id).where(
            _UNSENT,
            outbox.c.state == "failed",
            outbox.c.entry_id.is_not(None),
            outbox.c.created_at >= since,
        )
    )
    if not (ids := list(failed.scalars())):
        return []
    found = (
        select(outbox.c.ticket, outbox.c.created_at, outbox.c.last_reply)
        .join(ticket, ticket.c.number == outbox.c.ticket)
        .join(contact, contact.c.id == ticket.c.requester_id)
        .join(
            deadline,
            (deadline.c.ticket == outbox.c.ticket)
            & (deadline.c.done_at == outbox.c.created_at),
        )
        .where(
            outbox.c.id.in_(ids),
            outbox.c.rcpt_to == contact.c.address,
            deadline.c.ending == Ending.MET.value,
            deadline.c.kind.in_(_ANSWERS),
        )
        .order_by(outbox.c.ticket, outbox.c.created_at, outbox.c.id)
    )
    lost = {
        (row.ticket, row.created_at): Lost(
            ticket=row.ticket, at=row.created_at, said=row.last_reply
        )
        for row in work.execute(found)
    }
    return list(lost.values())


def owed_answers(work: Work, ids: Sequence[int]) -> list[tuple[int, datetime]]:
    """Of these letters find those that give their requester an answer that is still
    owed because it was lost before: (ticket, when it was queued)."""
    if not ids:
        return []
    was_lost = (
        select(event.c.id)
        .where(event.c.ticket == outbox.c.ticket, event.c.kind.in_(LOST))
        .exists()
    )
    owed = (
        select(deadline.c.id)
        .where(
            deadline.c.ticket == outbox.c.ticket,
            deadline.c.kind.in_(_ANSWERS),
            deadline.c.done_at.is_(None),
            deadline.c.started_at <= outbox.c.created_at,
        )
        .exists()
    )
    found = (
        select(outbox.c.ticket, outbox.c.created_at)
        .join(ticket, ticket.c.number == outbox.c.ticket)
        .join(contact, contact.c.id == ticket.c.requester_id)
        .where(
            outbox.c.id.in_(ids),
            outbox.c.rcpt_to == contact.c.address,
            or_(owed, ticket.c.first_response_at.is_(None)),
            was_lost,
        )
        .distinct()
        .order_by(outbox.c.ticket, outbox.c.created_at)
    )
    return [(row.ticket, row.created_at) for row in work.execute(found)]


def requester_reached(work: Work, number: int, at: datetime) -> bool:
    """Whether the letter of that moment to who asked has not failed."""
    letters = (
        select(outbox.c.id)
        .join(ticket, ticket.c.number == outbox.c.ticket)
        .join(contact, contact.c.id == ticket.c.requester_id)
        .where(
            outbox.c.ticket == number,
            outbox.c.entry_id.is_not(None),
            outbox.c.created_at == at,
            outbox.c.rcpt_to == contact.c.address,
            outbox.c.state != "failed",
        )
    )
    return work.execute(letters.limit(1)).first() is not None


def next_answer(work: Work, number: int, after: datetime) -> datetime | None:
    """When an agent answered next in words that did not fail; what left by his own
    mail program has no letter of ours that could."""
    answers = work.execute(
        select(entry.c.id, entry.c.at)
        .where(
            entry.c.ticket == number,
            entry.c.author_role == "agent",
            entry.c.public,
            entry.c.at > after,
        )
        .order_by(entry.c.at, entry.c.id)
    ).all()
    states: dict[int, set[str]] = {int(answer.id): set() for answer in answers}
    letters = select(outbox.c.entry_id, outbox.c.state)
    for id_, state in work.execute(letters.where(outbox.c.entry_id.in_(states))):
        states[id_].add(state)
    arrived = (a.at for a in answers if states[a.id] != {"failed"})
    return next(arrived, None)
