"""The parts of a message: one bounded, linear pass over its bytes (RFC 2046).

Parts are offsets into the message, never copies, so a message costs no more than its
own size until a part is decoded. A line that begins with two hyphens is looked up once
among all open boundaries, so nesting costs nothing. Attached messages are leaves: what
is inside them belongs to them. Never raises; what is odd becomes a defect.
"""

import re
from dataclasses import dataclass, field

from chamado.parsers.fields import Block, read_block
from chamado.parsers.params import Parametrised, read_params
from chamado.parsers.transfer import Decoded, decode_transfer
from chamado.parsers.types import ParseLimits

_DASHES = re.compile(rb"--([^\r\n]{1,998})")
_FIRST_DASHES = re.compile(rb"(?:^|\n)--([^\r\n]{1,200}?)[ \t]*\r?\n(?i:content-)")
_TYPE = re.compile(r"[!#$&^_.+\w-]+/[!#$&^_.+\w-]+", re.ASCII)
MESSAGE_TYPES = frozenset(("message/rfc822", "message/global"))


@dataclass(slots=True)
class Part:
    """One node of the tree; `start` and `end` bound its body in the message."""

    block: Block
    content_type: str
    params: dict[str, str]
    disposition: Parametrised
    start: int
    end: int
    multipart: bool = False
    children: list["Part"] = field(default_factory=list)

    def decoded(self, raw: bytes) -> Decoded:
        """Return the content after transfer decoding."""
        encoding = self.block.first("content-transfer-encoding") or b""
        name = encoding.decode("ascii", "replace").lower()
        return decode_transfer(raw, self.start, self.end, name)

    @property
    def name(self) -> str:
        """The file name the sender gave, decoded but not cleaned; may be empty."""
        return self.disposition.params.get("filename") or self.params.get("name", "")


@dataclass(slots=True)
class Tree:
    """The whole message, the leaves in order, and what was odd about it."""

    root: Part
    defects: list[str] = field(default_factory=list)
    rest: tuple[int, int] | None = None


def part_from(block: Block, end: int, default: str) -> Part:
    """Make a part of a header block whose body reaches up to `end` for now."""
    kind = read_params(block.first("content-type"))
    content_type = kind.value
    if not _TYPE.fullmatch(content_type):
        # RFC 2045 §5.2: what cannot be read is text; a bare "image" is a file.
        known = content_type in ("", "text", "text/", "html")
        content_type = default if known else "application/octet-stream"
        if kind.value == "html":
            content_type = "text/html"
    disposition = read_params(block.first("content-disposition"))
    return Part(block, content_type, kind.params, disposition, block.body, end)


class _Walk:
    """The state of one pass: the open multiparts, innermost last."""

    def __init__(self, raw: bytes, limits: ParseLimits) -> None:
        self.raw = raw
        self.limits = limits
        self.open: list[tuple[bytes, Part]] = []
        self.level: dict[bytes, int] = {}
        self.leaf: Part | None = None
        self.root: Part | None = None
        self.parts = 0
        self.defects: list[str] = []

    def enter(self, part: Part) -> None:
        """Take a part in: open it if it is a multipart, else let it be the leaf."""
        self.parts += 1
        self.leaf = part
        self.root = self.root or part
        if not part.content_type.startswith("multipart/"):
            return
        boundary = part.params.get("boundary", "").encode("utf-8", "replace").rstrip()
        if not boundary:
            found = _FIRST_DASHES.search(self.raw, max(part.start - 1, 0), part.end)
            boundary = found[1].rstrip() if found else b""
            self.defects.append("multipart without boundary")
        elif part is self.root and self.raw.find(b"--" + boundary, part.start) < 0:
            found = _FIRST_DASHES.search(self.raw, max(part.start - 1, 0), part.end)
            if found:
                boundary = found[1].rstrip()
                self.defects.append("another boundary than declared")
        if not boundary or len(boundary) > 998:
            return
        if len(self.open) >= self.limits.depth:
            self.defects.append(f"limit: parts nested deeper than {self.limits.depth}")
            return
        if boundary in self.level:
            self.defects.append("boundary used twice")
        part.multipart = True
        self.open.append((boundary, part))
        self.level[boundary] = len(self.open) - 1
        self.leaf = None

    def token(self, text: bytes) -> tuple[int, bool] | None:
        """Tell which open boundary follows the hyphens, and whether it closes."""
        text = text.rstrip(b" \t")
        if text in self.level:
            return self.level[text], False
        if text.endswith(b"--") and text[:-2] in self.level:
            return self.level[text[:-2]], True
        return None

    def is_boundary(self, line: bytes) -> bool:
        """Tell whether a line is a delimiter of any open multipart."""
        return line.startswith(b"--") and self.token(line[2:]) is not None

    def close_to(self, level: int, at: int) -> None:
        """End the current leaf and every multipart inside `level`."""
        end = at
        if end > 0 and self.raw[end - 1] == 10:
            end -= 1
        if end > 0 and self.raw[end - 1] == 13:
            end -= 1
        if self.leaf is not None:
            self.leaf.end = max(self.leaf.start, end)
            self.leaf = None
        while len(self.open) > level + 1:
            boundary, part = self.open.pop()
            part.end = max(part.start, end)
            if self.level.get(boundary) == len(self.open):
                del self.level[boundary]
                for index, (other, _) in enumerate(self.open):
                    if other == boundary:
                        self.level[boundary] = index


