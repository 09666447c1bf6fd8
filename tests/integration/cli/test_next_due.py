"""`ticket list` and `ticket show` say what a case is owed next."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.config.settings import Sla
from chamado.daemon.parts import utc_now
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support import promises as day
from tests.support.counter import Counter
from tests.support.house import House, house

HOUR = 3600.0


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house that promises a resolution too; it is the hour of the command line."""
    sla = Sla(first_response=24 * HOUR, next_response=8 * HOUR, resolution=72 * HOUR)
    with house(store, pool, tmp_path, sla=sla) as built:
        built.clock.now = utc_now().replace(microsecond=0)
        yield built


def _due(cli: Counter, number: int) -> object:
    return cli.json("ticket", "show", str(number))["next_due"]


def _at(home: House, hours: float) -> str:
    later = home.clock.now + day.timedelta(hours=hours)
    return f"{later:%Y-%m-%dT%H:%M:%S}.000Z"


def test_the_clock_that_runs_out_first_is_shown(home: House, cli: Counter) -> None:
    """First answer, then resolution, then the answer to the customer's next word."""
    number = day.opened(home)
    assert _due(cli, number) == {
        "kind": "first_response",
        "at": _at(home, 24),
        "paused": False,
    }
    day.answered(home, number)
    assert _due(cli, number) == {
        "kind": "resolution",
        "at": _at(home, 72),
        "paused": False,
    }
    day.wrote(home, number)
    assert _due(cli, number) == {
        "kind": "next_response",
        "at": _at(home, 8),
        "paused": False,
    }
    shown = cli.ok("ticket", "show", str(number)).out
    assert "(answer)" in shown
    (row,) = cli.json("ticket", "list")
    assert row["next_due"]["kind"] == "next_response"


def test_a_waiting_case_is_paused_and_one_that_is_over_owes_nothing(
    home: House, cli: Counter
) -> None:
    """The customer's turn is shown as such."""
    number = day.opened(home)
    day.answered(home, number)
    day.waits(home, number)
    assert _due(cli, number) == {"kind": "resolution", "at": None, "paused": True}
    assert "paused (resolution)" in cli.ok("ticket", "list").out
    day.resolved(home, number)
    assert _due(cli, number) is None


def test_a_missed_promise_is_said_to_be_late(home: House, cli: Counter) -> None:
    """In the list too, where it is seen at a glance."""
    home.clock.move(days=-2)
    day.opened(home)
    assert "late: " in cli.ok("ticket", "list").out
    assert "(first answer)" in cli.ok("ticket", "show", "1").out
