"""Files that were written into a text by yEnc."""

import zlib

import pytest

from chamado.parsers.message import parse
from chamado.parsers.yenc import split_yenc

CONTENT = bytes(range(256)) * 3


def _encoded(content: bytes, name: bytes = b"tela.bin", size: int | None = None):
    out, line = [], b""
    for byte in content:
        shifted = (byte + 42) % 256
        line += (
            bytes((61, (shifted + 64) % 256))
            if shifted in (0, 10, 13, 61)
            else bytes((shifted,))
        )
        if len(line) >= 128:
            out.append(line)
            line = b""
    size = len(content) if size is None else size
    head = b"=ybegin line=128 size=%d name=%s" % (size, name)
    tail = b"=yend size=%d crc32=%08x" % (size, zlib.crc32(content))
    return b"\r\n".join([head, *out, line, tail, b""])


def test_a_yenc_file_in_a_mail_is_a_file_byte_for_byte():
    """The text around it stays, the file is no part of it."""
    head = b"From: ana@example.com\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    message = parse(head + b"Segue.\r\n" + _encoded(CONTENT) + b"Obrigada\r\n")
    (file,) = message.attachments
    assert (file.name, file.content) == ("tela.bin", CONTENT)
    assert message.text.split() == ["Segue.", "Obrigada"]


def test_a_part_of_a_file_is_decoded_as_far_as_it_goes():
    """A file in pieces has one piece in a mail."""
    data = _encoded(CONTENT)
    head, rest = data.split(b"\r\n", 1)
    found = split_yenc(head + b"\r\n=ypart begin=1 end=768\r\n" + rest, 100)[1]
    assert found == [(b"tela.bin", CONTENT)]


def test_what_is_not_whole_stays_in_the_text():
    """A wrong size, a wrong checksum, no end: nothing is taken out."""
    for broken in (
        _encoded(CONTENT, size=9),
        _encoded(CONTENT).replace(b"crc32=", b"crc32=1"),
        _encoded(CONTENT).partition(b"=yend")[0],
    ):
        assert split_yenc(broken, 100) == (broken, [])


@pytest.mark.timeout(30)
def test_hostile_yenc_costs_little():
    """Thousands of beginnings without an end, and of escapes, are read once."""
    split_yenc(b"=ybegin line=1 size=1 name=x\n" * 50_000 + b"=" * 500_000, 100)
    split_yenc(b"=ybegin line=1 size=1 name=x\n" * 50_000 + b"\n=yend size=2\n", 100)
    split_yenc(b"=ybegin line=1 size=1 name=x\n=yend size=2\n" * 20_000, 100)
