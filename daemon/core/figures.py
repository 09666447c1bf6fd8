"""The arithmetic of reports: shares, percentiles, calendar pieces of a time, gaps.

Nothing is estimated. A percentile is a value that was measured: the smallest one that
at least so many percent of all do not exceed (nearest rank). A share of nothing is no
share, not zero.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A day or a week of a time; the first and the last may be cut short."""

    name: str
    since: datetime
    until: datetime


def percent(part: float, whole: float) -> float | None:
    """Return the share to two places; None of nothing."""
    return round(100 * part / whole, 2) if whole else None


def mean(values: Sequence[float]) -> float | None:
    """Return the average to the millisecond; None of nothing."""
    return round(math.fsum(values) / len(values), 3) if values else None


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the percentile by nearest rank; `values` are in order. None of nothing."""
    if not values:
        return None
    rank = max(math.ceil(share / 100 * len(values)), 1)
    return round(values[rank - 1], 3)


def week_of(at: datetime, zone: ZoneInfo) -> str:
    """Name the local week of a moment by ISO 8601: 2026-W48; it begins on Monday."""
    return _week(at.astimezone(zone).date())


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a local day begins."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days(since: datetime, until: datetime, zone: ZoneInfo) -> list[Piece]:
    """Cut a time into local days."""
    return list(_pieces(since, until, zone, 1))


def weeks(since: datetime, until: datetime, zone: ZoneInfo) -> list[Piece]:
    """Cut a time into local weeks."""
    return list(_pieces(since, until, zone, 7))


def name_of(at: datetime, pieces: Sequence[Piece]) -> str:
    """Name the piece that a moment lies in; there must be one."""
    place = bisect_right(pieces, at, key=lambda piece: piece.since)
    return pieces[place - 1].name


def joined(stretches: Iterable[Stretch], longest_gap: timedelta) -> list[Stretch]:
    """Join stretches that overlap or nearly touch; they come with their starts in
    order."""
    found: list[Stretch] = []
    for since, until in stretches:
        if found and since - found[-1][1] <= longest_gap:
            found[-1] = (found[-1][0], max(found[-1][1], until))
        else:
            found.append((since, until))
    return found


def gaps(
    stretches: Sequence[Stretch], since: datetime, until: datetime
) -> list[Stretch]:
    """Return what joined stretches leave uncovered between two moments."""
    found: list[Stretch] = []
    covered = since
    for begin, end in stretches:
        if begin > covered:
            found.append((covered, min(begin, until)))
        covered = max(covered, end)
        if covered >= until:
            return found
    if covered < until:
        found.append((covered, until))
    return found


def overlap(stretches: Iterable[Stretch], since: datetime, until: datetime) -> float:
    """Return how many seconds of stretches lie between two moments."""
    total = timedelta()
    for begin, end in stretches:
        total += max(min(end, until) - max(begin, since), timedelta())
    return total / timedelta(seconds=1)


def _pieces(
    since: datetime, until: datetime, zone: ZoneInfo, length: int
) -> Iterator[Piece]:
    day = since.astimezone(zone).date()
    if length == 7:
        day -= timedelta(days=day.weekday())
    while since < until and (begin := midnight(day, zone)) < until:
        after = day + timedelta(days=length)
        name = _week(day) if length == 7 else day.isoformat()
        end = midnight(after, zone)
        yield Piece(name=name, since=max(begin, since), until=min(end, until))
        day = after


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"
