"""Logos told from screenshots by coming again and again.

A picture inside the text that the same people have sent before, in other mails and on
another case too, is part of their signature. Only a small one: what was pasted to be
looked at stays, however often a customer quotes it.
"""

from collections.abc import Sequence
from dataclasses import replace

from chamado.daemon.item import Item
from chamado.daemon.store import recurring
from chamado.daemon.store.engine import Work
from chamado.parsers.types import Attachment, Role

#: In so many other mails, and on so many other cases, a picture is no news.
MAILS, CASES = 3, 2
SMALL_BYTES = 30_000
LOW_PIXELS = 200
#: Pictures of one batch that are looked up; past it they stay what they are.
MOST = 200
_SHOWN = (Role.INLINE, Role.SCREENSHOT)


def told_apart(work: Work, items: Sequence[Item]) -> list[Item]:
    """Return the messages, with pictures that recur marked as signature images."""
    wanted = [
        recurring.Picture(sha256=file.sha256, domain=_domain(item))
        for item in items
        for file in item.understood.message.attachments
        if _may_be_logo(file) and item.sender
    ]
    if not wanted:
        return list(items)
    known = {
        picture
        for picture, seen in recurring.seen(work, wanted[:MOST]).items()
        if seen.mails >= MAILS and seen.cases >= CASES
    }
    return [_marked(item, known) for item in items] if known else list(items)


def _may_be_logo(file: Attachment) -> bool:
    small = file.size <= SMALL_BYTES or (file.height or LOW_PIXELS + 1) <= LOW_PIXELS
    return (
        small
        and file.role in _SHOWN
        and bool(file.content_id)
        and file.content_type.startswith("image/")
    )


def _marked(item: Item, known: set[recurring.Picture]) -> Item:
    message = item.understood.message
    files = tuple(
        replace(file, role=Role.SIGNATURE_IMAGE, thumbnail=None)
        if _may_be_logo(file)
        and recurring.Picture(sha256=file.sha256, domain=_domain(item)) in known
        else file
        for file in message.attachments
    )
    if files == message.attachments:
        return item
    message = replace(message, attachments=files)
    return replace(item, understood=replace(item.understood, message=message))


def _domain(item: Item) -> str:
    return item.sender.rpartition("@")[2]
