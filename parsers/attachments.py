"""Files of a message: byte-exact content, a name that is safe to show, and a role.

The name is for people only and never becomes a path. Content types are believed only
where the content proves them, so that nothing is shown inline because its sender said
so. An image that might be a screenshot is never called decoration.
"""

import hashlib
import re
from collections.abc import Iterable

from chamado.parsers.images import dimensions, extension, sniff
from chamado.parsers.mime import Part, is_message
from chamado.parsers.sanitise import clean_line, clean_name
from chamado.parsers.types import Attachment, Flaw, Role

_LONGEST_NAME = 120
_REFERENCE = re.compile(
    r"""\bsrc\s{0,9}=\s{0,9}["']?(?:cid:)?([^"'<>\s]{1,998})""", re.I
)
_PATH = re.compile(r"^(?:[A-Za-z]:[\\/]|\\\\|/|\.{1,2}[\\/])|\\")
_IMAGES = frozenset(("image/png", "image/jpeg", "image/gif", "image/bmp", "image/webp"))
_PROVEN = _IMAGES | {"image/tiff", "image/heic", "application/pdf"}
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?$")
# A pasted screenshot is larger than this in both directions, a logo rarely is.
_LOGO_PIXELS = 200
_LOGO_BYTES = 40_000


def references(html: str) -> frozenset[str]:
    """Return what HTML as it came points at: Content-IDs, locations and names."""
    return frozenset(_REFERENCE.findall(html))


def safe_name(raw: str) -> str:
    """Return a file name for display: one line, no path, at most 120 characters."""
    name = clean_line(raw)
    if _PATH.search(name):
        name = re.split(r"[\\/]", name.rstrip("\\/"))[-1]
    name = clean_name(name.replace("/", "_").strip(" ."), limit=10_000)
    if _RESERVED.match(name):
        name = "_" + name
    if len(name) > _LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        if dot and len(ending) <= 10:
            name = stem[: _LONGEST_NAME - len(ending) - 1] + "." + ending
        name = name[:_LONGEST_NAME]
    return name


def content_type_of(declared: str, content: bytes) -> str:
    """Return what the content proves, else what was declared, but never a claim.

    A declared image or PDF that is none of these becomes application/octet-stream.
    """
    proven = sniff(content)
    if proven:
        return proven
    if declared in _PROVEN and content:
        return "application/octet-stream"
    return declared


def _content_id(part: Part) -> str | None:
    raw = part.block.first("content-id")
    text = clean_line((raw or b"").decode("utf-8", "replace"), 998)
    return text.strip().strip("<>").strip() or None


def _location(part: Part) -> str:
    raw = part.block.first("content-location") or b""
    return clean_line(raw.decode("utf-8", "replace"), 998)


def role_of(
    content_type: str, size: int, pixels: tuple[int, int] | None, referenced: bool
) -> Role:
    """Tell a picture somebody took from a picture every mail of theirs carries."""
    if content_type not in _IMAGES:
        return Role.INLINE if referenced else Role.ATTACHMENT
    if pixels is None:
        return Role.INLINE if referenced else Role.ATTACHMENT
    width, height = pixels
    small = min(width, height) < _LOGO_PIXELS and size < _LOGO_BYTES
    if small:
        strip = max(width, height) >= 8 * min(width, height)
        tiny = max(width, height) < 2 * _LOGO_PIXELS or strip
        return (
            Role.SIGNATURE_IMAGE
            if referenced and tiny
            else (Role.INLINE if referenced else Role.ATTACHMENT)
        )
    if content_type == "image/gif" and not referenced:
        return Role.ATTACHMENT
    return Role.SCREENSHOT


def make(
    name: str,
    declared: str,
    content: bytes,
    *,
    content_id: str | None = None,
    referenced: bool = False,
    role: Role | None = None,
    damaged: bool = False,
) -> Attachment:
    """Make the value for one file."""
    content_type = content_type_of(declared, content)
    pixels = dimensions(content, content_type)
    flaw = Flaw.DAMAGED if damaged else None
    return Attachment(
        name=name,
        content_type=content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        role=role or role_of(content_type, len(content), pixels, referenced),
        content_id=content_id,
        width=pixels[0] if pixels else None,
        height=pixels[1] if pixels else None,
        flaw=flaw if content else Flaw.EMPTY,
        content=content,
    )


def redrawn_name(name: str, content: bytes) -> str:
    """Return the name of a picture for a copy of it in another format."""
    ending = extension(sniff(content) or "")
    return name if name.lower().endswith(ending) else f"{name}{ending}"


def _invented(content_type: str, number: int) -> str:
    stem = "image" if content_type.startswith("image/") else "attachment"
    if content_type.startswith("message/"):
        stem = "message"
    return f"{stem}-{number}{extension(content_type)}"


def read_files(
    parts: Iterable[Part], raw: bytes, references: frozenset[str], most: int
) -> tuple[list[Attachment], list[str]]:
    """Decode the files of a message, each once; returns them and the defects.

    `references` are what the HTML body points at: Content-IDs and locations.
    """
    out: list[Attachment] = []
    defects: list[str] = []
    for number, part in enumerate(parts, 1):
        if number > most:
            defects.append(f"limit: more than {most} attachments")
            break
        decoded = part.decoded(raw)
        if decoded.defect:
            defects.append(decoded.defect)
        content_id = _content_id(part)
        keys = {content_id, _location(part), part.name} - {None, ""}
        name = safe_name(part.name)
        if not name:
            proven = sniff(decoded.content) or part.content_type
            name = _invented(proven, number)
        nested = is_message(part)
        out.append(
            make(
                name,
                part.content_type,
                decoded.content,
                content_id=content_id,
                referenced=not keys.isdisjoint(references),
                role=Role.NESTED_MESSAGE if nested else None,
                damaged=decoded.defect is not None,
            )
        )
    return out, defects
