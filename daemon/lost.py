"""Answers that did not arrive, and those that arrived after all.

An answer keeps its promise from the moment it is queued. If the relay refuses it for
good it has kept nothing; if an operator sends it again and the relay takes it, it has,
from the moment it was queued again. A bounce is filed as mail and does the same.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from chamado.daemon.core.promises import Promises
from chamado.daemon.store import cases, deadlines, notices, outbox, undelivered
from chamado.daemon.store.engine import Work
from chamado.daemon.store.outbox import OutboxRow

log = structlog.get_logger()

#: A letter is given up after three days.
LOST_WITHIN = timedelta(days=7)


def take_back(work: Work, promises: Promises, now: datetime) -> int:
    """Let what the relay refused count for no answer, and tell agents; return how many
    there were."""
    lost = [
        one
        for one in undelivered.lost_answers(work, now - LOST_WITHIN)
        if deadlines.forget_answer(work, one.ticket, one.at, promises)
    ]
    events = [
        cases.NewEvent(ticket=one.ticket, at=now, kind="answer_lost", who="")
        for one in lost
    ]
    cases.add_events(work, events)
    told = [
        notices.NewNotice(
            ticket=one.ticket, kind="not_delivered", facts={"relay": one.said}
        )
        for one in lost
    ]
    notices.put(work, told, now)
    if lost:
        log.warning("answers_lost", tickets=[one.ticket for one in lost])
    return len(lost)


def retry(
    work: Work, ids: Sequence[int], promises: Promises, now: datetime
) -> list[int]:
    """Queue letters again, once it is settled that what failed was no answer."""
    take_back(work, promises, now)
    return outbox.retry(work, ids, now)


def arrived(work: Work, letters: Sequence[OutboxRow], promises: Promises) -> None:
    """Let answers that the relay took keep what is still promised: most were counted
    when they were queued, those that had been refused are now."""
    answers = [letter for letter in letters if letter.entry_id and letter.ticket]
    for number, at in undelivered.owed_answers(work, [one.id for one in answers]):
        deadlines.answer_arrived(work, number, at, promises)
        event = cases.NewEvent(ticket=number, at=at, kind="answer_arrived", who="")
        cases.add_events(work, [event])
        log.info("answer_arrived", ticket=number)
