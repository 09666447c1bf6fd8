"""The digest of mails that are all headers; the usual ones are in the verbs' tests."""

import tracemalloc

import pytest

from chamado.daemon.digest import content_digest

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
