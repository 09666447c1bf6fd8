"""Business time, with its odd days."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.config.hours import parse_hours
from chamado.daemon.core.calendar import Calendar, add, between

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
OFFICE = Calendar(week=parse_hours("mon-fri 09:00-18:00"), zone=SAO_PAULO)
ALWAYS = Calendar()
MOMENTS = st.integers(1_735_689_600, 1_830_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)
HOUR = 3600.0


def _at(text: str, zone: ZoneInfo = SAO_PAULO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-11-23T10:00", 2, "2026-11-23T12:00"),
        ("2026-11-23T17:30", 1, "2026-11-24T09:30"),
        ("2026-11-27T17:00", 2, "2026-11-30T10:00"),
        ("2026-11-28T12:00", 1, "2026-11-30T10:00"),
        ("2026-11-23T06:00", 1, "2026-11-23T10:00"),
        ("2026-11-23T09:00", 9, "2026-11-23T18:00"),
        ("2026-11-23T09:00", 18, "2026-11-24T18:00"),
    ],
)
def test_the_clock_rests_outside_opening_hours(
    start: str, hours: float, due: str
) -> None:
    """Evenings, weekends and early mails do not cost the promise a minute."""
    assert add(OFFICE, _at(start), hours * HOUR) == _at(due)


def test_holidays_are_closed() -> None:
    """A Carnival Tuesday is no working day."""
    closed = Calendar(
        week=OFFICE.week,
        zone=SAO_PAULO,
        is_holiday=lambda day: day == date(2026, 2, 17),
    )
    assert add(closed, _at("2026-02-16T17:00"), 2 * HOUR) == _at("2026-02-18T10:00")


def test_nine_to_six_stays_nine_to_six_when_the_clocks_change() -> None:
    """F-19: the office opens by its wall clock on both sides of a change."""
    week = parse_hours("mon-sun 09:00-18:00")
    office = Calendar(week=week, zone=BERLIN)
    assert add(office, _at("2026-03-28T17:00", BERLIN), 2 * HOUR) == _at(
        "2026-03-29T10:00", BERLIN
    )
    night = Calendar(week=parse_hours("mon-sun 00:00-24:00"), zone=BERLIN)
    short = between(
        night, _at("2026-03-29T00:00", BERLIN), _at("2026-03-30T00:00", BERLIN)
    )
    long = between(
        night, _at("2026-10-25T00:00", BERLIN), _at("2026-10-26T00:00", BERLIN)
    )
    assert (short, long) == (23 * HOUR, 25 * HOUR)


def test_odd_zones_work() -> None:
    """F-19: five hours and forty-five minutes off, and nothing is rounded."""
    office = Calendar(week=parse_hours("mon-fri 09:00-18:00"), zone=KATHMANDU)
    start = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
    assert add(office, start, HOUR) == start + timedelta(hours=1)


@given(start=MOMENTS, seconds=st.floats(0, 30 * 86400))
def test_adding_and_measuring_agree(start: datetime, seconds: float) -> None:
    """What was added is what is measured, to the microsecond."""
    for calendar in (OFFICE, ALWAYS):
        due = add(calendar, start, seconds)
        assert due >= start
        assert between(calendar, start, due) == pytest.approx(seconds, abs=1e-5)


@given(start=MOMENTS, one=st.floats(0, 86400), more=st.floats(0, 86400))
def test_deadlines_are_monotone(start: datetime, one: float, more: float) -> None:
    """More time, or a later start, never makes a deadline earlier."""
    assert add(OFFICE, start, one) <= add(OFFICE, start, one + more)
    later = start + timedelta(seconds=more)
    assert add(OFFICE, start, one) <= add(OFFICE, later, one)


@given(a=MOMENTS, b=MOMENTS, c=MOMENTS)
def test_measuring_is_additive(a: datetime, b: datetime, c: datetime) -> None:
    """A stretch is the sum of its parts."""
    first, middle, last = sorted((a, b, c))
    total = between(OFFICE, first, last)
    parts = between(OFFICE, first, middle) + between(OFFICE, middle, last)
    assert total == pytest.approx(parts)


@pytest.mark.parametrize(
    "text",
    [
        "9 to 5",
        "",
        "mon 18:00-09:00",
        "mon 09:00-09:00",
        "mon 09:00-25:00",
        "xyz 09:00-18:00",
        "mon 09:61-18:00",
        "mon 09:00-12:00, mon 11:00-13:00",
    ],
)
def test_what_is_no_opening_hours_is_refused(text: str) -> None:
    """The mistake is named when the configuration is read, not when a case is late."""
    with pytest.raises(ValueError, match=r"."):
        parse_hours(text)


def test_a_week_may_wrap_and_have_breaks() -> None:
    """fri-mon means four days, and lunch is a gap."""
    week = parse_hours("fri-mon 09:00-12:00; fri 13:00-17:00")
    assert [len(day) for day in week] == [1, 0, 0, 0, 2, 1, 1]


def test_a_calendar_that_never_opens_is_an_error_and_no_endless_search() -> None:
    """All days holidays: the deadline cannot be said."""
    closed = Calendar(week=OFFICE.week, is_holiday=lambda day: True)
    with pytest.raises(ValueError, match="no time"):
        add(closed, _at("2026-11-23T10:00"), 1)
