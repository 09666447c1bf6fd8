"""What is promised to whom, and clocks that stand still without losing a second."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.config.hours import parse_hours
from chamado.config.settings import Promise, Sla
from chamado.daemon.core import promises as clocks
from chamado.daemon.core.calendar import Calendar, between
from chamado.daemon.core.promises import Clock, Promises, Terms, promises_of
from chamado.daemon.core.types import Priority

HOUR = 3600.0
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ALWAYS = Calendar()
OFFICE = Calendar(week=parse_hours("mon-fri 09:00-18:00"), zone=SAO_PAULO)
MOMENTS = st.integers(1_735_689_600, 1_830_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
PAUSES = st.lists(
    st.tuples(st.integers(0, 200_000), st.integers(0, 200_000)), max_size=8
)


def terms(hours: float = 24, *, calendar: Calendar = ALWAYS, warn: float = 1) -> Terms:
    """Terms with the same time for every answer and nothing for the resolution."""
    return Terms(
        first_response=hours * HOUR,
        next_response=hours * HOUR,
        resolution=0.0,
        warn_before=warn * HOUR,
        calendar=calendar,
    )


def read(sla: Sla, *exceptions: Promise) -> Promises:
    """Promises in UTC without holidays."""
    return promises_of(sla, exceptions, "UTC", lambda day: False)


def started(with_: Terms, at: datetime = NOON) -> clocks.Run:
    """A first response that runs."""
    run = clocks.start(with_, Clock.FIRST_RESPONSE, at)
    assert run is not None
    return run


@pytest.mark.parametrize(
    ("team", "priority", "hours"),
    [
        ("sales", "p1", 2),
        ("sales", "p3", 8),
        ("support", "p1", 1),
        ("support", "p2", 24),
    ],
)
def test_the_first_promise_that_fits_counts(
    team: str, priority: str, hours: float
) -> None:
    """A team's priority, a team, a priority, and else what is promised to everybody."""
    promises = read(
        Sla(),
        Promise(team="sales", priority="p1", first_response=2 * HOUR),
        Promise(team="sales", first_response=8 * HOUR),
        Promise(priority="p1", first_response=HOUR),
    )
    found = promises.terms(team, Priority(priority))
    assert found.first_response == hours * HOUR


def test_what_an_exception_leaves_out_is_as_usual() -> None:
    """Hours and times of [sla] hold where the exception is silent; 0s is not silent."""
    sla = Sla(resolution=72 * HOUR, hours="mon-fri 09:00-18:00")
    promises = read(sla, Promise(team="sales", next_response=0.0, hours="24x7"))
    sales = promises.terms("sales", Priority.P3)
    assert (sales.first_response, sales.resolution) == (24 * HOUR, 72 * HOUR)
    assert sales.next_response == 0.0
    assert sales.calendar.always
    assert not promises.terms("support", Priority.P3).calendar.always


def test_what_is_not_promised_has_no_clock() -> None:
    """0s: nothing is due."""
    assert clocks.start(terms(), Clock.RESOLUTION, NOON) is None


@pytest.mark.parametrize(
    ("promised", "warn", "ahead"),
    [(24, 1, 1), (1, 1, 0.5), (0.5, 1, 0.25), (24, 0, None)],
)
def test_a_warning_comes_before_the_end_and_never_in_the_first_half(
    promised: float, warn: float, ahead: float | None
) -> None:
    """A promise of an hour is not warned of when it begins; 0s warns of nothing."""
    run = started(terms(promised, warn=warn))
    assert run.due_at == NOON + timedelta(hours=promised)
    expected = None if ahead is None else run.due_at - timedelta(hours=ahead)
    assert run.warn_at == expected


def test_a_warning_comes_while_somebody_is_there() -> None:
    """Due at half past nine on Monday, one is warned on Friday afternoon."""
    friday = datetime(2026, 11, 27, 13, 0, tzinfo=SAO_PAULO)
    run = started(terms(5.5, calendar=OFFICE), friday)
    assert run.due_at == datetime(2026, 11, 30, 9, 30, tzinfo=SAO_PAULO)
    assert run.warn_at == datetime(2026, 11, 27, 17, 30, tzinfo=SAO_PAULO)


def test_waiting_for_the_customer_costs_the_promise_nothing() -> None:
    """Stopped with 20 hours left, it has 20 hours left whenever it runs again."""
    run = started(terms())
    run = clocks.stop(run, terms(), NOON + timedelta(hours=4))
    assert (run.due_at, run.warn_at, run.remaining) == (None, None, 20 * HOUR)
    run = clocks.go_on(run, terms(), NOON + timedelta(days=9))
    assert run.due_at == NOON + timedelta(days=9, hours=20)


