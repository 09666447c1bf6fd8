"""The command line and a house that mail comes into, over the same database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.counter import Counter, counter
from tests.support.house import House, house


@pytest.fixture(scope="session")
def pool() -> Iterator[ParserPool]:
    """One parser child for all tests of a worker."""
    opened = ParserPool(1)
    yield opened
    opened.close()


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """Where mail comes in; its clock stands."""
    with house(store, pool, tmp_path) as built:
        yield built


@pytest.fixture
def cli(tmp_path: Path, database_url: str) -> Counter:
    """The command line with the configuration of the house."""
    return counter(tmp_path, database_url)
