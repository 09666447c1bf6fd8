"""Files: byte-exact, named safely, typed by content, told apart by what they are."""

import base64
import hashlib
import os
import struct

import pytest

from chamado.parsers.attachments import safe_name
from chamado.parsers.message import parse
from chamado.parsers.types import Role
from tests.unit.parsers.mails import mail, multipart

TEXT = "Content-Type: text/plain\n\nveja"


def png(width: int, height: int, size: int = 0) -> bytes:
    """Return the head of a PNG of these pixels, filled up to a size."""
    head = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height)
    return head + b"\x08\x02\0\0\0" + bytes(max(0, size - len(head) - 5))


def part(content: bytes, *headers: str) -> str:
    """Return a base64 part with headers."""
    lines = "\n".join([*headers, "Content-Transfer-Encoding: base64"])
    return f"{lines}\n\n{base64.encodebytes(content).decode()}"


def one_file(content: bytes, *headers: str):  # type: ignore[no-untyped-def]
    """Return the only file of a message."""
    (found,) = parse(multipart("mixed", TEXT, part(content, *headers))).attachments
    return found


@pytest.mark.parametrize("size", [0, 1, 2, 3, 57, 58, 100_000])
def test_every_byte_of_a_file_is_kept(size):
    """Content, size and digest are those of the sender's file."""
    content = os.urandom(size)
    found = one_file(content, "Content-Type: application/octet-stream; name=x.bin")
    assert found.content == content
    assert (found.size, found.sha256) == (size, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ('attachment; filename="tela.png"', "tela.png"),
        ("attachment; filename=tela.png", "tela.png"),
        ("attachment; filename=minha tela.png", "minha tela.png"),
        ("attachment; filename*=utf-8''captura%20n%C3%A3o.png", "captura não.png"),
        ("attachment; filename*0*=utf-8''captura%20;\n filename*1*=n%C3%A3o.png",
         "captura não.png"),
        ('attachment; filename*0="a ";\n filename*1="tela.png"', "a tela.png"),
        ('attachment; filename="=?utf-8?Q?n=C3=A3o.png?="', "não.png"),
        ("attachment; filename==?utf-8?B?bsOjby5wbmc=?=", "não.png"),
        ('attachment; filename="a.png"; filename*=utf-8\'\'n%C3%A3o.png', "não.png"),
        ("attachment; filename*=iso-8859-1'pt'n%E3o.png", "não.png"),
        ("attachment; filename*=''n%C3%A3o.png", "não.png"),
        ("attachment; filename*=broken%ZZ.png", "broken%ZZ.png"),
        ('attachment; filename="a\\"b.png"', 'a"b.png'),
        ('ATTACHMENT; FILENAME="A.PNG"', "A.PNG"),
        ("attachment; filename = a.png", "a.png"),
        ("attachment;filename=a.png;", "a.png"),
    ],
)  # fmt: skip
def test_names_in_every_notation(header, name):
    """RFC 2231, encoded words, quoted, bare and mixed: the name is the sender's."""
    found = one_file(b"x", "Content-Type: x/y", f"Content-Disposition: {header}")
    assert found.name == name


@pytest.mark.parametrize("raw", ["não.png".encode(), "não.png".encode("latin-1")])
def test_raw_8_bit_names_are_readable(raw):
    """An undeclared name reads as UTF-8, else as windows-1252."""
    text = b"Content-Type: x/y\nContent-Disposition: attachment; filename=" + raw
    message = parse(text + b"\n\nabc")
    assert [a.name for a in message.attachments] == ["não.png"]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("../../etc/cron.d/x", "x"),
        ("/abs/path.txt", "path.txt"),
        ("..\\..\\x.exe", "x.exe"),
        ("C:\\Users\\ana\\tela.png", "tela.png"),
        ("a/b.png", "a_b.png"),
        (".", ""),
        ("..", ""),
        ("", ""),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("x. .", "x"),
        ("a\r\nb.png", "a b.png"),
        ("a\x00b.png", "ab.png"),
        ("exe.\u202egnp.exe", "exe.\\u202egnp.exe"),
        ("\u200b.htaccess", "\u200b.htaccess"),
    ],
)
def test_x16_names_are_safe_to_show(raw, name):
    """X-16: no path, no control, no trick with direction is left of a name."""
    assert safe_name(raw) == name


