"""A database that is locked, cut off or away: senders wait, nothing else happens."""

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chamado.daemon.store import upgrade
from chamado.daemon.store.engine import Store
from tests.support import postgres
from tests.support.crash import (
    EXHAUSTIVE,
    PATIENT,
    Feeder,
    check_bytes,
    check_fates,
    feeding,
    look,
)
from tests.support.daemon import Daemon, wait_until, write_config
from tests.support.postgres import Postgres
from tests.support.postgres_faults import started_again, stopped

LOCKED_SECONDS = 60.0 if EXHAUSTIVE else 8.0

_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold the write lock of a SQLite file from another process."""
    holder = subprocess.Popen(
        [sys.executable, "-c", _LOCK, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout
    assert holder.stdin
    try:
        assert holder.stdout.readline() == b"locked\n"
        yield
    finally:
        holder.stdin.close()
        assert holder.wait(30) == 0
        holder.stdout.close()


def _recovers(daemon: Daemon, feeder: Feeder, url: str, config: Path) -> None:
    """Demand that everything is as if nothing had happened, without a restart."""
    wait_until(lambda: feeder.feed(daemon))
    feeder.again(daemon)
    wait_until(lambda: look(url).idle())
    assert daemon.stop() == 0
    books = look(url, at_rest=True)
    check_fates(books, feeder.sent)
    check_bytes(books, config)
    assert "Traceback" not in daemon.output()
    temporary = {code for code in feeder.codes if code not in (0, 250)}
    assert temporary <= {451, 452, 421}, feeder.codes


@PATIENT
def test_f08_sqlite_locked_by_somebody_else(tmp_path: Path) -> None:
    """F-08: 451 while it lasts, and all is taken and filed when it is over."""
    file = tmp_path / "chamado.db"
    config = write_config(tmp_path, f"sqlite:///{file}")
    feeder = Feeder()
    with Daemon(config) as daemon:
        assert feeder.feed(daemon)
        with _locked(file), feeding(daemon, feeder):
            threading.Event().wait(LOCKED_SECONDS)
        assert feeder.codes[451] + feeder.codes[452], feeder.codes
        _recovers(daemon, feeder, f"sqlite:///{file}", config)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL for this test alone, which it may stop."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed here; tests/servers.sh installs it")
    with postgres.shared(tmp_path, _prepare) as server:
        yield server


def _prepare(url: str) -> None:
    store = Store(url)
    upgrade.upgrade(store)
    store.close()


@PATIENT
@pytest.mark.postgres
def test_f09_postgres_cut_off_stopped_and_started_again(
    own_server: Postgres, tmp_path: Path
) -> None:
    """F-09: connections killed under load, then the whole server in mid-commit."""
    feeder = Feeder()
    with own_server.database() as url:
        config = write_config(tmp_path, url)
        with Daemon(config) as daemon:
            with feeding(daemon, feeder):
                for _ in range(10):
                    before = len(feeder.acked)
                    wait_until(lambda n=before: len(feeder.acked) > n)
                    own_server.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE application_name = '' AND pid <> pg_backend_pid()"
                    )
                options = stopped(own_server)
                refused = Counter(feeder.codes)
                wait_until(lambda: (feeder.codes - refused)[451] > 1)
                started_again(own_server, options)
                before = len(feeder.acked)
                wait_until(lambda: len(feeder.acked) > before)
            _recovers(daemon, feeder, url, config)
