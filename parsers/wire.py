"""What daemon and parser child say to each other: length-prefixed JSON, then bytes.

Request: 4 bytes big-endian length, the JSON of a `Request`, then `raw_size` bytes of
message unless `raw_path` names a file with them. Answer: 4 bytes length, the JSON of an
`Understood` without contents, then for each attachment in order its content and that of
its thumbnail, whose sizes the JSON has. The parent reads nothing but this bounded JSON
and those bytes.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from pydantic import TypeAdapter

from chamado.parsers.types import Attachment, Envelope, Own, ParseLimits, Understood

PREFIX = 4
_LARGEST_JSON = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One message to understand, and under which bounds (bytes, seconds).

    Exactly one of `raw` and `raw_path` is given. `rung` is where the ladder of
    degradation begins: 0 whole, 1 text only, 2 headers only.
    """

    envelope: Envelope
    own: Own = Own()
    trusted: tuple[str, ...] = ()
    limits: ParseLimits = ParseLimits()
    cpu_seconds: int = 20
    memory_bytes: int = 805_306_368
    rung: int = 0
    raw_size: int = 0
    raw_path: str | None = None
    raw: bytes = b""


_REQUEST = TypeAdapter(Request)
_UNDERSTOOD = TypeAdapter(Understood)
_CONTENTS: Any = {"content": True, "thumbnail": {"content"}}
_NO_CONTENT = {"message": {"attachments": {"__all__": _CONTENTS}}}


class BrokenFrame(Exception):
    """The other side stopped in the middle, or sent what is no frame."""


def read_exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """Read `size` bytes with `read`; raises BrokenFrame when they do not come."""
    first = read(size)
    if len(first) == size:
        return first
    pieces = [first]
    missing = size - len(first)
    while missing:
        piece = read(missing)
        if not piece:
            raise BrokenFrame(f"{missing} of {size} bytes are missing")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def read_json(read: Callable[[int], bytes]) -> bytes | None:
    """Read one length-prefixed document; None when the stream ends before it."""
    prefix = read(PREFIX)
    if not prefix:
        return None
    if len(prefix) < PREFIX:
        prefix += read_exactly(read, PREFIX - len(prefix))
    size = int.from_bytes(prefix, "big")
    if size > _LARGEST_JSON:
        raise BrokenFrame(f"a frame of {size} bytes")
    return read_exactly(read, size)


def request_frame(request: Request) -> bytes:
    """Return the prefix and JSON of a request; its raw bytes go behind it."""
    known = replace(request, raw_size=len(request.raw), raw=b"")
    body = _REQUEST.dump_json(known, exclude={"raw"})
    return len(body).to_bytes(PREFIX, "big") + body


def read_request(stream: BinaryIO) -> Request | None:
    """Read a request with its raw bytes; None when the parent is gone."""
    body = read_json(stream.read)
    if body is None:
        return None
    request = _REQUEST.validate_json(body)
    if request.raw_path is not None:
        return request
    return replace(request, raw=read_exactly(stream.read, request.raw_size))


def write_answer(stream: BinaryIO, understood: Understood) -> None:
    """Write an answer; contents are written as they are, never copied into JSON."""
    body = _UNDERSTOOD.dump_json(understood, exclude=_NO_CONTENT)
    stream.write(len(body).to_bytes(PREFIX, "big"))
    stream.write(body)
    for attachment in understood.message.attachments:
        stream.write(attachment.content)
        if attachment.thumbnail:
            stream.write(attachment.thumbnail.content)
    stream.flush()


def read_answer(read: Callable[[int], bytes]) -> Understood:
    """Read an answer. Raises BrokenFrame when the child stopped before its end."""
    body = read_json(read)
    if body is None:
        raise BrokenFrame("no answer")
    understood = _UNDERSTOOD.validate_json(body)
    attachments = tuple(
        _with_content(read, one) for one in understood.message.attachments
    )
    return replace(
        understood, message=replace(understood.message, attachments=attachments)
    )


def _with_content(read: Callable[[int], bytes], file: Attachment) -> Attachment:
    file = replace(file, content=read_exactly(read, file.size))
    if not file.thumbnail:
        return file
    content = read_exactly(read, file.thumbnail.size)
    # The digest becomes a key in the database, and the child's word is no proof.
    digest = hashlib.sha256(content).hexdigest()
    small = replace(file.thumbnail, content=content, sha256=digest)
    return replace(file, thumbnail=small)
