"""What came, of what the customer was asked for."""

import pytest

from chamado.daemon.core.evidence import Topic, evidence_in
from chamado.parsers.types import Attachment, ParsedMessage, Role

HEADER = """Delivered-To: ana@example.com
Received: by 2002:a05:6a10:1234 with SMTP id x; Wed, 25 Nov 2026 03:00:00 -0800
Return-Path: <news@shop.example>
DKIM-Signature: v=1; a=rsa-sha256; d=shop.example
Message-ID: <1@shop.example>
From: Shop <news@shop.example>
"""


def file(
    name: str, kind: str, content: bytes = b"x", role: Role = Role.ATTACHMENT
) -> Attachment:
    """A file of a message."""
    return Attachment(
        name=name,
        content_type=kind,
        size=len(content),
        sha256="0" * 64,
        role=role,
        content=content,
    )


@pytest.mark.parametrize(
    ("attached", "topic"),
    [
        (file("tela.png", "image/png", role=Role.SCREENSHOT), Topic.SCREENSHOT),
        (file("IMG_1.HEIC", "image/heic"), Topic.SCREENSHOT),
        (file("tela.mp4", "video/mp4"), Topic.SCREENSHOT),
        (file("erro.LOG", "application/octet-stream"), Topic.LOGS),
        (file("rede.har", "application/json"), Topic.LOGS),
        (file("saida.txt", "text/plain", b"2026 ERROR disk full"), Topic.LOGS),
        (file("logs.zip", "application/zip"), Topic.LOGS),
        (file("mail.eml", "application/octet-stream"), Topic.HEADERS),
        (file("x", "message/rfc822", role=Role.NESTED_MESSAGE), Topic.HEADERS),
        (file("mail.msg", "application/vnd.ms-outlook"), Topic.HEADERS),
        (file("cab.txt", "text/plain", HEADER.encode()), Topic.HEADERS),
    ],
)
def test_files_are_told_apart(attached: Attachment, topic: Topic) -> None:
    """By name, by type and, where that says nothing, by what is in it."""
    found = evidence_in(ParsedMessage(attachments=(attached,)))
    assert (found.came, found.files) == ((topic,), (attached.name,))


@pytest.mark.parametrize(
    "attached",
    [
        file("logo.png", "image/png", role=Role.SIGNATURE_IMAGE),
        file("contrato.pdf", "application/pdf"),
        file("cartao.vcf", "application/octet-stream"),
    ],
)
def test_other_files_are_no_evidence(attached: Attachment) -> None:
    """A logo and a contract are not what was asked for."""
    assert evidence_in(ParsedMessage(attachments=(attached,))).came == ()


@pytest.mark.parametrize("mark", ["", "> ", "  ", "*", "| "])
def test_a_pasted_header_is_seen_however_it_is_indented(mark: str) -> None:
    """Customers paste it, quote it, and their programs decorate it."""
    text = "Segue:\n\n" + "".join(f"{mark}{row}\n" for row in HEADER.splitlines())
    assert evidence_in(ParsedMessage(text=text)).came == (Topic.HEADERS,)


def test_the_head_of_a_quoted_mail_is_no_header() -> None:
    """From, To, Subject and Date stand in every answer."""
    text = "From: a\nTo: b\nSubject: c\nDate: d\nX-A: 1\nX-B: 2\nX-C: 3\nX-D: 4\n"
    assert evidence_in(ParsedMessage(text=text)).came == ()


@pytest.mark.parametrize(
    ("reply", "came"),
    [
        ("1. Abri o site\n2. Cliquei em enviar", True),
        ("1) abri\n2) cliquei\n3) travou", True),
        ("Passo 1: abri\nPasso 2: cliquei", True),
        ("step 1 - open\nstep 2 - click", True),
        ("Abri e cliquei.", False),
        ("1. só um passo", False),
        ("Custa 10,50 e 20,30", False),
    ],
)
def test_numbered_lines_are_steps(reply: str, came: bool) -> None:
    """Two of them at least."""
    found = evidence_in(ParsedMessage(reply=reply)).came
    assert (Topic.STEPS in found) is came


def test_what_is_missing_is_told() -> None:
    """Asked for two, one came."""
    found = evidence_in(ParsedMessage(attachments=(file("a.png", "image/png"),)))
    assert found.missing(("logs", "screenshot")) == ("logs",)


def test_everything_at_once_is_told_in_one_order() -> None:
    """The order is that of the topics, whatever order the files have."""
    message = ParsedMessage(
        reply="1. a\n2. b",
        attachments=(
            file("t.png", "image/png"),
            file("m.eml", "message/rfc822"),
            file("l.log", "text/plain"),
        ),
    )
    found = evidence_in(message)
    assert found.came == tuple(Topic)
    assert found.files == ("l.log", "m.eml", "t.png")
