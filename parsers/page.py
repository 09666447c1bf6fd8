"""An HTML file: its words, so that a search finds them. It is never shown as HTML."""

from chamado.parsers.charset import decode
from chamado.parsers.html import crude_text
from chamado.parsers.inside import MOST_WORDS, Inside

# Markup is a few times as long as its words; more is not looked at.
_LOOKED_AT = 8 * MOST_WORDS


def is_page(content_type: str, name: str, content: bytes) -> bool:
    """Tell by the type that was declared: nothing follows from it but words."""
    return content_type == "text/html"


def open_page(content: bytes, most: int) -> Inside:
    """Return the words of a page. Needs no extra."""
    return Inside(words=crude_text(decode(content[:_LOOKED_AT], None)[0]))
