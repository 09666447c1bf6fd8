"""The rows that reports count, one query a kind, read in a stream.

No row is left out here: whoever counts says what becomes of each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Select, and_, select

from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import deadline, event, survey, ticket

_AT_ONCE = 1_000
#: What ends a case, and what takes it up again.
ENDS = ("resolved", "closed", "closed_silent", "merged")
REOPENED = "reopened"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """A promise with the case it was made on."""

    kind: str
    started_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    remaining: float
    ending: str | None
    took: float | None
    team: str
    priority: str
    channel: str
    resolution: str | None
    merged_into: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case as it is now."""

    number: int
    opened_at: datetime
    status: str
    team: str
    priority: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRow:
    """A case ended, or was taken up again; `code` is how it was resolved, if it was."""

    at: datetime
    ended: bool
    code: str | None
    team: str
    priority: str
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRow:
    """A question after a resolution, with the case it is about."""

    ticket: int
    state: str
    reason: str
    agent: str
    team: str
    created_at: datetime
    sent_at: datetime | None
    answered_at: datetime | None
    score: int | None
    comment: str


def clocks(work: Work, since: datetime, until: datetime) -> Iterator[ClockRow]:
    """Every promise whose clock began in this time."""
    columns = [
        deadline.c[name] if name in deadline.c else ticket.c[name]
        for name in ClockRow.__slots__
    ]
    query = (
        select(*columns)
        .join(ticket, ticket.c.number == deadline.c.ticket)
        .where(deadline.c.started_at >= since, deadline.c.started_at < until)
    )
    return (ClockRow(**row) for row in _stream(work, query))


def cases(work: Work, since: datetime) -> Iterator[CaseRow]:
    """Every case that is not over, or was opened since then."""
    query = select(*(ticket.c[name] for name in CaseRow.__slots__)).where(
        ticket.c.status.not_in(("resolved", "closed")) | (ticket.c.opened_at >= since)
    )
    return (CaseRow(**row) for row in _stream(work, query))


def turns(work: Work, since: datetime) -> Iterator[TurnRow]:
    """Every time since then that a case ended or was taken up again.

    What only confirms it is none: a resolved case that is closed had ended before.
    """
    recent = select(event.c.ticket).where(
        event.c.kind.in_((*ENDS, REOPENED)), event.c.at >= since
    )
    query = (
        select(
            event.c.ticket,
            event.c.at,
            event.c.kind,
            event.c.facts,
            ticket.c.team,
            ticket.c.priority,
            ticket.c.channel,
        )
        .join(ticket, ticket.c.number == event.c.ticket)
        .where(event.c.kind.in_((*ENDS, REOPENED)), event.c.ticket.in_(recent))
        .order_by(event.c.ticket, event.c.id)
    )
    for _, rows in groupby(_stream(work, query), key=lambda row: row["ticket"]):
        yield from (turn for turn in _turns(rows) if turn.at >= since)


def surveys(work: Work, since: datetime, until: datetime) -> Iterator[SurveyRow]:
    """Every question that was sent in this time, or was planned in it and not sent."""
    columns = [
        survey.c[name] if name in survey.c else ticket.c[name]
        for name in SurveyRow.__slots__
    ]
    sent = and_(survey.c.sent_at >= since, survey.c.sent_at < until)
    not_sent = and_(
        survey.c.sent_at.is_(None),
        survey.c.created_at >= since,
        survey.c.created_at < until,
    )
    query = (
        select(*columns)
        .join(ticket, ticket.c.number == survey.c.ticket)
        .where(sent | not_sent)
        .order_by(survey.c.id)
    )
    return (SurveyRow(**row) for row in _stream(work, query))


def _turns(rows: Iterator[dict[str, Any]]) -> Iterator[TurnRow]:
    over = False
    for row in rows:
        ends = row["kind"] != REOPENED
        if ends is over:
            continue
        over = ends
        resolved = row["kind"] == "resolved"
        yield TurnRow(
            at=row["at"],
            ended=ends,
            code=str(row["facts"].get("resolution", "")) if resolved else None,
            team=row["team"],
            priority=row["priority"],
            channel=row["channel"],
        )


def _stream(work: Work, query: Select[Any]) -> Iterator[dict[str, Any]]:
    rows = work.execute(query.execution_options(yield_per=_AT_ONCE))
    names: Sequence[str] = list(rows.keys())
    return (dict(zip(names, row, strict=True)) for row in rows)
