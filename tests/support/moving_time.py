"""A wall clock that a test moves while programs run under it, by libfaketime.

Only what is started under it sees that time, and only its wall clock: waiting is as
long as ever. Time never goes back.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

PLACES = ("/usr/lib/*/faketime", "/usr/lib/faketime", "/usr/local/lib/faketime")
LIBRARY = "libfaketimeMT.so.1"


def library() -> Path | None:
    """Where the library is, if it is installed."""
    found = (Path("/").glob(f"{place[1:]}/{LIBRARY}") for place in PLACES)
    return next((file for files in found for file in files), None)


@dataclass
class MovingTime:
    """The time of the programs that are started from now on.

    It is `begins` at the beginning and runs on as ours does, besides being moved.
    """

    file: Path
    begins: datetime
    hours: float = 0.0

    def begin(self, environment: pytest.MonkeyPatch) -> None:
        """Let whatever this test starts see this time."""
        self._began = time.monotonic()
        self._ahead = self.begins - datetime.now(UTC)
        self.to(0)
        environment.setenv("LD_PRELOAD", str(library()))
        environment.setenv("FAKETIME_TIMESTAMP_FILE", str(self.file))
        environment.setenv("FAKETIME_NO_CACHE", "1")
        environment.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        # Else a thread that waits for Python's lock wakes at once, again and again: a
        # remedy for waiting that never ended, which in this mode is none.
        environment.setenv("FAKETIME_FORCE_MONOTONIC_FIX", "0")
        environment.setenv("NO_FAKE_STAT", "1")

    def to(self, hours: float) -> None:
        """Let it become so many hours after the beginning."""
        assert hours >= self.hours
        self.hours = hours
        ahead = self._ahead + timedelta(hours=hours)
        new = self.file.with_suffix(".new")
        new.write_text(f"{ahead.total_seconds():+.6f}\n")
        new.replace(self.file)

    def spent(self) -> float:
        """How many seconds of real time have gone by since, which come on top."""
        return time.monotonic() - self._began

    def now(self) -> datetime:
        """What time it is."""
        return self.begins + timedelta(hours=self.hours, seconds=self.spent())
