"""New words, signature and quoted history of a text, for display.

The whole text is kept elsewhere and never changed. When unsure everything is new: a
bare forward keeps its content, answers between quoted lines keep the lines they answer.
Linear in the text, which is left whole past `quote_bytes`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from chamado.parsers.body import Body
from chamado.parsers.marks import STRONG, WEAK, unmark
from chamado.parsers.quotes import (
    Cut,
    announced,
    attribution,
    header_block,
    is_quote,
    is_rule,
    separator,
)
from chamado.parsers.signature import is_delimiter, split_signature
from chamado.parsers.types import ParseLimits

_MOST_LINES = 5_000
_ENDINGS = frozenset(":：>-—*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The three parts of a text; of one that is `too_long` all is `reply`."""

    reply: str
    signature: str = ""
    quoted: str = ""
    too_long: bool = False


@dataclass(slots=True)
class _Piece:
    """A run of lines: new text, or a quote with the attribution above it."""

    kind: Literal["text", "quote"]
    lines: list[str] = field(default_factory=list)
    attributed: bool = False

    def filled(self) -> bool:
        """Tell whether there is anything but blank lines."""
        return any(line.strip() for line in self.lines)


def split_reply(body: Body, *, plain_only: bool, limits: ParseLimits) -> Split:
    """Split the text of a message; all of it is `reply` where nothing is sure."""
    text = body.text
    if plain_only:
        return Split(reply=text)
    size = len(text) if text.isascii() else len(text.encode())
    lines = [] if size > limits.quote_bytes else body.lines or text.split("\n")
    if not lines or len(lines) > _MOST_LINES:
        return Split(reply=text, too_long=True)
    return split_lines(lines)


def split_lines(lines: list[str]) -> Split:
    """Split a text given by its lines."""
    cut = _first_cut(lines)
    top, below = lines, list[str]()
    if cut is not None:
        top = [*lines[: cut.first], *([cut.kept] if cut.kept else [])]
        below = lines[cut.first :]
    pieces = _pieces(top)
    closing = _closing(pieces)
    new, history = _new_words(pieces)
    if not "".join(new).strip():
        # Nothing but history: a forward without a word, or a quote sent back.
        return _kept(lines)
    reply, signature = split_signature(_joined(new))
    return Split(
        reply=reply,
        signature=signature + _joined(closing),
        quoted=_joined([*history, *below]),
    )


def _closing(pieces: list[_Piece]) -> list[str]:
    """Take a signature off that stands below the quotes."""
    if len(pieces) < 2 or pieces[-1].kind != "text":
        return []
    first = next(line for line in pieces[-1].lines if line.strip())
    return pieces.pop().lines if is_delimiter(first) else []


def _kept(lines: Sequence[str]) -> Split:
    return Split(reply=_joined(lines))


def _joined(lines: Sequence[str]) -> str:
    text = unmark("\n".join(lines)).strip("\n")
    return text + "\n" if text.strip() else ""


def _quote_follows(lines: Sequence[str], index: int) -> bool:
    """Tell whether the next line with anything on it is quoted by a mark."""
    for line in lines[index : index + 6]:
        if line.strip():
            return is_quote(line)
    return False


def _first_cut(lines: Sequence[str]) -> Cut | None:
    """Find where everything below is history, quoted by no marks."""
    floor = -1
    for index, line in enumerate(lines):
        text = line.strip()
        if not text:
            continue
        if is_quote(line):
            floor = index
            continue
        # Most lines are prose: look closely only at what could be more than that.
        found = None
        ending, start = text[-1], text[:60]
        if ":" in start or "：" in start:
            found = header_block(lines, index)
        if found is None and (ending in ":：." or not text[0].isalnum()):
            found = Cut(index, index) if separator(line) else None
        if found is None and ":" in "".join(lines[index + 1 : index + 2])[:60]:
            found = announced(lines, index)
        if found is None and ending in _ENDINGS:
            found = attribution(lines, index, floor)
            if found and _quote_follows(lines, found.last + 1):
                # Marks tell exactly how far that history goes.
                floor = index
                continue
        if found is not None:
            return _with_rule(lines, found)
    return None


