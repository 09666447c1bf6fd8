"""What agents are still to be told: one row an event, done when it was told.

A notice waits a little for company, so that five words of a customer are one mail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from chamado.config.address import Address
from chamado.daemon.store.due import next_due
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import contact, entry, notice, ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """Something agents shall hear of; `by` did it and need not be told."""

    ticket: int
    kind: str
    entry_id: int | None = None
    by: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNotice:
    """A notice that nobody was told of yet, with the words it is about."""

    id: int
    ticket: int
    kind: str
    by: str
    facts: Mapping[str, Any]
    created_at: datetime
    entry_id: int | None
    author: str
    text: str
    public: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseLine:
    """What a notice says of its case. `due_at` is the next promise that runs."""

    number: int
    subject: str
    status: str
    priority: str
    team: str
    address: str
    assignee: str | None
    requester: Address
    due_at: datetime | None


def put(work: Work, new: Sequence[NewNotice], now: datetime) -> None:
    """Note what agents shall be told."""
    if new:
        work.execute(
            insert(notice),
            [
                {
                    "ticket": n.ticket,
                    "entry_id": n.entry_id,
                    "kind": n.kind,
                    "by": n.by[:320],
                    "facts": dict(n.facts),
                    "created_at": now,
                }
                for n in new
            ],
        )


def ripe(work: Work, before: datetime, limit: int) -> list[OpenNotice]:
    """Take the open notices of cases whose oldest one has waited long enough."""
    cases = (
        select(notice.c.ticket)
        .where(notice.c.done_at.is_(None), notice.c.created_at <= before)
        .distinct()
        .limit(limit)
    )
    rows = work.execute(
        select(
            notice.c.id,
            notice.c.ticket,
            notice.c.kind,
            notice.c.by,
            notice.c.facts,
            notice.c.created_at,
            notice.c.entry_id,
            entry.c.author_name,
            entry.c.author_address,
            entry.c.reply,
            entry.c.public,
        )
        .outerjoin(entry, entry.c.id == notice.c.entry_id)
        .where(notice.c.done_at.is_(None), notice.c.ticket.in_(cases))
        .order_by(notice.c.id)
        .with_for_update(skip_locked=True, of=notice)
    )
    return [
        OpenNotice(
            id=row.id,
            ticket=row.ticket,
            kind=row.kind,
            by=row.by,
            facts=row.facts,
            created_at=row.created_at,
            entry_id=row.entry_id,
            author=row.author_name or row.author_address or "",
            text=row.reply or "",
            public=bool(row.public) if row.public is not None else False,
        )
        for row in rows
    ]


def done(work: Work, ids: Sequence[int], now: datetime) -> None:
    """These were told."""
    if ids:
        work.execute(
            update(notice).where(notice.c.id == bindparam("b_id")).values(done_at=now),
            [{"b_id": id_} for id_ in ids],
        )


def lines(work: Work, numbers: Sequence[int]) -> dict[int, CaseLine]:
    """What notices say of these cases."""
    rows = work.execute(
        select(
            ticket.c.number,
            ticket.c.subject,
            ticket.c.status,
            ticket.c.priority,
            ticket.c.team,
            ticket.c.address,
            ticket.c.assignee,
            contact.c.name,
            contact.c.address.label("requester"),
        )
        .join(contact, contact.c.id == ticket.c.requester_id)
        .where(ticket.c.number.in_(sorted(set(numbers))))
    ).all()
    due = next_due(work, [row.number for row in rows])
    return {
        row.number: CaseLine(
            number=row.number,
            subject=row.subject,
            status=row.status,
            priority=row.priority,
            team=row.team,
            address=row.address,
            assignee=row.assignee,
            requester=Address(name=row.name, address=row.requester),
            due_at=due[row.number].at if row.number in due else None,
        )
        for row in rows
    }
