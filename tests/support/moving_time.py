"""A wall clock that a test moves while programs run under it, by libfaketime.

Only what is started under it sees that time, and only its wall clock: waiting is as
long as ever. Time never goes back.
"""

from dataclasses import dataclass
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
    """How far the time of programs that are started from now on is ahead of ours."""

    file: Path
    hours: float = 0.0

    def begin(self, environment: pytest.MonkeyPatch) -> None:
        """Let whatever this test starts see this time."""
        self.to(0)
        environment.setenv("LD_PRELOAD", str(library()))
        environment.setenv("FAKETIME_TIMESTAMP_FILE", str(self.file))
        environment.setenv("FAKETIME_NO_CACHE", "1")
        environment.setenv("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        environment.setenv("NO_FAKE_STAT", "1")

    def to(self, hours: float) -> None:
        """Let it become so many hours after the beginning."""
        assert hours >= self.hours
        self.hours = hours
        new = self.file.with_suffix(".new")
        new.write_text(f"+{round(hours * 3600)}\n")
        new.replace(self.file)
