"""What is said to be accepted outlives a power cut: the order of writes and syncs.

No power can be cut here. What decides is the order in which the daemon asks the kernel:
what was synced before the 250 is there afterwards, whatever was not.
"""

import re
from pathlib import Path

import pytest

from tests.support import strace
from tests.support.crash import PATIENT, numbered
from tests.support.daemon import Daemon, write_config

CALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename")


def _steps(lines: list[str], known: dict[str, str]) -> list[str]:
    """Name the steps between the 354 and the 250 that settles the mail, each once in a
    row; what is not `known` is no step."""
    begin = next(n for n, line in enumerate(lines) if '"354 ' in line)
    end = next(n for n, line in enumerate(lines) if '"250 2.0.0' in line)
    assert not [line for line in lines[begin:end] if "unfinished" in line]
    named = [
        name
        for line in lines[begin : end + 1]
        for pattern, name in known.items()
        if re.search(pattern, line)
    ]
    return [name for n, name in enumerate(named) if n == 0 or named[n - 1] != name]


@PATIENT
@pytest.mark.parametrize("number", [2, 3], ids=["with a large file", "small"])
def test_f04_everything_is_synced_before_the_250(number: int, tmp_path: Path) -> None:
    """F-04: a large mail and its folder, then the row that speaks of it, each synced;
    only then 250."""
    if why := strace.why_not():
        pytest.skip(f"the calls of a process cannot be written down here: {why}")
    config = write_config(tmp_path, f"sqlite:///{tmp_path}/chamado.db")
    lines: list[str] = []
    with Daemon(config, "--only", "smtp", env=strace.NAMED) as daemon:
        # The first mail opens the connection to the database.
        assert daemon.send(numbered(1))
        with strace.recording(daemon.process.pid, lines, CALLS):
            assert daemon.send(numbered(number))
    steps = _steps(
        lines,
        {
            r"write\(\d+<[^>]*/blobs/../\.": "write the mail",
            r"fsync\(\d+<[^>]*/blobs/../\.": "sync the mail",
            r"rename\(.*/blobs/": "give it its name",
            r"fsync\(\d+<[^>]*/blobs/..>": "sync its folder",
            r"pwrite64\(\d+<[^>]*chamado.db-wal>": "write the row",
            r"fdatasync\(\d+<[^>]*chamado.db-wal>\) += 0": "sync the row",
            r"\"250 2.0.0": "say 250",
        },
    )
    # The folders of all blobs are made and synced at the start.
    blob = ["write the mail", "sync the mail", "give it its name", "sync its folder"]
    row = ["write the row", "sync the row", "say 250"]
    assert steps == ([*blob, *row] if number == 2 else row)
