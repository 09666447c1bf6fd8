"""Header blocks: raw fields in order, bounded, read line by line.

Nothing is decoded here and no name from mail becomes an attribute, a path or a key of
anything but plain comparisons. The block ends at the first empty line, or where a line
is neither field nor continuation and no known field follows it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from chamado.parsers.types import ParseLimits

_BLANK = re.compile(rb"\n\r?\n")
# A name, and its value with the lines that continue it.
_FIELD = re.compile(
    rb"([!-9;-~\x80-\xff]{1,998})[ \t]{0,99}:([^\n]*(?:\n[ \t][^\n]*)*)(?:\n|\Z)?"
)
_KNOWN = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|mime-version|received|reply-to|sender"
    rb"|return-path|references|in-reply-to|content-[a-z-]{1,30}|x-[a-z-]{1,60})[ \t]*:",
    re.IGNORECASE,
)
_UNIX_FROM = (b"From ", b">From ")
# How many lines past a stray line may hold the next known field.
_STRAY_REACH = 3


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name as written, its value unfolded but not decoded."""

    name: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """A header block, where the body begins, and what was wrong with it."""

    fields: tuple[Field, ...]
    body: int
    defects: tuple[str, ...] = ()

    def first(self, name: str) -> bytes | None:
        """Return the topmost value of a field (lower-case name), or None."""
        return next((f.value for f in self.fields if f.name.lower() == name), None)

    def all(self, name: str) -> list[bytes]:
        """Return every value of a field (lower-case name), top first."""
        return [f.value for f in self.fields if f.name.lower() == name]


def _block_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the header text stops and where the body starts."""
    if raw.startswith(b"\n", start):
        return start, start + 1
    if raw.startswith(b"\r\n", start):
        return start, start + 2
    found = _BLANK.search(raw, start, end)
    if not found:
        end = min(end, len(raw))
        return end, end
    return found.start() + 1, found.end()


def _line(raw: bytes, at: int, stop: int) -> bytes:
    """Return the line that begins here, without its line feed."""
    cut = raw.find(b"\n", at, stop)
    return raw[at : stop if cut < 0 else cut]


def _field_follows(raw: bytes, at: int, stop: int) -> bool:
    """Tell whether one of the next lines is a field that everybody knows."""
    for _ in range(_STRAY_REACH):
        if at >= stop:
            return False
        if _KNOWN.match(raw, at, stop):
            return True
        at += len(_line(raw, at, stop)) + 1
    return False


def read_block(
    raw: bytes,
    start: int,
    limits: ParseLimits,
    is_boundary: Callable[[bytes], bool] = lambda line: False,
) -> Block:
    """Read the header block that starts at `start`.

    `is_boundary` knows a line that ends the block although no empty line came: a MIME
    boundary of an enclosing part. Never raises.
    """
    # The header of a part is looked for in a window: hundreds of parts without an
    # empty line must not have the whole message searched again and again.
    window = start + limits.header_block_bytes + 2
    stop, body = _block_end(raw, start, len(raw) if start == 0 else window)
    defects: list[str] = []
    if stop - start > limits.header_block_bytes:
        stop = start + limits.header_block_bytes
        defects.append(f"limit: header block cut at {limits.header_block_bytes} bytes")
    fields: list[Field] = []
    at = start
    lines = 0
    while at < stop and lines < limits.header_lines:
        if raw.startswith(b"--", at) and is_boundary(_line(raw, at, stop)):
            body = at
            defects.append("header block ends at a boundary")
            break
        found = _FIELD.match(raw, at, stop)
        if found:
            name, value = found[1], found[2]
            if b"\n" in value:
                lines += value.count(b"\n")
                value = value.replace(b"\r\n", b"").replace(b"\n", b"")
            if len(value) > limits.header_bytes:
                defects.append(f"limit: field cut at {limits.header_bytes} bytes")
                value = value[: limits.header_bytes]
            fields.append(Field(name.decode("ascii", "replace"), value.strip(b" \t\r")))
            at = found.end()
        else:
            line = _line(raw, at, stop)
            following = at + len(line) + 1
            unix = at == start and line.startswith(_UNIX_FROM)
            if not unix and not (fields and line[:1] in (b" ", b"\t")):
                if line.startswith(b"--") or not _field_follows(raw, following, stop):
                    defects.append("no empty line between header and body")
                    body = at
                    break
                defects.append("line in the header that is no field")
            at = following
        lines += 1
    if at < stop and lines >= limits.header_lines:
        defects.append(f"limit: header cut at {limits.header_lines} lines")
    return Block(tuple(fields), body, tuple(dict.fromkeys(defects)))
