"""Strangers' words made safe to write into a letter: the notifier's choke point.

Nothing here refuses: a name that is half rubbish must not block a letter, so what is
dangerous goes and the rest stays. Whatever a customer can choose (name, subject, file
names) passes here before it reaches a template or a header.
"""

import re
import unicodedata
from dataclasses import dataclass

NAME_CHARS = 64
FILE_NAME_CHARS = 120
SUBJECT_CHARS = 998

_CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}
_LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# They turn what follows around, so that "gpj.exe" reads as "exe.jpg".
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xFEFF}
# Parsing writes them into names as escapes, whose backslash is no folder.
_SHOWN_BIDI = re.compile(r"\\u(?:202[a-e]|206[6-9])")
_ONE_LINE = {**dict.fromkeys(_CONTROLS, " "), **dict.fromkeys(_BIDI)}
_BODY = dict.fromkeys(_CONTROLS - {0x09, 0x0A})
# A display name of these characters can be read as a second address (RFC 5322 §3.4).
_SPECIALS = str.maketrans(',;<>"@()[]\\:', " " * 12)
_LINK = re.compile(r"://|www\.|[^\W\d_]\.[^\W\d_]{2}", re.IGNORECASE)
_FILE_NAME = re.compile(r"[\w .,()&'+~\[\]-]{1,64}\.([A-Za-z0-9]{1,5})")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,5})$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFile:
    """A received file as a letter speaks of it; `name` is "" where it is no name.

    `type` is the extension in capitals, or "".
    """

    name: str = ""
    type: str = ""


def one_line(value: str, limit: int = SUBJECT_CHARS) -> str:
    """Return at most `limit` characters of one line without any control character."""
    if not (value.isascii() and value.isprintable()):
        value = _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value[: 4 * limit])
        value = value.translate(_ONE_LINE)
    return " ".join(value.split())[:limit].rstrip()


def body(value: str) -> str:
    """Return text with LF line ends and no control character but TAB and LF."""
    value = _LINE_ENDS.sub("\n", value)
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", value).translate(_BODY)


def display_name(value: str) -> str:
    """Return a name that cannot be taken for an address; at most 64 characters."""
    return one_line(_SHOWN_BIDI.sub("", value).translate(_SPECIALS), NAME_CHARS)


def greeting_name(value: str) -> str:
    """Return the name to greet with, or "" for one that advertises something."""
    name = display_name(value)
    return "" if _LINK.search(value) or _LINK.search(name) else name


def file_name(value: str) -> str:
    """Return a file name without folders, short enough, with its extension kept."""
    value = _SHOWN_BIDI.sub("", value[-10_000:])
    name = one_line(value, 10_000).replace("\\", "/").rsplit("/", 1)[-1]
    if len(name) > FILE_NAME_CHARS:
        tail = _EXTENSION.search(name)
        kept = tail.group() if tail else ""
        name = name[: FILE_NAME_CHARS - len(kept)] + kept
    return name.strip(". ") or "file"


def shown_file(value: str, *, trusted: bool) -> ShownFile:
    """Return how an acknowledgement may speak of a received file.

    The name of a file is a stranger's text as much as the subject is: an answer that
    repeats "visit evil.example now.png" to a forged sender is an advertisement sent
    by us. Where the sender is not proven (`trusted` is false) only what looks like the
    name of a file is repeated, and of everything else no more than its type.
    """
    # A Mac sends "às" as an a with an accent after it, which is no letter.
    value = unicodedata.normalize("NFC", value)
    name = file_name(value)
    found = _EXTENSION.search(name)
    kind = found.group(1).upper() if found else ""
    stem = name[: found.start()] if found else name
    plain = _FILE_NAME.fullmatch(value) and len(name.split()) <= 8
    if trusted or (plain and not _LINK.search(stem)):
        return ShownFile(name=name, type=kind)
    return ShownFile(type=kind)
