"""An attached message: its head, its words and the names of its files, to read.

It stays one file, and what is in it stays in it: nothing of it is merged into the mail
that it came with. A message in it is named and not opened.
"""

from collections.abc import Iterator
from dataclasses import replace

from chamado.parsers.attachments import safe_name
from chamado.parsers.body import lay_out, read_body
from chamado.parsers.charset import codec_of
from chamado.parsers.defaults import LIMITS
from chamado.parsers.fields import Block, read_block
from chamado.parsers.inside import MOST_WORDS, Inside
from chamado.parsers.mime import MESSAGE_TYPES, Part, read_tree
from chamado.parsers.params import read_params
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import Role
from chamado.parsers.words import header_line, header_text

_SHOWN = ("From", "To", "Cc", "Subject", "Date")
# Saved mail begins with one of these, whatever the file is declared as.
_TELLING = ("from", "received", "subject", "date", "message-id", "return-path")
_LISTED = 50
# What is not shown need not be decoded.
_LIMITS = replace(LIMITS, text_chars=MOST_WORDS)


def is_nested(content_type: str, name: str, content: bytes) -> bool:
    """Tell an attached message, and a saved one by its name and its first fields."""
    if content_type in MESSAGE_TYPES:
        return True
    if not name.lower().endswith(".eml"):
        return False
    block = read_block(content[:4096], 0, _LIMITS)
    return sum(block.first(one) is not None for one in _TELLING) > 1


def open_nested(content: bytes, most: int) -> Inside:
    """Return what people should read of a message. Needs no extra."""
    block = read_block(content, 0, _LIMITS)
    tree = read_tree(content, block, _LIMITS)
    layout = lay_out(tree.root)
    body = read_body(layout, content, _LIMITS, plain_only=True)
    words = "\n".join(_head(block)) + "\n\n" + body.text.strip("\n") + "\n"
    files = list(_files(layout.files[:_LISTED], content))
    files += [f"{_name(header_text(n))} ({len(c)} bytes)" for n, c in body.files]
    if files:
        words += "\nFiles: " + ", ".join(files[:_LISTED]) + "\n"
    return Inside(words=words.lstrip("\n"), role=Role.NESTED_MESSAGE)


def _head(block: Block) -> Iterator[str]:
    hint = codec_of(read_params(block.first("content-type")).params.get("charset"))
    for name in _SHOWN:
        value = block.first(name.lower())
        if value and (shown := clean_line(header_line(value, hint), 998)):
            yield f"{name}: {shown}"


def _files(parts: list[Part], raw: bytes) -> Iterator[str]:
    for part in parts:
        name = _name(part.name) or part.content_type
        yield f"{name} ({len(part.decoded(raw).content)} bytes)"


def _name(name: str) -> str:
    return clean_line(safe_name(name), 120)
