"""A house over each database, sharing one pool of parser children."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import House, house


@pytest.fixture(scope="session")
def pool() -> Iterator[ParserPool]:
    """One parser child for all tests of a worker."""
    opened = ParserPool(1)
    yield opened
    opened.close()


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house with the usual settings."""
    with house(store, pool, tmp_path) as built:
        yield built
