"""The tick that watches the promises: warnings before they are broken, alarms when they
are, once each.

What is due is marked, written into the history of its case, and told to the listeners
in one transaction, so that it happens whole or again. After three days of downtime each
missed promise is told once, the oldest first. Letters are the listeners' business.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from chamado.daemon import lost, metrics
from chamado.daemon.core.promises import Promises
from chamado.daemon.store import cases
from chamado.daemon.store.due import Due, What, come_due
from chamado.daemon.store.engine import Store, Work

log = structlog.get_logger()

#: Called as (work, ticket, kind of promise, "warning" or "breach").
OnDue = Callable[[Work, int, str, str], None]

#: So many a transaction: a long downtime must not hold the database for long.
BATCH = 200
KINDS = {What.WARNING: "sla_warned", What.BREACH: "sla_breached"}


class Alarms:
    """Finds what is due and tells the listeners, in the order they were handed in."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], datetime],
        promises: Callable[[], Promises],
        listeners: Sequence[OnDue],
        *,
        batch: int = BATCH,
    ) -> None:
        self._store = store
        self._clock = clock
        self._promises = promises
        self._listeners = tuple(listeners)
        self._batch = batch

    def turn(self) -> int:
        """Tell everything that is due by now, batch by batch; return how much it was.

        A batch that is not full is the last one. What another daemon or an agent has
        in hand at this moment is left for the next turn.
        """
        self._take_back()
        told = 0
        while True:
            due = self._tell()
            told += len(due)
            for one in due:
                self._count(one)
            if len(due) < self._batch:
                return told

    def _take_back(self) -> None:
        """An answer that the relay refused for good is none, and what it answered is
        due as before; whatever else it refused, its case is told."""
        failed = lost.BATCH
        while failed == lost.BATCH:
            with self._store.write() as work:
                failed = lost.take_back(work, self._promises(), self._clock())

    def _tell(self) -> list[Due]:
        now = self._clock()
        with self._store.write() as work:
            due = come_due(work, now, self._batch)
            cases.add_events(work, [_event(one, now) for one in due])
            for one in due:
                for listener in self._listeners:
                    _call(work, listener, one)
        return due

    def _count(self, due: Due) -> None:
        counter = metrics.BREACHES if due.what is What.BREACH else metrics.WARNINGS
        counter.labels(due.clock.value).inc()
        log.warning(KINDS[due.what], ticket=due.ticket, deadline=due.clock.value)


def _event(due: Due, now: datetime) -> cases.NewEvent:
    return cases.NewEvent(
        ticket=due.ticket,
        at=now,
        kind=KINDS[due.what],
        who="",
        facts={"deadline": due.clock.value, "due": due.due_at.isoformat()},
    )


def _call(work: Work, listener: OnDue, due: Due) -> None:
    """Let a listener hear of it; one that fails must not silence the alarm, for it
    would fail again at each tick and with it everything behind it."""
    try:
        with work.begin_nested():
            listener(work, due.ticket, due.clock.value, due.what.value)
    except Exception:
        log.exception("alarm_not_told", ticket=due.ticket, deadline=due.clock.value)
