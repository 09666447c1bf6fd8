"""Files that hold more than themselves: opened where that is safe, always kept."""

import base64
import struct

import pytest

from chamado.parsers import signed
from chamado.parsers.invitation import open_invitation
from chamado.parsers.message import parse
from chamado.parsers.types import ParsedMessage, Role
from tests.unit.parsers.containers import msg, tnef
from tests.unit.parsers.mails import mail, multipart

TEXT = "Content-Type: text/plain\n\nSegue o arquivo.\n"
INVITATION = """BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:X
BEGIN:STANDARD
DTSTART:16010101T000000
RRULE:FREQ=SECONDLY
TZOFFSETFROM:-0300
TZOFFSETTO:-0300
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
SUMMARY:Reunião sobre\\, a fa
 tura
DTSTART;TZID=America/Sao_Paulo:20261126T140000
DTEND;TZID=America/Sao_Paulo:20261126T150000
LOCATION:Sala 2
ORGANIZER;CN=Ana Souza:mailto:ana@cliente.example
RRULE:FREQ=SECONDLY
BEGIN:VALARM
SUMMARY:outra coisa
END:VALARM
END:VEVENT
END:VCALENDAR
"""
CALENDAR = "Content-Type: text/calendar; method=REQUEST; charset=utf-8\n\n" + INVITATION


def part(content: bytes, *headers: str) -> str:
    """Return a base64 part with headers."""
    lines = "\n".join([*headers, "Content-Transfer-Encoding: base64"])
    return f"{lines}\n\n{base64.encodebytes(content).decode()}"


def attached(content: bytes, name: str, *before: str) -> ParsedMessage:
    """Parse a mail with one file of no telling type."""
    header = f'Content-Type: application/octet-stream; name="{name}"'
    return parse(multipart("mixed", *before, part(content, header)))


def test_p33_winmail_dat_gives_its_files_and_its_body():
    """P-33: a mail that is all winmail.dat reads like the mail it was."""
    content = tnef("Não abre.", [("relatório.pdf", b"%PDF-1.4 x"), ("n.txt", b"hi")])
    message = attached(content, "winmail.dat")
    assert message.text == message.reply == "Não abre.\n"
    whole, *files = message.attachments
    assert (whole.name, whole.content) == ("winmail.dat", content)
    assert [(f.name, f.content) for f in files] == [
        ("relatório.pdf", b"%PDF-1.4 x"),
        ("n.txt", b"hi"),
    ]
    assert files[0].content_type == "application/pdf"


def test_the_text_of_the_mail_goes_before_that_of_winmail_dat():
    """What the mail itself says is not replaced."""
    message = attached(tnef("outro texto"), "winmail.dat", TEXT)
    assert message.text == "Segue o arquivo.\n"


@pytest.mark.parametrize("length", [4, 6, 20, 40, 60, 90])
def test_p33_a_broken_winmail_dat_is_a_file(length):
    """P-33: what is cut off anywhere is kept as it came, and the text is there."""
    content = tnef("Não abre.", [("a.pdf", b"%PDF-1.4 x")])[:length]
    message = attached(content, "winmail.dat", TEXT)
    assert message.attachments[0].content == content
    assert message.text == "Segue o arquivo.\n"


def test_x22_a_winmail_dat_of_a_million_objects_is_not_opened():
    """X-22: the work is bounded before the library begins."""
    empty = struct.pack("<BHHI", 1, 0x8010, 1, 0) + b"\0\0"
    content = struct.pack("<IH", 0x223E9F78, 1) + empty * 500_000
    message = attached(content, "winmail.dat", TEXT)
    assert message.attachments[0].content == content
    assert "limit: winmail.dat not opened, too many objects" in message.defects