def test_x16_endless_names_keep_their_ending():
    """X-16: a name of five thousand characters is cut to 120."""
    assert safe_name("n" * 5_000 + ".png") == "n" * 116 + ".png"


def test_x16_a_name_of_nothing_is_invented():
    """X-16: dots are no name; the file gets one that says what it is."""
    found = one_file(png(10, 10), "Content-Disposition: attachment; filename=..")
    assert found.name == "image-1.png"


def test_x19_files_of_one_name_are_all_kept():
    """X-19: ten files with the same name and twice the same content are ten files."""
    parts = [part(b"same", "Content-Type: x/y; name=a.bin") for _ in range(10)]
    message = parse(multipart("mixed", TEXT, *parts))
    assert [a.name for a in message.attachments] == ["a.bin"] * 10


@pytest.mark.parametrize(
    ("content", "declared", "found_type"),
    [
        (png(4, 4), "application/octet-stream", "image/png"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/png", "image/jpeg"),
        (b"GIF89a" + bytes(20), "text/html; name=a.png", "image/gif"),
        (b"%PDF-1.7 x", "image/png", "application/pdf"),
        (b"<script>alert(1)</script>", "image/png", "application/octet-stream"),
        (b"<svg xmlns=x>", "image/svg+xml", "image/svg+xml"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(20), "x/y", "image/webp"),
        (b"PK\x03\x04", "application/zip", "application/zip"),
        (b"words", "application/x-thing", "application/x-thing"),
    ],
)
def test_x07_the_type_is_what_the_content_proves(content, declared, found_type):
    """X-07: a picture is one by its first bytes; what only claims to be one is not."""
    header = "Content-Disposition: attachment; filename=f"
    found = one_file(content, f"Content-Type: {declared}", header)
    assert found.content_type == found_type


JPEG = (
    b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xe1\0\x06\0\0\0\0"
    b"\xff\xc0\0\x0b\x08\x02\xd0\x05\x00\x01\0\0\0"
)


@pytest.mark.parametrize(
    ("content", "pixels"),
    [
        (png(1280, 720), (1280, 720)),
        (b"GIF89a" + struct.pack("<HH", 40, 30) + bytes(9), (40, 30)),
        (JPEG, (1280, 720)),
        (
            b"BM" + bytes(12) + struct.pack("<Iii", 40, 640, -480) + bytes(20),
            (640, 480),
        ),
        (
            b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x7f\2\0\xdf\1\0" + bytes(9),
            (640, 480),
        ),
        (png(50_000, 50_000), (50_000, 50_000)),
        (png(0, 5), (None, None)),
        (b"\x89PNG\r\n\x1a\n", (None, None)),
        (b"\xff\xd8\xff" + b"\xff" * 50, (None, None)),
        (b"GIF89a", (None, None)),
    ],
)
def test_x21_pixels_are_read_from_the_header_alone(content, pixels):
    """X-21: width and height come from a few bytes; nothing is decoded."""
    found = one_file(content, "Content-Type: image/png; name=a")
    assert (found.width, found.height) == pixels


@pytest.mark.parametrize("content", [png(1280, 720), b"%PDF-1.4 x"])
def test_pictures_and_papers_without_any_name_are_kept(content):
    """Scanners and phones send parts without name, id or disposition."""
    kind = "image/png" if content.startswith(b"\x89") else "application/pdf"
    found = one_file(content, f"Content-Type: {kind}")
    assert found.content == content
    assert found.name in ("image-1.png", "attachment-1.pdf")


def inline(image: bytes, *headers: str, src: str) -> Role:
    """Return the role of an image next to HTML that points somewhere."""
    page = f"Content-Type: text/html\n\n<p>veja</p><img src='{src}'>"
    message = parse(multipart("related", page, part(image, *headers)))
    return message.attachments[0].role


@pytest.mark.parametrize(
    ("headers", "src"),
    [
        (("Content-Type: image/png", "Content-ID: <a@b>"), "cid:a@b"),
        (("Content-Type: image/png; name=image001.png",), "image001.png"),
        (("Content-Type: image/png", "Content-Location: x.png"), "x.png"),
    ],
)
def test_a_pasted_screenshot_is_one_however_it_is_pointed_at(headers, src):
    """By Content-ID, name or location: a large picture in a text is a screenshot."""
    assert inline(png(1280, 720, 90_000), *headers, src=src) is Role.SCREENSHOT


@pytest.mark.parametrize(
    ("image", "role"),
    [
        (png(1280, 720, 90_000), Role.SCREENSHOT),
        (png(120, 40, 4_000), Role.SIGNATURE_IMAGE),
        (png(600, 60, 9_000), Role.SIGNATURE_IMAGE),
        (png(16, 16, 500), Role.SIGNATURE_IMAGE),
        (png(300, 150, 60_000), Role.SCREENSHOT),
        (png(240, 320, 20_000), Role.SCREENSHOT),
    ],
)
def test_logos_are_told_from_screenshots_by_size(image, role):
    """Small strips that the HTML shows are decoration; nothing large ever is."""
    headers = ("Content-Type: image/png", "Content-ID: <a@b>")
    assert inline(image, *headers, src="cid:a@b") is role


def test_an_attached_picture_is_never_decoration():
    """A small image that no HTML shows was attached on purpose."""
    header = "Content-Disposition: attachment; filename=icone.png"
    found = one_file(png(16, 16), "Content-Type: image/png", header)
    assert found.role is Role.ATTACHMENT


def test_a_nested_message_is_one_file():
    """An attached message is not merged into the outer one, nor are its files."""
    inner = (
        "Content-Type: message/rfc822\nContent-Disposition: attachment;"
        ' filename="velho.eml"\n\nFrom: x@y.example\nSubject: velho\n'
        "Content-Type: multipart/mixed; boundary=in\n\n--in\n\ntexto interno\n--in\n"
        "Content-Type: image/png; name=dentro.png\n\nx\n--in--\n"
    )
    message = parse(multipart("mixed", TEXT, inner))
    assert message.text == "veja\n"
    assert [(a.name, a.role) for a in message.attachments] == [
        ("velho.eml", Role.NESTED_MESSAGE)
    ]
    assert b"texto interno" in message.attachments[0].content
    assert message.subject == ""


def test_files_uuencoded_into_the_text_are_files():
    """Old programs write files between `begin` and `end`."""
    body = "veja\nbegin 644 nota.txt\n#0V%T\n`\nend\nfim\n"
    message = parse(mail(body=body))
    assert [(a.name, a.content) for a in message.attachments] == [("nota.txt", b"Cat")]
    assert message.text == "veja\n\nfim\n"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("application/pkcs7-mime; smime-type=enveloped-data", "smime.p7m"),
        ("application/ms-tnef", "winmail.dat"),
        ("application/pgp-encrypted", "encrypted.asc"),
        ("text/calendar; method=REQUEST", "invite.ics"),
        ("application/vnd.ms-outlook", "mail.msg"),
    ],
)
def test_p33_what_is_not_opened_is_kept(kind, name):
    """P-33: encrypted, TNEF, calendar and Outlook parts are kept byte for byte."""
    header = f"Content-Disposition: attachment; filename={name}"
    found = one_file(b"\x01\x02", f"Content-Type: {kind}", header)
    assert (found.name, found.content) == (name, b"\x01\x02")


def test_a_named_text_that_is_shown_is_a_file_too():
    """An inline log file is read as text and can still be taken away."""
    log = (
        "Content-Type: text/plain\nContent-Disposition: inline; filename=a.log\n\nerro"
    )
    message = parse(multipart("mixed", log))
    assert message.text == "erro\n"
    assert [a.name for a in message.attachments] == ["a.log"]


def test_x15_external_bodies_are_not_followed():
    """X-15: a part that points elsewhere is a file with what it says."""
    body = 'Content-Type: message/external-body; access-type=URL; URL="http://x.example"\n\nx'
    message = parse(multipart("mixed", TEXT, body))
    assert message.text == "veja\n"
    assert len(message.attachments) == 1
