"""The days on which an office rests: a country's public holidays, and days of its own.

The library `holidays` knows the countries; it is an extra, loaded only when a country
is wanted. In Brazil nobody works on the Monday and Tuesday of Carnival and on Corpus
Christi, though the law leaves them open: these three count, other days that are open
to each employer (Ash Wednesday, Christmas Eve) do not.
"""

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from importlib.util import find_spec

from chamado.config.problems import Problem

EXTRA = "pip install 'chamado[holidays]'"
_CODE = re.compile(r"([A-Z]{2})(?:-([A-Z0-9]{1,3}))?", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
#: What rests by custom and not by law, by the names that the library gives the days.
_BY_CUSTOM = {"BR": ("Carnival", "Corpus Christi")}


def problem(code: str, extra: tuple[str, ...]) -> Problem | None:
    """Say what is wrong with `holidays` or `extra_holidays`, if anything is."""
    for number, day in enumerate(extra):
        if not _is_day(day):
            return Problem(
                key=f"sla.extra_holidays.{number}",
                message=f"{day!r} is no day",
                hint="write days like 2026-12-24",
            )
    return _code_problem(code) if code else None


def calendar_of(code: str, extra: tuple[str, ...]) -> Callable[[date], bool]:
    """Return the question whether a day is a holiday; both arguments are checked."""
    days = frozenset(map(date.fromisoformat, extra))
    if not code:
        return days.__contains__
    return lambda day: day in days or day in _year(code, day.year)


@lru_cache(maxsize=256)
def _year(code: str, year: int) -> frozenset[date]:
    """One year at a time: the library's own calendars fill themselves while they are
    asked, which two threads must not do at once."""
    import holidays

    country, _, part = code.partition("-")
    subdivision = part or None
    days = set(holidays.country_holidays(country, subdiv=subdivision, years=year))
    if customs := _BY_CUSTOM.get(country):
        optional = holidays.country_holidays(
            country,
            subdiv=subdivision,
            years=year,
            categories="optional",
            language="en_US",
        )
        days |= {
            day
            for day, names in optional.items()
            if any(name in customs for name in names.split("; "))
        }
    return frozenset(days)


def _code_problem(code: str) -> Problem | None:
    key = "sla.holidays"
    found = _CODE.fullmatch(code)
    if not found:
        hint = 'write a country or a state of it, like "BR" or "BR-SP"'
        return Problem(key=key, message=f"{code!r} is no country", hint=hint)
    if find_spec("holidays") is None:
        return Problem(key=key, message="needs the extra holidays", hint=EXTRA)
    import holidays

    country, part = found.groups()
    countries = holidays.list_supported_countries()
    if country not in countries:
        message = f"nobody knows the holidays of {country!r}"
        hint = "name the days in extra_holidays"
        return Problem(key=key, message=message, hint=hint)
    if part and part not in countries[country]:
        known = ", ".join(p for p in countries[country] if _CODE.fullmatch(f"XX-{p}"))
        hint = f"there are: {known}" if known else "name the country alone"
        return Problem(key=key, message=f"{country} has no {part!r}", hint=hint)
    return None


def _is_day(text: str) -> bool:
    try:
        return bool(_ISO.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False
