"""Message identifiers (RFC 5322 §3.6.4), as they really come.

Folded in the middle, encoded as words, without angle brackets, several in one field.
An identifier is compared byte for byte later, so nothing is repaired but white space
from folding, and nothing longer than a header line is kept.
"""

import re
from collections.abc import Iterable

from chamado.parsers.sanitise import clean_line
from chamado.parsers.words import header_text

_ANGLED = re.compile(r"<([^<>]{1,2000})>")
# Begins where a word does and has a bound: else each letter of a long word is tried.
_BARE = re.compile(r"(?<![^\s<>,;\"()])[^\s<>,;\"()@]{1,998}@[^\s<>,;\"()]{1,998}")
_LONGEST = 998
_MOST = 100


def _usable(text: str) -> str | None:
    text = "".join(text.split())
    # Octets, not letters: an index of PostgreSQL takes 2,704 of them, and an id of
    # 998 Chinese letters once was too large for it.
    octets = len(text.encode("utf-8", "replace"))
    return text if text and octets <= _LONGEST else None


def read_ids(values: Iterable[bytes]) -> tuple[str, ...]:
    """Return the identifiers of some fields in order, once each, at most the last 100.

    Without angle brackets; words of prose (`Your message of …`) are no identifiers.
    """
    found: dict[str, None] = {}
    for value in values:
        text = clean_line(header_text(value))
        angled = _ANGLED.findall(text)
        if any("@" in one for one in angled) or (angled and "@" not in text):
            pieces = angled
        else:
            pieces = _BARE.findall(text) or angled
        for piece in pieces:
            one = _usable(piece)
            if one:
                found.setdefault(one)
    return tuple(found)[-_MOST:]


def read_message_id(values: Iterable[bytes]) -> str | None:
    """Return the identifier of a message from its first Message-ID field with one."""
    for value in values:
        text = clean_line(header_text(value))
        angled = _ANGLED.search(text)
        one = _usable(angled[1] if angled else text.strip("<>"))
        if one and (angled or " " not in text):
            return one
    return None
