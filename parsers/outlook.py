"""Outlook's .msg (MS-OXMSG): a message in a file, shown like an attached message.

Needs the extra `outlook`. Only its words are taken out; its attachments are listed and
stay inside, as those of an attached message do. Word and Excel files of old have the
same container and are not touched.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from chamado.parsers.html import crude_text
from chamado.parsers.inside import MOST_WORDS, Inside, TooMuch
from chamado.parsers.rtf import fill_from_rtf
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import Role

TYPE = "application/vnd.ms-outlook"
_CONTAINER = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Every message has this stream, and nothing else that Office writes has it.
_MARK = "__properties_version1.0".encode("utf-16-le")
_MOST_STORAGES = 500
_LISTED = 50
# PidTagRtfCompressed (MS-OXPROPS §2.941).
_RTF = 0x1009


def is_msg(content_type: str, name: str, content: bytes) -> bool:
    """Tell by what is inside, whatever the file is called."""
    return content.startswith(_CONTAINER) and _MARK in content


def open_msg(content: bytes, most: int) -> Inside | None:
    """Return the words of the message; None without the extra.

    Raises whatever the library raises on what it cannot read, and TooMuch.
    """
    try:
        from oxmsg import Message
    except ImportError:
        return None
    if content.count(_MARK) > _MOST_STORAGES:
        raise TooMuch("too many recipients and files")
    message = Message.load(content)
    inside = Inside(role=Role.NESTED_MESSAGE, content_type=TYPE)
    body = _body(message, inside).strip("\n")
    words = "\n".join(_head(message)) + "\n\n" + body + "\n"
    files = list(_files(message.attachments))
    if files:
        words += "\nFiles: " + ", ".join(files[:_LISTED]) + "\n"
    inside.words = words
    return inside


def _head(message: Any) -> Iterator[str]:
    to = ", ".join(
        f"{one.name} <{one.email_address}>" for one in message.recipients[:_LISTED]
    )
    sent = message.sent_date
    for name, value in (
        ("From", message.sender),
        ("To", to),
        ("Subject", message.subject),
        ("Date", f"{sent:%Y-%m-%d %H:%M} UTC" if sent else ""),
    ):
        if value:
            yield f"{name}: {clean_line(str(value), 998)}"


def _body(message: Any, inside: Inside) -> str:
    inside.text, inside.html = message.body or "", message.html_body or ""
    if not (inside.text or inside.html):
        inside.rtf = message.properties.binary_prop_value(_RTF) or b""
        fill_from_rtf(inside, 4 * MOST_WORDS)
    words = inside.text or crude_text(inside.html)
    # It is what the file says: the mail that the file came with has its own words.
    inside.text, inside.html, inside.rtf = "", "", b""
    return words


def _files(attachments: Iterable[Any]) -> Iterator[str]:
    for number, file in enumerate(attachments, 1):
        name = clean_line(str(file.file_name or f"file {number}"), 120)
        yield f"{name} ({file.size} bytes)"
