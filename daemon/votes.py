"""Votes written down: from the page and from mail, with their history.

`record` is the only place that believes a score. What it does lies in the caller's
transaction, so that a vote by mail and the fate of that mail are durable together.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from chamado.daemon.core import survey as rules
from chamado.daemon.desk import Desk
from chamado.daemon.store import cases, notices, surveys
from chamado.daemon.store.engine import Work
from chamado.daemon.store.surveys import Survey
from chamado.parsers.sanitise import clean_text

log = structlog.get_logger()


class Heard(StrEnum):
    """What became of a vote."""

    RECORDED = "recorded"
    #: Three scores within seconds: none is believed; an answer before them stands.
    HURRIED = "hurried"
    #: Changed too often to go on listening.
    WORN_OUT = "worn_out"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A low score, to be told when it is durable."""

    ticket: int
    score: int


def record(
    work: Work, desk: Desk, found: Survey, *, score: int, comment: str, via: str
) -> tuple[Heard, Alarm | None]:
    """Write a vote on a held survey, with its history; pass the alarm on.

    The alarm is for `raise_alarm`, once the transaction is durable.
    """
    now = desk.clock()
    if found.expires_at is None or found.expires_at <= now:
        return Heard.EXPIRED, None
    comment = tidy(comment)
    if (score, comment) == (found.score, found.comment):
        return Heard.RECORDED, None
    before = surveys.votes(work, found.id, rules.CHANGES)
    if len(before) >= rules.CHANGES:
        return Heard.WORN_OUT, None
    given = rules.Vote(at=now, score=score, comment=comment, via=via)
    stands = rules.standing([*before, given])
    hurried = stands is not given
    surveys.record(work, found.id, given, stands)
    kind = "survey_doubted" if hurried else "survey_answered"
    facts = {"score": score, "comment": comment, "via": via, "survey": found.id}
    events = [_event(found, kind, now, facts)]
    # What stood before these seconds is asked too: they may be a burst, after which it
    # stands again, and the team has heard of it.
    earlier = rules.standing([one for one in before if now - one.at > rules.HURRY])
    known = (found.score, earlier.score if earlier else None)
    limit = desk.settings.survey.low_score
    was_low = any(one is not None and one <= limit for one in known)
    alarm = None
    if score <= limit and not (hurried or was_low):
        events.append(_event(found, "low_score", now, facts))
        alarm = Alarm(ticket=found.ticket, score=score)
        _tell_agents(work, desk, found, score, comment, now)
    cases.add_events(work, events)
    return Heard.HURRIED if hurried else Heard.RECORDED, alarm


def leave(work: Work, found: Survey, via: str, now: datetime) -> None:
    """Ask this contact nothing any more, and note it on the case once."""
    if surveys.no_more(work, found.contact_id):
        cases.add_events(work, [_event(found, "no_surveys", now, {"via": via})])


def raise_alarm(alarm: Alarm | None) -> None:
    """Tell the log of a low score; the notice to the team is in the database."""
    if alarm:
        log.warning("low_score", ticket=alarm.ticket, score=alarm.score)


def tidy(comment: str) -> str:
    """Clean and cut a comment: no control characters, no page of empty lines."""
    lines = clean_text(comment[: 20 * rules.COMMENT_CHARS]).split("\n")
    kept: list[str] = []
    for line in (one.rstrip() for one in lines):
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()[: rules.COMMENT_CHARS].rstrip()


def _tell_agents(
    work: Work, desk: Desk, found: Survey, score: int, comment: str, now: datetime
) -> None:
    if desk.settings.agents.notify and desk.settings.agent:
        said = {"comment": comment} if comment else {}
        new = notices.NewNotice(
            ticket=found.ticket,
            kind="low_score",
            by=found.address,
            facts={"score": f"{score}/5", **said},
        )
        notices.put(work, [new], now)


def _event(
    found: Survey, kind: str, now: datetime, facts: dict[str, object]
) -> cases.NewEvent:
    return cases.NewEvent(
        ticket=found.ticket, at=now, kind=kind, who=found.address, facts=facts
    )
