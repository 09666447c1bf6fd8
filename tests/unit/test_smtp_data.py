"""Tests of the reader of mail content, with blocks cut at every place."""

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.sources.smtp_data import DataReader, Fault


def _read(
    wire: bytes, *, cuts: tuple[int, ...] = (), limit: int = 10_000, norm: bool = False
) -> tuple[DataReader, bytes | None]:
    reader = DataReader(limit=limit, normalize=norm)
    edges = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    rest = None
    for start, end in pairwise(edges):
        if rest is None:
            rest = reader.feed(wire[start:end])
        else:
            rest += wire[start:end]
    return reader, rest


def _every_cut(wire: bytes, **options: bool) -> set[tuple[bytes, bytes | None]]:
    return {
        (reader.content(), rest)
        for cut in range(len(wire) + 1)
        for reader, rest in [_read(wire, cuts=(cut,), **options)]
    }


@pytest.mark.parametrize(
    ("wire", "content"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...x\r\n.\r\n", b"..x\r\n"),
        (b"a\r\n..\r\n...x\r\n.\r\n", b"a\r\n.\r\n..x\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n\x00.\r\n.\r\n", b"a\r\n\x00.\r\n"),
        (b"a\r\n.b\r\n\r\n.\r\n", b"a\r\nb\r\n\r\n"),
    ],
)
def test_s08_dots_are_unstuffed_once_wherever_blocks_are_cut(
    wire: bytes, content: bytes
) -> None:
    """The content is exact, and what follows the end is given back untouched."""
    for cut in range(len(wire) + 7):
        reader, rest = _read(wire + b"QUIT\r\n", cuts=(cut,))
        assert (reader.content(), rest) == (content, b"QUIT\r\n")
        assert reader.digest() == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "wire",
    [
        b"a\n.\nMAIL FROM:<e@x>\r\n",
        b"a\n.\r\nMAIL FROM:<e@x>\r\n",
        b"a\r\n.\nMAIL FROM:<e@x>\r\n",
        b"a\r\n.\rMAIL FROM:<e@x>\r\n",
        b"a\r.\r\nMAIL FROM:<e@x>\r\n",
        b"a\r.\rMAIL FROM:<e@x>\r\n",
        b"a\r\n\x00.\r\nMAIL FROM:<e@x>\r\n",
        b"a\r\r\n..\r\nMAIL FROM:<e@x>\r\n",
    ],
)
@pytest.mark.parametrize("norm", [False, True])
def test_s01_to_s07_nothing_but_crlf_dot_crlf_ends_a_mail(
    wire: bytes, norm: bool
) -> None:
    """No other spelling of the end is taken for it."""
    for cut in range(len(wire) + 1):
        _, rest = _read(wire, cuts=(cut,), norm=norm)
        assert rest is None


@pytest.mark.parametrize("body", [b"a\nb", b"a\rb", b"a\n\r\nb", b"\n", b"\r", b"a\r"])
def test_a_bare_newline_is_a_fault_wherever_blocks_are_cut(body: bytes) -> None:
    """Without normalising, one CR or LF on its own spoils the mail."""
    wire = body + b"\r\n.\r\n"
    for cut in range(len(wire) + 1):
        reader, rest = _read(wire, cuts=(cut,))
        assert (reader.fault, rest) == (Fault.BARE_NEWLINE, b"")
        assert reader.content() == b""


@pytest.mark.parametrize(
    ("wire", "content"),
    [
        (b"a\nb\rc\r\n.\r\n", b"a\r\nb\r\nc\r\n"),
        (b"a\n.b\r\n.\r\n", b"a\r\n.b\r\n"),
        (b"a\n.\nb\r\n.\r\n", b"a\r\n.\r\nb\r\n"),
        (b"a\r\r\n.\r\n", b"a\r\n\r\n"),
        (b"\n\r\n..\r\n.\r\n", b"\r\n\r\n.\r\n"),
    ],
)
def test_bare_newlines_become_crlf_when_normalised(wire: bytes, content: bytes) -> None:
    """Each bare CR or LF is one line end, and only CRLF lines lose their dot."""
    assert _every_cut(wire, norm=True) == {(content, b"")}


def test_f34_the_limit_counts_the_content_without_stuffed_dots() -> None:
    """A mail of exactly the limit is taken, one octet more is not."""
    wire = b"..\r\n" * 10 + b".\r\n"
    assert _read(wire, limit=30)[0].fault is None
    reader, rest = _read(wire, limit=29)
    assert (reader.fault, rest, reader.content()) == (Fault.TOO_BIG, b"", b"")


def test_s10_an_endless_line_is_not_kept() -> None:
    """Beyond the limit nothing is held, whatever still comes."""
    reader = DataReader(limit=1000, normalize=False)
    for _ in range(100):
        assert reader.feed(b"a" * 1000) is None
    assert (reader.fault, reader.held, reader.received) == (Fault.TOO_BIG, 0, 100_000)


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x"])),
    st.lists(st.integers(0, 60), max_size=4),
)
def test_any_cut_gives_the_same_as_one_block(
    parts: list[bytes], cuts: list[int]
) -> None:
    """Where the network cuts the blocks never changes anything."""
    wire = b"".join(parts) + b"\r\n.\r\nQUIT"
    for norm in (False, True):
        whole, rest = _read(wire, norm=norm)
        again, rest_again = _read(wire, cuts=tuple(cuts), norm=norm)
        assert (whole.fault, rest) == (again.fault, rest_again)
        assert whole.content() == again.content()
        assert whole.digest() == again.digest() or whole.fault


@given(st.binary())
def test_what_a_client_stuffs_comes_back(content: bytes) -> None:
    """Stuffing as RFC 5321 says and reading again is the identity."""
    lines = content.replace(b"\r", b"").replace(b"\n", b"\r\n") + b"\r\n"
    stuffed = (b"\r\n" + lines).replace(b"\r\n.", b"\r\n..")[2:]
    reader, rest = _read(stuffed + b".\r\n")
    assert (reader.content(), rest, reader.fault) == (lines, b"", None)
