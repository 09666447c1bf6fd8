"""Letters that did not arrive: which they are, and what took their place.

An answer arrived unless its letter to the person who asked has failed. What an agent
sent with a mail program of his own has no letter of ours that could fail.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import literal_column, or_, select, update

from chamado.daemon.core.promises import ANSWERS
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import contact, deadline, entry, event, outbox, ticket

# Word by word the condition of the partial index, or SQLite does not use it.
_UNTOLD = (outbox.c.state == literal_column("'failed'"), outbox.c.lost_at.is_(None))
#: The events of a case that one of its letters did not arrive.
LOST = ("answer_lost", "bounced")
_ANSWERS = tuple(clock.value for clock in ANSWERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A letter of that moment that did not arrive, and what the relay said."""

    id: int
    ticket: int | None
    kind: str
    entry_id: int | None
    to: str
    message_id: str
    at: datetime
    said: str


def untold(
    work: Work, limit: int, only: Sequence[int] | None = None
) -> list[tuple[int, int | None]]:
    """Find letters that the relay refused, or that were given up, and whose cases do
    not know: (letter, case), in the order of the cases; `only` some, and then all."""
    query = select(outbox.c.id, outbox.c.ticket).where(*_UNTOLD)
    query = query.order_by(outbox.c.ticket, outbox.c.id)
    query = query.limit(limit) if only is None else query.where(outbox.c.id.in_(only))
    return [(row.id, row.ticket) for row in work.execute(query)]


def take(
    work: Work, ids: Sequence[int], held: Collection[int], now: datetime
) -> list[Lost]:
    """Note of these letters that their cases are being told, and return them.

    Each is returned once, whoever else asks at the same time. One that was moved to a
    case that is not `held` is left for the next time.
    """
    reachable = or_(outbox.c.ticket.is_(None), outbox.c.ticket.in_(list(held)))
    taken = work.execute(
        update(outbox)
        .where(outbox.c.id.in_(ids), *_UNTOLD, reachable)
        .values(lost_at=now)
        .returning(
            outbox.c.id,
            outbox.c.ticket,
            outbox.c.kind,
            outbox.c.entry_id,
            outbox.c.rcpt_to.label("to"),
            outbox.c.message_id,
            outbox.c.created_at.label("at"),
            outbox.c.last_reply.label("said"),
        )
    )
    return sorted((Lost(**row) for row in taken.mappings()), key=lambda lost: lost.id)


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
            # Its bounce may have been filed before we came to note that it left.
            outbox.c.state != "failed",
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
