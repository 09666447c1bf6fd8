"""What may reach a terminal: a stranger's words, never a stranger's escape sequences.

Text in the database is clean already. It is cleaned again here, for a terminal obeys
whatever comes, and raw mail is not clean at all. Into a pipe raw bytes go as they are.
"""

import re
import sys
import unicodedata
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import click

from chamado.parsers.sanitise import clean_line, clean_text

# They reorder what a person reads, so they are shown instead of obeyed.
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_UNPRINTABLE = re.compile(
    "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
#: A subject in a table; some are as long as a letter, and JSON has them whole.
SUBJECT_COLUMNS = 120


def line(text: str) -> str:
    """Return text as one harmless line."""
    return _BIDI.sub(_shown, clean_line(text))


def block(text: str) -> str:
    """Return text of several lines, harmless."""
    return _BIDI.sub(_shown, clean_text(text)).expandtabs(4)


def json_text(document: str) -> str:
    """Escape inside a JSON document what JSON allows and a terminal would obey."""
    return _UNPRINTABLE.sub(_shown, document)


def width(text: str) -> int:
    """Return how many columns a line takes on a terminal."""
    return sum(_columns(char) for char in text)


def fitted(text: str, columns: int) -> str:
    """Return a line cut to so many columns, with an ellipsis where it was cut."""
    if width(text) <= columns:
        return text
    used, kept = 1, []
    for char in text:
        used += _columns(char)
        if used > columns:
            break
        kept.append(char)
    return "".join(kept) + "…"


def subject(text: str | None) -> str:
    """Return a subject as a cell of a table."""
    return fitted(line(text or ""), SUBJECT_COLUMNS)


def padded(text: str, columns: int) -> str:
    """Fill a line up with blanks."""
    return text + " " * max(columns - width(text), 0)


def clock(timezone: str) -> Callable[[datetime | None], str]:
    """Return how moments are shown: in the zone of the service, to the minute."""
    zone = ZoneInfo(timezone)

    def shown(at: datetime | None) -> str:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}" if at else ""

    return shown


def raw(content: bytes) -> None:
    """Print bytes: untouched into a file or pipe, harmless onto a terminal."""
    if sys.stdout.isatty():
        click.echo(block(content.decode("utf-8", "replace")))
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me", "Mn"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shown(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
