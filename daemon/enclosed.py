"""Files that an agent adds: read, judged like those of a mail, and kept.

The name is shown to people and never becomes a path. What is larger than a row may be
lies in the blob store before any row speaks of it.
"""

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from chamado.config.settings import Limits
from chamado.daemon.refusal import BadData, NotThere
from chamado.daemon.store.blobs import Blobs
from chamado.notifier.types import Enclosure
from chamado.parsers.attachments import make, safe_name
from chamado.parsers.types import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The same files twice: as rows to keep and as parts of a letter."""

    kept: tuple[Attachment, ...] = ()
    enclosures: tuple[Enclosure, ...] = ()


def read_files(paths: Sequence[Path], blobs: Blobs, limits: Limits) -> Files:
    """Read files and put the large ones into the blob store.

    Raises `NotThere` for one that cannot be read, `BadData` when together they make
    a letter that no relay takes: transfer encoding adds a third.
    """
    room = limits.message_bytes * 3 // 4
    files: list[Attachment] = []
    for path in paths:
        files.append(_read(path, room))
        room -= files[-1].size
    return Files(
        kept=tuple(_keep(file, blobs, limits.raw_in_row_bytes) for file in files),
        enclosures=tuple(
            Enclosure(name=f.name, content_type=f.content_type, content=f.content)
            for f in files
        ),
    )


def _read(path: Path, room: int) -> Attachment:
    try:
        with path.open("rb") as file:
            content = file.read(room + 1)
    except OSError as error:
        raise NotThere(f"{path}: {error.strerror}") from None
    if len(content) > room:
        raise BadData(
            f"{path}: the files are too large together for one letter "
            f"(limits.message_bytes)"
        )
    declared = mimetypes.guess_type(path.name, strict=True)[0]
    name = safe_name(path.name) or "file"
    return make(name, declared or "application/octet-stream", content)


def _keep(file: Attachment, blobs: Blobs, in_row_bytes: int) -> Attachment:
    if file.size <= in_row_bytes:
        return file
    blobs.put(file.content)
    return replace(file, content=b"")
