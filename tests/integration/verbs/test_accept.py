"""The door: durable, shared, and honest when it cannot take anything."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.accept import Acceptor, Unwell
from chamado.daemon.digest import content_digest
from chamado.daemon.sources.source import RawMessage
from chamado.daemon.store import schema
from chamado.daemon.store.blobs import FileBlobs
from chamado.daemon.store.engine import Store
from chamado.parsers.types import Envelope
from tests.support.house import NOON, House, message


def _raw(content: bytes, key: str) -> RawMessage:
    return RawMessage(
        content=content,
        envelope=Envelope(mail_from="a@b", rcpt_tos=("c@d",), received_at=NOON),
        source="smtp:x",
        source_key=key,
    )


def test_f18_twenty_at_once_with_one_key_are_one_row(home: House) -> None:
    """F-18: the same delivery from many connections has one row and one id."""
    futures = [home.door.accept(_raw(message(), "same")) for _ in range(20)]
    accepted = [f.result(30) for f in futures]
    assert len({a.inbox_id for a in accepted}) == 1
    assert sum(a.fresh for a in accepted) >= 1
    assert len(home.rows(schema.inbox)) == 1


def test_the_same_alarm_of_another_day_is_a_case_of_its_own(home: House) -> None:
    """A device without a clock writes the same bytes again; a second copy of the day's
    does not make a second case."""
    alarm = b"From: ups@acme.example\r\nSubject: on battery\r\n\r\nON BATTERY\r\n"
    first = home.mail(alarm, key="first")
    assert first["outcome"] == "ticket_opened"
    home.clock.move(hours=1)
    again = home.mail(alarm, key="again")
    assert (again["outcome"], again["ticket"]) == ("duplicate", first["ticket"])
    home.clock.move(days=1)
    later = home.mail(alarm, key="later")
    assert later["outcome"] == "ticket_opened"
    assert later["ticket"] != first["ticket"]


def test_large_raw_bytes_are_in_the_blob_store_before_the_row(home: House) -> None:
    """A row without its bytes cannot exist."""
    content = message() + b"z" * 200_000
    home.door.accept(_raw(content, "large")).result(30)
    (row,) = home.rows(schema.inbox)
    assert row["raw"] is None
    assert home.blobs.get(row["sha256"]) == content


def test_s21_below_the_disk_reserve_nothing_is_taken(
    store: Store, tmp_path: Path
) -> None:
    """S-21: the door says so before a byte is read."""
    door = _door(store, tmp_path, reserve=1 << 62)
    try:
        assert door.unwell() == "the disk is nearly full"
    finally:
        door.close()


def test_f06_a_blob_that_cannot_be_written_refuses_that_mail(
    store: Store, tmp_path: Path
) -> None:
    """F-06: the sender keeps the mail, no half file stays, small mail goes on."""
    door = _door(store, tmp_path, blobs=_FullDisk(tmp_path / "blobs"))
    try:
        with pytest.raises(OSError, match="No space left"):
            door.accept(_raw(b"x" * 200_000, "large")).result(30)
        assert door.accept(_raw(b"small", "small")).result(30).fresh
    finally:
        door.close()
    assert [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()] == []


def test_f08_a_locked_database_puts_senders_off_and_recovers(
    store: Store, tmp_path: Path
) -> None:
    """F-08: while somebody else holds the file nothing is taken; then it goes on."""
    if not store.is_sqlite:
        # PostgreSQL has no such lock; its counterpart is a table lock.
        return _table_lock(store, tmp_path)
    door = _door(store, tmp_path)
    path = store.engine.url.database
    assert path is not None
    holder = sqlite3.connect(path, isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unwell):
            door.accept(_raw(message(), "k")).result(30)
        assert door.unwell() == "the database does not take anything"
        holder.execute("ROLLBACK")
        assert door.accept(_raw(message(), "k")).result(30).fresh
    finally:
        holder.close()
        door.close()
    return None


def _table_lock(store: Store, tmp_path: Path) -> None:
    from sqlalchemy import text

    door = _door(store, tmp_path)
    released = threading.Event()
    try:
        with store.engine.begin() as work:
            work.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
            future = door.accept(_raw(message(), "k"))
            future.add_done_callback(lambda _: released.set())
            assert not released.is_set()
        assert future.result(40).fresh
    finally:
        door.close()


class _FullDisk(FileBlobs):
    """A blob store on a file system that is full (the seam of file system faults)."""

    def put(self, content: bytes, *, sha256: str = "") -> str:
        """Fail as write(2) does."""
        raise OSError(28, "No space left on device")


def _door(
    store: Store,
    folder: Path,
    *,
    reserve: int = 0,
    blobs: FileBlobs | None = None,
    clock: Callable[[], datetime] = lambda: NOON,
) -> Acceptor:
    return Acceptor(
        store,
        blobs or FileBlobs(folder / "blobs"),
        data_dir=folder,
        raw_in_row_bytes=65_536,
        disk_reserve_bytes=reserve,
        clock=clock,
        on_accepted=lambda: None,
    )


HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["From", "Subject", "X-A", "Date"]),
        st.text("abc =?", min_size=1, max_size=20),
    ),
    min_size=1,
    max_size=5,
)


@given(headers=HEADERS, body=st.binary(max_size=300))
def test_trace_headers_and_line_ends_do_not_change_the_digest(
    headers: list[tuple[str, str]], body: bytes
) -> None:
    """What relays add and stores convert leaves the digest alone."""
    head = "".join(f"{n}: {v}\r\n" for n, v in headers).encode()
    body = body.replace(b"\r", b"").replace(b"\n", b"\r\n")
    plain = head + b"\r\n" + body
    traced = (
        b"Return-Path: <a@b>\r\nReceived: from x\r\n\tby y; date\r\n"
        + head
        + b"\r\n"
        + body
        + b"\r\n"
    )
    assert content_digest(plain) == content_digest(traced)
    assert content_digest(plain) == content_digest(plain.replace(b"\r\n", b"\n"))


@given(body=st.binary(max_size=200), place=st.integers(0, 199))
def test_any_other_byte_changes_the_digest(body: bytes, place: int) -> None:
    """Two different mails are never taken for one."""
    head = b"Subject: x\r\n\r\n"
    body = body.translate(None, b"\r\n") + b"end"
    place %= len(body)
    other = body[:place] + bytes([body[place] ^ 0x40 or 0x41]) + body[place + 1 :]
    if b"\r" in other or b"\n" in other:
        return
    assert content_digest(head + body) != content_digest(head + other)


def test_a_body_across_chunk_borders_has_one_digest() -> None:
    """A CR and its LF may lie in different chunks of a large body."""
    body = b"a" * ((1 << 20) - 1) + b"\r\n" + b"b" * 100
    head = b"Subject: x\r\n\r\n"
    unix = (head + body).replace(b"\r\n", b"\n")
    assert content_digest(head + body) == content_digest(unix)
