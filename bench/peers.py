"""Other help desks on the same mails, in the same run, where they can be had.

django-helpdesk comes from the package index into a virtual environment of its own
below .stamps/, and stays there for the next run. Request Tracker is measured only
where its Debian package is installed; nothing of it is linked or copied.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import chain, places
from bench.corpus import mixed
from bench.effort import Effort
from bench.table import Section, Target, figure

HERE = Path(__file__).parent
VENV = HERE.parent / ".stamps" / "django-helpdesk"
TRACKER = Path("/usr/share/request-tracker5/lib/RT.pm")
SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A product: how many times as fast we want to be, and how it is measured."""

    name: str
    wanted: float
    measure: Callable[[Path, Path, int], dict[str, Any] | None]
    missing: str


def _helpdesk_python() -> Path | None:
    """The Python that has django-helpdesk, installed now if need be."""
    python = VENV / "bin" / "python"
    try:
        if not python.exists():
            _run(sys.executable, "-m", "venv", str(VENV))
        _run(str(python), "-m", "pip", "install", "--quiet", "django-helpdesk")
    except (subprocess.SubprocessError, OSError):
        return None
    return python


def _run(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=SECONDS
    )
    return done.stdout


def _helpdesk(folder: Path, mails: Path, relay_port: int) -> dict[str, Any] | None:
    python = _helpdesk_python()
    if python is None:
        return None
    script = HERE / "peer_helpdesk.py"
    said = _run(str(python), str(script), str(folder), str(mails), str(relay_port))
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _tracker(folder: Path, mails: Path, relay_port: int) -> dict[str, Any] | None:
    if not TRACKER.exists():
        return None
    script = HERE / "peer_tracker.pl"
    said = _run("perl", str(script), str(folder), str(mails), str(relay_port))
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


PEERS = (
    Peer(
        name="django-helpdesk, SQLite",
        wanted=10,
        measure=_helpdesk,
        missing="not installed: the package index does not give it",
    ),
    Peer(
        name="Request Tracker 5, SQLite",
        wanted=60,
        measure=_tracker,
        missing="not installed: needs Debian's request-tracker5 and rt5-db-sqlite",
    ),
)


def peers(effort: Effort, folder: Path) -> Section:
    """Measure us from end to end, then whoever is there, and compare."""
    count = effort.peer_mails
    ours = max(
        chain.run(places.SQLITE, folder, effort.chain_mails, big=True).sent
        for _ in range(effort.rounds)
    )
    rows: list[tuple[str, ...]] = [
        ("Chamado, SQLite", figure(ours, "/s"), "", "1 ×", "")
    ]
    targets: list[Target] = []
    for peer in PEERS:
        told = _measured(peer, folder, count)
        rate = told["letters"] / told["seconds"] if told else None
        ratio = ours / rate if rate else None
        rows.append(
            (
                peer.name,
                figure(rate, "/s"),
                figure(told["cpu"] * 1_000 / count, "ms") if told else "–",
                f"{figure(ratio)} ×" if ratio else "–",
                f"{told['tickets']} of {count} became tickets, "
                f"{told['letters']} were acknowledged"
                if told
                else peer.missing,
            )
        )
        targets.append(
            Target(
                what=f"beside {peer.name.partition(',')[0]}",
                wanted=f"≥ {peer.wanted:.0f} ×",
                reached=ratio,
                met=ratio is not None and ratio >= peer.wanted,
                unit="×",
            )
        )
    return Section(
        title="Peers",
        how=(
            f"Tickets a second whose acknowledgement the relay has taken. Chamado as "
            f"in End to end, its best of {effort.rounds}; the peers are handed the "
            f"first {count} of the same mails one by one in one process."
        ),
        columns=("product", "tickets/s", "CPU a mail", "we are", ""),
        rows=tuple(rows),
        targets=tuple(targets),
    )


def _measured(peer: Peer, folder: Path, count: int) -> dict[str, Any] | None:
    with TemporaryDirectory(dir=folder) as place, places.sink() as relay_port:
        mails = Path(place) / "mails"
        mails.mkdir()
        for number, mail in enumerate(mixed(count)):
            (mails / f"{number:05}.eml").write_bytes(mail.content)
        return peer.measure(Path(place), mails, relay_port)