def test_a_msg_is_shown_like_an_attached_message():
    """Its head, its words and the names of its files are there to read."""
    content = msg(
        sender="ana@cliente.example",
        to="ajuda@acme.example",
        subject="Erro na nota",
        body="Não abre.\nVeja.",
        files={"tela.png": b"abc"},
    )
    message = attached(content, "Erro na nota.msg", TEXT)
    (file,) = message.attachments
    assert (file.role, file.content) == (Role.NESTED_MESSAGE, content)
    assert file.words == (
        'From: "ana@cliente.example" <ana@cliente.example>\n'
        "To: ajuda@acme.example <ajuda@acme.example>\n"
        "Subject: Erro na nota\n\nNão abre.\nVeja.\n\nFiles: tela.png (3 bytes)\n"
    )
    assert message.text == "Segue o arquivo.\n"


@pytest.mark.parametrize("length", [8, 512, 1024, 1500, 2048, 3000])
def test_a_broken_msg_is_a_file(length):
    """What is cut off anywhere is kept as it came."""
    content = msg(sender="a@b.c", to="d@e.f", subject="s", body="b", files={})
    message = attached(content[:length], "a.msg", TEXT)
    assert message.attachments[0].content == content[:length]


NESTED = (
    "From: =?utf-8?Q?Jos=C3=A9?= <jose@cliente.example>\nTo: ana@cliente.example\n"
    "Subject: =?utf-8?Q?N=C3=A3o_abre?=\nDate: Wed, 25 Nov 2026 10:00:00 -0300\n"
    "Message-ID: <velho@cliente.example>\nMIME-Version: 1.0\n"
    "Content-Type: multipart/mixed; boundary=in\n\n--in\n"
    "Content-Type: text/html; charset=utf-8\n\n<p>A tela <b>trava</b>.</p>\n--in\n"
    "Content-Type: image/png; name=tela.png\n\nabc\n--in\n"
    "Content-Type: message/rfc822\n\nSubject: mais fundo\n\nx\n--in--\n"
)
CRLF = NESTED.replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    "head",
    [
        "Content-Type: message/rfc822",
        "Content-Type: message/global; name=x",
        "Content-Type: application/octet-stream; name=velho.EML",
    ],
)
def test_an_attached_message_shows_what_is_in_it(head):
    """Its head, its words and its files are read on it, and on nothing else."""
    message = parse(multipart("mixed", TEXT, f"{head}\n\n{NESTED}"))
    (file,) = message.attachments
    assert (file.role, file.content) == (Role.NESTED_MESSAGE, CRLF)
    assert file.words == (
        "From: José <jose@cliente.example>\nTo: ana@cliente.example\n"
        "Subject: Não abre\nDate: Wed, 25 Nov 2026 10:00:00 -0300\n\n"
        "A tela trava.\n\n"
        "Files: tela.png (3 bytes), message/rfc822 (24 bytes)\n"
    )
    assert message.text == "Segue o arquivo.\n"
    assert message.subject == ""


def test_an_attached_message_does_not_speak_for_the_mail():
    """Who attaches a mail without a word has said nothing himself."""
    message = parse(multipart("mixed", f"Content-Type: message/rfc822\n\n{NESTED}"))
    assert (message.text, message.reply) == ("", "")
    assert message.forwarded is not None
    assert message.forwarded.sender.address == "jose@cliente.example"


def test_notes_that_are_called_eml_are_notes():
    """The name alone makes no message of a file."""
    message = parse(
        multipart("mixed", TEXT, "Content-Type: a/b; name=n.eml\n\nFrom: x\n\noi")
    )
    assert message.attachments[0].role is Role.ATTACHMENT


def test_old_office_files_are_left_alone():
    """A Word file has the same container and is no message."""
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000)
    (file,) = attached(content, "a.doc", TEXT).attachments
    assert (file.role, file.words) == (Role.ATTACHMENT, "")


