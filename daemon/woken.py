"""What a customer's word leaves in the history of its case.

Filing decides and writes; here is only put into words what happened: the case moved,
what was asked for came, or the case was left asleep although it was called.
"""

from datetime import datetime
from typing import Any

import structlog

from chamado.daemon.core.decide import Case, sender_of
from chamado.daemon.core.evidence import evidence_in
from chamado.daemon.core.states import Event, after
from chamado.daemon.core.types import AppendReply, Status
from chamado.daemon.core.waking import REOPENED_TOO_OFTEN
from chamado.daemon.desk import Desk
from chamado.daemon.store import cases, deadlines, lives, views
from chamado.daemon.store.cases import NewEvent
from chamado.daemon.store.engine import Work
from chamado.notifier.types import LetterKind

log = structlog.get_logger()

#: Letters that a waiting case waits for an answer to.
QUESTIONS = (LetterKind.INFO_REQUEST.value, LetterKind.REMINDER.value)


def history(
    work: Work, case: Case, decision: AppendReply, now: datetime
) -> list[NewEvent]:
    """Return the events of a word that was added to a case."""
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
    if decision.status and before is Status.WAITING:
        found.append(("evidence", _evidence(work, case, decision.ticket)))
    if REOPENED_TOO_OFTEN in decision.flags:
        times = ticket.reopened if ticket else 0
        found.append(("reopen_limit", {"reopened": times}))
        log.warning("reopen_limit", ticket=decision.ticket, reopened=times)
    who = sender_of(case.message)
    return [
        NewEvent(ticket=decision.ticket, at=now, kind=kind, who=who, facts=facts)
        for kind, facts in found
    ]


def _evidence(work: Work, case: Case, number: int) -> dict[str, Any]:
    asked = lives.last_event(work, number, "asked")
    topics = [str(topic) for topic in asked.facts.get("topics", ())] if asked else []
    evidence = evidence_in(case.message)
    return {
        "came": [topic.value for topic in evidence.came],
        "files": list(evidence.files),
        "asked": topics,
        "missing": list(evidence.missing(topics)),
    }


def undelivered(work: Work, desk: Desk, number: int, now: datetime) -> None:
    """What was asked never arrived: nobody owes an answer, so nobody is waited for."""
    case = views.hold(work, number)
    if case is None:
        return
    specialist = case.specialty is not None
    to = after(case.status, Event.UNDELIVERED, specialist=specialist)
    if to is None or to is case.status:
        return
    cases.set_status(work, [(number, to)])
    deadlines.resume(work, number, now, desk.promises)
    facts = {
        "status": to.value,
        "from": case.status.value,
        "to": to.value,
        "why": "our question came back undelivered",
    }
    event = NewEvent(ticket=number, at=now, kind="status", who="", facts=facts)
    cases.add_events(work, [event])
