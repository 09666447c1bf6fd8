"""Bodies and files of a letter as MIME parts: 7-bit, short lines, nothing that acts.

Everything is quoted-printable or base64, so that no text can hold a boundary, a bare
CR or LF, a dot that ends the message, or a line that a relay would break (RFC 2045
§6.7, RFC 5321 §4.5.2).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

from chamado.notifier import headers, text
from chamado.notifier.types import Enclosure

_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,60}/[a-z0-9][a-z0-9!#$&^_.+-]{0,60}")
_NAME_PLAIN = re.compile(r"[A-Za-z0-9 ._+()-]{1,60}")
_PIECE = 54
# A lone dot, which the encoder leaves behind where its own line break falls before
# one; and what a store in mbox format would put a ">" before, breaking signatures.
_ACTING = re.compile(rb"(?m)^(?:\.(?=\r?$)|From )")


def boundary(message_id: str, part: str) -> str:
    """Return the boundary for a part: the same for every rendering of one letter.

    "=_" occurs neither in quoted-printable nor in base64 (RFC 2045 §6.7 (1)).
    """
    digest = hashlib.sha256(f"{part}:{message_id}".encode()).hexdigest()
    return f"=_{part}_{digest[:24]}"


def written(subtype: str, words: str) -> bytes:
    """Return a text part, header and body, in whichever encoding is shorter."""
    raw = words.replace("\n", "\r\n").encode()
    content = binascii.b2a_qp(raw, istext=True)
    encoding = "quoted-printable"
    if len(content) > len(raw) * 3 // 2:
        content, encoding = _base64(raw), "base64"
    elif b"\nFrom " in content or b"\n." in content or content[:1] in b".F":
        content = _ACTING.sub(_as_hex, content)
    return _text_head(subtype, encoding) + content


def alternative(mark: str, parts: Sequence[bytes]) -> bytes:
    """Return a multipart/alternative part, plainest first (RFC 2046 §5.1.4)."""
    return _multipart("alternative", mark, parts)


def mixed(mark: str, parts: Sequence[bytes]) -> bytes:
    """Return a multipart/mixed part (RFC 2046 §5.1.3)."""
    return _multipart("mixed", mark, parts)


def enclosed(enclosure: Enclosure) -> bytes:
    """Return a file as an attachment, base64, its name by RFC 2231."""
    kind = enclosure.content_type.lower()
    # RFC 2046 §5.2.1 forbids base64 for message/rfc822 and multipart.
    if not _TYPE.fullmatch(kind) or kind.startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    name = _file_name(text.file_name(enclosure.name))
    head = (
        headers.field("Content-Type", kind),
        headers.field("Content-Disposition", f"attachment;\r\n {name}"),
        headers.field("Content-Transfer-Encoding", "base64"),
    )
    return f"{''.join(head)}\r\n".encode("ascii") + _base64(enclosure.content)


@lru_cache
def _text_head(subtype: str, encoding: str) -> bytes:
    kind = headers.field("Content-Type", f'text/{subtype}; charset="utf-8"')
    how = headers.field("Content-Transfer-Encoding", encoding)
    return f"{kind}{how}\r\n".encode("ascii")


def _multipart(subtype: str, mark: str, parts: Sequence[bytes]) -> bytes:
    kind = f'multipart/{subtype};\r\n boundary="{mark}"'
    line = f"--{mark}".encode("ascii")
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts)
    head = headers.field("Content-Type", kind).encode("ascii")
    return head + b"\r\n" + body + line + b"--\r\n"


def _as_hex(line: re.Match[bytes]) -> bytes:
    return b"=%02X" % line[0][0] + line[0][1:]


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def _file_name(name: str) -> str:
    if _NAME_PLAIN.fullmatch(name):
        return f'filename="{name}"'
    pieces, piece = [], "utf-8''"
    for char in name:
        coded = "".join(f"%{byte:02X}" for byte in char.encode())
        coded = char if char.isascii() and char.isalnum() else coded
        if len(piece) + len(coded) > _PIECE:
            pieces.append(piece)
            piece = ""
        piece += coded
    pieces.append(piece)
    if len(pieces) == 1:
        return f"filename*={piece}"
    return ";\r\n ".join(f"filename*{i}*={p}" for i, p in enumerate(pieces))
