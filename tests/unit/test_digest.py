"""The digest of mails that are all headers; the usual ones are in the verbs' tests."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest

from chamado.daemon.digest import content_digest, day_apart

TRACE = b"Received: from x\r\n\tby y; date\r\nDelivered-To: a@b\r\n"
MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    "line", [b"a\r\n", b" folded\r\n", b"X-Long: y\r\n", b"z" * 999]
)
@pytest.mark.parametrize("end", [b"", b"\r\n\r\nbody"])
def test_megabytes_of_headers_cost_a_few_bytes_each_at_most(
    line: bytes, end: bytes
) -> None:
    """A stranger's 2 MB of header lines do not become a hundred of them in memory."""
    content = b"Subject: x\r\n" + line * (2 * MEGABYTE // len(line)) + end
    tracemalloc.start()
    digest = content_digest(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 * MEGABYTE
    assert content_digest(content + b"x") != digest


def test_trace_headers_do_not_change_the_digest_of_megabytes_of_headers() -> None:
    """What relays put on top moves the rest, wherever the digest stops to read."""
    content = b"Subject: x\r\n" + b"X-A: b\r\n" * 300_000 + b"\r\nbody"
    plain = content_digest(content)
    assert content_digest(TRACE + content) == plain
    assert content_digest(content.replace(b"\r\n", b"\n")) == plain


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b"Subject: toner low", "2026-11-25"),
        (b"Subject: date: today\r\n date: folded", "2026-11-25"),
        (b"Subject: x\r\n\r\nDate: in the body", "2026-11-25"),
        (b"Subject: x\r\nDATE : Wed, 25 Nov 2026 10:00:00 +0000", ""),
        (b"message-id: <a@b>\nSubject: x", ""),
    ],
)
def test_only_a_mail_without_date_and_id_is_told_from_that_of_another_day(
    head: bytes, told: str
) -> None:
    """What a device says in the same words every week is news every week."""
    content = head + b"\r\n\r\nbody\r\n"
    at = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
    assert day_apart(content, at) == told
    assert day_apart(TRACE + content, at) == told
    there = timedelta(hours=1)
    days = {day_apart(content, moment) for moment in (at, at + there)}
    assert len({content_digest(content, day) for day in days}) == len(days)
    assert (len(days) == 2) is bool(told)
