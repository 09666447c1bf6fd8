"""A worded notification becomes the bytes of a message (RFC 5322, RFC 3834, MIME).

What is written by a machine says so in four ways, and comes back to nobody: null
envelope sender, Auto-Submitted, X-Auto-Response-Suppress for Exchange, X-Chamado-Loop
for ourselves. No Precedence: RFC 3834 §3.1.8 discourages it.
"""

import re
from datetime import datetime

from chamado.notifier import headers, mime, text
from chamado.notifier.addresses import mailbox
from chamado.notifier.forms import Wording
from chamado.notifier.types import Letter, LetterKind, Notification, Poll

# What Auto-Submitted says (RFC 3834 §5). None: a person wrote it. A kind that is not
# here is a machine's notice, which is the harmless mistake.
AUTO_SUBMITTED: dict[LetterKind, str | None] = {
    LetterKind.ACK: "auto-replied",
    LetterKind.REPLY: None,
    LetterKind.INFO_REQUEST: None,
    LetterKind.CONFIRMED: "auto-replied",
    LetterKind.RETURNED: "auto-replied",
}

_TAGS = re.compile(r"\[#\d{1,18}\]")
_REPLY_PREFIX = re.compile(
    r"(?:(?:re|res|resp|aw|sv|antw)(?:\[\d{1,3}\])? ?[:\uff1a] ?)+", re.IGNORECASE
)
_INSTANCE = re.compile(r"[^A-Za-z0-9._@-]")


class UnusableId(ValueError):
    """A Message-ID of ours that is none: a mistake of the caller, never of a mail."""


def automatic(kind: LetterKind) -> str | None:
    """Return the value of Auto-Submitted, None for what a person wrote."""
    return AUTO_SUBMITTED.get(kind, "auto-generated")


def tag(number: int) -> str:
    """Return the tag by which a subject names its case."""
    return f"[#{number}]"


def bare_subject(subject: str) -> str:
    """Return a case's subject without tags of cases and without "Re:" before it."""
    subject = text.one_line(_TAGS.sub(" ", text.one_line(subject)))
    return _REPLY_PREFIX.sub("", subject, count=1) if subject else ""


def build(notification: Notification, wording: Wording, at: datetime) -> Letter:
    """Put a letter together; `at` is its moment in the zone its Date is to show.

    Raises UnusableAddress for an address no letter can go to, UnusableId for a
    Message-ID that is none.
    """
    recipient = mailbox(notification.recipient.address)
    sender = mailbox(notification.sender.address)
    machine = automatic(notification.kind)
    subject = _subject(notification, wording)
    head = _head(notification, wording, at, subject, sender=sender, recipient=recipient)
    return Letter(
        message_id=notification.message_id,
        mail_from="" if machine else sender,
        rcpt_to=recipient,
        content=head.encode("ascii") + _content(notification, wording),
        at_most_once=machine is not None,
        subject=text.one_line(subject),
    )


def _head(
    notification: Notification,
    wording: Wording,
    at: datetime,
    subject: str,
    *,
    sender: str,
    recipient: str,
) -> str:
    if not headers.is_id(notification.message_id):
        raise UnusableId(f"{notification.message_id!a} is no Message-ID")
    parent = notification.in_reply_to
    chain = headers.references(parent, notification.references)
    return "".join(
        (
            headers.date(at),
            _from(notification, sender),
            headers.address("To", _addressee(notification), recipient),
            _reply_to(notification),
            headers.text("Subject", subject),
            headers.ids("Message-ID", (notification.message_id,)),
            headers.ids("In-Reply-To", (parent,) if parent else ()),
            headers.ids("References", chain),
            _machine(notification),
            _list_unsubscribe(notification.poll),
            headers.text("Content-Language", wording.language),
            headers.field("MIME-Version", "1.0"),
        )
    )


def _from(notification: Notification, sender: str) -> str:
    author = notification.author
    if author is None:
        return headers.address("From", notification.sender.name, sender)
    return headers.address("From", author.name, mailbox(author.address))


def _addressee(notification: Notification) -> str:
    # A forged sender chooses the name as freely as the subject, and a mail client
    # shows it: a machine repeats it only to whom it knows.
    name = notification.recipient.name
    if automatic(notification.kind) is None:
        return name
    return text.greeting_name(name) if notification.greet_by_name else ""


def _reply_to(notification: Notification) -> str:
    address, name = notification.reply_to, notification.sender.name
    return headers.address("Reply-To", name, mailbox(address)) if address else ""


def _subject(notification: Notification, wording: Wording) -> str:
    if notification.kind is LetterKind.DIGEST or not notification.number:
        return wording.subject
    before = "" if automatic(notification.kind) else "Re: "
    return f"{before}{tag(notification.number)} {wording.subject}"


def _machine(notification: Notification) -> str:
    how = automatic(notification.kind)
    if how is None:
        return ""
    instance = _INSTANCE.sub("", notification.instance)[:200]
    return "".join(
        (
            headers.field("Auto-Submitted", how),
            headers.field("X-Auto-Response-Suppress", "All"),
            headers.field("X-Chamado-Loop", instance) if instance else "",
        )
    )


def _list_unsubscribe(poll: Poll | None) -> str:
    """RFC 2369 §3.2, and RFC 8058 where a page takes the POST. DKIM is the relay's."""
    if poll is None or not poll.unsubscribe:
        return ""
    uris = [f"<{uri}>" for uri in poll.unsubscribe]
    words = [*(f"{uri}," for uri in uris[:-1]), uris[-1]]
    one_click = headers.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    return headers.field_of_words("List-Unsubscribe", words) + (
        one_click if poll.one_click else ""
    )


def _content(notification: Notification, wording: Wording) -> bytes:
    said = mime.alternative(
        mime.boundary(notification.message_id, "a"),
        (mime.written("plain", wording.text), mime.written("html", wording.html)),
    )
    if not notification.enclosures:
        return said
    files = map(mime.enclosed, notification.enclosures)
    return mime.mixed(mime.boundary(notification.message_id, "m"), (said, *files))
