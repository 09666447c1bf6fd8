"""Messages out of an mbox, in one pass and with one message in memory.

The mboxrd dialect: a message begins at a line `From SENDER DATE` after an empty line,
and a line that would look like one within a message carries one more `>`. The older
mboxo differs only for lines that began with `>From ` before; nobody can tell. A
Content-Length is not believed. Line ends stay as they are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import chain
from typing import IO

_PIECE = 65_536
#: The empty line before a separator, which is no part of the message.
_SEPARATING = 2
# A sender, which some archives write in several words; then a date as asctime() or a
# mail program writes it. Text that merely begins with "From " has no such date.
_SEPARATOR = re.compile(
    rb"From [^\r\n]{0,500}?\b(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb" {1,2}(?P<day>\d{1,2}) (?P<time>\d\d:\d\d(?::\d\d)?)"
    rb"(?: (?P<before>[+-]\d{4}|[A-Z]{1,5}))? (?P<year>\d{4})"
    rb"(?: (?P<behind>[+-]\d{4}|[A-Z]{1,5}))?[ \t]*\r?\n?"
)
_QUOTED = re.compile(rb">+From ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message of an mbox; `received_at` is what its separator says, in UTC."""

    content: bytes
    received_at: datetime | None


def begins(line: bytes) -> bool:
    """Whether a file with this first line is an mbox."""
    return _SEPARATOR.fullmatch(line) is not None


def entries(
    stream: IO[bytes], *, first: bytes = b"", most: int | None = None
) -> Iterator[Entry]:
    """Yield every message; `first` is what was read of the stream already.

    What is larger than `most` bytes is cut short, and still larger than that.
    """
    lines: list[bytes] = []
    date: datetime | None = None
    begun, size = False, 0
    for line, separator in _lines(stream, first):
        if separator is None:
            if most is None or size <= most + _SEPARATING:
                lines.append(line)
                size += len(line)
            continue
        if begun:
            yield Entry(content=_joined(lines), received_at=date)
        lines, date, begun, size = [], _date(separator), True, 0
    if begun:
        yield Entry(content=_joined(lines), received_at=date)


def count(stream: IO[bytes]) -> int:
    """Return how many messages `entries` would yield."""
    return sum(separator is not None for _, separator in _lines(stream, b""))


def _lines(
    stream: IO[bytes], first: bytes
) -> Iterator[tuple[bytes, "re.Match[bytes] | None"]]:
    """Yield lines, or pieces of long ones, each with its match as a separator."""
    fresh, blank = True, True
    rest = iter(lambda: stream.readline(_PIECE), b"")
    for piece in chain([first] if first else [], rest):
        match = None
        line = piece
        if fresh and piece.startswith((b"From ", b">")):
            match = _SEPARATOR.fullmatch(piece) if blank else None
            line = piece[1:] if _QUOTED.match(piece) else piece
        yield line, match
        blank = fresh and piece in (b"\n", b"\r\n")
        fresh = piece.endswith(b"\n")


def _joined(lines: list[bytes]) -> bytes:
    """Return the message without the empty line that belongs to the separator."""
    if len(lines) > 1 and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]
    return b"".join(lines)


def _date(separator: "re.Match[bytes]") -> datetime | None:
    """Read the date of a separator, which is UTC unless it says otherwise."""
    part = {
        name: (text or b"").decode() for name, text in separator.groupdict().items()
    }
    zone = part["before"] or part["behind"] or "+0000"
    text = f"{part['day']} {part['month']} {part['year']} {part['time']} {zone}"
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
