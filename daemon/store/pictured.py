"""Screenshots whose words nobody has read yet, and the words of those that were."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select, update

from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import attachment, blob
from chamado.parsers.types import Role

#: Smaller ones hold no sentence; larger ones are none that a screen shows.
LEAST = (200, 80)
MOST_PIXELS = 40_000_000
MOST_BYTES = 20_000_000
FORMATS = ("image/png", "image/jpeg")
AT_ONCE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A screenshot; `content` is None where the blob store has it.

    `readable` tells whether it is of a size and a format to be read at all.
    """

    id: int
    sha256: str
    readable: bool
    content: bytes | None = field(repr=False)


def unread(work: Work) -> Sequence[Unread]:
    """Return a few screenshots that nobody has read, the newest first."""
    rows = work.execute(
        select(attachment, blob.c.content)
        .join(blob, blob.c.sha256 == attachment.c.sha256)
        .where(attachment.c.role == Role.SCREENSHOT.value, attachment.c.words.is_(None))
        .order_by(attachment.c.id.desc())
        .limit(AT_ONCE)
    )
    return [
        Unread(
            id=row.id,
            sha256=row.sha256,
            readable=_readable(row.content_type, row.size, row.width, row.height),
            content=row.content,
        )
        for row in rows
    ]


def _readable(
    content_type: str, size: int, width: int | None, height: int | None
) -> bool:
    wide, high = width or 0, height or 0
    return (
        content_type in FORMATS
        and size <= MOST_BYTES
        and wide >= LEAST[0]
        and high >= LEAST[1]
        and wide * high <= MOST_PIXELS
    )


def note(work: Work, id_: int, words: str) -> None:
    """Keep the words of a screenshot; "" says that it has none."""
    work.execute(update(attachment).where(attachment.c.id == id_).values(words=words))
