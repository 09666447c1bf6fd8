"""The JSON of `parse`, key by key as it is promised."""

from datetime import UTC, datetime, timedelta, timezone

from chamado.parsers.contract import as_contract, timestamp
from chamado.parsers.understand import understand
from tests.unit.parsers.mails import envelope, mail, multipart

KEYS = {
    "file", "kind", "hits", "message_id", "in_reply_to", "references", "from",
    "reply_to", "to", "cc", "subject", "date", "language", "text", "html", "reply",
    "signature", "quoted", "attachments", "bounce", "defects",
}  # fmt: skip


def test_a_person_s_mail_has_every_key_and_no_bounce():
    """The object is complete in shape; `bounce` is null for people."""
    raw = mail(
        "Message-ID: <x@y>",
        "In-Reply-To: <a@b>",
        "To: Suporte <suporte@acme.example>",
        "Subject: caso",
        "Date: Sun, 22 Nov 2026 07:00:00 -0300",
    )
    found = as_contract("a.eml", understand(raw, envelope()))
    assert set(found) >= KEYS
    assert found["file"] == "a.eml"
    assert found["kind"] == "person"
    assert found["message_id"] == "x@y"
    assert found["in_reply_to"] == ["a@b"]
    assert found["from"] == {"name": "Ana", "address": "ana@example.com"}
    assert found["to"] == [{"name": "Suporte", "address": "suporte@acme.example"}]
    assert found["date"] == "2026-11-22T10:00:00.000Z"
    assert found["bounce"] is None


def test_a_report_has_its_bounce():
    """`bounce` is an object for bounces and notices, and only for them."""
    status = (
        "Content-Type: message/delivery-status\n\n"
        "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n"
    )
    found = as_contract(
        "b", understand(multipart("report", "\nx", status), envelope(""))
    )
    assert found["kind"] == "bounce"
    assert found["bounce"] == {
        "recipients": [
            {
                "address": "a@b.example",
                "action": "failed",
                "status": "5.1.1",
                "diagnostic": "",
            }
        ],
        "original_message_id": None,
    }


def test_files_are_described_without_their_content():
    """An attachment is what the contract names, and no bytes."""
    raw = multipart("mixed", "\nx", "Content-Type: x/y; name=f.bin\n\nabc")
    (found,) = as_contract("c", understand(raw, envelope()))["attachments"]
    assert found == {
        "name": "f.bin",
        "content_type": "x/y",
        "size": 3,
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "role": "attachment",
        "content_id": None,
        "width": None,
        "height": None,
    }


def test_times_are_utc_with_milliseconds():
    """Any zone comes out as Z; no time is null."""
    zone = timezone(timedelta(hours=-3))
    assert (
        timestamp(datetime(2026, 11, 22, 7, tzinfo=zone)) == "2026-11-22T10:00:00.000Z"
    )
    assert timestamp(datetime(1970, 1, 1, tzinfo=UTC)) == "1970-01-01T00:00:00.000Z"
    assert timestamp(None) is None
