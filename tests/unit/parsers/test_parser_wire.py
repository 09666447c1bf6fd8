"""What parent and child say to each other, byte for byte."""

import io
from dataclasses import replace

import pytest

from chamado.parsers.message import parse
from chamado.parsers.types import (
    Auth,
    Classification,
    Hit,
    Kind,
    ParseLimits,
    Understood,
)
from chamado.parsers.understand import understand
from chamado.parsers.wire import (
    BrokenFrame,
    Request,
    read_answer,
    read_request,
    request_frame,
    write_answer,
)
from tests.unit.parsers.mails import envelope, mail, multipart


def an_answer() -> Understood:
    """Return an understood message with files in it."""
    file = "Content-Type: x/y; name=f\nContent-Transfer-Encoding: base64\n\nAP8AAQ==\n"
    raw = multipart("mixed", "\nolá 👩", file, file.replace("AP8AAQ==", ""))
    return replace(
        understand(raw, envelope()),
        auth=Auth.PARTIAL,
        classification=Classification(
            kind=Kind.LOOP, hits=(Hit(rule="r", why="w"),), no_ack=True
        ),
    )


def test_an_answer_survives_the_way():
    """Every field and every byte of every file comes out as it went in."""
    stream = io.BytesIO()
    write_answer(stream, an_answer())
    stream.seek(0)
    assert read_answer(stream.read) == an_answer()


def test_contents_are_never_written_as_json():
    """The JSON of an answer holds sizes, and the bytes follow it."""
    stream = io.BytesIO()
    write_answer(stream, an_answer())
    raw = stream.getvalue()
    size = int.from_bytes(raw[:4], "big")
    assert b'"content":' not in raw[: 4 + size]
    assert raw[4 + size :] == b"\x00\xff\x00\x01"


def test_a_request_survives_the_way_with_its_message():
    """Envelope, bounds and raw bytes come out as they went in."""
    request = Request(
        envelope=envelope(None),
        trusted=("mx.example",),
        limits=ParseLimits(parts=7),
        rung=1,
        raw=mail(),
    )
    stream = io.BytesIO(request_frame(request) + request.raw)
    assert read_request(stream) == replace(request, raw_size=len(request.raw))
    assert read_request(stream) is None


def test_a_request_by_path_carries_no_bytes():
    """A large message is named, not sent."""
    request = Request(envelope=envelope(), raw_path="/var/x")
    assert read_request(io.BytesIO(request_frame(request))) == request


@pytest.mark.parametrize("cut", [1, 3, 4, 30, -1])
def test_a_frame_that_stops_short_is_broken(cut):
    """A child that dies in the middle of an answer is noticed."""
    stream = io.BytesIO()
    write_answer(stream, an_answer())
    short = io.BytesIO(stream.getvalue()[:cut])
    with pytest.raises(BrokenFrame):
        read_answer(short.read)


def test_a_frame_of_impossible_size_is_broken():
    """The parent never believes a length that a broken child wrote."""
    with pytest.raises(BrokenFrame):
        read_answer(io.BytesIO(b"\xff\xff\xff\xff{}").read)


def test_nothing_at_all_is_no_answer():
    """A child that ends without a word gave no answer."""
    with pytest.raises(BrokenFrame):
        read_answer(io.BytesIO(b"").read)


def test_parsing_twice_gives_the_same_value():
    """The parser is a pure function of its bytes."""
    raw = multipart("mixed", "\nolá", "Content-Type: x/y; name=f\n\nx")
    assert parse(raw) == parse(raw)
