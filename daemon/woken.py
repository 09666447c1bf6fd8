"""What a customer's word leaves in the history of its case.

Filing decides and writes; here is only put into words what happened: the case moved,
what was asked for came, or the case was left asleep although it was called.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from chamado.daemon.core.decide import Case, sender_of
from chamado.daemon.core.evidence import evidence_in
from chamado.daemon.core.promises import Promises
from chamado.daemon.core.states import Event, after
from chamado.daemon.core.types import AppendReply, Status
from chamado.daemon.core.waking import REOPENED_TOO_OFTEN
from chamado.daemon.store import cases, deadlines, lives, views
from chamado.daemon.store.cases import NewEvent
from chamado.daemon.store.engine import Work
from chamado.notifier.types import LetterKind

log = structlog.get_logger()

#: Letters that a waiting case waits for an answer to.
QUESTIONS = (LetterKind.INFO_REQUEST.value, LetterKind.REMINDER.value)


def history(
    work: Work,
    case: Case,
    decision: AppendReply,
    now: datetime,
    unwritten: Sequence[NewEvent],
) -> list[NewEvent]:
    """Return the events of a word that was added to a case.

    `unwritten` are those of this batch: two mails of a customer may be in one.
    """
    ticket = case.match.ticket
    before = ticket.status if ticket else None
    found: list[tuple[str, dict[str, Any]]] = []
    if decision.status and before:
        kind = "reopened" if before is Status.RESOLVED else "status"
        facts = {
            "status": decision.status.value,
            "from": before.value,
            "to": decision.status.value,
            "why": "the customer wrote",
        }
        found.append((kind, facts))
    waited = decision.status is not None and before is Status.WAITING
    if came := _evidence(work, case, decision, unwritten, waited=waited):
        found.append(("evidence", came))
    if REOPENED_TOO_OFTEN in decision.flags:
        times = ticket.reopened if ticket else 0
        found.append(("reopen_limit", {"reopened": times}))
        log.warning("reopen_limit", ticket=decision.ticket, reopened=times)
    who = sender_of(case.message)
    return [
        NewEvent(ticket=decision.ticket, at=now, kind=kind, who=who, facts=facts)
        for kind, facts in found
    ]


def _evidence(
    work: Work,
    case: Case,
    decision: AppendReply,
    unwritten: Sequence[NewEvent],
    *,
    waited: bool,
) -> dict[str, Any] | None:
    """Tell what came; None where it is nothing that anybody waited for.

    The rest may come in a second mail, when the case waits no more.
    """
    evidence = evidence_in(case.message)
    heard = decision.public and not case.classification.no_reopen
    if not (waited or (heard and evidence.came)):
        return None
    number = decision.ticket
    news = [(e.kind, e.facts) for e in unwritten if e.ticket == number]
    topics = lives.missing(work, number, news)
    missing = evidence.missing(topics)
    if not waited and len(missing) == len(topics):
        return None
    return {
        "came": [topic.value for topic in evidence.came],
        "files": list(evidence.files),
        "asked": list(topics),
        "missing": list(missing),
    }


def undelivered(work: Work, number: int, now: datetime, promises: Promises) -> None:
    """What was asked never arrived: nobody owes an answer, so nobody is waited for."""
    case = views.hold(work, number)
    if case is None:
        return
    specialist = case.specialty is not None
    to = after(case.status, Event.UNDELIVERED, specialist=specialist)
    if to is None or to is case.status:
        return
    cases.set_status(work, [(number, to)])
    deadlines.resume(work, number, now, promises)
    facts = {
        "status": to.value,
        "from": case.status.value,
        "to": to.value,
        "why": "our question was not delivered",
    }
    event = NewEvent(ticket=number, at=now, kind="status", who="", facts=facts)
    cases.add_events(work, [event])
