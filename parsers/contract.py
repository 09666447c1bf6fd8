"""The JSON object of `chamado parse`: promised outside, changed by decision only."""

from datetime import UTC, datetime
from typing import Any

from chamado.config.address import Address
from chamado.parsers.types import (
    Attachment,
    Bounce,
    Forwarded,
    Kind,
    Trace,
    Understood,
)

_REPORTS = (Kind.BOUNCE, Kind.DELIVERY_NOTICE)


def timestamp(moment: datetime | None) -> str | None:
    """Return RFC 3339 UTC with milliseconds, e.g. `2026-11-22T10:00:00.000Z`."""
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def address(one: Address) -> dict[str, str]:
    """Return a mailbox as the contract writes it."""
    return {"name": one.name, "address": one.address}


def attachment(one: Attachment) -> dict[str, Any]:
    """Return a file as the contract writes it, without its content."""
    return {
        "name": one.name,
        "content_type": one.content_type,
        "size": one.size,
        "sha256": one.sha256,
        "role": one.role.value,
        "content_id": one.content_id,
        "width": one.width,
        "height": one.height,
    }


def _bounce(bounce: Bounce | None) -> dict[str, Any]:
    bounce = bounce or Bounce()
    return {
        "recipients": [
            {
                "address": one.address,
                "action": one.action,
                "status": one.status,
                "diagnostic": one.diagnostic,
            }
            for one in bounce.recipients
        ],
        "original_message_id": bounce.original_message_id,
    }


def _forwarded(shown: Forwarded | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    return {
        "from": address(shown.sender),
        "date": timestamp(shown.date),
        "subject": shown.subject,
        "text": shown.text,
        "language": shown.language,
    }


def trace(shown: Trace) -> dict[str, Any]:
    """Return the way of a shown message; also what the history of a case keeps."""
    return {
        "found_in": shown.found_in,
        "message_id": shown.message_id,
        "from": shown.sender,
        "subject": shown.subject,
        "hops": [
            {
                "by": hop.by,
                "from": hop.source,
                "with": hop.protocol,
                "at": timestamp(hop.at),
                "delay": hop.delay,
            }
            for hop in shown.hops
        ],
        "left_out": shown.left_out,
        "results": [
            {"by": one.by, "method": one.method, "result": one.result}
            for one in shown.verdicts
        ],
    }


def as_contract(file: str, understood: Understood) -> dict[str, Any]:
    """Return the object for one file; `file` is the name it was given by."""
    message = understood.message
    judged = understood.classification
    report = judged.kind in _REPORTS
    return {
        "file": file,
        "kind": judged.kind.value,
        "hits": [{"rule": hit.rule, "why": hit.why} for hit in judged.hits],
        "no_ack": judged.no_ack,
        "no_reopen": judged.no_reopen,
        "message_id": message.message_id,
        "in_reply_to": list(message.in_reply_to),
        "references": list(message.references),
        "from": address(message.sender) if message.sender else None,
        "reply_to": [address(one) for one in message.reply_to],
        "to": [address(one) for one in message.to],
        "cc": [address(one) for one in message.cc],
        "subject": message.subject,
        "date": timestamp(message.date),
        "language": message.language,
        "text": message.text,
        "html": message.html,
        "reply": message.reply,
        "signature": message.signature,
        "quoted": message.quoted,
        "attachments": [attachment(one) for one in message.attachments],
        "bounce": _bounce(message.bounce) if report else None,
        "forwarded": _forwarded(message.forwarded),
        "traces": [trace(one) for one in message.traces],
        "defects": list(message.defects),
    }
