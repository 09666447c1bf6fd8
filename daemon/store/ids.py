"""Ids taken before their rows are written.

RETURNING gives ids back in no promised order, so SQLAlchemy falls back to one statement
a row where order matters. With ids known before, a batch is one statement a table.
"""

from functools import cache
from typing import Any

from sqlalchemy import Column, Integer, Select, bindparam, func, select

from chamado.daemon.store.engine import Work


def take(work: Work, column: "Column[int]", count: int) -> list[int]:
    """Return ids for `count` new rows of a table, in ascending order.

    On SQLite they are what follows the largest one: a unit of work that writes is alone
    there. PostgreSQL counts them off in the column's sequence.
    """
    if work.dialect.name == "sqlite":
        last = int(work.execute(_largest(column)).scalar_one() or 0)
        return list(range(last + 1, last + 1 + count))
    found = work.execute(_numbered(column), {"b_count": count})
    return sorted(int(id_) for id_ in found.scalars())


@cache
def _largest(column: "Column[int]") -> Select[Any]:
    return select(func.max(column))


@cache
def _numbered(column: "Column[int]") -> Select[Any]:
    sequence = func.pg_get_serial_sequence(column.table.name, column.name)
    count = bindparam("b_count", type_=Integer)
    return select(func.nextval(sequence)).select_from(func.generate_series(1, count))