def read_tree(raw: bytes, block: Block, limits: ParseLimits) -> Tree:
    """Read the parts of a message whose header block was read already."""
    root = part_from(block, len(raw), "text/plain")
    walk = _Walk(raw, limits)
    walk.enter(root)
    tree = Tree(root)
    at = root.start
    while walk.open:
        line = _dashes(raw, at)
        if line < 0:
            break
        found = _DASHES.match(raw, line)
        if not found:
            at = line + 2
            continue
        at = found.end()
        token = walk.token(found[1])
        if token is None:
            continue
        level, closing = token
        walk.close_to(level, line)
        if closing:
            walk.open[level][1].end = max(walk.open[level][1].start, line)
            continue
        if walk.parts >= limits.parts:
            walk.defects.append(f"limit: more than {limits.parts} parts")
            tree.rest = (line, len(raw))
            break
        at = _next_line(raw, at)
        parent = walk.open[level][1]
        child_block = read_block(raw, at, limits, walk.is_boundary)
        digest = parent.content_type == "multipart/digest"
        default = "message/rfc822" if digest else "text/plain"
        child = part_from(child_block, len(raw), default)
        parent.children.append(child)
        walk.enter(child)
        at = max(child.start, at)
    _without_empty(root)
    tree.defects = walk.defects
    return tree


def _without_empty(root: Part) -> None:
    """Show a multipart in which no part came as the text that it is."""
    todo = [root]
    while todo:
        part = todo.pop()
        if part.content_type.startswith("multipart/") and not part.children:
            part.multipart = False
            part.content_type = "text/plain"
        todo.extend(part.children)


def _dashes(raw: bytes, at: int) -> int:
    """Return where the next line with two hyphens in front begins, -1 for none."""
    if raw.startswith(b"--", at) and (at == 0 or raw[at - 1] == 10):
        return at
    found = raw.find(b"\n--", at)
    return found + 1 if found >= 0 else -1


def _next_line(raw: bytes, at: int) -> int:
    if raw.startswith(b"\r\n", at):
        return at + 2
    while at < len(raw) and raw[at] not in b"\r\n":
        at += 1
    return at + 2 if raw.startswith(b"\r\n", at) else min(at + 1, len(raw))


def leaves(part: Part) -> list[Part]:
    """Return the leaves of a tree in the order of the message."""
    out: list[Part] = []
    todo = [part]
    while todo:
        node = todo.pop()
        if node.multipart:
            todo.extend(reversed(node.children))
        else:
            out.append(node)
    return out


def is_message(part: Part) -> bool:
    """Tell whether a part is an attached message (RFC 2046 §5.2.1)."""
    return part.content_type in MESSAGE_TYPES
