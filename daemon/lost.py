"""Letters that did not arrive, and answers that arrived after all.

Whoever works on a case must learn that a letter to somebody on it was refused for good,
or given up after days. An answer keeps its promise from the moment it is queued; one
that did not arrive has kept nothing; if an operator sends it again and the relay takes
it, it has, from the moment it was queued again. A bounce is filed as mail and does the
same. What goes unasked, acknowledgements and surveys, is not told of, nor is what goes
to agents.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from chamado.daemon import woken
from chamado.daemon.core.promises import Promises
from chamado.daemon.store import cases, deadlines, notices, outbox, undelivered, views
from chamado.daemon.store.engine import Work
from chamado.daemon.store.outbox import OutboxRow
from chamado.daemon.store.undelivered import Lost
from chamado.notifier.types import LetterKind

log = structlog.get_logger()

#: So many letters a transaction: a relay that refuses all must not stop the desk.
BATCH = 50
#: The letters that say something to somebody who takes part in a case.
TELLING = (
    LetterKind.REPLY,
    LetterKind.INFO_REQUEST,
    LetterKind.REMINDER,
    LetterKind.RESOLVED,
    LetterKind.CLOSED,
)


def take_back(
    work: Work, promises: Promises, now: datetime, only: Sequence[int] | None = None
) -> int:
    """Tell cases of their letters that failed; return how many failed, `BATCH` at most.

    What was no answer then is owed again, and a case waits no more for an answer to a
    question that nobody got. `only` looks at some letters, however many.
    """
    found = undelivered.untold(work, BATCH, only)
    if not found:
        return 0
    held = views.hold_all(work, [number for _, number in found if number])
    lost = undelivered.take(work, [id_ for id_, _ in found], held, now)
    told = [one for one in lost if one.kind in TELLING and one.ticket]
    for one in told:
        _tell(work, one, one.ticket or 0, promises, now)
    if told:
        log.warning("letters_lost", tickets=[one.ticket for one in told])
    return len(lost)


def _tell(
    work: Work, one: Lost, number: int, promises: Promises, now: datetime
) -> None:
    owed = one.entry_id is not None and deadlines.forget_answer(
        work, number, one.at, promises
    )
    event = cases.NewEvent(
        ticket=number,
        at=now,
        kind="answer_lost" if owed else "not_delivered",
        who="",
        facts={"letter": one.message_id, "to": one.to, "said": one.said[:500]},
    )
    cases.add_events(work, [event])
    facts = {"to": one.to, "relay": one.said}
    told = notices.NewNotice(ticket=number, kind="not_delivered", facts=facts)
    notices.put(work, [told], now)
    if one.kind in woken.QUESTIONS:
        woken.undelivered(work, number, now, promises)


def retry(
    work: Work, ids: Sequence[int], promises: Promises, now: datetime
) -> list[int]:
    """Queue letters again, once it is settled that what failed was no answer."""
    take_back(work, promises, now, ids)
    return outbox.retry(work, ids, now)


def arrived(work: Work, letters: Sequence[OutboxRow], promises: Promises) -> None:
    """Let answers that the relay took keep what is still promised: most were counted
    when they were queued, those that had been refused are now."""
    answers = [letter.id for letter in letters if letter.entry_id and letter.ticket]
    owed = undelivered.owed_answers(work, answers)
    if not owed:
        return
    # The cases before their clocks, like everybody; meanwhile it may be owed no more.
    held = views.hold_all(work, [number for number, _ in owed])
    for number, at in undelivered.owed_answers(work, answers):
        if number not in held:
            continue
        deadlines.answer_arrived(work, number, at, promises)
        event = cases.NewEvent(ticket=number, at=at, kind="answer_arrived", who="")
        cases.add_events(work, [event])
        log.info("answer_arrived", ticket=number)
