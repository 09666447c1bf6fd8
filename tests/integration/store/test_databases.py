"""The databases that the tests themselves stand on."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect

from chamado.daemon.store import keys, schema, upgrade
from chamado.daemon.store.engine import Store


def test_a_fresh_database_has_the_schema_and_is_durable(store: Store) -> None:
    """Every test starts on the schema of this version, in a database that may crash."""
    upgrade.check(store)
    store.check_durable()
    with store.read() as work:
        assert set(schema.metadata.tables) <= set(inspect(work).get_table_names())


@pytest.mark.parametrize("_time", [1, 2])
def test_no_test_sees_what_another_one_wrote(store: Store, _time: int) -> None:
    """The key that another test made is not here."""
    with store.read() as work:
        assert work.exec_driver_sql("SELECT count(*) FROM secret_key").scalar() == 0
    keys.keyring(store, datetime.now(UTC))
