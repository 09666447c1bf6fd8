"""A disk that is full, or that fails at the one moment that counts."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import strace
from tests.support.crash import (
    PATIENT,
    Feeder,
    check_bytes,
    check_fates,
    look,
)
from tests.support.daemon import Daemon, wait_until, write_config
from tests.support.sink import Sink

MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MB."""
    if os.getuid() != 0:
        pytest.skip("only root may mount a small file system to fill")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "tmpfs", str(place)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {done.stderr}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _relay(sink: Sink) -> str:
    return f'kind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\ntls = "none"'


@PATIENT
def test_f06_the_disk_is_full(small_disk: Path, tmp_path: Path) -> None:
    """F-06: 4xx while it is full; no half files; all is well when there is room."""
    url = f"sqlite:///{small_disk}/chamado.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(16 * MEGABYTE))
    feeder = Feeder()
    with Sink() as sink:
        config = write_config(tmp_path, url, relay=_relay(sink))
        text = config.read_text()
        config.write_text(text.replace(f"{tmp_path}/data", f"{small_disk}/data"))
        with Daemon(config) as daemon:
            for _ in range(200):
                if not feeder.feed(daemon) and len(feeder.sent) - len(feeder.acked) > 9:
                    break
            else:
                raise AssertionError("the disk was never full")
            assert 0 not in feeder.codes, feeder.codes
            ballast.unlink()
            wait_until(lambda: feeder.feed(daemon))
            feeder.again(daemon)
            wait_until(lambda: look(url).idle(), 120)
            assert daemon.stop() == 0
        books = look(url, at_rest=True)
        check_fates(books, feeder.sent)
        check_bytes(books, config)
        files = [p for p in (small_disk / "data" / "blobs").rglob("*") if p.is_file()]
        speaking = {r["sha256"] for r in (*books.inbox, *books.blob)}
        assert {file.name for file in files} <= speaking
        assert "Traceback" not in daemon.output()
        codes = feeder.codes
        assert codes.keys() <= {250, 451, 452}, codes


@PATIENT
def test_f05_a_sync_that_fails_is_no_acceptance(tmp_path: Path) -> None:
    """F-05: the mail whose fsync failed gets 451 and no later success makes it 250."""
    if why := strace.why_not():
        pytest.skip(f"no system call can be made to fail here: {why}")
    url = f"sqlite:///{tmp_path}/chamado.db"
    config = write_config(tmp_path, url)
    feeder = Feeder()
    with Daemon(config, env=strace.NAMED) as daemon:
        feeder.feed(daemon)
        feeder.feed(daemon)
        feeder.again(daemon)
        pid = daemon.process.pid
        with strace.tampering(pid, "accept", "fdatasync", "error=EIO:when=1"):
            refused = feeder.new()
            assert not feeder.offer(daemon, refused)
        with strace.tampering(pid, "blob", "fsync", "error=EIO:when=1"):
            feeder.new()
            wait_until(lambda: feeder.feed(daemon))
        feeder.again(daemon)
        wait_until(lambda: look(url).idle())
        assert daemon.stop() == 0
    books = look(url, at_rest=True)
    check_fates(books, feeder.sent)
    check_bytes(books, config)
