"""What is promised to a case, and the arithmetic of a clock that can stand still.

A clock runs in business time. It stands still while the customer owes an answer; what
it has left is kept meanwhile, to the millisecond. A promise that is missed stays so:
nothing that happens afterwards moves it out of the past, except that the case is
promised more (another team, another priority).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from chamado.config.hours import parse_hours
from chamado.config.settings import Promise, Sla
from chamado.daemon.core.calendar import Calendar, add, between
from chamado.daemon.core.types import Priority


class Clock(StrEnum):
    """The things that are promised."""

    FIRST_RESPONSE = "first_response"
    NEXT_RESPONSE = "next_response"
    RESOLUTION = "resolution"


#: The clocks that an answer by a person stops.
ANSWERS = (Clock.FIRST_RESPONSE, Clock.NEXT_RESPONSE)


class Ending(StrEnum):
    """How a clock came to its end."""

    #: What was promised happened, in time or late.
    MET = "met"
    #: The case was over before it happened.
    ENDED = "ended"
    #: The case came to where nothing is promised.
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is promised to one case: seconds of business time, 0 for nothing."""

    first_response: float
    next_response: float
    resolution: float
    warn_before: float
    calendar: Calendar

    def seconds(self, clock: Clock) -> float:
        """How long this clock may run."""
        return float(getattr(self, clock.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A clock as it stands.

    Of the `allowed` seconds, `remaining` were left at the moment `counted_from`. It is
    due at `due_at`, with a warning at `warn_at`; without a due time it stands still.
    """

    allowed: float
    remaining: float
    counted_from: datetime
    due_at: datetime | None
    warn_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        """Whether the promise is missed by now."""
        return self.due_at is not None and self.due_at <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """All terms there are; the first exception that fits a case counts."""

    usual: Terms
    exceptions: tuple[tuple[str, str, Terms], ...] = ()

    def terms(self, team: str, priority: Priority) -> Terms:
        """What is promised to a case of this team and priority."""
        for its_team, its_priority, terms in self.exceptions:
            if its_team in ("", team) and its_priority in ("", priority.value):
                return terms
        return self.usual

    def first_response_due(
        self, opened_at: datetime, team: str, priority: Priority
    ) -> datetime:
        """When the first answer to a case is due."""
        terms = self.terms(team, priority)
        return add(terms.calendar, opened_at, terms.first_response)


def promises_of(
    sla: Sla,
    exceptions: Iterable[Promise],
    timezone: str,
    is_holiday: Callable[[date], bool],
) -> Promises:
    """Read `[sla]` and `[[promise]]`; what the latter leave out is as in the former."""
    zone = ZoneInfo(timezone)

    def calendar(hours: str) -> Calendar:
        return Calendar(week=parse_hours(hours), zone=zone, is_holiday=is_holiday)

    usual = Terms(
        first_response=sla.first_response,
        next_response=sla.next_response,
        resolution=sla.resolution,
        warn_before=sla.warn_before,
        calendar=calendar(sla.hours),
    )

    def terms(promise: Promise) -> Terms:
        named = {clock.value: getattr(promise, clock.value) for clock in Clock}
        given = {name: value for name, value in named.items() if value is not None}
        hours = sla.hours if promise.hours is None else promise.hours
        return replace(usual, calendar=calendar(hours), **given)

    return Promises(
        usual=usual,
        exceptions=tuple((p.team, p.priority, terms(p)) for p in exceptions),
    )


def start(terms: Terms, clock: Clock, at: datetime) -> Run | None:
    """Let a clock run from `at`; None when nothing is promised."""
    allowed = terms.seconds(clock)
    if not allowed:
        return None
    return _running(allowed, allowed, terms, at)


def stop(run: Run, terms: Terms, now: datetime) -> Run:
    """Let a clock stand still; one that is late or stands already is left alone."""
    if run.due_at is None or run.is_late(now):
        return run
    return Run(
        allowed=run.allowed,
        remaining=run.remaining - _used(run, terms, now),
        counted_from=now,
        due_at=None,
        warn_at=None,
    )


def go_on(run: Run, terms: Terms, at: datetime) -> Run:
    """Let a clock that stands run again from `at`, or since it was stopped if later:
    a word that arrived before the clock was stopped does not count the time twice."""
    if run.due_at is not None:
        return run
    since = max(at, run.counted_from)
    return _running(run.allowed, run.remaining, terms, since)


def finish(run: Run, terms: Terms, now: datetime) -> Run:
    """Take stock at the end; what is left may be less than nothing. The due time stays
    for the record, and in force should the end prove to be none."""
    if run.due_at is None:
        return run
    left = run.remaining - _used(run, terms, now)
    return replace(run, remaining=left, counted_from=now)


def wake(run: Run, terms: Terms, at: datetime) -> Run:
    """Let a clock that was finished run again, without the time in between."""
    since = max(at, run.counted_from)
    if run.due_at is not None and run.is_late(run.counted_from):
        return replace(run, counted_from=since)
    return _running(run.allowed, run.remaining, terms, since)


def promise_anew(run: Run, clock: Clock, terms: Terms) -> Run | None:
    """What becomes of a clock when the case is promised something else: the time it has
    used stays used. None when nothing is promised any more."""
    allowed = terms.seconds(clock)
    if not allowed:
        return None
    left = allowed - (run.allowed - run.remaining)
    if run.due_at is None:
        return replace(run, allowed=allowed, remaining=left)
    return _running(allowed, left, terms, run.counted_from)


def took(run: Run, terms: Terms, now: datetime) -> float:
    """How many seconds of business time a clock has used by now."""
    if run.due_at is None:
        return run.allowed - run.remaining
    return run.allowed - run.remaining + _used(run, terms, now)


def _running(allowed: float, remaining: float, terms: Terms, at: datetime) -> Run:
    """A warning comes so long before the end, but never in the first half: at once
    would be none."""
    ahead = min(terms.warn_before, allowed / 2)
    warn_at = None
    if terms.warn_before:
        warn_at = add(terms.calendar, at, max(remaining - ahead, 0.0))
    return Run(
        allowed=allowed,
        remaining=remaining,
        counted_from=at,
        due_at=add(terms.calendar, at, max(remaining, 0.0)),
        warn_at=warn_at,
    )


def _used(run: Run, terms: Terms, now: datetime) -> float:
    return between(terms.calendar, run.counted_from, now)