def test_p33_an_invitation_without_words_says_what_when_and_where():
    """P-33: the text tells it; the file is there; nothing recurring is worked out."""
    message = parse(multipart("mixed", CALENDAR))
    assert message.text.splitlines() == [
        "Invitation: Reunião sobre, a fatura (METHOD REQUEST)",
        "When: 2026-11-26 14:00 America/Sao_Paulo – 2026-11-26 15:00 America/Sao_Paulo",
        "Where: Sala 2",
        "Organizer: Ana Souza <ana@cliente.example>",
    ]
    assert message.attachments[0].content_type == "text/calendar"
    assert (message.defects, message.calendar_method) == ((), "request")


def test_the_words_of_an_invitation_stay_with_the_file_where_there_is_a_text():
    """Who writes a line of his own is read first."""
    message = parse(multipart("mixed", TEXT, CALENDAR))
    assert message.text == "Segue o arquivo.\n"
    assert message.attachments[0].words.startswith("Invitation: Reunião")


@pytest.mark.parametrize(
    "wrong",
    [
        "BEGIN:VCALENDAR",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:tomorrow\nEND:VEVENT",
        "BEGIN:VCALENDAR\nEND:VEVENT\nEND:VEVENT\nBEGIN:VEVENT\nBEGIN:VEVENT",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;TZID=../../etc/passwd:20260101T000000",
        'BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY;X=":a\nSUMMARY:b\nEND:VEVENT',
    ],
)
def test_a_broken_invitation_is_a_file(wrong):
    """Whatever it says, the mail and the file are there, and nothing in it is shut."""
    part_of_it = f"Content-Type: text/calendar\n\n{wrong}\n"
    message = parse(multipart("mixed", TEXT, part_of_it))
    assert message.text == "Segue o arquivo.\n"
    assert [file.flaw for file in message.attachments] == [None]


def test_an_invitation_to_ten_thousand_events_costs_what_three_cost():
    """Events past the third are not looked at."""
    many = "BEGIN:VCALENDAR\n" + "BEGIN:VEVENT\nSUMMARY:a\nEND:VEVENT\n" * 10_000
    inside = open_invitation(many.encode(), 1)
    assert inside is not None
    assert inside.words.count("Event: a") == 3


def test_x08_an_invitation_with_markup_stays_words():
    """X-08: tags in a title are text; the message has no HTML."""
    evil = INVITATION.replace("Sala 2", "<details ontoggle=alert(1)>")
    message = parse(multipart("mixed", f"Content-Type: text/calendar\n\n{evil}"))
    assert "Where: <details ontoggle=alert(1)>" in message.text
    assert message.html is None


def test_signed_mail_reads_like_any_other():
    """The content is the body, the signature a file, and it is not called verified."""
    signature = part(b"\x30\x03", "Content-Type: application/pkcs7-signature")
    message = parse(multipart("signed", TEXT, signature))
    assert message.text == "Segue o arquivo.\n"
    assert "signed (S/MIME), not verified" in message.defects
    assert [f.content for f in message.attachments] == [b"\x30\x03"]
    pgp = parse(multipart("signed", TEXT, "Content-Type: application/pgp-signature\n"))
    assert "signed (PGP), not verified" in pgp.defects


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    return bytes([tag, 0x84]) + size.to_bytes(4, "big") + content


def signed_data(inner: bytes, *, pieces: bool = False) -> bytes:
    """A CMS signed-data without signers, in DER or with lengths left open (BER)."""
    kind = _der(0x06, bytes.fromhex("2a864886f70d010702"))
    data = _der(0x06, bytes.fromhex("2a864886f70d010701"))
    octets = _der(0x04, inner)
    if pieces:
        half = len(inner) // 2
        both = _der(0x04, inner[:half]) + _der(0x04, inner[half:])
        octets = b"\x24\x80" + both + b"\0\0"
    version = _der(0x02, b"\x01") + _der(0x31, b"")
    if pieces:
        wrapped = b"\x30\x80" + data + b"\xa0\x80" + octets + b"\0\0\0\0"
        body = b"\x30\x80" + version + wrapped + b"\0\0"
        return b"\x30\x80" + kind + b"\xa0\x80" + body + b"\0\0\0\0"
    body = _der(0x30, version + _der(0x30, data + _der(0xA0, octets)))
    return _der(0x30, kind + _der(0xA0, body))


