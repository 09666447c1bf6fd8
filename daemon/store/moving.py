"""Moving entries from case to case, with all that leads to them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Update, func, select, update

from chamado.config.address import Address
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import entry as entries
from chamado.daemon.store.schema import message_index, notice, outbox, participant

#: The letters that speak of a number and not of what was said.
STAYS = ("ack", "survey")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as splitting needs it."""

    id: int
    kind: str
    at: datetime
    public: bool
    author: Address
    subject: str


def entry(work: Work, number: int, entry_id: int) -> Entry | None:
    """Find an entry of a case."""
    row = work.execute(
        select(entries).where(entries.c.id == entry_id, entries.c.ticket == number)
    ).one_or_none()
    if row is None:
        return None
    return Entry(
        id=row.id,
        kind=row.kind,
        at=row.at,
        public=row.public,
        author=Address(name=row.author_name, address=row.author_address),
        subject=row.subject,
    )


def inbound(work: Work, number: int) -> int:
    """How many messages of customers a case has."""
    found = select(func.count()).where(
        entries.c.ticket == number, entries.c.kind == "inbound"
    )
    return int(work.execute(found).scalar_one())


def next_word(work: Work, number: int, after: datetime) -> datetime | None:
    """When a customer wrote on a case for the first time after a moment."""
    found = select(func.min(entries.c.at)).where(
        entries.c.ticket == number,
        entries.c.kind == "inbound",
        entries.c.public,
        entries.c.at > after,
    )
    at = work.execute(found).scalar_one()
    return at if isinstance(at, datetime) else None


def words(work: Work, number: int, since: datetime) -> list[datetime]:
    """When customers wrote on a case from a moment on, in its order."""
    found = select(entries.c.at).where(
        entries.c.ticket == number,
        entries.c.kind == "inbound",
        entries.c.public,
        entries.c.at >= since,
    )
    return list(work.execute(found.order_by(entries.c.at)).scalars())


def people(work: Work, number: int) -> list[int]:
    """The contacts who take part in a case."""
    found = select(participant.c.contact_id).where(participant.c.ticket == number)
    return [int(id_) for id_ in work.execute(found).scalars()]


def move_all(work: Work, number: int, into: int) -> int:
    """Move everything said on a case; return how many entries that were.

    Letters move too, sent and unsent: they are part of what was said, and the thread
    of the next one is made of them. So do the ids by which answers find their case,
    and what agents are still to be told. What stays is the acknowledgement of the old
    number, and the question about how its case went.
    """
    # By their ids and not by the case: the index of ids is by id, and long.
    sent = select(outbox.c.message_id).where(outbox.c.ticket == number)
    received = select(entries.c.message_id).where(
        entries.c.ticket == number, entries.c.message_id.is_not(None)
    )
    for ids in (sent, received):
        work.execute(
            update(message_index)
            .where(
                message_index.c.message_id.in_(ids), message_index.c.ticket == number
            )
            .values(ticket=into)
        )
    moved = work.execute(
        update(entries).where(entries.c.ticket == number).values(ticket=into)
    ).rowcount
    work.execute(
        update(outbox)
        .where(outbox.c.ticket == number, outbox.c.kind.not_in(STAYS))
        .values(ticket=into)
    )
    work.execute(_untold(notice.c.ticket == number).values(ticket=into))
    return moved


def move_one(work: Work, entry_id: int, into: int) -> None:
    """Move one entry, and its Message-ID, by which answers to it find their case."""
    received = select(entries.c.message_id).where(entries.c.id == entry_id)
    work.execute(
        update(message_index)
        .where(
            message_index.c.message_id.in_(received),
            message_index.c.entry_id == entry_id,
        )
        .values(ticket=into)
    )
    work.execute(update(entries).where(entries.c.id == entry_id).values(ticket=into))
    work.execute(_untold(notice.c.entry_id == entry_id).values(ticket=into))


def _untold(condition: ColumnElement[bool]) -> Update:
    return update(notice).where(condition, notice.c.done_at.is_(None))
