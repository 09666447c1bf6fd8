"""Header fields of letters, each written by one function that nothing gets past.

`field` is the choke point: printable ASCII, folds only where this module put them, no
line over 998 octets (RFC 5322 §2.1.1). The functions above it turn names, subjects and
ids into such values. Nothing here uses the serialiser of the standard library, which
encodes long message-ids as encoded-words and so breaks the customer's threading.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from chamado.notifier.text import display_name, one_line

LINE = 76
REFERENCES = 20
_LIMIT = 998
# Less room than this on a begun line is not worth an encoded-word.
_ROOM = 36
_FIELD = re.compile(
    r"[A-Za-z0-9-]+: [\x21-\x7e][\x20-\x7e]*(?:\r\n [\x21-\x7e][\x20-\x7e]*)*\r\n"
)
_FOLD = "\r\n "
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ID_PART = r"[!#$%&'*+\-./0-9:=?A-Z\[\]^_`a-z{|}~]+"
_ID = re.compile(rf"{_ID_PART}(?:@{_ID_PART})+")
_ID_CHARS = 900
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: tuple[str, ...] = ("Jan", "Feb", "Mar", "Apr", "May", "Jun")
_MONTHS += ("Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Letters, digits and what RFC 2047 §5(3) allows inside a phrase; the rest is =XX.
_Q = {c: chr(c) for c in b"!*+-/0123456789"} | {0x20: "_"}
_Q |= {c: chr(c) for c in range(0x80) if chr(c).isalpha()}


class UnsafeHeader(ValueError):
    """A header value that would not stay one field of printable ASCII."""


def field(name: str, value: str) -> str:
    """Return one header field with its CRLF; raises UnsafeHeader for anything else."""
    line = f"{name}: {value}\r\n"
    if not _FIELD.fullmatch(line):
        raise UnsafeHeader(f"{name}: {value[:100]!a}")
    if len(line) > LINE and max(map(len, line.split("\r\n"))) > _LIMIT:
        raise UnsafeHeader(f"{name}: a line is longer than {_LIMIT} octets")
    return line


def text(name: str, value: str) -> str:
    """Return an unstructured field (RFC 5322 §3.6.5), RFC 2047 where it must be."""
    value = one_line(value)
    words = value.split(" ")
    plain = 0
    while plain < len(words) and _stays_plain(words[plain]):
        plain += 1
    if plain == len(words):
        return field_of_words(name, words) if value else ""
    head = _fold(words[:plain], len(name) + 2)
    room = LINE - _last_line(f"{name}: {head} ")
    gap = _FOLD if room < _ROOM else " "
    rest = encoded_words(" ".join(words[plain:]), room if gap == " " else LINE - 1)
    return field(name, f"{head}{gap}{rest}" if head else rest)


def address(name: str, display: str, addr_spec: str) -> str:
    """Return a field of one mailbox; `addr_spec` went through `addresses.mailbox`."""
    phrase = _phrase(display_name(display), LINE - len(name) - 2)
    if not phrase:
        return field(name, addr_spec)
    used = _last_line(f"{name}: {phrase}") + len(f" <{addr_spec}>")
    return field(name, f"{phrase}{' ' if used <= LINE else _FOLD}<{addr_spec}>")


def ids(name: str, values: Iterable[str]) -> str:
    """Return a field of message-ids, never encoded, folded only between them.

    Malformed ids are left out (a client that finds one drops the whole field); "" when
    none is left.
    """
    return field_of_words(name, [f"<{v}>" for v in values if is_id(v)])


def field_of_words(name: str, words: Sequence[str]) -> str:
    """Return a field of words that may be parted but not changed; "" for none."""
    return field(name, _fold(words, len(name) + 2)) if words else ""


def is_id(value: str) -> bool:
    """Tell whether this is a message-id we would write (RFC 5322 §3.6.4)."""
    return len(value) <= _ID_CHARS and _ID.fullmatch(value) is not None


def references(in_reply_to: str | None, earlier: Sequence[str]) -> tuple[str, ...]:
    """Return the ids for References: well-formed, once each, the parent last.

    At most twenty, the first and the newest: some servers refuse long header fields,
    and clients join a thread by its two ends.
    """
    chain = dict.fromkeys(i for i in earlier if is_id(i) and i != in_reply_to)
    if in_reply_to is not None and is_id(in_reply_to):
        chain[in_reply_to] = None
    found = tuple(chain)
    if len(found) <= REFERENCES:
        return found
    return found[:1] + found[1 - REFERENCES :]


def date(at: datetime) -> str:
    """Return a Date field (RFC 5322 §3.3); `at` must be aware, else ValueError."""
    offset = at.strftime("%z")
    if not offset:
        raise ValueError(f"{at!r} says no time zone")
    day, month = _DAYS[at.weekday()], _MONTHS[at.month - 1]
    clock = f"{at.hour:02}:{at.minute:02}:{at.second:02}"
    return field("Date", f"{day}, {at.day} {month} {at.year} {clock} {offset[:5]}")


def encoded_words(value: str, room: int) -> str:
    """Return encoded-words (RFC 2047) of at most `room`, then 75, characters each.

    Every word is whole characters of UTF-8, so that each decodes alone (§5).
    """
    # Quoted letters stay readable in raw mail; only where most are foreign, base64.
    quoted = sum(len(_q(c)) for c in value) <= 2 * len(value.encode())
    pieces, piece, used = [], "", 0
    for char in value:
        size = len(_q(char)) if quoted else len(char.encode())
        if used + size > _payload(room, quoted=quoted):
            pieces.append(piece)
            piece, used, room = "", 0, LINE - 1
        piece, used = piece + char, used + size
    return _FOLD.join(_encoded(p, quoted=quoted) for p in (*pieces, piece))


def _stays_plain(word: str) -> bool:
    return word.isascii() and len(word) <= LINE - 12 and "=?" not in word


def _fold(words: Sequence[str], used: int) -> str:
    folded = ""
    for word in words:
        if folded and used + 1 + len(word) > LINE:
            folded += _FOLD + word
            used = 1 + len(word)
        else:
            folded += f" {word}" if folded else word
            used += 1 + len(word)
    return folded


def _last_line(value: str) -> int:
    return len(value) - (value.rfind("\n") + 1)


@lru_cache(maxsize=256)
def _phrase(name: str, room: int) -> str:
    if not name or (name.isascii() and "=?" not in name):
        return name if not name or _ATOMS.fullmatch(name) else f'"{name}"'
    return encoded_words(name, room)


@lru_cache(maxsize=4096)
def _q(char: str) -> str:
    return "".join(_Q.get(byte, f"={byte:02X}") for byte in char.encode())


def _payload(room: int, *, quoted: bool) -> int:
    free = room - len("=?utf-8?q??=")
    return free if quoted else free // 4 * 3


def _encoded(piece: str, *, quoted: bool) -> str:
    if quoted:
        return f"=?utf-8?q?{''.join(map(_q, piece))}?="
    return f"=?utf-8?b?{base64.b64encode(piece.encode()).decode('ascii')}?="
