"""Surveys and votes as rows. A token is never here, only its SHA-256.

One survey a resolution (`survey.resolution_event` is unique), one row a change of mind
(`vote`). Rows that somebody is about to change are held for the transaction, so that
two clicks at once are two votes one after the other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, or_, select, update

from chamado.daemon.core.survey import Vote
from chamado.daemon.core.types import Status
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import contact, event, outbox, survey, ticket, vote

#: Surveys that a vote can still change.
OPEN = ("sent", "answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A survey with the case it asks about and the person who is asked."""

    id: int
    state: str
    ticket: int
    subject: str
    language: str
    contact_id: int
    address: str
    agent: str
    expires_at: datetime | None
    score: int | None
    comment: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand for a survey that is due, held for the transaction."""

    id: int
    ticket: int
    subject: str
    language: str
    support: str
    status: Status
    merged_into: int | None
    newest: bool
    woken: bool
    contact_id: int
    address: str
    name: str
    verified: bool
    opted_out: bool
    quiet_until: datetime | None


def schedule(
    work: Work, number: int, agent: str, due_at: datetime, now: datetime
) -> None:
    """Plan the question about the resolution that this transaction has just noted."""
    resolved = select(func.max(event.c.id)).where(
        event.c.ticket == number, event.c.kind == "resolved"
    )
    requester = select(ticket.c.requester_id).where(ticket.c.number == number)
    work.execute(
        insert(survey).values(
            ticket=number,
            resolution_event=resolved.scalar_subquery(),
            contact_id=requester.scalar_subquery(),
            agent=agent,
            state="scheduled",
            due_at=due_at,
            created_at=now,
        )
    )


def due(work: Work, now: datetime, limit: int) -> list[int]:
    """Return which surveys wait to be sent, the longest overdue first."""
    rows = work.execute(
        select(survey.c.id)
        .where(survey.c.state == "scheduled", survey.c.due_at <= now)
        .order_by(survey.c.due_at, survey.c.id)
        .limit(limit)
    )
    return [int(id_) for id_ in rows.scalars()]


def hold(work: Work, id_: int) -> Standing | None:
    """Return how things stand for a scheduled survey; None if it is no longer one."""
    held = work.execute(
        select(survey.c.resolution_event, survey.c.ticket)
        .where(survey.c.id == id_, survey.c.state == "scheduled")
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if held is None:
        return None
    row = work.execute(
        select(
            ticket.c.subject,
            ticket.c.status,
            ticket.c.language,
            ticket.c.address.label("support"),
            ticket.c.merged_into,
            contact.c.id.label("contact_id"),
            contact.c.address,
            contact.c.name,
            contact.c.verified,
            contact.c.no_surveys.label("opted_out"),
            contact.c.quiet_until,
        )
        .join(contact, contact.c.id == ticket.c.requester_id)
        .where(ticket.c.number == held.ticket)
        .with_for_update(of=ticket)
    ).one()
    later = work.execute(
        select(event.c.kind).where(
            event.c.ticket == held.ticket, event.c.id > held.resolution_event
        )
    )
    kinds = set(later.scalars())
    return Standing(
        id=id_,
        ticket=held.ticket,
        newest="resolved" not in kinds,
        woken="reopened" in kinds,
        **{**row._mapping, "status": Status(row.status)},
    )


def asked_since(work: Work, contact_id: int, since: datetime) -> bool:
    """Whether this contact got a question since then."""
    found = work.execute(
        select(survey.c.id)
        .where(survey.c.contact_id == contact_id, survey.c.sent_at > since)
        .limit(1)
    )
    return found.first() is not None


def undelivered(work: Work, address: str) -> bool:
    """Whether the newest letter to this address whose fate is known has failed."""
    state = work.execute(
        select(outbox.c.state)
        .where(outbox.c.rcpt_to == address, outbox.c.state.in_(("sent", "failed")))
        .order_by(outbox.c.id.desc())
        .limit(1)
    ).scalar()
    return bool(state == "failed")


def cancel(work: Work, id_: int, reason: str) -> None:
    """Give a question up; the case shows why."""
    work.execute(
        update(survey)
        .where(survey.c.id == id_)
        .values(state="cancelled", reason=reason[:64])
    )


def postpone(work: Work, id_: int, until: datetime) -> None:
    """Try a question again later."""
    work.execute(
        update(survey)
        .where(survey.c.id == id_, survey.c.state == "scheduled")
        .values(due_at=until)
    )


def sent(
    work: Work,
    id_: int,
    *,
    token_hash: str,
    letter: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """The letter is in the outbox, in this very transaction."""
    work.execute(
        update(survey)
        .where(survey.c.id == id_)
        .values(
            state="sent",
            token_hash=token_hash,
            letter=letter,
            sent_at=now,
            expires_at=expires_at,
        )
    )


def came_back(work: Work, letter: str) -> None:
    """The letter bounced: nobody was asked."""
    work.execute(
        update(survey)
        .where(survey.c.letter == letter, survey.c.state == "sent")
        .values(state="cancelled", reason="bounced")
    )


def expire(work: Work, now: datetime) -> int:
    """Note which questions were not answered in time; return how many."""
    return work.execute(
        update(survey)
        .where(survey.c.state == "sent", survey.c.expires_at <= now)
        .values(state="expired")
    ).rowcount


def by_token(work: Work, token_hash: str) -> Survey | None:
    """Find the survey of a token."""
    return _one(work, _surveys().where(survey.c.token_hash == token_hash))


def held_by_token(work: Work, token_hash: str) -> Survey | None:
    """Find the survey of a token and keep others from changing it."""
    query = _surveys().where(survey.c.token_hash == token_hash)
    return _one(work, query.with_for_update(of=survey))


def held_by_id(work: Work, id_: int) -> Survey | None:
    """Find a survey and keep others from changing it."""
    return _one(work, _surveys().where(survey.c.id == id_).with_for_update(of=survey))


def answered_by(
    work: Work, token_hashes: Iterable[str], letters: Iterable[str]
) -> tuple[dict[str, Survey], dict[str, Survey]]:
    """Find surveys by the hash of their token and by the Message-ID of their letter."""
    hashes, ids = sorted(set(token_hashes)), sorted(set(letters))
    if not hashes and not ids:
        return {}, {}
    rows = work.execute(
        _surveys()
        .add_columns(survey.c.token_hash, survey.c.letter)
        .where(or_(survey.c.token_hash.in_(hashes), survey.c.letter.in_(ids)))
    )
    by_hash: dict[str, Survey] = {}
    by_letter: dict[str, Survey] = {}
    for row in rows.mappings():
        found = Survey(**{name: row[name] for name in Survey.__slots__})
        by_hash[row["token_hash"]] = found
        by_letter[row["letter"]] = found
    return by_hash, by_letter


def votes(work: Work, id_: int, newest: int) -> list[Vote]:
    """Return the newest votes of a survey, the oldest of them first."""
    rows = work.execute(
        select(vote.c.at, vote.c.score, vote.c.comment, vote.c.via)
        .where(vote.c.survey_id == id_)
        .order_by(vote.c.id.desc())
        .limit(newest)
    )
    return [Vote(**row) for row in rows.mappings()][::-1]


def record(work: Work, id_: int, given: Vote, stands: Vote | None) -> None:
    """Write a vote into the history, and what stands now as the answer.

    Where nothing stands the answer is taken back: until the customer votes again
    nobody can tell which of the scores was meant.
    """
    work.execute(
        insert(vote).values(
            survey_id=id_,
            at=given.at,
            score=given.score,
            comment=given.comment,
            via=given.via,
        )
    )
    answer: dict[str, Any] = {"state": "sent", "score": None, "answered_at": None}
    answer |= {"via": "", "reason": "scores_in_a_hurry"}
    if stands:
        answer = {
            "state": "answered",
            "score": stands.score,
            "comment": stands.comment,
            "answered_at": stands.at,
            "via": stands.via,
            "reason": "",
        }
    work.execute(update(survey).where(survey.c.id == id_).values(**answer))


def no_more(work: Work, contact_id: int) -> bool:
    """Ask this contact nothing any more; False if that was so before."""
    changed = work.execute(
        update(contact)
        .where(contact.c.id == contact_id, contact.c.no_surveys.is_(False))
        .values(no_surveys=True)
    ).rowcount
    work.execute(
        update(survey)
        .where(survey.c.contact_id == contact_id, survey.c.state == "scheduled")
        .values(state="cancelled", reason="opted_out")
    )
    return bool(changed)


def newest(work: Work, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the newest survey of each case that has one."""
    latest = (
        select(func.max(survey.c.id))
        .where(survey.c.ticket.in_(numbers))
        .group_by(survey.c.ticket)
    )
    rows = work.execute(
        select(
            survey.c.ticket,
            survey.c.state,
            survey.c.score,
            survey.c.comment,
            survey.c.due_at,
            survey.c.sent_at,
            survey.c.answered_at,
            survey.c.via,
            survey.c.reason,
        ).where(survey.c.id.in_(latest))
    )
    found: dict[int, dict[str, Any]] = {}
    for row in rows.mappings():
        shown = dict(row)
        number = int(shown.pop("ticket"))
        found[number] = {
            **shown,
            "via": shown["via"] or None,
            "reason": shown["reason"] or None,
        }
    return found


def _surveys() -> Select[Any]:
    return (
        select(
            survey.c.id,
            survey.c.state,
            survey.c.ticket,
            ticket.c.subject,
            ticket.c.language,
            survey.c.contact_id,
            contact.c.address,
            survey.c.agent,
            survey.c.expires_at,
            survey.c.score,
            survey.c.comment,
            survey.c.answered_at,
        )
        .join(ticket, ticket.c.number == survey.c.ticket)
        .join(contact, contact.c.id == survey.c.contact_id)
    )


def _one(work: Work, query: Select[Any]) -> Survey | None:
    row = work.execute(query).one_or_none()
    return Survey(**row._mapping) if row else None
