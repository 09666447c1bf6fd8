"""What becomes of cases on which nobody says anything.

A customer who was asked is reminded, and if that does not help either, the case is
closed with a kind word and without a survey; a resolved case is closed for good after a
while, silently. Everything is a row with a time, so that a crash, a second daemon or a
month of downtime neither double nor lose a step, and no step follows another at once:
however late we are, a customer has the whole time after a reminder.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from chamado.daemon import correspondence
from chamado.daemon.core.states import Event, after
from chamado.daemon.core.types import Status
from chamado.daemon.desk import Desk
from chamado.daemon.store import cases, deadlines, lives, views
from chamado.daemon.store.engine import Store, Work, is_unwell
from chamado.daemon.store.views import Standing
from chamado.notifier.types import LetterKind

log = structlog.get_logger()

#: Cases a tick looks at, each in a transaction of its own; the next tick goes on.
CASES_A_TICK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one tick did, in cases; `letters` were queued."""

    reminded: int = 0
    given_up: int = 0
    closed: int = 0
    letters: int = 0


def tick(store: Store, desk: Desk) -> Done:
    """Take the next step on every case whose time has come, one case at a time."""
    with store.read() as work:
        now = desk.clock()
        silent = _silent(work, desk, now)
        resting = _resting(work, desk, now)
    done = Done()
    for number in silent:
        done = _added(done, _try(store, desk, number, _step))
    for number in resting:
        done = _added(done, _try(store, desk, number, _close))
    return done


def _try(
    store: Store,
    desk: Desk,
    number: int,
    step: Callable[[Work, Desk, int, datetime], Done],
) -> Done:
    """Take one step; a case that is broken must not keep the others from theirs."""
    try:
        with store.write() as work:
            return step(work, desk, number, desk.clock())
    except Exception as error:
        if is_unwell(error):
            raise
        log.exception("case_not_aged", ticket=number)
        return Done()


def _added(one: Done, two: Done) -> Done:
    return Done(
        reminded=one.reminded + two.reminded,
        given_up=one.given_up + two.given_up,
        closed=one.closed + two.closed,
        letters=one.letters + two.letters,
    )


def _silent(
    work: Work, desk: Desk, now: datetime, only: int | None = None
) -> list[int]:
    case = desk.settings.case
    return lives.silent(
        work,
        remind_before=_before(now, case.remind_after),
        reminders=case.reminders,
        give_up_before=_before(now, case.give_up_after),
        limit=CASES_A_TICK,
        only=only,
    )


def _resting(
    work: Work, desk: Desk, now: datetime, only: int | None = None
) -> list[int]:
    moment = _before(now, desk.settings.case.close_after)
    if moment is None:
        return []
    return lives.resolved_before(work, moment, CASES_A_TICK, only=only)


def _before(now: datetime, seconds: float) -> datetime | None:
    return now - timedelta(seconds=seconds) if seconds else None


def _step(work: Work, desk: Desk, number: int, now: datetime) -> Done:
    """Remind or give up, unless somebody else did or the customer has written."""
    if not _silent(work, desk, now, number):
        return Done()
    case = views.hold(work, number)
    if case is None or case.waiting_since is None:
        return Done()
    so_far = lives.reminded(work, number)
    wanted = desk.settings.case.reminders if desk.settings.case.remind_after else 0
    if so_far < wanted:
        return _remind(work, desk, case, so_far + 1, now)
    return _give_up(work, desk, case, now)


def _remind(work: Work, desk: Desk, case: Standing, times: int, now: datetime) -> Done:
    letters = correspondence.tell(
        work,
        desk,
        case,
        LetterKind.REMINDER,
        f"{case.waiting_since}:{times}",
        now,
        topics=lives.missing(work, case.number),
        grace_hours=_grace(desk, times) / 3600,
    )
    cases.change(work, case.number, reminded=times, reminded_at=now)
    _remember(work, case.number, "reminded", now, {"times": times, "letters": letters})
    log.info("customer_reminded", ticket=case.number, times=times)
    return Done(reminded=1, letters=letters)


def _grace(desk: Desk, times: int) -> float:
    """How long a customer still has after so many reminders; 0 for ever."""
    case = desk.settings.case
    if not case.give_up_after:
        return 0.0
    return case.give_up_after + case.remind_after * (case.reminders - times)


def _give_up(work: Work, desk: Desk, case: Standing, now: datetime) -> Done:
    mark = str(case.waiting_since)
    letters = correspondence.tell(work, desk, case, LetterKind.CLOSED, mark, now)
    to = _moved(work, case, Event.GIVE_UP, now)
    deadlines.end(work, case.number, now, desk.promises, solved=False)
    facts = {"from": case.status.value, "to": to.value, "letters": letters}
    _remember(work, case.number, "closed_silent", now, facts)
    log.info("customer_given_up", ticket=case.number)
    return Done(given_up=1, letters=letters)


def _close(work: Work, desk: Desk, number: int, now: datetime) -> Done:
    if not _resting(work, desk, now, number):
        return Done()
    case = views.hold(work, number)
    if case is None:
        return Done()
    to = _moved(work, case, Event.CLOSE, now)
    facts = {"from": case.status.value, "to": to.value}
    _remember(work, number, "closed", now, facts)
    return Done(closed=1)


def _moved(work: Work, case: Standing, event: Event, now: datetime) -> Status:
    to = after(case.status, event)
    if to is None:
        raise ValueError(f"#{case.number} is {case.status.value}: no {event.value}")
    cases.set_status(work, [(case.number, to)])
    cases.change(work, case.number, closed_at=now)
    return to


def _remember(
    work: Work, number: int, kind: str, now: datetime, facts: dict[str, Any]
) -> None:
    event = cases.NewEvent(ticket=number, at=now, kind=kind, who="", facts=facts)
    cases.add_events(work, [event])
