"""The databases that the tests themselves stand on."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import inspect

from chamado.daemon.store import keys, schema, upgrade
from chamado.daemon.store.engine import Store, StoreError, reason, trouble


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


def test_the_log_says_what_is_wrong_with_a_database_and_no_secret() -> None:
    """Its driver's first line, without the end of a password that was not quoted; of a
    single statement only the type, for its words may be those of a mail."""
    store = Store("postgresql+psycopg://u:p@ss@127.0.0.1:1/x")
    with pytest.raises(StoreError) as caught, store.read():
        pass
    store.close()
    said = trouble(caught.value)
    assert said.startswith("OperationalError: ")
    assert len(said.splitlines()) == 1
    assert "ss@" not in said
    assert reason(ValueError("")) == "ValueError"
    assert trouble(ValueError("Dear Sir")) == "ValueError"
