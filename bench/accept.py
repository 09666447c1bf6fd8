"""How fast mail is taken durably: Chamado beside Postfix and the limits of the machine.

The load is Postfix's `smtp-source`. `smtp-sink` keeps nothing and is what the machine
can do at most; Postfix writes a file a mail into its queue and syncs it; stock aiosmtpd
appends to one file and syncs it, which is the least a durable server can do.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import places
from bench.client import SUPPORT
from bench.effort import Effort
from bench.look import Look
from bench.table import Section, Target, figure
from tests.support.daemon import Daemon, write_config
from tests.support.postfix import Postfix, why_not

SOURCE = Path("/usr/sbin/smtp-source")
SMALL, BIG = 5_120, 1_048_576
WANTED = 1.5
POSTFIX, SINK, STOCK = "Postfix, real queue", "smtp-sink, discards", "stock aiosmtpd"
CHAMADO = {kind: f"Chamado, {kind}" for kind in (places.SQLITE, places.POSTGRES)}

#: A running server: its port, and how many mails it has durably taken so far.
Server = tuple[int, Callable[[], int] | None]


def send(port: int, count: int, sessions: int, size: int) -> float:
    """Send with smtp-source over kept connections; mails a second."""
    begin = time.perf_counter()
    subprocess.run(
        [
            *(str(SOURCE), "-d", "-s", str(sessions), "-l", str(size)),
            *("-m", str(count), "-f", "bench@cliente.example", "-t", SUPPORT),
            f"127.0.0.1:{port}",
        ],
        check=True,
        capture_output=True,
        timeout=600,
    )
    return count / (time.perf_counter() - begin)


@contextmanager
def _sink(folder: Path) -> Iterator[Server]:
    with places.sink() as port:
        yield port, None


@contextmanager
def _postfix(folder: Path) -> Iterator[Server]:
    with Postfix() as running:
        yield running.port, None


@contextmanager
def _stock(folder: Path) -> Iterator[Server]:
    port = places.free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stock", str(port), str(folder / "mails")]
    )
    try:
        places.wait_for_port(port)
        yield port, None
    finally:
        process.terminate()
        process.wait()


def _chamado(kind: str) -> Callable[[Path], object]:
    @contextmanager
    def start(folder: Path) -> Iterator[Server]:
        with places.database(kind, folder) as url:
            config = write_config(folder, url)
            with Daemon(config, "--only", "smtp") as running:
                look = Look(url)
                yield (
                    running.smtp_port,
                    lambda: int(look.value("SELECT count(*) FROM inbox")),
                )
                look.close()

    return start


def servers() -> dict[str, Callable[[Path], object]]:
    """Who is measured, in the order of the table."""
    found: dict[str, Callable[[Path], object]] = {SINK: _sink}
    if not why_not():
        found[POSTFIX] = _postfix
    found[STOCK] = _stock
    for kind in places.kinds():
        found[CHAMADO[kind]] = _chamado(kind)
    return found


Rates = dict[tuple[str, str], float]


def accept(effort: Effort, folder: Path) -> Section:
    """Measure all servers, in turns, so that a slow minute of the disk hits all."""
    loads = {
        f"5 KB, {n} at once": (effort.accept_mails, n, SMALL) for n in effort.sessions
    }
    loads["1 MB, 10 at once"] = (effort.accept_big_mails, 10, BIG)
    seen: dict[tuple[str, str], list[float]] = {}
    for _ in range(effort.rounds):
        for name, start in servers().items():
            for load, (count, sessions, size) in loads.items():
                rate = _measure(start, folder, count, sessions, size)
                seen.setdefault((name, load), []).append(rate)
    rates = {key: statistics.median(values) for key, values in seen.items()}
    return Section(
        title="Durable accept",
        how=(
            "Mails a second until the last 250, `smtp-source` over kept connections; "
            "in parentheses the ratio to Postfix. Chamado runs with `--only smtp`. "
            f"Each server starts afresh for each figure; median of {effort.rounds}."
        ),
        columns=("server", *loads),
        rows=tuple(_row(name, tuple(loads), rates) for name in servers()),
        targets=tuple(
            _target(kind, load, rates)
            for kind in places.kinds()
            for load in loads
            if load == "5 KB, 10 at once"
        ),
    )


def _measure(
    start: Callable[[Path], object], folder: Path, count: int, sessions: int, size: int
) -> float:
    with TemporaryDirectory(dir=folder) as place:
        # One session must not take for ever on a slow disk.
        count = max(count // 2, sessions) if sessions == 1 else count
        with start(Path(place)) as (port, taken):  # type: ignore[attr-defined]
            send(port, sessions, sessions, SMALL)
            rate = send(port, count, sessions, size)
            if taken:
                stored = taken()
                assert stored == count + sessions, f"{stored} of {count} are stored"
            return rate


def _row(name: str, loads: tuple[str, ...], rates: Rates) -> tuple[str, ...]:
    cells = [name]
    for load in loads:
        rate, yardstick = rates[name, load], rates.get((POSTFIX, load))
        ratio = f" ({figure(rate / yardstick)} ×)" if yardstick else ""
        cells.append(f"{figure(rate)}{ratio}")
    return tuple(cells)


def _target(kind: str, load: str, rates: Rates) -> Target:
    yardstick = rates.get((POSTFIX, load))
    reached = rates[CHAMADO[kind], load] / yardstick if yardstick else None
    return Target(
        what=f"durable accept, {load}, {kind}",
        wanted=f"≥ {WANTED} × Postfix",
        reached=reached,
        met=reached is not None and reached >= WANTED,
        unit="×",
    )
