"""Houses whose surveys are answered on a page, and such whose are answered by mail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import House, house
from tests.support.polls import BY_MAIL, BY_WEB, Site, site


@pytest.fixture(scope="session")
def pool() -> Iterator[ParserPool]:
    """One parser child for all tests of a worker."""
    opened = ParserPool(1)
    yield opened
    opened.close()


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house with a public address for its pages."""
    with house(store, pool, tmp_path, survey=BY_WEB) as built:
        yield built


@pytest.fixture
def mail_home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house that can only be reached by mail."""
    with house(store, pool, tmp_path, survey=BY_MAIL) as built:
        yield built


@pytest.fixture
def web(home: House) -> Iterator[Site]:
    """The pages of the house, served."""
    with site(home) as served:
        yield served
