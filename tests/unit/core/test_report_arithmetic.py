"""Shares, percentiles, days, weeks and gaps, each small enough to count by hand."""

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.core import figures

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BERLIN = ZoneInfo("Europe/Berlin")
NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
TICKS = st.lists(st.integers(0, 5_000), max_size=30).map(sorted)


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 50, None),
        ([7.0], 50, 7.0),
        ([7.0], 95, 7.0),
        ([1.0, 2.0], 50, 1.0),
        ([1.0, 2.0, 3.0], 50, 2.0),
        ([float(n) for n in range(1, 11)], 90, 9.0),
        ([float(n) for n in range(1, 11)], 95, 10.0),
        ([float(n) for n in range(1, 101)], 95, 95.0),
    ],
)
def test_a_percentile_is_a_value_that_was_measured(
    values: list[float], share: float, expected: float | None
) -> None:
    """Nearest rank: nothing is interpolated."""
    assert figures.percentile(values, share) == expected


@given(values=st.lists(st.floats(0, 1e6), min_size=1), share=st.integers(1, 100))
def test_as_many_as_it_says_do_not_exceed_a_percentile(
    values: list[float], share: int
) -> None:
    """And fewer do not exceed any smaller value."""
    ordered = sorted(round(value, 3) for value in values)
    found = figures.percentile(ordered, share)
    assert found in ordered
    assert found is not None
    needed = math.ceil(share / 100 * len(ordered))
    assert sum(value <= found for value in ordered) >= needed
    assert sum(value < found for value in ordered) < max(needed, 1)


def test_a_share_of_nothing_is_no_share() -> None:
    """Neither zero nor a hundred percent."""
    assert figures.percent(0, 0) is None
    assert figures.percent(1, 3) == 33.33
    assert figures.mean([]) is None
    assert figures.mean([1.0, 2.0, 2.0]) == 1.667


def test_a_week_begins_on_the_local_monday() -> None:
    """In São Paulo it is Sunday for three hours more than in UTC."""
    assert figures.week_of(datetime(2026, 11, 23, 2, 59, tzinfo=UTC), SAO_PAULO) == (
        "2026-W47"
    )
    assert figures.week_of(datetime(2026, 11, 23, 3, 0, tzinfo=UTC), SAO_PAULO) == (
        "2026-W48"
    )
    assert figures.week_of(datetime(2027, 1, 1, 12, tzinfo=UTC), SAO_PAULO) == (
        "2026-W53"
    )


def test_a_time_is_cut_into_local_days_and_weeks() -> None:
    """The first and the last piece are cut short, the day of a clock change is not."""
    found = figures.days(at(0), at(24 * 60), SAO_PAULO)
    assert [(p.name, p.since, p.until) for p in found] == [
        ("2026-11-25", at(0), at(15 * 60)),
        ("2026-11-26", at(15 * 60), at(24 * 60)),
    ]
    (short,) = figures.days(
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
        BERLIN,
    )
    assert (short.name, short.until - short.since) == (
        "2026-03-29",
        timedelta(hours=23),
    )
    names = [p.name for p in figures.weeks(at(0), at(8 * 1440), SAO_PAULO)]
    assert names == ["2026-W48", "2026-W49"]
    assert figures.days(at(0), at(0), SAO_PAULO) == []


@given(
    start=st.integers(0, 10**6), length=st.integers(1, 60 * 1440), week=st.booleans()
)
def test_pieces_leave_nothing_out(start: int, length: int, week: bool) -> None:
    """One ends where the next begins, and each moment lies in the piece of its name."""
    since, until = at(start), at(start + length)
    pieces = (figures.weeks if week else figures.days)(since, until, BERLIN)
    assert (pieces[0].since, pieces[-1].until) == (since, until)
    assert [p.until for p in pieces[:-1]] == [p.since for p in pieces[1:]]
    assert all(figures.name_of(p.since, pieces) == p.name for p in pieces)
    if week:
        assert all(figures.week_of(p.since, BERLIN) == p.name for p in pieces)


def test_heartbeats_that_nearly_touch_are_one_stretch() -> None:
    """Overlapping daemons too; a longer silence is a gap."""
    stretches = [(at(0), at(10)), (at(5), at(7)), (at(10.5), at(20)), (at(22), at(30))]
    joined = figures.joined(stretches, timedelta(seconds=45))
    assert joined == [(at(0), at(20)), (at(22), at(30))]
    assert figures.gaps(joined, at(0), at(31)) == [(at(20), at(22)), (at(30), at(31))]
    assert figures.gaps(joined, at(-5), at(19)) == [(at(-5), at(0))]
    assert figures.gaps(joined, at(1), at(19)) == []
    assert figures.gaps([], at(1), at(2)) == [(at(1), at(2))]
    assert figures.overlap([(at(20), at(22))], at(21), at(60)) == 60.0


@given(ticks=TICKS, window=st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)))
def test_up_and_down_add_up(ticks: list[int], window: tuple[int, int]) -> None:
    """Every second of a time is in a stretch or in a gap, never in both."""
    since, until = (at(minute) for minute in sorted(window))
    stretches = figures.joined(
        [(at(t), at(t + 3)) for t in ticks], timedelta(minutes=1)
    )
    gaps = figures.gaps(stretches, since, until)
    up = figures.overlap(stretches, since, until)
    down = figures.overlap(gaps, since, until)
    assert up + down == (until - since).total_seconds()
