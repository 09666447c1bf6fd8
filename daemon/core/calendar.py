"""Business time: when the clock of a promise runs, and arithmetic on it.

Opening hours are meant on the wall of the office: nine to six is nine to six before and
after the clocks change. Durations are real seconds, so a day on which the clocks change
is an hour longer or shorter, as it is for the people who work on it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "24x7"
_SPAN = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<start>\d{1,2}:\d\d)-(?P<end>\d{1,2}:\d\d)"
)
#: Nobody is closed for longer; beyond it a calendar without open hours would search
#: for ever.
_HORIZON_DAYS = 3_700

Interval = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Opening hours (minutes after midnight, by weekday from Monday) in a zone.

    An empty week means around the clock. `is_holiday` closes whole local days.
    """

    week: tuple[tuple[Interval, ...], ...] = ()
    zone: ZoneInfo = ZoneInfo("UTC")
    is_holiday: Callable[[date], bool] = lambda day: False

    @property
    def always(self) -> bool:
        """Whether the clock never rests."""
        return not self.week


def parse_hours(text: str) -> tuple[tuple[Interval, ...], ...]:
    """Read "24x7" or "mon-fri 09:00-18:00, sat 09:00-12:00".

    Raises ValueError that says what is wrong with which part.
    """
    if text.strip().lower() == ALWAYS:
        return ()
    week: list[list[Interval]] = [[] for _ in DAYS]
    for part in re.split("[,;]", text.lower()):
        for day, interval in _span(part.strip()):
            week[day].append(interval)
    for day, intervals in enumerate(week):
        intervals.sort()
        for one, two in pairwise(intervals):
            if two[0] < one[1]:
                raise ValueError(f"hours on {DAYS[day]} overlap")
    return tuple(tuple(intervals) for intervals in week)


def add(calendar: Calendar, start: datetime, seconds: float) -> datetime:
    """Return the moment at which so many seconds of business time have passed.

    Raises ValueError when the calendar never opens for that long.
    """
    if calendar.always:
        return start + timedelta(seconds=seconds)
    left = timedelta(seconds=seconds)
    for opened, closed in _open(calendar, start):
        if left <= closed - opened:
            return opened + left
        left -= closed - opened
    raise ValueError("the opening hours leave no time for this deadline")


def between(calendar: Calendar, start: datetime, end: datetime) -> float:
    """Return how many seconds of business time lie between two moments."""
    if end <= start:
        return 0.0
    if calendar.always:
        return (end - start) / timedelta(seconds=1)
    total = timedelta()
    for opened, closed in _open(calendar, start):
        if opened >= end:
            break
        total += min(closed, end) - opened
    return total / timedelta(seconds=1)


def _open(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open intervals from `start` on, as UTC moments."""
    first = start.astimezone(calendar.zone).date()
    for offset in range(-1, _HORIZON_DAYS):
        day = first + timedelta(days=offset)
        if calendar.is_holiday(day):
            continue
        for begin, end in calendar.week[day.weekday()]:
            opened = max(_moment(day, begin, calendar.zone), start)
            closed = _moment(day, end, calendar.zone)
            if opened < closed:
                yield opened, closed


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(day, time(), zone) + timedelta(minutes=minutes)
    return wall.astimezone(UTC)


def _span(part: str) -> Iterator[tuple[int, Interval]]:
    found = _SPAN.fullmatch(part)
    if not found:
        raise ValueError(f"{part!r} is not like mon-fri 09:00-18:00")
    try:
        first = DAYS.index(found["first"])
        last = DAYS.index(found["last"] or found["first"])
    except ValueError:
        raise ValueError(f"{part!r} names a day that is none of {DAYS}") from None
    start, end = _minutes(found["start"]), _minutes(found["end"])
    if not start < end:
        raise ValueError(f"{part!r} ends before it begins")
    for step in range((last - first) % 7 + 1):
        yield (first + step) % 7, (start, end)


def _minutes(text: str) -> int:
    hours, minutes = (int(number) for number in text.split(":"))
    if minutes > 59 or hours * 60 + minutes > 24 * 60:
        raise ValueError(f"{text} is no time of day")
    return hours * 60 + minutes
