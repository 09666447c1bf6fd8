"""A disk that is full, or that fails at the one moment that counts."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
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
from tests.support.daemon import CHAMADO, Daemon, chamado, wait_until, write_config
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


def _fill(place: Path) -> None:
    """Leave no byte of a small disk free."""
    with suppress(OSError), (place / "ballast").open("ab", buffering=0) as file:
        while file.write(bytes(4096)):
            pass


def _refused(config: Path, *words: str, stdin: bytes = b"") -> str:
    """Run a command that the disk refuses; return the one line that it ends with."""
    done = subprocess.run(
        [str(CHAMADO), "--config", str(config), *words],
        input=stdin,
        capture_output=True,
        timeout=60,
    )
    said = done.stderr.decode()
    assert done.returncode == 74, (words, done.returncode, said)
    assert "Traceback" not in said
    return said.splitlines()[-1]


def test_commands_on_a_disk_that_is_full_or_read_only_end_with_74(
    small_disk: Path, tmp_path: Path
) -> None:
    """One line tells that the disk is the trouble, not the database server."""
    config = write_config(tmp_path, f"sqlite:///{small_disk}/chamado.db")
    mail = b"From: ana@example.com\nSubject: x\n\ny\n"
    chamado(config, "ingest", "-", stdin=mail)
    ways = (
        (("ingest", "-"), mail + bytes(99)),
        (("ticket", "note", "1", "--agent", "bia@acme.example", "--body-file", "-"),),
        (("ticket", "set", "1", "--priority", "p1"),),
    )
    _fill(small_disk)
    for words, *stdin in ways:
        said = _refused(config, *words, stdin=stdin[0] if stdin else b"words")
        assert said.startswith("chamado: the database cannot be written: "), said
    (small_disk / "ballast").unlink()
    remount = ["mount", "-o", "remount,ro", str(small_disk)]
    subprocess.run(remount, check=True)
    for words, *stdin in ways:
        _refused(config, *words, stdin=stdin[0] if stdin else b"words")
    _refused(config, "backup", str(small_disk / "copy"))


def test_a_backup_onto_a_full_disk_leaves_nothing_and_can_be_tried_again(
    database_url: str, small_disk: Path, tmp_path: Path
) -> None:
    """The folder that it made is gone; one that was there is empty again."""
    config = write_config(tmp_path, database_url)
    mail = b"From: ana@example.com\nSubject: x\n\n"
    for size in (1000, 900_000):
        chamado(config, "ingest", "-", stdin=mail + b"words\n" * (size // 6))
    new, empty = small_disk / "new", small_disk / "empty"
    empty.mkdir()
    # What is held of these is given back a little at a time: once the copy of the
    # database does not fit, once the blobs do not.
    for room in (16 << 10, 500 << 10):
        (small_disk / "room").write_bytes(bytes(room))
        _fill(small_disk)
        (small_disk / "room").unlink()
        for folder in (new, empty):
            _refused(config, "backup", str(folder))
        assert not new.exists()
        assert list(empty.iterdir()) == []
        (small_disk / "ballast").unlink()
    chamado(config, "backup", str(new))
    chamado(config, "restore", str(new), "--verify")


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
