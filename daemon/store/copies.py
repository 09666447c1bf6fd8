"""Copies of a whole database: taken while it is in use, checked, and put back.

SQLite is copied by its own online copy, into one file without a journal beside it;
PostgreSQL by its own programs, which have to be installed. A copy is only ever read
after that: opening it like a database of ours would change its bytes.
"""

import errno
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, text

from chamado.daemon.refusal import BadData, Unavailable
from chamado.daemon.store import whereabouts
from chamado.daemon.store.engine import Store, StoreError, Work, by_driver

#: Where Debian puts the programs that belong to one version of the server.
_PROGRAMS = Path("/usr/lib/postgresql")
#: What the system calls a disk or a file system that fails.
OF_DISK = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT)
_PATIENCE = 6 * 3600.0


def take(store: Store, url: str, target: Path) -> None:
    """Copy the database as it is at one moment; the daemon may go on.

    Raises `Unavailable` when the programs of PostgreSQL are missing or fail, and
    OSError or `StoreError` when there is no room for the copy.
    """
    # Made first, so that no program chooses who may read it.
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if store.is_sqlite:
        _take_sqlite(store, target)
    else:
        _run("pg_dump", url, "--format=custom", "--no-owner", f"--file={target}")
    with target.open("rb+") as file:
        os.fsync(file.fileno())


def put_back(url: str, copy: Path) -> None:
    """Make the database out of a copy; there must be none, or an empty one."""
    file = whereabouts.sqlite_file(url)
    if file is None:
        words = ("--single-transaction", "--exit-on-error", "--no-owner")
        _run("pg_restore", url, *words, str(copy))
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.restoring")
    shutil.copyfile(copy, draft)
    draft.chmod(0o600)
    with draft.open("rb+") as written:
        os.fsync(written.fileno())
    draft.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def trouble(copy: Path) -> str:
    """Say what is wrong with a copy, or nothing."""
    if copy.suffix != ".db":
        return _listed(copy)
    try:
        with reading(copy) as work:
            found = str(work.execute(text("PRAGMA quick_check(1)")).scalar_one())
    except StoreError as error:
        return str(getattr(error, "orig", None) or error)
    return "" if found == "ok" else found


@contextmanager
def reading(copy: Path) -> Iterator[Work]:
    """Read a copy of SQLite without changing a byte of it."""
    where = quote(str(copy.absolute()))
    engine = create_engine(f"sqlite:///file:{where}?mode=ro&immutable=1&uri=true")
    try:
        with engine.connect() as work:
            yield work
    finally:
        engine.dispose()


def _take_sqlite(store: Store, target: Path) -> None:
    source = store.engine.raw_connection()
    try:
        driver = source.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101  (for the types)
        with by_driver("backup"), closing(sqlite3.connect(target)) as copy:
            driver.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        source.close()


def _listed(copy: Path) -> str:
    try:
        _start(["pg_restore", "--list", str(copy)], {})
    except Unavailable as error:
        return str(error)
    return ""


def _run(program: str, url: str, *arguments: str) -> None:
    plain, password = whereabouts.libpq(url)
    secret = {} if password is None else {"PGPASSWORD": password}
    _start([program, f"--dbname={plain}", *arguments], secret)


def _start(command: Sequence[str], secret: dict[str, str]) -> None:
    program = _program(command[0])
    try:
        done = subprocess.run(  # noqa: S603  (our own words and a validated URL)
            [program, *command[1:]],
            # In C they say of a disk what the system says, in words that are known.
            env={**os.environ, "LC_ALL": "C", **secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} takes more than six hours") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[-1] if said else str(done.returncode)
        for code in OF_DISK:
            if os.strerror(code) in why:
                raise OSError(code, why)
        raise Unavailable(f"{command[0]}: {why}")


def _program(name: str) -> str:
    newest = sorted(
        _PROGRAMS.glob(f"*/bin/{name}"),
        key=lambda path: int("0" + "".join(filter(str.isdecimal, path.parts[-3]))),
    )
    found = str(newest[-1]) if newest else shutil.which(name)
    if found is None:
        raise Unavailable(
            f"{name} is not installed; it comes with the client of PostgreSQL "
            f"(Debian: apt install postgresql-client)"
        )
    return found


def kind_of(url: str) -> str:
    """Return the file name that a copy of this database would have."""
    return "chamado.db" if whereabouts.sqlite_file(url) else "chamado.dump"


def check_kind(url: str, copy: Path) -> None:
    """Raise `BadData` when a copy is of another kind than the database."""
    if kind_of(url) != copy.name:
        raise BadData(
            f"the backup holds {copy.name}, and the configuration wants "
            f"{kind_of(url)}: a backup of SQLite goes back into SQLite, one of "
            f"PostgreSQL into PostgreSQL"
        )
