"""Finding the clocks that ran out, or soon will: each is told of once. And the next.

Two daemons may ask at the same time, and agents work meanwhile; what starts and stops a
clock is in `deadlines`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, bindparam, select, update

from chamado.daemon.core.promises import Clock
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import deadline, ticket


class What(StrEnum):
    """What there is to say of a clock that runs out."""

    WARNING = "warning"
    BREACH = "breach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something to say of a clock; `due_at` is when its promise ends or has ended."""

    ticket: int
    clock: Clock
    what: What
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What a case is owed next; without a time its clocks stand still."""

    clock: Clock
    at: datetime | None


def next_due(work: Work, numbers: Sequence[int]) -> dict[int, Next]:
    """Find what these cases are owed next: what runs out first, else of what stands
    still what has the least time left."""
    rows = work.execute(
        select(deadline.c.ticket, deadline.c.kind, deadline.c.due_at)
        .where(deadline.c.ticket.in_(list(numbers)), deadline.c.done_at.is_(None))
        .order_by(
            deadline.c.due_at.is_(None),
            deadline.c.due_at,
            deadline.c.remaining,
            deadline.c.id,
        )
    )
    found: dict[int, Next] = {}
    for row in rows:
        found.setdefault(row.ticket, Next(clock=Clock(row.kind), at=row.due_at))
    return found


def come_due(work: Work, now: datetime, limit: int) -> list[Due]:
    """Mark the clocks that ran out, and then those that soon will; return them in the
    order of their due times, each exactly once whoever asks how often.

    A promise that nobody was warned of while we were down is missed and no more.
    """
    open_ = (deadline.c.done_at.is_(None), deadline.c.breached_at.is_(None))
    late = _mark(
        work,
        (*open_, deadline.c.due_at <= now),
        deadline.c.due_at,
        deadline.c.breached_at,
        What.BREACH,
        now,
        limit,
    )
    soon = _mark(
        work,
        (*open_, deadline.c.warned_at.is_(None), deadline.c.warn_at <= now),
        deadline.c.warn_at,
        deadline.c.warned_at,
        What.WARNING,
        now,
        limit - len(late),
    )
    return [*late, *soon]


def _mark(
    work: Work,
    conditions: tuple[ColumnElement[bool], ...],
    order: ColumnElement[Any],
    mark: ColumnElement[Any],
    what: What,
    now: datetime,
    limit: int,
) -> list[Due]:
    """Cases that somebody works on in this moment are left for the next time: who waits
    for a case while holding its clocks, and who holds the case while waiting for its
    clocks, would wait for ever."""
    wanted = (
        select(deadline.c.id, deadline.c.ticket)
        .where(*conditions)
        .order_by(order, deadline.c.id)
        .limit(max(limit, 0))
    )
    ids = {int(row.id): int(row.ticket) for row in work.execute(wanted)}
    if not ids:
        return []
    free = set(
        work.execute(
            select(ticket.c.number)
            .where(ticket.c.number.in_(sorted(set(ids.values()))))
            .with_for_update(skip_locked=True, key_share=True)
        ).scalars()
    )
    rows = work.execute(
        select(deadline.c.id, deadline.c.ticket, deadline.c.kind, deadline.c.due_at)
        .where(
            deadline.c.id.in_([id_ for id_, number in ids.items() if number in free]),
            *conditions,
        )
        .order_by(order, deadline.c.id)
        .with_for_update(skip_locked=True)
    ).all()
    if rows:
        work.execute(
            update(deadline)
            .where(deadline.c.id == bindparam("b_id"))
            .values({mark: now}),
            [{"b_id": row.id} for row in rows],
        )
    return [
        Due(ticket=row.ticket, clock=Clock(row.kind), what=what, due_at=row.due_at)
        for row in rows
    ]
