"""What every test may ask for: a database, of each of the two kinds."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.store import upgrade
from chamado.daemon.store.engine import Store
from tests.support import postgres
from tests.support.postgres import Postgres


def pytest_xdist_auto_num_workers() -> int:
    """Have one more worker than processors: many a test waits for a daemon."""
    return (os.cpu_count() or 1) + 1


def _prepare(url: str) -> None:
    store = Store(url)
    try:
        upgrade.upgrade(store)
    finally:
        store.close()


def _meeting(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the workers of one run share: xdist nests theirs in it."""
    base = factory.getbasetemp()
    return base.parent if base.name.startswith("popen-") else base


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """The PostgreSQL of this run; skips where none is installed."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed here; tests/servers.sh installs it")
    meeting, home = _meeting(tmp_path_factory), postgres.in_memory()
    with postgres.shared(meeting, _prepare, home) as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite with the schema, to be copied: a copy is faster than the way."""
    file = tmp_path_factory.mktemp("template") / "chamado.db"
    _prepare(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh database with the schema; the test runs once for each kind."""
    if request.param == "sqlite":
        folder = tmp_path / "database"
        folder.mkdir()
        template = request.getfixturevalue("sqlite_template")
        shutil.copy(template, folder / "chamado.db")
        yield f"sqlite:///{folder / 'chamado.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store on a fresh database of each kind."""
    opened = Store(database_url)
    yield opened
    opened.close()
