"""From an event on a case to a letter in the outbox.

The only place that makes Message-IDs and reply addresses of ours: both are bound to the
one address the letter goes to, hence one letter a participant.
"""

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from chamado.config.address import Address
from chamado.daemon.core.tokens import make_message_id, make_token
from chamado.daemon.desk import Desk
from chamado.daemon.store.outbox import NewLetter
from chamado.notifier.types import (
    Enclosure,
    FlawedFile,
    LetterKind,
    Notification,
    Poll,
)

RANDOM_BYTES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFacts:
    """What a letter says of the case it is about."""

    number: int
    subject: str
    language: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The message a letter answers: its id and those before it, oldest first."""

    message_id: str | None = None
    references: tuple[str, ...] = ()


def acknowledgement(
    desk: Desk,
    case: CaseFacts,
    to: Address,
    thread: Thread,
    *,
    verified: bool,
    files: Sequence[str],
    screenshot_came: bool,
    due_at: datetime,
    now: datetime,
    flawed: Sequence[FlawedFile] = (),
    unread: str = "",
) -> NewLetter:
    """Compose the one acknowledgement of a case, whose first answer is due then.

    It promises hours on the customer's clock, whatever our opening hours are; of a mail
    that lay so long that the time is over already it promises nothing.
    """
    hours = _said(due_at - now)
    notification = replace(
        _notification(
            desk,
            case,
            LetterKind.ACK,
            to,
            thread,
            now,
            promised_hours=hours,
            promised_by=due_at if hours else None,
            received_files=tuple(files),
            screenshot_came=screenshot_came,
            greet_by_name=verified,
        ),
        flawed_files=tuple(flawed),
        unread=unread,
    )
    return queueable(desk, notification, f"ack:{case.number}")


def _said(left: timedelta) -> float:
    """Round a time up to hours, a short one to quarters of an hour: "23 hours and 59
    minutes" is no promise. The seconds that a mail was on its way are forgiven."""
    hours = left / timedelta(hours=1) - 0.01
    parts = 1 if hours > 3 else 4
    return max(math.ceil(hours * parts) / parts, 0.0)


def reply(
    desk: Desk,
    case: CaseFacts,
    to: Address,
    thread: Thread,
    *,
    entry_id: int,
    text: str,
    enclosures: Sequence[Enclosure],
    now: datetime,
    kind: LetterKind = LetterKind.REPLY,
    topics: tuple[str, ...] = (),
    resolution: str = "",
    grace_hours: float = 0.0,
    author: Address | None = None,
) -> NewLetter:
    """Compose an agent's words to one participant, or a notice that goes to each; it
    is from the `author` if there is one, else from the support address."""
    notification = _notification(
        desk,
        case,
        kind,
        to,
        thread,
        now,
        text=text,
        enclosures=tuple(enclosures),
        greet_by_name=True,
        topics=topics,
        resolution=resolution,
        grace_hours=grace_hours,
    )
    notification = replace(notification, author=author)
    whom = sha256(to.address.encode()).hexdigest()[:16]
    key = f"{kind.value}:{entry_id}:{whom}"
    return queueable(desk, notification, key, entry_id=entry_id)


def survey(
    desk: Desk,
    case: CaseFacts,
    to: Address,
    thread: Thread,
    poll: Poll,
    *,
    survey_id: int,
    reply_to: str,
    verified: bool,
    now: datetime,
) -> NewLetter:
    """Compose the question how it went; an answer to it goes to `reply_to`."""
    notification = replace(
        _notification(
            desk, case, LetterKind.SURVEY, to, thread, now, greet_by_name=verified
        ),
        reply_to=reply_to,
        poll=poll,
    )
    return queueable(desk, notification, f"survey:{survey_id}")


def reply_address(desk: Desk, case: CaseFacts, to: str) -> str:
    """The address that leads this participant's answer back to the case."""
    support = desk.support((case.address,))
    if not support.subaddress:
        return case.address
    return with_token(case.address, make_token(desk.keyring, case.number, to))


def with_token(address: str, token: str) -> str:
    """Put a token behind the local part of a support address (RFC 5233)."""
    local, _, domain = address.partition("@")
    return f"{local}+{token}@{domain}"


def fresh_id(desk: Desk, kind: LetterKind, number: int, to: str) -> str:
    """Make the Message-ID of a new letter, by which its answer is known again."""
    return make_message_id(
        desk.keyring,
        kind.value,
        number,
        secrets.token_bytes(RANDOM_BYTES),
        to,
        desk.settings.service.domain,
    )


def _notification(
    desk: Desk,
    case: CaseFacts,
    kind: LetterKind,
    to: Address,
    thread: Thread,
    now: datetime,
    *,
    promised_hours: float = 0.0,
    promised_by: datetime | None = None,
    received_files: tuple[str, ...] = (),
    screenshot_came: bool = False,
    greet_by_name: bool = False,
    text: str = "",
    enclosures: tuple[Enclosure, ...] = (),
    topics: tuple[str, ...] = (),
    resolution: str = "",
    grace_hours: float = 0.0,
) -> Notification:
    sender = desk.sender
    return Notification(
        kind=kind,
        recipient=to,
        sender=Address(name=sender.name, address=case.address),
        reply_to=reply_address(desk, case, to.address),
        language=case.language,
        number=case.number,
        at=now,
        message_id=fresh_id(desk, kind, case.number, to.address),
        in_reply_to=thread.message_id,
        references=thread.references,
        subject=case.subject,
        promised_hours=promised_hours,
        promised_by=promised_by,
        received_files=received_files,
        screenshot_came=screenshot_came,
        greet_by_name=greet_by_name,
        text=text,
        enclosures=enclosures,
        topics=topics,
        resolution=resolution,
        grace_hours=grace_hours,
        instance=desk.instance,
    )


def queueable(
    desk: Desk, notification: Notification, key: str, *, entry_id: int | None = None
) -> NewLetter:
    """Compose a letter for the outbox; of two with the same key only one is sent."""
    letter = desk.compose(notification)
    return NewLetter(
        kind=notification.kind.value,
        ticket=notification.number or None,
        entry_id=entry_id,
        dedupe_key=key,
        mail_from=letter.mail_from,
        rcpt_to=letter.rcpt_to,
        message_id=letter.message_id,
        subject=letter.subject,
        content=letter.content,
        at_most_once=letter.at_most_once,
    )
