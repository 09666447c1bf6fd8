"""A database that the benchmark multiplied is one that the desk could have filled."""

from pathlib import Path

from sqlalchemy import func, select

from bench.growth import fill, settings_for
from bench.multiply import multiply
from chamado.daemon import parts
from chamado.daemon.store import ids, schema
from chamado.daemon.store.engine import Store

GROWN = (
    *(schema.contact, schema.ticket, schema.participant, schema.inbox, schema.entry),
    *(schema.message_index, schema.deadline, schema.outbox),
)


def test_every_row_is_copied_with_keys_of_its_own(store: Store, tmp_path: Path) -> None:
    """Each table grows by the copies, and what is added next gets a new number."""
    desk = parts.open_desk(settings_for(tmp_path, str(store.engine.url)), store)
    fill(store, desk, 0, 30)
    before = _counts(store)
    multiply(store, 2)
    assert _counts(store) == {name: 3 * count for name, count in before.items()}
    assert before["ticket"] == before["inbox"] == before["outbox"] == 30
    fill(store, desk, 30, 5)
    assert _counts(store)["ticket"] == 95


def _counts(store: Store) -> dict[str, int]:
    with store.read() as work:
        return {
            table.name: work.execute(
                select(func.count()).select_from(table)
            ).scalar_one()
            for table in GROWN
        }


def test_ids_go_on_behind_the_copies(store: Store, tmp_path: Path) -> None:
    """A sequence that had stayed behind would give a number out twice."""
    desk = parts.open_desk(settings_for(tmp_path, str(store.engine.url)), store)
    fill(store, desk, 0, 10)
    multiply(store, 3)
    with store.write() as work:
        largest = work.execute(select(func.max(schema.ticket.c.number))).scalar_one()
        assert min(ids.take(work, schema.ticket.c.number, 2)) > largest