def test_a_word_that_came_before_the_stop_does_not_count_time_twice() -> None:
    """Mail that lay in a backlog: the clock had been running until it was stopped."""
    run = clocks.stop(started(terms()), terms(), NOON + timedelta(hours=4))
    run = clocks.go_on(run, terms(), NOON + timedelta(hours=1))
    assert run.due_at == NOON + timedelta(hours=24)


def test_what_is_late_stays_late() -> None:
    """Asking the customer something does not repair a promise that is missed."""
    late = started(terms())
    tomorrow = NOON + timedelta(hours=25)
    assert clocks.stop(late, terms(), tomorrow) == late
    over = clocks.finish(late, terms(), tomorrow)
    again = clocks.wake(over, terms(), tomorrow + timedelta(days=1))
    assert again.due_at == late.due_at
    assert clocks.took(again, terms(), tomorrow + timedelta(days=2)) == 49 * HOUR


def test_the_time_in_which_a_case_was_over_does_not_count() -> None:
    """Ended after 4 hours and reopened a week later, 20 hours are left."""
    run = clocks.finish(started(terms()), terms(), NOON + timedelta(hours=4))
    assert run.due_at == NOON + timedelta(hours=24)
    again = clocks.wake(run, terms(), NOON + timedelta(days=7))
    assert again.due_at == NOON + timedelta(days=7, hours=20)


def test_another_promise_counts_from_the_start() -> None:
    """Raised to four hours after one, three are left; the time used stays used."""
    run = clocks.promise_anew(started(terms()), Clock.FIRST_RESPONSE, terms(4))
    assert run is not None
    assert run.due_at == NOON + timedelta(hours=4)
    stood = clocks.stop(run, terms(4), NOON + timedelta(hours=1))
    longer = clocks.promise_anew(stood, Clock.FIRST_RESPONSE, terms(24))
    assert longer is not None
    assert (longer.due_at, longer.remaining) == (None, 23 * HOUR)


def test_a_clock_that_stands_and_is_promised_less_than_it_used_is_late() -> None:
    """It is due the moment it runs again, and the time it took is not forgotten."""
    stood = clocks.stop(started(terms()), terms(), NOON + timedelta(hours=4))
    less = clocks.promise_anew(stood, Clock.FIRST_RESPONSE, terms(2))
    assert less is not None
    assert (less.due_at, less.remaining) == (None, -2 * HOUR)
    again = clocks.go_on(less, terms(2), NOON + timedelta(hours=9))
    assert again.due_at == NOON + timedelta(hours=9)
    assert clocks.took(again, terms(2), NOON + timedelta(hours=10)) == 5 * HOUR


def test_where_nothing_is_promised_any_more_the_clock_ends() -> None:
    """A team without this promise."""
    run = started(terms())
    assert clocks.promise_anew(run, Clock.FIRST_RESPONSE, terms(0)) is None


@given(start=MOMENTS, pauses=PAUSES, office=st.booleans(), hours=st.integers(1, 99))
def test_pauses_conserve_business_time(
    start: datetime, pauses: list[tuple[int, int]], office: bool, hours: int
) -> None:
    """However often it stood still: it ran for exactly as long as was promised."""
    of = terms(hours, calendar=OFFICE if office else ALWAYS)
    run, now, ran = started(of, start), start, 0.0
    for running, standing in pauses:
        stopped = now + timedelta(seconds=running)
        if run.is_late(stopped):
            break
        run = clocks.stop(run, of, stopped)
        ran += between(of.calendar, now, stopped)
        now = stopped + timedelta(seconds=standing)
        run = clocks.go_on(run, of, now)
    assert run.due_at is not None
    ran += between(of.calendar, now, run.due_at)
    assert ran == pytest.approx(hours * HOUR, abs=0.01)
    assert clocks.took(run, of, run.due_at) == pytest.approx(hours * HOUR, abs=0.01)


@given(
    start=MOMENTS,
    later=st.integers(0, 10**6),
    hours=st.integers(1, 99),
    more=st.integers(0, 99),
    office=st.booleans(),
)
def test_deadlines_never_move_against_the_promise(
    start: datetime, later: int, hours: int, more: int, office: bool
) -> None:
    """A later word or a longer promise is never due earlier, nor is a pause."""
    calendar = OFFICE if office else ALWAYS
    of, longer = terms(hours, calendar=calendar), terms(hours + more, calendar=calendar)
    run, after = started(of, start), start + timedelta(seconds=later)
    due = run.due_at
    assert due is not None
    assert run.warn_at is not None
    assert start <= run.warn_at <= due
    second = started(of, after).due_at
    assert second is not None
    assert due <= second
    renewed = clocks.promise_anew(run, Clock.FIRST_RESPONSE, longer)
    assert renewed is not None
    assert renewed.due_at is not None
    assert due <= renewed.due_at
    resumed = clocks.go_on(clocks.stop(run, of, after), of, after)
    assert resumed.due_at is not None
    assert due - timedelta(milliseconds=1) <= resumed.due_at
