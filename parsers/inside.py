"""What an opened file holds: the value that the readers of such files share.

Opening is best effort. The libraries for it are optional; without one, and for a file
that one cannot read, the file stays what it is: kept, byte for byte.
"""

from dataclasses import dataclass, field

from chamado.parsers.types import Role

#: A larger file is not opened: some readers hold several copies of it.
LARGEST = 32 * 1024 * 1024
#: Characters of a file that are shown and searched.
MOST_WORDS = 65_536


@dataclass(slots=True)
class Found:
    """A file in a file; nothing of it has been cleaned yet."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""


@dataclass(slots=True)
class Inside:
    """What was found: files, and the text, HTML and packed RTF of a message.

    As they stood: RTF is read only where it is needed, for that takes its time.

    `words` is what people should read about the file itself, `role` and
    `content_type` what the file has turned out to be.
    """

    files: list[Found] = field(default_factory=list)
    text: str = ""
    html: str = ""
    rtf: bytes = b""
    words: str = ""
    role: Role | None = None
    content_type: str = ""


class TooMuch(Exception):
    """The file would cost more than any honest one; the words say what is too much."""
