"""What the measures run against: databases, a Postfix, a sink; all started and stopped
here, on loopback, in folders of their own."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chamado.daemon.store import upgrade
from chamado.daemon.store.engine import Store
from tests.support import postgres

SINK = Path("/usr/sbin/smtp-sink")
SQLITE, POSTGRES = "SQLite", "PostgreSQL"


def kinds() -> tuple[str, ...]:
    """The databases that are installed here."""
    return (SQLITE, POSTGRES) if postgres.programs() else (SQLITE,)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """A fresh database with the schema; its URL."""
    if kind == POSTGRES:
        with postgres.shared(folder, _prepare) as server, server.database() as url:
            yield url
        return
    path = folder / "database" / "chamado.db"
    url = f"sqlite:///{path}"
    _prepare(url)
    yield url
    shutil.rmtree(path.parent)


def _prepare(url: str) -> None:
    store = Store(url)
    try:
        upgrade.upgrade(store)
    finally:
        store.close()


@contextmanager
def sink() -> Iterator[int]:
    """Postfix's smtp-sink, which takes all mail and keeps none; its port."""
    port = free_port()
    process = subprocess.Popen(
        [str(SINK), "-u", "nobody", f"127.0.0.1:{port}", "256"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    end = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
