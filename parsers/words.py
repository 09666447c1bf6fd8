"""Encoded words in header values (RFC 2047), read leniently and in linear time.

Senders fold inside them, put blanks into them, glue them to their neighbours and cut
multi-byte characters between two of them. Everything that looks like an encoded word
is decoded; what does not end is left as it stands. Structure (addresses, parameters)
is never looked for in decoded text: that is the business of the callers.
"""

import binascii
import re

from chamado.parsers.charset import decode, undeclared
from chamado.parsers.sanitise import clean_line

_START = re.compile(r"=\?([^?\s=()<>,;:\"/\[\]]{1,60})\?([bBqQ])\?")
_Q_JUNK = re.compile(rb"=(?![0-9A-Fa-f]{2})")


def _bytes(text: str, coding: str) -> bytes:
    data = text.encode("utf-8", "replace")
    if coding in "qQ":
        # `header=True` reads _ as a blank; a lone = would swallow what follows it.
        return binascii.a2b_qp(_Q_JUNK.sub(b"=3D", data), header=True)
    data = data.replace(b" ", b"").rstrip(b"=")
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return data


def decode_words(text: str) -> str:
    """Return a header value with its encoded words decoded."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending: list[bytes] = []
    label = ""
    done = 0
    found = _START.search(text)
    while found:
        end = text.find("?=", found.end())
        if end < 0:
            # No word ends from here on, so none of the later ones does either.
            break
        between = text[done : found.start()]
        charset = found[1].split("*", 1)[0]
        if pending and (between.strip() or charset.lower() != label.lower()):
            out.append(decode(b"".join(pending), label)[0])
            pending = []
            if between.strip():
                out.append(between)
        elif not pending and (between.strip() or not out):
            out.append(between)
        label = charset
        pending.append(_bytes(text[found.end() : end], found[2]))
        done = end + 2
        found = _START.search(text, done)
    if pending:
        out.append(decode(b"".join(pending), label)[0])
    out.append(text[done:])
    return "".join(out)


def header_line(raw: bytes, hint: str | None = None) -> str:
    """Decode a raw header value into one clean line."""
    if raw.isascii():
        text = raw.decode("ascii")
        if text.isprintable() and "=?" not in text and "  " not in text:
            return text
    return clean_line(header_text(raw, hint))


def header_text(raw: bytes, hint: str | None = None) -> str:
    """Decode a raw header value; `hint` is the body's codec, for raw 8-bit values."""
    return decode_words(undeclared(raw, hint))
