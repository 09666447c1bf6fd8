"""Content-transfer-encodings (RFC 2045 §6), and uuencode where mail still has it.

Bytes in, bytes out, never raises: what cannot be decoded stays as it is and the
defect says so. Decodes from slices of the message without copying them first.
"""

import binascii
import re
from dataclasses import dataclass

_PADDED = re.compile(rb"(?<!=)=[=\s]*+(?=[A-Za-z0-9+/])")
_PIECES = re.compile(rb"=[=\s]*+[A-Za-z0-9+/][A-Za-z0-9+/=\s]*+")
_SOFT_BREAK = re.compile(rb"=[ \t]+(?=\r?\n)")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Decoded:
    """Content after transfer decoding, and what was wrong with it."""

    content: bytes
    defect: str | None = None


def _base64(raw: bytes, start: int, end: int) -> Decoded:
    pad = raw.find(b"=", start, end)
    # The decoder stops at the first padding, yet some senders encode piece by piece.
    if pad >= 0 and _PIECES.fullmatch(raw, pad, end):
        return _base64_damaged(raw[start:end])
    try:
        return Decoded(binascii.a2b_base64(memoryview(raw)[start:end]))
    except binascii.Error:
        return _base64_damaged(raw[start:end])


def _base64_damaged(data: bytes) -> Decoded:
    out = []
    defect = None
    for piece in _PADDED.sub(b"=\x00", data).split(b"\x00"):
        letters = re.sub(rb"[^A-Za-z0-9+/]", b"", piece)
        if len(letters) % 4 == 1:
            letters = letters[:-1]
            defect = "broken base64"
        out.append(binascii.a2b_base64(letters + b"=" * (-len(letters) % 4)))
    return Decoded(b"".join(out), defect)


def _uu_lines(lines: list[bytes]) -> bytes | None:
    """Decode uuencoded lines; None when one of them is none."""
    out = []
    for line in lines:
        line = line.rstrip(b"\r")
        if not line or line == b"`":
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders write too many pad characters; the length byte tells.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                return None
    return b"".join(out)


def split_uu(data: bytes, most: int) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Take uuencoded files out of a text: the text left, and (name, content) each.

    Past `most` files they stay in the text.
    """
    files: list[tuple[bytes, bytes]] = []
    left: list[bytes] = []
    done = 0
    for found in _UU_BEGIN.finditer(data):
        if len(files) >= most:
            break
        if found.start() < done:
            continue
        end = data.find(b"\nend", found.end() - 1)
        if end < 0:
            break
        content = _uu_lines(data[found.end() : end].split(b"\n"))
        if not content:
            continue
        files.append((found[1].strip(), content))
        left.append(data[done : found.start()])
        done = end + 4
    left.append(data[done:])
    return b"".join(left), files


def decode_transfer(raw: bytes, start: int, end: int, encoding: str) -> Decoded:
    """Undo the Content-Transfer-Encoding (lower-case name) of a piece of a message."""
    match encoding.strip(" \t\"'"):
        case "base64":
            return _base64(raw, start, end)
        case "quoted-printable":
            if _SOFT_BREAK.search(raw, start, end):
                return Decoded(binascii.a2b_qp(_SOFT_BREAK.sub(b"=", raw[start:end])))
            return Decoded(binascii.a2b_qp(memoryview(raw)[start:end]))
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            files = split_uu(raw[start:end], 1)[1]
            if files:
                return Decoded(files[0][1])
            return Decoded(raw[start:end], "broken uuencoding")
        case "" | "7bit" | "8bit" | "binary":
            return Decoded(raw[start:end])
        case _:
            return Decoded(raw[start:end], "unknown content-transfer-encoding")
