"""Opening hours as people write them, read into intervals of a week.

There is one grammar: `config check` refuses with the same words what a calendar could
not be made of.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALWAYS = "24x7"
_SPAN = re.compile(
    r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))?\s+"
    r"(?P<start>\d{1,2}:\d\d)-(?P<end>\d{1,2}:\d\d)",
    re.ASCII,
)

#: Minutes after midnight, from and to.
Interval = tuple[int, int]
#: The intervals of each weekday from Monday; empty for around the clock.
Week = tuple[tuple[Interval, ...], ...]


def parse_hours(text: str) -> Week:
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


def open_seconds(week: Week) -> float:
    """Return how long a week is open, in seconds; holidays are another question."""
    if not week:
        return 7 * 86400.0
    return 60.0 * sum(end - begin for day in week for begin, end in day)


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
