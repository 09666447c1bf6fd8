"""New words, signature and quoted history of a text, for display.

The whole text is kept elsewhere and never changed: when unsure everything is new.
"""

from dataclasses import dataclass

import quotequail

from chamado.parsers.body import Body
from chamado.parsers.types import ParseLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The three parts of a text."""

    reply: str
    signature: str = ""
    quoted: str = ""


def split_reply(body: Body, *, plain_only: bool, limits: ParseLimits) -> Split:
    """Split the text of a message; all of it is `reply` where nothing is sure."""
    text = body.text
    if plain_only or len(text.encode()) > limits.quote_bytes:
        return Split(reply=text)
    found = quotequail.unwrap(text)
    top = (found or {}).get("text_top", "")
    if not found or not top.strip():
        return Split(reply=text)
    return Split(reply=top, quoted=found.get("text", ""))
