"""The database: opening it, its durability, and one unit of work at a time.

SQLite writes are BEGIN IMMEDIATE: a transaction that first reads and then wants to
write would otherwise meet SQLITE_BUSY whatever the timeout says. Writers of one process
queue on a lock, for SQLite's own busy handler polls and sleeps. `synchronous=FULL` is
what makes 250 mean "on stable storage"; with NORMAL a commit in WAL mode syncs nothing.
"""

import math
import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    InternalError,
    InvalidatePoolError,
    OperationalError,
    SQLAlchemyError,
    TimeoutError,
)

log = structlog.get_logger()

Work = Connection

BUSY_SECONDS = 5
CONNECT_SECONDS = 10
STATEMENT_MS = 30_000
#: A connection that rested for so long is asked first whether it still lives.
RESTED_SECONDS = 1.0

#: Something stored contradicts a unique key: somebody else was first.
Conflict = IntegrityError
#: Anything the database may answer with.
StoreError = SQLAlchemyError


class Undurable(Exception):
    """The database would acknowledge what a power cut can take back."""


class Store:
    """One database. Threads share it; a unit of work belongs to one thread."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writers = threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Work]:
        """One transaction that is durable when the block ends, or never was."""
        if self.is_sqlite:
            with self._writers, self.engine.begin() as work:
                yield work
        else:
            with self.engine.begin() as work:
                yield work

    @contextmanager
    def read(self) -> Iterator[Work]:
        """One consistent look."""
        with self.engine.connect() as work:
            if self.is_sqlite:
                work = work.execution_options(chamado_read=True)
            with work.begin():
                yield work

    @contextmanager
    def rehearse(self) -> Iterator[Work]:
        """One transaction that is taken back whatever happens in it."""
        with self._writers, self.engine.connect() as work:
            transaction = work.begin()
            try:
                yield work
            finally:
                transaction.rollback()

    def damage(self) -> str:
        """Say what is wrong with the file of SQLite, or nothing."""
        if not self.is_sqlite:
            return ""
        with self.read() as work:
            found = str(work.execute(text("PRAGMA quick_check(1)")).scalar_one())
        return "" if found == "ok" else found

    def check_durable(self) -> None:
        """Raise `Undurable` unless a commit survives a power cut."""
        with self.read() as work:
            if self.is_sqlite:
                level = work.execute(text("PRAGMA synchronous")).scalar_one()
                if int(level) < 2:
                    raise Undurable("SQLite runs with synchronous below FULL")
                return
            for name in ("fsync", "synchronous_commit", "full_page_writes"):
                value = work.execute(text(f"SHOW {name}")).scalar_one()
                if value == "off":
                    raise Undurable(
                        f"PostgreSQL runs with {name} = off: an accepted mail could "
                        f"be lost in a power cut; set {name} = on"
                    )

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, parsed.database)
    engine = create_engine(
        parsed,
        pool_size=10,
        max_overflow=20,
        pool_timeout=30,
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC",
            "tcp_user_timeout": CONNECT_SECONDS * 1000,
            "keepalives_idle": 30,
        },
    )
    # One statement of many rows costs the server a third of one statement a row.
    engine.dialect.use_insertmanyvalues_wo_returning = True
    _ask_the_rested(engine)
    return engine


def _ask_the_rested(engine: Engine) -> None:
    """See whether a connection still lives, as `pool_pre_ping` does, but not before
    every batch of a flood."""

    def note(_connection: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    def ask(connection: Any, record: Any, _proxy: object) -> None:
        if time.monotonic() - record.info.get("rests_since", math.inf) < RESTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError("a connection is gone") from error

    event.listen(engine, "checkin", note)
    event.listen(engine, "checkout", ask)


def _sqlite(url: str, database: str | None) -> Engine:
    if database and database != ":memory:":
        Path(database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: Any, _record: object) -> None:
    # The driver's own transaction handling starts transactions late and in the wrong
    # mode; without an isolation level it leaves BEGIN to us.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "cache_size=-16384",
        "temp_store=MEMORY",
        # In pages: every moving of the log into the file is two syncs.
        "wal_autocheckpoint=4000",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _sqlite_begin(connection: Connection) -> None:
    read = connection.get_execution_options().get("chamado_read")
    begin = "BEGIN" if read else "BEGIN IMMEDIATE"
    # Not by `exec_driver_sql`, which takes ten times as long.
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(begin).close()
    except sqlite3.Error as error:
        raise _kin(error)(begin, (), error) from error


def _kin(error: sqlite3.Error) -> type[DBAPIError]:
    if isinstance(error, sqlite3.OperationalError):
        return OperationalError
    return DatabaseError if isinstance(error, sqlite3.DatabaseError) else DBAPIError


@contextmanager
def by_driver(what: str) -> Iterator[None]:
    """Do `what` with the driver of SQLite alone, and raise as the library does."""
    try:
        yield
    except sqlite3.Error as error:
        raise _kin(error)(what, (), error) from error


def is_of_disk(error: BaseException) -> bool:
    """Whether the disk or the file system under the database is the trouble."""
    code = getattr(getattr(error, "orig", None), "sqlite_errorcode", None) or 0
    return (code & 0xFF) in _OF_DISK or _sqlstate(error) in _OF_DISK_THERE


def is_unwell(error: BaseException) -> bool:
    """Whether the database itself is in trouble, as opposed to one statement.

    PostgreSQL reports limits that one row exceeds, time-outs of one statement and
    deadlocks under the same class as being away. To take these for trouble of the
    database would let one message hold all others up for ever.
    """
    state = _sqlstate(error)
    if state[:2] in _OF_ONE_STATEMENT or state == _TOOK_TOO_LONG:
        return False
    if isinstance(error, _UNWELL) or type(error) is DatabaseError:
        # The bare class is what SQLite says of a damaged file.
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def reason(error: BaseException) -> str:
    """Say what the database says, in one line, without the statement and secrets."""
    said = str(getattr(error, "orig", None) or error).strip()
    line = said.splitlines()[0] if said else type(error).__name__
    # What stands before an @ may be the end of a password that was not quoted.
    return _BEFORE_AT.sub("***@", line)


def trouble(error: BaseException) -> str:
    """Name an error for the log: what is wrong with a database that is unwell too.

    What it says of a single statement may quote a mail, and is left out.
    """
    name = type(error).__name__
    return f"{name}: {reason(error)}" if is_unwell(error) else name


def _sqlstate(error: BaseException) -> str:
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


_BEFORE_AT = re.compile(r"[^\s'\"]*@")
#: Full, failing, read-only, and a file that cannot be made; the low byte of a code.
_OF_DISK = frozenset(
    (
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    )
)
#: The same of PostgreSQL: disk_full and io_error.
_OF_DISK_THERE = frozenset(("53100", "58030"))
#: Classes of SQLSTATE: a limit of the program, a transaction that must be repeated.
_OF_ONE_STATEMENT = frozenset(("54", "40"))
_TOOK_TOO_LONG = "57014"
#: Away, full, locked or read-only; TimeoutError is the pool that has no connection.
_UNWELL = (OperationalError, InterfaceError, InternalError, TimeoutError)
