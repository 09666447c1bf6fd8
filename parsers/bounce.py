"""Delivery reports: whom a message did not reach, why, and which message it was.

Reads RFC 3464 and RFC 6522 reports by their parts, and hands the rest that a mail
system wrote to `bouncetext`. Whether a report is about a message of ours is not decided
here: it is evidence, and the daemon knows what we sent. A report that a person sends on
is that person's mail.
"""

import re
from collections.abc import Sequence

from chamado.parsers.addresses import addr_spec
from chamado.parsers.bouncetext import (
    find_message_id,
    read_fields,
    read_text_bounce,
    returned_to,
    written_by_machine,
)
from chamado.parsers.charset import undeclared
from chamado.parsers.fields import read_block
from chamado.parsers.ids import read_message_id
from chamado.parsers.mime import Part, leaves, read_tree
from chamado.parsers.types import Bounce, BounceRecipient, ParsedMessage, ParseLimits

_REPORTS = {
    "message/feedback-report": "feedback-report",
    "message/disposition-notification": "disposition-notification",
    "message/delivery-status": "delivery-status",
    "message/global-delivery-status": "delivery-status",
    "message/global-disposition-notification": "disposition-notification",
}
_MOST_RECIPIENTS = 100
_LONGEST_PART = 262_144


def report_type_of(parts: Sequence[Part]) -> str:
    """Name the kind of report by its parts, for senders that leave the name out."""
    for part in parts:
        if part.content_type in _REPORTS:
            return _REPORTS[part.content_type]
    return ""


def _text(part: Part, raw: bytes) -> str:
    return undeclared(part.decoded(raw).content[:_LONGEST_PART]).replace("\r\n", "\n")


def _status_parts(parts: Sequence[Part], raw: bytes, kind: str) -> list[dict[str, str]]:
    groups: list[dict[str, str]] = []
    for part in parts:
        if _REPORTS.get(part.content_type) == kind:
            for block in re.split(r"\n[ \t]*\n", _text(part, raw).strip())[:101]:
                fields = read_fields(block)
                if fields:
                    groups.append(fields)
    return groups


def _is_original(part: Part) -> bool:
    """Tell the returned message or its header, under any name for it."""
    kind = part.content_type
    if kind in _REPORTS:
        return False
    return kind.startswith("message/") or kind == "text/rfc822-headers"


def _original_id(parts: Sequence[Part], raw: bytes, limits: ParseLimits) -> str | None:
    for part in parts:
        if _is_original(part):
            content = part.decoded(raw).content.lstrip(b"\r\n")
            found = read_message_id(
                read_block(content, 0, limits).all("message-id")
            ) or find_message_id(undeclared(content[:_LONGEST_PART]))
            if found:
                return found
    for part in parts[1:]:
        # Some write the header of the returned message as the header of the part.
        found = read_message_id(part.block.all("message-id"))
        if not found and part.content_type in _REPORTS:
            # A broken boundary left the returned message in the report.
            found = find_message_id(_text(part, raw))
        if found:
            return found
    return None


def recipient_of(fields: dict[str, str]) -> BounceRecipient | None:
    """Read the fields about one recipient (RFC 3464 §2.3)."""
    final, original = fields.get("final-recipient"), fields.get("original-recipient")
    address = _address(final) or _address(original)
    if not address:
        return None
    status = re.search(r"[245]\.\d{1,3}\.\d{1,3}", fields.get("status", ""))
    return BounceRecipient(
        address=address,
        action=re.split(r"[\s(;]", fields.get("action", "failed").strip())[0].lower(),
        status=status[0] if status else "",
        diagnostic=_untyped(fields.get("diagnostic-code", "")),
    )


def _untyped(text: str) -> str:
    """Take the type off a typed field: `rfc822; ana@example.com`."""
    kind, semicolon, rest = text.partition(";")
    return rest.strip() if semicolon and " " not in kind.strip() else text.strip()


def _address(text: str | None) -> str:
    plain = _untyped(text or "").strip("<> \t")
    if plain[:1] == plain[-1:] == "'":
        plain = plain[1:-1]
    if not plain.rpartition("@")[0]:
        return ""
    return addr_spec(plain) or addr_spec(plain.split(" ")[0].strip("<>")) or plain[:320]


def _returned_to(parts: Sequence[Part], raw: bytes) -> tuple[BounceRecipient, ...]:
    """Name whom the returned message was for, where nothing else names anybody."""
    for part in parts:
        if _is_original(part):
            head = _text(part, raw).split("\n\n", 1)[0]
            found = (addr_spec(one) for one in returned_to(head))
            return tuple(
                BounceRecipient(address=a, action="failed") for a in found if a
            )
    return ()


def _inner_report(
    parts: Sequence[Part], raw: bytes, limits: ParseLimits
) -> Bounce | None:
    """Read a report that a gateway wrapped into another message."""
    for part in parts:
        if part.content_type != "message/rfc822":
            continue
        content = part.decoded(raw).content
        block = read_block(content, 0, limits)
        if b"report" not in (block.first("content-type") or b"").lower():
            continue
        inner = leaves(read_tree(content, block, limits).root)
        groups = _status_parts(inner, content, "delivery-status")
        found = [one for group in groups if (one := recipient_of(group))]
        if found:
            return Bounce(
                recipients=tuple(found[:_MOST_RECIPIENTS]),
                original_message_id=_original_id(inner, content, limits),
            )
    return None


def read_bounce(
    head: ParsedMessage,
    text: str,
    parts: Sequence[Part],
    raw: bytes,
    limits: ParseLimits,
) -> Bounce | None:
    """Return what a delivery report says, None when this is none."""
    kind = head.report_type or report_type_of(parts)
    if kind == "feedback-report":
        return None
    formal = head.content_type == "multipart/report" or head.content_type in _REPORTS
    if kind == "disposition-notification":
        return _receipt(parts, raw) if formal else None
    if not (formal or written_by_machine(head)):
        return None
    groups = _status_parts(parts, raw, "delivery-status")
    found = [one for group in groups if (one := recipient_of(group))]
    original = _original_id(parts, raw, limits)
    if not found:
        return _inner_report(parts, raw, limits) or _told(
            head, text, parts, raw, original, certain=formal and bool(groups)
        )
    named = next((g[k] for g in groups for k in _NAMED if k in g), None)
    return Bounce(
        recipients=tuple(found[:_MOST_RECIPIENTS]),
        original_message_id=original
        or find_message_id(text)
        or (read_message_id([named.encode()]) if named else None)
        or next(iter((*head.in_reply_to, *head.references)), None),
    )


def _told(
    head: ParsedMessage,
    text: str,
    parts: Sequence[Part],
    raw: bytes,
    original: str | None,
    *,
    certain: bool,
) -> Bounce | None:
    """Read a report whose fields name nobody by its words."""
    told = read_text_bounce(head, text, certain=certain)
    if told is None:
        return None
    return Bounce(
        recipients=told.recipients or _returned_to(parts, raw),
        original_message_id=original or told.original_message_id,
    )


_NAMED = ("original-message-id", "x-original-message-id")


def _receipt(parts: Sequence[Part], raw: bytes) -> Bounce:
    """Read a receipt (RFC 8098 §3.2)."""
    fields: dict[str, str] = {}
    for group in _status_parts(parts, raw, "disposition-notification"):
        fields.update(group)
    named = fields.get("original-message-id")
    recipient = recipient_of({**fields, "action": "displayed", "status": ""})
    return Bounce(
        recipients=(recipient,) if recipient else (),
        original_message_id=read_message_id([named.encode()]) if named else None,
    )
