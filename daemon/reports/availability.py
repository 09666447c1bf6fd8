"""How much of the time the service was up, by its own heartbeats."""

from datetime import datetime, timedelta

from chamado.config.settings import Settings
from chamado.daemon.core import figures
from chamado.daemon.core.figures import Stretch
from chamado.daemon.reports.window import Document, Window
from chamado.daemon.store import uptime
from chamado.daemon.store.engine import Work
from chamado.daemon.store.uptime import LONGEST_GAP

MEASURES = (
    "the time in which at least one daemon with the job clock noted every 15 seconds, "
    "in the database, that all its jobs were moving and that it could take mail; a "
    "silence of up to 45 seconds is no downtime, and before the first note nothing is "
    "measured"
)


def availability(work: Work, settings: Settings, window: Window) -> Document:
    """Report on the part of the window that can be known: not before the first
    heartbeat, and not the future."""
    first = uptime.first(work)
    until = min(window.until, window.now)
    since = min(max(window.since, first or until), until)
    down = _down(work, since, until)

    def shown(begin: datetime, end: datetime) -> Document:
        measured = (end - begin) / timedelta(seconds=1)
        missing = figures.overlap(down, begin, end)
        return {
            "measured_seconds": measured,
            "down_seconds": missing,
            "available_percent": figures.percent(measured - missing, measured),
        }

    total = shown(since, until)
    reached = total["available_percent"]
    pieces = {"week": figures.weeks, "day": figures.days}
    return {
        **window.head("availability"),
        "measures": MEASURES,
        "measured_from": since if first else None,
        "promised_percent": settings.sla.availability,
        "kept": None if reached is None else reached >= settings.sla.availability,
        "total": total,
        "by": {
            name: [
                {name: piece.name, **shown(piece.since, piece.until)}
                for piece in cut(since, until, window.zone)
            ]
            for name, cut in pieces.items()
        },
        "outages": [
            {"from": begin, "until": end, "seconds": (end - begin).total_seconds()}
            for begin, end in down
        ],
    }


def _down(work: Work, since: datetime, until: datetime) -> list[Stretch]:
    """The silences; one that began before is told from `since` on only."""
    noted = uptime.stretches(work, since - LONGEST_GAP, until + LONGEST_GAP)
    silent = figures.gaps(figures.joined(noted, LONGEST_GAP), since, until)
    # The newest heartbeat is always a few seconds old.
    return [
        (begin, end)
        for begin, end in silent
        if end < until or end - begin > LONGEST_GAP
    ]
