"""The rows behind the life of a case: who is silent, what rests, who has how much.

Cases are found for the clock without holding them, and asked about once more, one by
one and held, before anything is done: two daemons never act on the same one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from chamado.daemon.core.evidence import outstanding
from chamado.daemon.core.types import Status
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import contact, event, participant, ticket

_OVER = (Status.RESOLVED.value, Status.CLOSED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of a case's history."""

    at: datetime
    who: str
    facts: dict[str, Any]


def silent(
    work: Work,
    *,
    remind_before: datetime | None,
    reminders: int,
    give_up_before: datetime | None,
    limit: int,
    only: int | None = None,
) -> list[int]:
    """Find cases whose customer was asked, or last reminded, before these moments.

    The first counts for who had fewer than `reminders`, the second for who had them
    all; None never comes. `only` asks about one case, and holds it.
    """
    since = func.coalesce(ticket.c.reminded_at, ticket.c.waiting_since)
    conditions: list[ColumnElement[bool]] = []
    if remind_before and reminders:
        conditions.append((ticket.c.reminded < reminders) & (since <= remind_before))
    if give_up_before:
        told = ticket.c.reminded >= (reminders if remind_before else 0)
        conditions.append(told & (since <= give_up_before))
    if not conditions:
        return []
    due = conditions[0] if len(conditions) == 1 else conditions[0] | conditions[1]
    waiting = ticket.c.status == Status.WAITING.value
    return _found(work, select(ticket.c.number).where(waiting, due), limit, only)


def resolved_before(
    work: Work, moment: datetime, limit: int, only: int | None = None
) -> list[int]:
    """Find cases that have been resolved since before a moment; `only` holds one."""
    resolved = ticket.c.status == Status.RESOLVED.value
    query = select(ticket.c.number).where(resolved, ticket.c.resolved_at <= moment)
    return _found(work, query, limit, only)


def reminded(work: Work, number: int) -> int:
    """How often the customer was reminded since he was asked."""
    found = select(ticket.c.reminded).where(ticket.c.number == number)
    return int(work.execute(found).scalar_one())


def last_event(work: Work, number: int, kind: str) -> Happened | None:
    """The newest line of this kind in the history of a case."""
    row = work.execute(
        select(event.c.at, event.c.who, event.c.facts)
        .where(event.c.ticket == number, event.c.kind == kind)
        .order_by(event.c.id.desc())
        .limit(1)
    ).one_or_none()
    return Happened(at=row.at, who=row.who, facts=row.facts) if row else None


def missing(
    work: Work, number: int, news: Iterable[tuple[str, Mapping[str, Any]]] = ()
) -> tuple[str, ...]:
    """What the customer of a case was asked for and has not sent.

    `news` are kinds and facts of events that are not written yet.
    """
    rows = work.execute(
        select(event.c.kind, event.c.facts)
        .where(event.c.ticket == number, event.c.kind.in_(("asked", "evidence")))
        .order_by(event.c.id)
    )
    return outstanding([*((row.kind, row.facts) for row in rows), *news])


def specialists_load(work: Work, addresses: Sequence[str]) -> dict[str, int]:
    """How many cases that are not over each of these specialists has."""
    rows = work.execute(
        select(ticket.c.assignee, func.count())
        .where(
            ticket.c.assignee.in_(list(addresses)),
            ticket.c.specialty.is_not(None),
            ticket.c.status.not_in(_OVER),
        )
        .group_by(ticket.c.assignee)
    )
    found = {str(address): int(count) for address, count in rows}
    return {address: found.get(address, 0) for address in addresses}


def reopenings(work: Work, numbers: Sequence[int], now: datetime) -> dict[int, int]:
    """How often each of these cases was reopened within the last day."""
    rows = work.execute(
        select(event.c.ticket, func.count())
        .where(
            event.c.ticket.in_(list(numbers)),
            event.c.kind == "reopened",
            event.c.at > now - timedelta(days=1),
        )
        .group_by(event.c.ticket)
    )
    return {int(number): int(count) for number, count in rows}


def hushed(work: Work, number: int, now: datetime) -> frozenset[str]:
    """Who of a case gets nothing automatic for now, since it looked like a loop."""
    rows = work.execute(
        select(contact.c.address)
        .join(participant, participant.c.contact_id == contact.c.id)
        .where(participant.c.ticket == number, contact.c.quiet_until > now)
    )
    return frozenset(rows.scalars())


def _found(work: Work, query: Select[Any], limit: int, only: int | None) -> list[int]:
    query = query.where(ticket.c.merged_into.is_(None)).order_by(ticket.c.number)
    if only is not None:
        # Whoever holds the case does something with it; it is not silent, then.
        query = query.where(ticket.c.number == only).with_for_update(skip_locked=True)
    return [int(number) for number in work.execute(query.limit(limit)).scalars()]
