"""Delivery reports: whom a message did not reach, why, and which message it was.

Reads RFC 3464 and RFC 6522 reports by their parts. Whether a report is about a message
of ours is not decided here: it is evidence, and the daemon knows what we sent.
"""

import re
from collections.abc import Sequence

from chamado.parsers.addresses import addr_spec
from chamado.parsers.charset import undeclared
from chamado.parsers.fields import read_block
from chamado.parsers.ids import read_message_id
from chamado.parsers.mime import Part
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import Bounce, BounceRecipient, ParsedMessage, ParseLimits

_REPORTS = {
    "message/feedback-report": "feedback-report",
    "message/disposition-notification": "disposition-notification",
    "message/delivery-status": "delivery-status",
    "message/global-delivery-status": "delivery-status",
}
_ORIGINALS = ("message/rfc822", "text/rfc822-headers", "message/global")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_GROUP = re.compile(rb"\r?\n\r?\n")
_MOST_RECIPIENTS = 100


def report_type_of(parts: Sequence[Part]) -> str:
    """Name the kind of report by its parts, for senders that leave the name out."""
    for part in parts:
        if part.content_type in _REPORTS:
            return _REPORTS[part.content_type]
    return ""


def _value(text: str) -> str:
    """Take the type off a typed field: `rfc822; ana@example.com`."""
    kind, semicolon, rest = text.partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else text.strip()


def _address(text: str) -> str:
    plain = _value(text).strip("<> \t")
    return addr_spec(plain) or clean_line(plain, 320)


def _recipient(group: bytes, limits: ParseLimits) -> BounceRecipient | None:
    block = read_block(group + b"\n\n", 0, limits)
    fields = {
        f.name.lower(): clean_line(undeclared(f.value), 1000) for f in block.fields
    }
    address = fields.get("final-recipient") or fields.get("original-recipient")
    if not address:
        return None
    status = _STATUS.search(fields.get("status", ""))
    return BounceRecipient(
        address=_address(address),
        action=fields.get("action", "failed").split(" ")[0].lower(),
        status=status[1] if status else "",
        diagnostic=_value(fields.get("diagnostic-code", "")),
    )


def _original_id(parts: Sequence[Part], raw: bytes, limits: ParseLimits) -> str | None:
    for part in parts:
        if part.content_type in _ORIGINALS:
            block = read_block(part.decoded(raw).content, 0, limits)
            found = read_message_id(block.all("message-id"))
            if found:
                return found
    return None


def read_bounce(
    head: ParsedMessage,
    text: str,
    parts: Sequence[Part],
    raw: bytes,
    limits: ParseLimits,
) -> Bounce | None:
    """Return what a delivery report says, None when this is none."""
    for part in parts:
        if _REPORTS.get(part.content_type) != "delivery-status":
            continue
        groups = _GROUP.split(part.decoded(raw).content.strip())
        found = (_recipient(group, limits) for group in groups[: _MOST_RECIPIENTS + 1])
        return Bounce(
            recipients=tuple(one for one in found if one),
            original_message_id=_original_id(parts, raw, limits),
        )
    return None