def _with_rule(lines: Sequence[str], cut: Cut) -> Cut:
    """Let a drawn line right above belong to the history."""
    first = cut.first
    at = first - 1
    while at >= 0 and not lines[at].strip() and first - at <= 2:
        at -= 1
    if at >= 0 and (is_rule(lines[at]) or separator(lines[at])):
        first = at
    return Cut(first, cut.last, cut.kept if first == cut.first else "")


def _pieces(lines: Sequence[str]) -> list[_Piece]:
    """Cut lines into runs of new text and of quotes marked line by line."""
    if not any(map(is_quote, lines)):
        return [_Piece("text", list(lines))] if "".join(lines).strip() else []
    pieces = [_Piece("text")]
    index = 0
    while index < len(lines):
        line = lines[index]
        if is_quote(line) or _inside_quote(lines, index):
            if pieces[-1].kind != "quote":
                above = _take_attribution(pieces[-1])
                pieces.append(_Piece("quote", above, bool(above)))
            pieces[-1].lines.append(line)
        else:
            if pieces[-1].kind != "text" and line.strip():
                pieces.append(_Piece("text"))
            pieces[-1].lines.append(line)
        index += 1
    for piece in pieces:
        if piece.kind == "quote" and not piece.attributed:
            strong = any(line.startswith(STRONG) for line in piece.lines)
            piece.attributed = strong or _has_attribution(piece.lines)
    return [piece for piece in pieces if piece.filled()]


def _inside_quote(lines: Sequence[str], index: int) -> bool:
    """Tell a piece of a broken link, quoted lines right above and below it."""
    text = lines[index].strip()
    if not text or (" " in text.rstrip("> ") and text[0] not in "(<"):
        return False
    if not 0 < index < len(lines) - 1:
        return False
    return is_quote(lines[index - 1]) and is_quote(lines[index + 1])


def _take_attribution(piece: _Piece) -> list[str]:
    """Take the attribution off the end of a text, with the blank lines behind it."""
    last = len(piece.lines) - 1
    while last >= 0 and not piece.lines[last].strip():
        last -= 1
    if last < 0:
        return []
    found = attribution(piece.lines, last, -1)
    if found is None and separator(piece.lines[last]):
        found = Cut(last, last)
    if found is None:
        return []
    taken = piece.lines[found.first :]
    piece.lines = [*piece.lines[: found.first], *([found.kept] if found.kept else [])]
    return taken


def _has_attribution(lines: Sequence[str]) -> bool:
    head = [unmark(line).lstrip(" >") for line in lines[:8]]
    for index, line in enumerate(head):
        if line.strip():
            return (
                separator(line)
                or header_block(head, index) is not None
                or any(
                    attribution(head, at, -1)
                    for at in range(index, index + 3)
                    if at < len(head)
                )
            )
    return False


def _new_words(pieces: Sequence[_Piece]) -> tuple[list[str], list[str]]:
    """Choose what is new: returns its lines, and those of the history."""
    quotes = [at for at, piece in enumerate(pieces) if piece.kind == "quote"]
    if not quotes:
        return [line for piece in pieces for line in piece.lines], []
    texts = [at for at, piece in enumerate(pieces) if piece.kind == "text"]
    if not texts:
        return [], [line for piece in pieces for line in piece.lines]
    kept = set(texts)
    trailing = [at for at in quotes if at > texts[-1]]
    inner = [at for at in quotes if at < texts[-1]]
    if len(inner) != 1 or not pieces[inner[0]].attributed:
        # Answers stand between the quoted lines, or the quote came without a word
        # about whose it is: it is then part of what this mail says.
        kept |= set(inner)
    if trailing and not _is_history(pieces[trailing[0]]):
        kept |= set(trailing)
    new = [line for at in sorted(kept) for line in pieces[at].lines]
    history = [
        line
        for at, piece in enumerate(pieces)
        if at not in kept
        for line in piece.lines
    ]
    return new, history


def _is_history(piece: _Piece) -> bool:
    marked = [line for line in piece.lines if is_quote(line)]
    drawn = any(line.startswith((STRONG, WEAK)) for line in marked)
    return piece.attributed or drawn or len(marked) >= 2
