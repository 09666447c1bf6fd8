"""What the sender's address and the envelope say (RFC 5321 §4.5.5, RFC 3834 §2)."""

import re

from chamado.parsers.rules.headers import values
from chamado.parsers.types import Envelope, Hit, Own, ParsedMessage

# qmail writes its double bounces from <#@[]>; aiosmtpd spells the null sender <>.
_NULL = frozenset(("", "<>", "#@[]", "<#@[]>"))
_ROBOT = re.compile(
    r"(?:mailer-daemon|postmaster|(?:no|do-?not|nao)[-_.]?(?:reply|responda?|responder)"
    r"|noreply|donotreply|bounces?|owner-.+|.+-(?:request|owner|bounces)|root|cron)"
    r"(?:[+_-].*)?",
    re.IGNORECASE,
)
_ROBOT_ENVELOPE = re.compile(
    r"(?:mailer-daemon|owner-.+|.+-(?:request|owner|bounces))", re.IGNORECASE
)


def _local(address: str) -> str:
    return address.strip("<> ").rpartition("@")[0]


def _envelope_sender(m: ParsedMessage, envelope: Envelope) -> str | None:
    """Return the envelope's sender; where no transport told us, Return-Path's."""
    if envelope.mail_from is not None:
        return envelope.mail_from.strip()
    for _, value in values(m, "return-path"):
        return value.strip()
    return None


def null_sender(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """The null sender: whoever sent this wants no answer and no bounce."""
    sender = _envelope_sender(m, envelope)
    if sender is not None and sender in _NULL:
        return Hit(rule="null_sender", why="envelope sender is <>")
    return None


def robot_address(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """A local part that no person reads: no-reply, mailer-daemon, list-request."""
    if m.sender and _ROBOT.fullmatch(_local(m.sender.address)):
        return Hit(rule="robot_address", why=f"From is {m.sender.address}")
    sender = _envelope_sender(m, envelope)
    if sender and _ROBOT_ENVELOPE.fullmatch(_local(sender)):
        return Hit(rule="robot_address", why=f"envelope sender is {sender[:100]}")
    return None


def no_sender(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """No address to answer to, or several: nobody to acknowledge to."""
    if m.sender is None or m.from_count > 1:
        return Hit(rule="no_sender", why=f"{m.from_count} mailboxes in From")
    return None
