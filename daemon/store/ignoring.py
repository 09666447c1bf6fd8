"""INSERT … ON CONFLICT DO NOTHING, which each database has in a dialect of its own."""

from functools import cache
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite

from chamado.daemon.store.engine import Work


def insert_ignoring(work: Work, table: Any, *keys: str) -> Any:
    """Return the statement for the database at hand."""
    return ignoring(table, keys)[work.dialect.name]


@cache
def ignoring(table: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return the statement by the name of the dialect; each is made once."""
    return {
        name: module.insert(table).on_conflict_do_nothing(index_elements=list(keys))
        for name, module in (("sqlite", sqlite), ("postgresql", postgresql))
    }
