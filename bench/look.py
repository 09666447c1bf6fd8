"""Looking into a database that somebody else works on, and into /proc."""

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

_TICK = os.sysconf("SC_CLK_TCK")
_SECONDS = 600.0


class Look:
    """A connection of one's own that only reads."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._connection: Any
        if parsed.get_backend_name() == "sqlite":
            path = f"file:{parsed.database}?mode=ro"
            self._connection = sqlite3.connect(path, uri=True, timeout=30)
        else:
            self._connection = psycopg.connect(url, autocommit=True)

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask."""
        return list(self._connection.execute(question).fetchall())

    def value(self, question: str) -> Any:
        """Ask for one value."""
        return self.rows(question)[0][0]

    def close(self) -> None:
        """End."""
        self._connection.close()


def wait_for(met: Callable[[], Any], what: str, seconds: float = _SECONDS) -> None:
    """Wait for a condition with an end."""
    end = time.monotonic() + seconds
    while not met():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.02)


def cpu_seconds(pid: int) -> float:
    """Processor time a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
