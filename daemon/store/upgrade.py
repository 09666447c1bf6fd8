"""Bringing the schema up to date, explicitly and under a lock.

A step that is killed half way leaves nothing behind: both databases run schema changes
inside the transaction. The daemon refuses a schema that it does not know, older or
newer, instead of guessing.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from chamado.daemon.store.engine import Store, Work

#: Any number that no other program on the same PostgreSQL uses for its locks.
_LOCK = 0x4348414D41444F


class UnknownSchema(Exception):
    """The database has another schema than this version of Chamado."""


def head() -> str:
    """Return the revision this version works with."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    if found is None:
        raise UnknownSchema("this installation contains no migrations; reinstall it")
    return found


def current(store: Store) -> str | None:
    """Return the revision of the database, None for an empty one."""
    with store.read() as work:
        return _current(work)


def is_empty(store: Store) -> bool:
    """Whether nothing of ours is in the database yet."""
    with store.read() as work:
        return _current(work) is None and not inspect(work).has_table("inbox")


def upgrade(store: Store) -> tuple[str | None, str]:
    """Run the missing steps in one transaction; return revisions before and after."""
    with store.write() as work:
        if not store.is_sqlite:
            work.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        before = _current(work)
        _refuse_newer(before)
        config = _config()
        config.attributes["connection"] = work
        command.upgrade(config, "head")
        return before, head()


def check(store: Store) -> None:
    """Raise `UnknownSchema`, with the way out, unless the schema is the right one."""
    found, wanted = current(store), head()
    if found == wanted:
        return
    if found is None:
        raise UnknownSchema("the database is empty; run `chamado db upgrade`")
    _refuse_newer(found)
    raise UnknownSchema(
        f"the database is at revision {found}, this version needs {wanted}; "
        f"make a backup and run `chamado db upgrade`"
    )


def _refuse_newer(found: str | None) -> None:
    known = {
        step.revision
        for step in ScriptDirectory.from_config(_config()).walk_revisions()
    }
    if found is not None and found not in known:
        raise UnknownSchema(
            f"the database is at revision {found}, which this version does not know; "
            f"it was upgraded by a newer Chamado: install that one, or restore a backup"
        )


def _current(work: Work) -> str | None:
    return MigrationContext.configure(work).get_current_revision()


def _config() -> Config:
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