def sealed(content: bytes) -> ParsedMessage:
    """Parse a mail that is one S/MIME object."""
    return parse(
        mail(
            "Content-Type: application/pkcs7-mime; name=smime.p7m",
            "Content-Transfer-Encoding: base64",
            "Subject: assinado",
            body=base64.encodebytes(content).decode(),
        )
    )


@pytest.mark.parametrize("pieces", [False, True])
def test_p33_opaque_signed_mail_is_read(pieces):
    """P-33: the mail wrapped in a signature is read, and the wrapping is kept."""
    inner = multipart("mixed", TEXT, part(b"abc", "Content-Type: a/b; name=x.bin"))
    content = signed_data(inner, pieces=pieces)
    message = sealed(content)
    assert message.text == "Segue o arquivo.\n"
    assert [f.name for f in message.attachments] == ["x.bin", "smime.p7m"]
    assert message.attachments[1].content == content
    assert (message.subject, message.sender.address) == ("assinado", "ana@example.com")
    assert "signed (S/MIME), not verified" in message.defects


def test_p33_encrypted_mail_says_so():
    """P-33: no case is empty without a word; the file is kept for who has the key."""
    kind = _der(0x06, bytes.fromhex("2a864886f70d010703"))
    content = _der(0x30, kind + _der(0xA0, _der(0x30, b"")))
    message = sealed(content)
    assert message.text == (
        "[This message is encrypted (S/MIME). It could not be read here.]\n"
    )
    assert (message.language, message.attachments[0].content) == (None, content)
    pgp = parse(
        multipart(
            "encrypted",
            "Content-Type: application/pgp-encrypted\n\nVersion: 1\n",
            part(b"x", "Content-Type: application/octet-stream; name=encrypted.asc"),
        )
    )
    assert "encrypted (PGP)" in pgp.text
    assert len(pgp.attachments) == 2


@pytest.mark.parametrize("cut", range(0, 60, 7))
def test_a_broken_signature_is_a_file(cut):
    """Lengths that lie lead nowhere: no exception, and the file is there."""
    whole = signed_data(b"Content-Type: text/plain\n\noi\n")
    for content in (whole[:cut], whole[:cut] + b"\xff" * 30, whole[cut:]):
        message = sealed(content)
        assert not [d for d in message.defects if "whole:" in d]
        kept = [f.content for f in message.attachments]
        assert not content or content in kept


def test_x22_a_signature_of_a_million_pieces_ends():
    """X-22: the pieces of a string are counted."""
    many = b"\x24\x80" + b"\x04\x01a" * 200_000
    content = signed_data(b"x", pieces=True).replace(b"\x24\x80", many, 1)
    assert sealed(content).attachments[0].content == content


def test_opening_is_a_best_effort_without_the_libraries(monkeypatch):
    """Without the extras every file is kept as it came, and nothing is wrong."""
    import sys

    for module in ("tnefparse", "oxmsg", "icalendar", "PIL"):
        monkeypatch.setitem(sys.modules, module, None)
    message = attached(tnef("oi", [("a.txt", b"x")]), "winmail.dat")
    assert [f.name for f in message.attachments] == ["winmail.dat"]
    assert (message.text, message.defects) == ("", ())
    again = parse(multipart("mixed", CALENDAR))
    assert (again.text, again.defects) == ("", ())


def test_the_seal_of_an_ordinary_mail_is_open():
    """Ordinary mail has no note about signatures."""
    assert signed.hidden(signed.OPEN) == ""
    assert parse(mail(body="oi\n")).defects == ()
