"""A real PostgreSQL of one's own: on loopback and a Unix socket, durable like in life.

One server serves all workers of a test run; whoever needs it first starts it. A
guardian beside it reads from a pipe that every worker holds open: when the last one is
gone, however it went, the guardian stops the server and removes its folder. Each test
gets a database of its own, copied from one that has the schema.
"""

import fcntl
import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

USER = "postgres"
_TEMPLATE = "with_schema"
#: Durable, because our daemon refuses less; small, because nobody looks at much.
_SETTINGS = {
    "shared_buffers": "32MB",
    "max_connections": "200",
    "max_wal_size": "256MB",
    "autovacuum": "off",
}
#: Ends when nobody holds the pipe open any more. It runs as a grandchild, since it
#: outlives the worker that started it.
_GUARD = """(
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w -t 60 -o "$3" start >"$2/start.log" 2>&1 \
    || touch "$2/broken"
cat "$2/alive" >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$2"
) </dev/null >/dev/null 2>&1 &
"""


def programs() -> Path | None:
    """Return the folder of the newest server that is installed here, if any."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")
    found = [f for f in folders if (f / "initdb").exists()]
    if found:
        return max(found, key=lambda f: int(f.parent.name))
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).parent if elsewhere else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running server: its folder, which is also that of its socket, and its port."""

    folder: Path
    port: int

    def url(self, database: str) -> str:
        """Return the URL of a database in the words of SQLAlchemy and our settings."""
        return f"postgresql://{USER}@/{database}?host={self.folder}&port={self.port}"

    def run(self, statement: str, database: str = USER) -> None:
        """Run one statement as the superuser, outside of any transaction."""
        with psycopg.connect(
            host=str(self.folder),
            port=self.port,
            user=USER,
            dbname=database,
            autocommit=True,
        ) as connection:
            connection.execute(statement.encode())

    @contextmanager
    def database(self, *, empty: bool = False) -> Iterator[str]:
        """Make a fresh database, with the schema unless `empty`; yield its URL."""
        name = f"t_{secrets.token_hex(6)}"
        template = "template0" if empty else _TEMPLATE
        self.run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def shared(
    meeting: Path, prepare: Callable[[str], None], home: Path | None = None
) -> Iterator[Postgres]:
    """Use the server of this test run, starting it if need be.

    `meeting` is a folder that all workers know; `prepare` gets the URL of an empty
    database and brings the schema into it. The server lives below `home`, or where
    temporary files do.
    """
    with (meeting / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = meeting / "postgres.json"
        server, alive = _join(note) or (None, -1)
        if server is None:
            server, alive = _start(home)
            server.run(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
            prepare(server.url(_TEMPLATE))
            facts = {"folder": str(server.folder), "port": server.port}
            note.write_text(json.dumps(facts))
    try:
        yield server
    finally:
        os.close(alive)


def _join(note: Path) -> tuple[Postgres, int] | None:
    """Return the server that another worker started and our end of its pipe."""
    try:
        facts = json.loads(note.read_text())
        pipe = Path(facts["folder"]) / "alive"
        alive = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None
    return Postgres(folder=Path(facts["folder"]), port=facts["port"]), alive


def in_memory() -> Path | None:
    """Return a folder in memory, where a sync costs nothing, if there is room for it.

    Dropping a database writes a checkpoint: a tenth of a second on a disk, each test.
    """
    memory = Path("/dev/shm")
    if memory.is_dir() and shutil.disk_usage(memory).free > 4 << 30:
        return memory
    return None


def _start(home: Path | None) -> tuple[Postgres, int]:
    bin_folder = programs()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp("", "pg-", dir=home))
    if os.getuid() == 0:
        # PostgreSQL refuses to run as root; the socket must be within our reach.
        owner = pwd.getpwnam(USER)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    port = _free_port()
    _as_user(
        [
            str(bin_folder / "initdb"),
            *("--pgdata", str(folder / "data")),
            *("--username", USER, "--auth", "trust", "--encoding", "UTF8"),
            *("--locale", "C", "--no-sync", "--no-instructions"),
        ]
    )
    settings = _SETTINGS | {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(folder),
    }
    options = " ".join(f"-c {key}={value}" for key, value in settings.items())
    _as_user(["mkfifo", str(folder / "alive")])
    # Opened for both, so that it does not wait for the guardian; kept for our life.
    alive = os.open(folder / "alive", os.O_RDWR)
    _as_user(["sh", "-c", _GUARD, "sh", str(bin_folder), str(folder), options])
    _wait_until_open(folder, port)
    return Postgres(folder=folder, port=port), alive


def _wait_until_open(folder: Path, port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and not (folder / "broken").exists():
        try:
            psycopg.connect(host=str(folder), port=port, user=USER, dbname=USER).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    said = [f.read_text() for f in folder.glob("*log") if f.is_file()]
    raise AssertionError(f"PostgreSQL did not start: {said}")


_USER_COMMAND = (
    ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups"]
    if os.getuid() == 0
    else []
)


def _as_user(command: list[str]) -> None:
    done = subprocess.run(
        [*_USER_COMMAND, *command],
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
