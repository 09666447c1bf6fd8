"""How long after its 250 a mail is a ticket that somebody can see, at a steady rate."""

import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import places
from bench.chain import WARM, daemon, warm
from bench.client import Client
from bench.effort import Effort
from bench.look import Look
from bench.table import Section, Target, figure

RATE = 10.0
POLL_SECONDS = 0.001
P50_MS, P99_MS = 15.0, 60.0
_NEWEST = "SELECT max(number) FROM ticket"
_NEW = "SELECT number, subject FROM ticket WHERE number > {} ORDER BY number"


def waits(kind: str, folder: Path, seconds: float, *, big: bool) -> list[float]:
    """Milliseconds from 250 to visible, for each mail of a steady run."""
    count = max(int(seconds * RATE), 10)
    with (
        TemporaryDirectory(dir=folder) as place,
        places.database(kind, folder) as url,
        places.sink() as relay_port,
        daemon(url, Path(place), relay_port) as running,
    ):
        look = Look(url)
        warm(running.smtp_port, look)
        client = Client(running.smtp_port, count, big=big, connections=4, rate=RATE)
        try:
            newest = int(look.value(_NEWEST))
            client.go()
            seen = _watch(look, count, newest)
            told = client.result()
        finally:
            client.end()
            look.close()
    return [
        max(seen[int(number)] - at, 0.0) * 1_000
        for number, at in told["answered"].items()
    ]


def _watch(look: Look, count: int, newest: int) -> dict[int, float]:
    """When each mail, by its place in the run, was first seen as a ticket."""
    seen: dict[int, float] = {}
    end = time.monotonic() + count / RATE + 60
    while len(seen) < count:
        for number, subject in look.rows(_NEW.format(newest)):
            seen[_place(subject)] = time.time()
            newest = number
        if time.monotonic() > end:
            raise TimeoutError(f"{count - len(seen)} mails became no ticket")
        time.sleep(POLL_SECONDS)
    return seen


def _place(subject: str) -> int:
    # "Problema 17 não abre", see the corpus.
    return int(subject.split()[1])


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


def latency(effort: Effort, folder: Path) -> Section:
    """Measure on each database, with and without the large mails."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    for kind in places.kinds():
        for big in (False, True):
            found = waits(kind, folder, effort.steady_seconds, big=big)
            shares = [statistics.median(found), percentile(found, 99), max(found)]
            mails = "with large ones" if big else "without large ones"
            rows.append((kind, mails, str(len(found)), *map(figure, shares)))
            if not big:
                targets += _targets(kind, shares)
    return Section(
        title="Latency",
        how=(
            f"{RATE:.0f} mails a second over 4 connections, everything on, after "
            f"{WARM} others; ms from the 250 that the client read until the ticket can "
            f"be read from the database, looked for every "
            f"{POLL_SECONDS * 1_000:.0f} ms."
        ),
        columns=("database", "mails", "count", "p50 ms", "p99 ms", "worst ms"),
        rows=tuple(rows),
        targets=tuple(targets),
    )


def _targets(kind: str, shares: list[Any]) -> list[Target]:
    return [
        Target(
            what=f"250 to ticket, {name}, {kind}",
            wanted=f"≤ {wanted:.0f} ms",
            reached=reached,
            met=reached <= wanted,
            unit="ms",
        )
        for name, wanted, reached in (
            ("p50", P50_MS, shares[0]),
            ("p99", P99_MS, shares[1]),
        )
    ]
