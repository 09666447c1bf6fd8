"""Business time: when the clock of a promise runs, and arithmetic on it.

Opening hours are meant on the wall of the office: nine to six is nine to six before and
after the clocks change. Durations are real seconds, so a day on which the clocks change
is an hour longer or shorter, as it is for the people who work on it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chamado.config.hours import Week

#: Nobody is closed for longer; beyond it a calendar without open hours would search
#: for ever.
_HORIZON_DAYS = 3_700


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Opening hours in a zone; see `config.hours.parse_hours`.

    An empty week means around the clock, on holidays too. `is_holiday` closes whole
    local days.
    """

    week: Week = ()
    zone: ZoneInfo = ZoneInfo("UTC")
    is_holiday: Callable[[date], bool] = lambda day: False

    @property
    def always(self) -> bool:
        """Whether the clock never rests."""
        return not self.week


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
