"""What an acknowledgement says of the files that came, and of those that came badly."""

from collections.abc import Sequence
from dataclasses import dataclass

from chamado.daemon.item import Item
from chamado.notifier.types import FlawedFile
from chamado.parsers.types import Attachment, Role

#: What the parser says when it left files behind; they are in the raw message.
_LEFT_OUT = ("limit: more than", "limit: parts nested")
#: What we keep of a message that was not read whole; nobody sent it as a file.
_OURS = "message.eml"
#: And when it could not get beyond the header.
_UNREAD = ("text_only:", "headers_only:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Names of files that are whole, files that are not, and what was not read at all
    ("files", "message" or nothing)."""

    whole: tuple[str, ...]
    flawed: tuple[FlawedFile, ...]
    unread: str
    screenshot_came: bool


def received(item: Item) -> Received:
    """Sort the files of a message by how they came."""
    message = item.understood.message
    unread = _unread(message.defects)
    files = [
        a
        for a in message.attachments
        if a.role is not Role.SIGNATURE_IMAGE
        and a.sha256 != item.row.sha256
        and not (unread and a.name == _OURS)
    ]
    whole = [a for a in files if a.flaw is None]
    return Received(
        whole=tuple(a.name for a in whole),
        flawed=tuple(_flawed(files)),
        unread=unread,
        screenshot_came=any(a.content_type.startswith("image/") for a in whole),
    )


def _flawed(files: Sequence[Attachment]) -> list[FlawedFile]:
    return [FlawedFile(name=a.name, why=a.flaw.value) for a in files if a.flaw]


def _unread(defects: Sequence[str]) -> str:
    if any(d.startswith(_UNREAD) for d in defects):
        return "message"
    return "files" if any(d.startswith(_LEFT_OUT) for d in defects) else ""
