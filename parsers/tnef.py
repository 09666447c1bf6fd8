"""winmail.dat (TNEF, MS-OXTNEF): the files and the body that Outlook packs into it.

Needs the extra `outlook`. It refuses to decide anything: what it finds goes through the
same cleaning as the parts of a mail, and the file itself is kept. A body that is there
as compressed RTF is read as the HTML or the words that it was made of.
"""

import struct
from typing import Any

from chamado.parsers.charset import decode
from chamado.parsers.inside import Found, Inside, TooMuch

TYPE = "application/ms-tnef"
_HEADER = struct.Struct("<BHHI")
# Outlook writes a dozen objects and ten for each file; the library copies the whole
# rest of the file for every one of them.
_MOST_OBJECTS = 2_000
_MOST_COPIED = 2_000_000_000


def is_tnef(content_type: str, name: str, content: bytes) -> bool:
    """Tell by the first bytes, whatever the file is called."""
    return content.startswith(b"x\x9f>\x22")


def open_tnef(content: bytes, most: int) -> Inside | None:
    """Return at most `most` files and the body; None without the extra.

    Raises whatever the library raises on what it cannot read, and TooMuch.
    """
    try:
        from tnefparse import TNEF
    except ImportError:
        return None
    _count(content)
    # The library passes over a last object of the smallest size: a file of one byte.
    tnef: Any = TNEF(content + b"\0", do_checksum=False)
    inside = Inside(text=_text(tnef.body), html=_text(tnef.htmlbody))
    inside.content_type = TYPE
    inside.rtf = _octets(tnef._rtfbody)
    for file in tnef.attachments[:most]:
        if file.data:
            name = _of(file, "MAPI_ATTACH_LONG_FILENAME") or _text(file._name)
            kind = _of(file, "MAPI_ATTACH_MIME_TAG")
            shown_as = _of(file, "MAPI_ATTACH_CONTENT_ID").strip("<> ")
            inside.files.append(Found(name, kind, bytes(file.data), shown_as))
    return inside


def _count(content: bytes) -> None:
    """Walk over the objects as the library will, without looking into them."""
    at, objects, copied = 6, 0, 0
    while at + 12 < len(content):
        copied += len(content) - at
        objects += 1
        if objects > _MOST_OBJECTS or copied > _MOST_COPIED:
            raise TooMuch("too many objects")
        at += _HEADER.unpack_from(content, at)[3] + 11


def _text(value: object) -> str:
    """Return text that the library left as bytes where it knew no code page."""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        return decode(value.rstrip(b"\0"), None)[0]
    return str(value or "").rstrip("\0")


def _octets(value: object) -> bytes:
    if isinstance(value, list):
        value = value[0] if value else b""
    # The library takes the zeros off the end, and they may be part of it.
    return value + b"\0\0" if isinstance(value, bytes) and value else b""


def _of(file: Any, wanted: str) -> str:
    """Return what is noted of a file under a name."""
    for attribute in file.mapi_attrs:
        if attribute.name_str == wanted:
            return _text(attribute.data)
    return ""
