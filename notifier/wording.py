"""Durations, days and hours in the customer's language, by Babel (CLDR).

Nothing is put together by hand here: "1 horas" and "3:00 p.m." for a Brazilian are the
mistakes that hand-made strings make.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_name
from babel.lists import format_list

_DAY = 24 * 60
Unit = Literal["day", "hour", "minute"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A day with its weekday, an hour, and the zone both are in, each in words."""

    day: str
    time: str
    zone: str


@lru_cache
def locale(language: str) -> Locale:
    """Return Babel's locale for a language tag; raises ValueError for an unknown."""
    return Locale.parse(language, sep="-")


@lru_cache(maxsize=256)
def duration(hours: float, language: str) -> str:
    """Say a duration of hours: "24 horas", "1 hora e 30 minutos"; "" for none.

    Whole days only from three on: "24 hours" is a promise, "1 day" sounds like
    tomorrow evening.
    """
    minutes = round(hours * 60)
    if minutes >= 3 * _DAY and minutes % _DAY == 0:
        return _amount(minutes // _DAY, "day", language)
    whole, rest = divmod(max(minutes, 0), 60)
    parts = [_amount(whole, "hour", language)] if whole else []
    parts += [_amount(rest, "minute", language)] if rest else []
    return format_list(parts, locale=locale(language)) if parts else ""


def moment(at: datetime, zone: ZoneInfo, language: str) -> Moment:
    """Say a moment; `at` is in `zone` already."""
    return _minute(at.replace(second=0, microsecond=0), zone, language)


@lru_cache(maxsize=256)
def _minute(at: datetime, zone: ZoneInfo, language: str) -> Moment:
    # Letters of one minute often say the same moment, and Babel takes its time.
    where = locale(language)
    return Moment(
        day=format_date(at, "full", locale=where),
        time=format_time(at, "short", locale=where, tzinfo=zone),
        zone=_zone(zone, language),
    )


@lru_cache(maxsize=1024)
def nearest(wanted: str, known: tuple[str, ...], otherwise: str) -> str:
    """Return the known language for a tag: itself, its kin (pt for pt-BR), or else."""
    tag = wanted.replace("_", "-").lower()
    by_tag = {language.lower(): language for language in sorted(known)}
    primary = tag.partition("-")[0]
    kin = (by_tag[t] for t in by_tag if t.partition("-")[0] == primary)
    return by_tag.get(tag) or by_tag.get(primary) or next(kin, otherwise)


@lru_cache
def _zone(zone: ZoneInfo, language: str) -> str:
    # The generic name: "Horário de Brasília" in summer and in winter.
    return get_timezone_name(zone, locale=locale(language))


def _amount(number: int, unit: Unit, language: str) -> str:
    # Not format_unit: Babel 2.18 has no day in its Portuguese units ("3 duration-day").
    # A threshold that is never reached keeps 24 hours from becoming a day.
    span = timedelta(**{f"{unit}s": number})
    return format_timedelta(
        span, granularity=unit, threshold=1e9, locale=locale(language)
    )
