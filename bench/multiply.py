"""Copies all that a database holds, until there are years of it.

To fill in a million tickets one by one takes half an hour; the database itself copies
rows in minutes. Copies have keys of their own, so that every index grows as it would.
"""

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    String,
    Table,
    func,
    insert,
    literal,
    select,
    text,
)

from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store, Work

#: What points to a row without saying so in the schema.
_POINTERS = frozenset(("entry_id", "inbox_id"))
_DIGEST = 64
#: What is looked up by an index that is declared beside its table.
_LOOKED_UP = frozenset(("from_address", "message_id", "rcpt_to", "rcpt_domain"))


def multiply(store: Store, copies: int) -> None:
    """Add so many copies of every row that stands now."""
    with store.read() as work:
        most = max(_largest(work, table) for table in _numbered())
        tables = [t for t in schema.metadata.sorted_tables if _grows(work, t)]
    for copy in range(1, copies + 1):
        with store.write() as work:
            for table in tables:
                _copy(work, table, most, copy)
    with store.write() as work:
        if not store.is_sqlite:
            for table in _numbered():
                _count_on(work, table)
        work.execute(text("ANALYZE"))


def _numbered() -> list[Table]:
    return [t for t in schema.metadata.sorted_tables if _is_numbered(t)]


def _is_numbered(table: Table) -> bool:
    keys = list(table.primary_key.columns)
    return len(keys) == 1 and isinstance(keys[0].type, Integer)


def _largest(work: Work, table: Table) -> int:
    (key,) = table.primary_key.columns
    return int(work.execute(select(func.max(key))).scalar_one() or 0)


def _grows(work: Work, table: Table) -> bool:
    """Whether there are rows of cases in it, and not of the daemon itself."""
    if "ticket" not in {table.name, *table.columns.keys()} and table.name != "contact":
        return False
    return work.execute(select(table).limit(1)).first() is not None


def _copy(work: Work, table: Table, most: int, copy: int) -> None:
    first = next(iter(table.primary_key.columns))
    copied = [_copied(column, most * copy, f"{copy}-") for column in table.columns]
    rows = select(*copied).where(first <= most)
    work.execute(insert(table).from_select(list(table.columns), rows))


def _copied(column: "Column[object]", shift: int, mark: str) -> ColumnElement[object]:
    if isinstance(column.type, Integer) and _points(column):
        return column + shift
    if isinstance(column.type, String) and _is_key(column):
        # A digest has no room for more characters.
        whole = column.type.length != _DIGEST
        return literal(mark) + (column if whole else func.substr(column, len(mark) + 1))
    return column


def _points(column: "Column[object]") -> bool:
    named = column.primary_key or column.name in _POINTERS
    return named or bool(column.foreign_keys)


def _is_key(column: "Column[object]") -> bool:
    """Whether an index is about this text: of a copy it must be another."""
    return bool(column.unique or column.index or column.name in _LOOKED_UP)


def _count_on(work: Work, table: Table) -> None:
    """Let the sequence of PostgreSQL go on behind the copies."""
    (key,) = table.primary_key.columns
    sequence = func.pg_get_serial_sequence(table.name, key.name)
    work.execute(select(func.setval(sequence, func.max(key))))
