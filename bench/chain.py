"""The whole way of a mail through a real daemon: 250, ticket, acknowledgement sent."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import places
from bench.client import Client
from bench.effort import Effort
from bench.look import Look, cpu_seconds, wait_for
from bench.table import Section, Target, figure
from tests.support.daemon import Daemon, write_config
from tests.support.memory import children

WANTED = {places.SQLITE: 300.0, places.POSTGRES: 200.0}
CONNECTIONS = 20
WARM = 100
_DONE = "SELECT count(*) FROM inbox WHERE state <> 'received'"
_SENT = "SELECT count(*) FROM outbox WHERE state = 'sent'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: rates a second, processor time in ms a mail by who spent it."""

    accepted: float
    tickets: float
    sent: float
    cpu: dict[str, float]


@contextmanager
def daemon(url: str, folder: Path, relay_port: int, more: str = "") -> Iterator[Daemon]:
    """A daemon with everything on, its letters going to the sink."""
    relay = f'kind = "smtp"\nhost = "127.0.0.1"\nport = {relay_port}'
    config = write_config(folder, url, relay=relay, more=more)
    with Daemon(config) as running:
        yield running


def run(kind: str, folder: Path, count: int, *, big: bool) -> Run:
    """Send `count` mixed mails as fast as they are taken; wait for the last letter."""
    with (
        TemporaryDirectory(dir=folder) as place,
        places.database(kind, folder) as url,
        places.sink() as relay_port,
        daemon(url, Path(place), relay_port) as running,
    ):
        look = Look(url)
        warm(running.smtp_port, look)
        client = Client(running.smtp_port, count, big=big, connections=CONNECTIONS)
        before = _cpu(running.process.pid)
        try:
            client.go()
            told = client.result()
            _wait(look, count + WARM)
            spent = _spent(running.process.pid, before)
            return _judge(told, look, count, spent)
        finally:
            client.end()
            look.close()


def warm(port: int, look: Look) -> None:
    """Let the children load what they need; these mails are not counted."""
    client = Client(port, WARM, big=False, connections=CONNECTIONS, first=WARM)
    client.go()
    client.result()
    _wait(look, WARM)
    client.end()


def _wait(look: Look, count: int) -> None:
    wait_for(lambda: look.value(_DONE) == count, "every mail has a fate")
    tickets = look.value("SELECT count(*) FROM ticket")
    assert tickets == count, f"{tickets} tickets of {count} mails"
    wait_for(lambda: look.value(_SENT) == count, "every letter is sent")


def _cpu(pid: int) -> dict[int, float]:
    return {p: cpu_seconds(p) for p in (pid, *children(pid))}


def _spent(pid: int, before: dict[int, float]) -> tuple[float, float]:
    now = _cpu(pid)
    spent = {p: seconds - before.get(p, 0.0) for p, seconds in now.items()}
    return spent.pop(pid), sum(spent.values())


def _judge(
    told: dict[str, Any], look: Look, count: int, spent: tuple[float, float]
) -> Run:
    began = told["began"]
    filed = _unix(look.value("SELECT max(processed_at) FROM inbox"))
    sent = _unix(look.value("SELECT max(sent_at) FROM outbox"))
    milli = 1_000 / count
    return Run(
        accepted=count / (told["ended"] - began),
        tickets=count / (filed - began),
        sent=count / (sent - began),
        cpu={
            "daemon": spent[0] * milli,
            "parsers": spent[1] * milli,
            "client": told["cpu"] * milli,
        },
    )


def _unix(at: Any) -> float:
    found = datetime.fromisoformat(at) if isinstance(at, str) else at
    return float(found.timestamp())


def chain(effort: Effort, folder: Path) -> Section:
    """Measure the chain on each database, with and without the large mails."""
    rows: list[tuple[str, ...]] = []
    targets: list[Target] = []
    for kind in places.kinds():
        for big in (True, False):
            runs = [
                run(kind, folder, effort.chain_mails, big=big)
                for _ in range(effort.rounds)
            ]
            rows.append(_row(kind, big, runs))
            if big:
                targets.append(_target(kind, runs))
    return Section(
        title="End to end",
        how=(
            f"{effort.chain_mails} mixed mails, each from another sender, over "
            f"{CONNECTIONS} connections; smtp + process + deliver, letters to "
            f"`smtp-sink`; until the last ticket with its acknowledgement queued, and "
            f"until the last acknowledgement is sent; by a daemon that filed "
            f"{WARM} mails before; median of {effort.rounds}."
        ),
        columns=(
            "database",
            "mails",
            "accepted/s",
            "tickets/s",
            "acks sent/s",
            "CPU ms/mail: daemon",
            "parsers",
            "client",
        ),
        rows=tuple(rows),
        targets=tuple(targets),
    )


def _row(kind: str, big: bool, runs: list[Run]) -> tuple[str, ...]:
    rates = [[r.accepted for r in runs], [r.tickets for r in runs]]
    rates.append([r.sent for r in runs])
    cpus = [[r.cpu[who] for r in runs] for who in ("daemon", "parsers", "client")]
    return (
        kind,
        "with large ones" if big else "without large ones",
        *(figure(statistics.median(values)) for values in (*rates, *cpus)),
    )


def _target(kind: str, runs: list[Run]) -> Target:
    reached = statistics.median(r.tickets for r in runs)
    wanted = WANTED[kind]
    return Target(
        what=f"tickets with acknowledgement, {kind}",
        wanted=f"≥ {wanted:.0f}/s",
        reached=reached,
        met=reached >= wanted,
        unit="/s",
    )
