"""Signs that a message is our own, or an answer to an automatic letter of ours."""

import re

from chamado.config.spelling import identity
from chamado.parsers.rules.headers import shown, values
from chamado.parsers.types import Envelope, Hit, Own, ParsedMessage

#: KIND.TICKET.RANDOM.MAC, as the daemon makes them.
_OUR_ID = re.compile(r"[a-z_]{1,16}\.\d{1,15}\.[a-z2-7]{8,32}\.\d{1,3}[a-z2-7]{16}")
_OUR_ROBOTS = ("ack.", "survey.", "reminder.")


def own_loop_header(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """Our instance's own mark; another instance's means nothing."""
    for name, value in values(m, "x-chamado-loop"):
        if own.instance and value.strip() == own.instance:
            return Hit(rule="own_loop_header", why=shown(name, value))
    return None


def own_message_id(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """A Message-ID in the form of ours; people may write from the same domain."""
    domain = own.domain.lower()
    message_id = m.message_id or ""
    local, _, at = message_id.lower().rpartition("@")
    if domain and at == domain and _OUR_ID.fullmatch(local):
        return Hit(rule="own_message_id", why=f"Message-ID: {message_id[:100]}")
    return None


def named_in_loop(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """X-Loop naming us, or the same mailbox of ours delivered to twice.

    One Delivered-To is what every delivery to us carries.
    """
    for name, value in values(m, "x-loop"):
        if identity(value.strip().strip("<>")) in own.addresses:
            return Hit(rule="named_in_loop", why=shown(name, value))
    delivered = [identity(v.strip()) for _, v in values(m, "delivered-to")]
    for address in own.addresses.intersection(delivered):
        if delivered.count(address) > 1:
            return Hit(rule="named_in_loop", why=f"delivered twice to {address}")
    return None


def own_sender(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """From is an address of ours: a form, a colleague or a forgery, never answered."""
    if m.sender and identity(m.sender.address) in own.addresses:
        return Hit(rule="own_sender", why=f"From is our own {m.sender.address}")
    return None


def answers_our_robot(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """It refers to an automatic letter of ours: the other side may be one as well."""
    domain = own.domain.lower()
    if not domain:
        return None
    for one in (*m.in_reply_to, *m.references):
        lowered = one.lower()
        if lowered.endswith(f"@{domain}") and lowered.startswith(_OUR_ROBOTS):
            return Hit(rule="answers_our_robot", why=f"refers to {one[:100]}")
    return None
