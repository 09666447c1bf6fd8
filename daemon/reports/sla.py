"""Promises that were made: kept or not, and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chamado.config.settings import Settings
from chamado.daemon.core import figures
from chamado.daemon.core.promises import Clock, Ending
from chamado.daemon.core.types import Resolution
from chamado.daemon.reports.window import Document, Groups, Window
from chamado.daemon.store import reports
from chamado.daemon.store.engine import Work
from chamado.daemon.store.reports import ClockRow

#: Every promise is in exactly one of these columns.
FATES = ("in_time", "late", "missed", "running", "waiting", "void")
GROUPS = ("week", "team", "priority", "channel")
_NO_CASE = (Resolution.DUPLICATE.value, Resolution.SPAM.value)


@dataclass(slots=True)
class _Promised:
    """What became of promises of one kind; seconds of those that were met."""

    fates: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FATES, 0))
    business: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def count(self, row: ClockRow, now: datetime) -> None:
        """Take a promise in."""
        self.fates[fate_of(row, now)] += 1
        if row.ending == Ending.MET.value and row.done_at and row.took is not None:
            wall = (row.done_at - row.started_at) / timedelta(seconds=1)
            self.business.append(max(row.took, 0.0))
            self.wall.append(max(wall, 0.0))

    def document(self, aims: Mapping[str, float]) -> Document:
        """Say it in figures."""
        kept = self.fates["in_time"]
        due = kept + self.fates["late"] + self.fates["missed"]
        return {
            "promised": sum(self.fates.values()),
            **self.fates,
            "attained_percent": figures.percent(kept, due),
            "business": _times(self.business, aims),
            "wall": _times(self.wall, aims),
        }


_Clocks = dict[str, _Promised]


def sla(work: Work, settings: Settings, window: Window) -> Document:
    """Report on the promises whose clocks began in the window."""
    total = _none()
    groups = Groups(GROUPS, _none)
    for row in reports.clocks(work, window.since, window.until):
        values = {
            "week": figures.week_of(row.started_at, window.zone),
            "team": row.team,
            "priority": row.priority,
            "channel": row.channel,
        }
        for clocks in (total, *groups.of(values)):
            clocks[row.kind].count(row, window.now)
    aims = {
        "target": settings.sla.first_response_target,
        "promise": settings.sla.first_response,
    }

    def shown(clocks: _Clocks) -> Document:
        first = Clock.FIRST_RESPONSE.value
        return {
            kind: promised.document(aims if kind == first else {})
            for kind, promised in clocks.items()
        }

    return {
        **window.head("sla"),
        "target_seconds": aims["target"],
        "promise_seconds": aims["promise"],
        "total": shown(total),
        "by": groups.document(shown),
    }


def fate_of(row: ClockRow, now: datetime) -> str:
    """Say which column a promise belongs to.

    `void` is what nobody could keep or had to: the case was over before it was due, or
    was spam or another case's duplicate, or came to a team that promises nothing.
    """
    late = row.due_at is not None and row.due_at < (row.done_at or now)
    overdrawn = row.due_at is None and row.remaining < 0
    if row.ending == Ending.MET.value:
        return "late" if late or overdrawn else "in_time"
    no_case = row.resolution in _NO_CASE or row.merged_into is not None
    if row.ending == Ending.DROPPED.value or no_case:
        return "void"
    if late:
        return "missed"
    if row.ending == Ending.ENDED.value:
        return "void"
    return "running" if row.due_at else "waiting"


def _none() -> _Clocks:
    return {clock.value: _Promised() for clock in Clock}


def _times(values: list[float], aims: Mapping[str, float]) -> Document:
    ordered = sorted(values)
    return {
        "n": len(ordered),
        "mean": figures.mean(ordered),
        **{f"p{p}": figures.percentile(ordered, p) for p in (50, 90, 95)},
        **{
            f"within_{name}_percent": figures.percent(
                sum(value <= most for value in ordered), len(ordered)
            )
            for name, most in aims.items()
        },
    }
