"""The machine that was measured on, and how fast its disk makes a byte durable."""

import os
import platform
import sqlite3
import time
from pathlib import Path

from bench.effort import Effort
from bench.table import Section, figure


def describe() -> str:
    """Name what the figures depend on, without a name or a date."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores shared by load and server, {memory:.0f} GB, "
        f"{platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}."
    )


def syncs_per_second(folder: Path, seconds: float, size: int = 5_120) -> float:
    """Append and fsync one file for so long."""
    block, path, count = os.urandom(size), folder / "syncs", 0
    end = (begin := time.perf_counter()) + seconds
    with path.open("wb", buffering=0) as file:
        while time.perf_counter() < end:
            file.write(block)
            os.fsync(file.fileno())
            count += 1
    path.unlink()
    return count / (time.perf_counter() - begin)


def disk(effort: Effort, folder: Path) -> Section:
    """Calibrate: whoever waits for the disk is bounded by this."""
    rows = [
        (what, figure(syncs_per_second(folder, effort.disk_seconds, size), "/s"))
        for what, size in (("5 KB", 5_120), ("250 KB, fifty mails", 256_000))
    ]
    return Section(
        title="Disk",
        how="One file, append and fsync again and again.",
        columns=("an append", "durable"),
        rows=tuple(rows),
    )
