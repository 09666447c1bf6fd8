"""kill -9 in the first moments: an empty database half way to its schema (F-32)."""

import re
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.support import strace
from tests.support.crash import (
    EXHAUSTIVE,
    PATIENT,
    Feeder,
    check_fates,
    look,
    spread,
)
from tests.support.daemon import Daemon, wait_until, write_config
from tests.support.postgres import Postgres

CALLS = ("pwrite64", "fdatasync", "fsync", "sendto")
Empty = Callable[[], AbstractContextManager[str]]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Empty:
    """Return what makes an empty database of each kind, again and again."""
    if request.param == "postgres":
        server: Postgres = request.getfixturevalue("postgres_server")
        return lambda: server.database(empty=True)
    numbers = iter(range(1_000_000))

    @contextmanager
    def file() -> Iterator[str]:
        yield f"sqlite:///{tmp_path}/{next(numbers)}.db"

    return file


def _steps(empty: Empty, folder: Path) -> "Counter[tuple[str, str]]":
    """Count the steps of the first thread until the daemon runs."""
    listing = folder / "calls"
    watch = [*strace.WATCHING, "-o", str(listing), "-e", f"trace={','.join(CALLS)}"]
    with empty() as url, Daemon(write_config(folder, url), before=watch) as daemon:
        lines = listing.read_text().splitlines()
        assert strace.end_traced(daemon.process, signal.SIGTERM) == 0
    first = lines[0].split()[0]
    found = (re.match(rf"{first}\s+(\w+)\(", line) for line in lines)
    return Counter(("main", match[1]) for match in found if match)


def _killed(daemon: Daemon) -> bool:
    """Wait until it was killed, or runs because it never came to the point."""
    wait_until(lambda: daemon.process.poll() or "is running" in daemon.output())
    if daemon.process.poll() is None:
        strace.end_traced(daemon.process, signal.SIGKILL)
        return False
    return True


@PATIENT
def test_f32_killed_while_the_schema_is_made(empty: Empty, tmp_path: Path) -> None:
    """F-32: the next start finishes or begins again, and takes mail; never half."""
    if why := strace.why_not():
        pytest.skip(f"no start can be cut at a known step: {why}")
    points = spread(_steps(empty, tmp_path), None if EXHAUSTIVE else 2)
    killed = 0
    for point in points:
        with empty() as url:
            config = write_config(tmp_path, url)
            cut = strace.before(point.call, point.nth)
            with Daemon(config, before=cut, wait=False) as daemon:
                killed += _killed(daemon)
            feeder = Feeder()
            with Daemon(config) as daemon:
                assert feeder.feed(daemon), point
                wait_until(lambda u=url: look(u).idle())
                assert daemon.stop() == 0
            check_fates(look(url, at_rest=True), feeder.sent)
    assert killed > len(points) / 2
    print(f"{killed} kills at {len(points)} points")  # noqa: T201 — the report
