"""Messages out of an mbox: one pass, byte-exact, and no text taken for a separator."""

import io
import mailbox
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.sources import file_mbox
from chamado.daemon.sources.file import source_key

ASCTIME = b"From ana@example.com Sun Nov 22 10:00:00 2026\n"


def contents(mbox: bytes) -> list[bytes]:
    """Return the messages of an mbox."""
    return [entry.content for entry in file_mbox.entries(io.BytesIO(mbox))]


def test_messages_come_out_without_what_the_mbox_added() -> None:
    """Separators, their empty lines and one level of quoting go; nothing else does."""
    mbox = (
        ASCTIME
        + b"Subject: one\n\n>From here on\n>>From there\n> From a quote\n\n"
        + ASCTIME
        + b"Subject: two\r\n\r\nlines end as they did\r\n\r\n"
    )
    assert contents(mbox) == [
        b"Subject: one\n\nFrom here on\n>From there\n> From a quote\n",
        b"Subject: two\r\n\r\nlines end as they did\r\n",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"From here on it did not work\n",
        b"From Monday 10:00 on nothing worked in 2026\n",
        b"From: ana@example.com\n",
        b"From ana@example.com Sun Nov 22 10:00:00 2026 and so on\n",
    ],
)
def test_text_that_begins_with_from_separates_nothing(line: bytes) -> None:
    """A separator has an empty line before it and a date in it."""
    assert contents(ASCTIME + b"Subject: x\n\nhello\n\n" + line + b"bye\n") == [
        b"Subject: x\n\nhello\n\n" + line + b"bye\n"
    ]


def test_a_separator_within_a_paragraph_is_text() -> None:
    """Whoever pastes an mbox into a mail does not make several of it."""
    body = b"Subject: x\n\nlook:\n" + ASCTIME + b"Subject: y\n"
    assert contents(ASCTIME + body) == [body]


@pytest.mark.parametrize(
    ("line", "date"),
    [
        (b"From a@b Sun Nov  2 10:00:01 2025\n", (2025, 11, 2, 10, 0, 1)),
        (b"From - Sun Nov 22 10:00:00 2015\r\n", (2015, 11, 22, 10, 0, 0)),
        (b"From 16@xxx Sun Nov 22 10:00:00 +0000 2015\n", (2015, 11, 22, 10, 0, 0)),
        (b"From 16@xxx Sun Nov 22 10:00:00 -0300 2015\n", (2015, 11, 22, 13, 0, 0)),
        (b"From a@b Sun Nov 22 10:00:00 2015 -0300\n", (2015, 11, 22, 13, 0, 0)),
        (b"From ana at acme Sun Nov 22 10:00 2015\n", (2015, 11, 22, 10, 0, 0)),
        (b"From a@b Sun Nov 22 10:00:00 EST 2015\n", (2015, 11, 22, 15, 0, 0)),
    ],
)
def test_the_separator_tells_when_a_message_arrived(
    line: bytes, date: tuple[int, ...]
) -> None:
    """The dialects of asctime() are read; without a zone it is UTC (RFC 4155)."""
    (entry,) = file_mbox.entries(io.BytesIO(line + b"\nhello\n"))
    assert entry.received_at == datetime(*date, tzinfo=UTC)  # type: ignore[misc,arg-type]  # six numbers


def test_a_date_that_is_none_is_left_out() -> None:
    """The message counts, whatever its separator says."""
    (entry,) = file_mbox.entries(io.BytesIO(b"From a Sun Nov 99 99:99:99 2015\n\nx\n"))
    assert entry.received_at is None
    assert entry.content == b"\nx\n"


def test_counting_and_reading_agree() -> None:
    """The progress bar ends where the messages do."""
    mbox = (ASCTIME + b"Subject: x\n\nbody\n\n") * 7
    assert file_mbox.count(io.BytesIO(mbox)) == len(contents(mbox)) == 7


def test_a_large_mbox_is_read_one_message_at_a_time() -> None:
    """The first message is there before the second has been read."""

    class Endless(io.RawIOBase):
        def readline(self, size: int | None = -1, /) -> bytes:
            return next(lines)

    lines = iter(lambda: next(rest), b"")
    rest = (line for _ in iter(int, 1) for line in (ASCTIME, b"a: b\n", b"\n"))
    found = list(islice(file_mbox.entries(Endless()), 3))  # type: ignore[arg-type]  # reads lines
    assert [entry.content for entry in found] == [b"a: b\n"] * 3


def test_a_hundred_megabytes_take_seconds() -> None:
    """Time grows with size and nothing else, also for lines without an end."""
    mbox = ASCTIME + b"x" * 20_000_000 + b"\n" + (b">From " * 10 + b"\n") * 300_000
    start = time.perf_counter()
    assert len(contents(mbox)) == 1
    assert time.perf_counter() - start < 10


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_what_python_writes_into_an_mbox_comes_out_again(bodies: list[bytes]) -> None:
    """Quoting by the mboxrd rule is undone exactly, for any bytes."""
    originals = [b"Subject: x\n\n" + body + b"\n" for body in bodies]
    quoted = [
        b"".join(
            b">" + line if line.lstrip(b">").startswith(b"From ") else line
            for line in original.splitlines(keepends=True)
        )
        if b"\r" not in original
        else original
        for original in originals
    ]
    mbox = b"".join(ASCTIME + message + b"\n" for message in quoted)
    assert contents(mbox) == originals


def test_the_same_bytes_have_the_same_key() -> None:
    """Taking a file in twice is harmless; two different ones are two."""
    assert source_key(b"a") == source_key(b"a") != source_key(b"b")
    assert source_key(b"").startswith("file:e3b0c44298fc1c149afbf4c8996fb924")


def test_a_mailbox_written_by_python_is_read(tmp_path: Path) -> None:
    """Another program's mbox, with its own separators and quoting."""
    box = mailbox.mbox(tmp_path / "box")
    for number in range(3):
        box.add(f"Subject: {number}\n\nFrom me\n".encode())
    box.close()
    found = contents((tmp_path / "box").read_bytes())
    assert found == [f"Subject: {n}\n\nFrom me\n".encode() for n in range(3)]


@pytest.mark.parametrize("size", [999, 1_000, 1_001, 900_000])
def test_of_a_message_that_is_too_large_no_more_is_kept_than_shows_it(
    size: int,
) -> None:
    """An archive in the middle of an mbox fills no memory, and the next mail comes."""
    line = b"x" * 99 + b"\n"
    large = (line * (size // 100 + 1))[:size]
    mbox = b"From a Sun Nov 22 10:00:00 2026\n" + large
    mbox += b"\n\nFrom b Sun Nov 22 10:00:01 2026\nsecond\n"
    first, second = file_mbox.entries(io.BytesIO(mbox), most=1_000)
    assert len(first.content) <= 1_000 + 2 * len(line)
    assert (len(first.content) > 1_000) is (len(large) + 1 > 1_000)
    assert second.content == b"second\n"
