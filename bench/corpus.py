"""The mails that are measured with: generated, seeded, each from another sender.

The mix is that of a support mailbox: plain replies with history, HTML from Outlook-like
clients, other charsets, forwards within forwards, screenshots, and a few large files.
"""

import base64
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

_WORDS = (
    "não consigo acessar o sistema desde ontem a tela fica em branco quando clico em "
    "enviar aparece erro 500 por favor verifiquem com urgência o relatório mensal não "
    "abre já reiniciei o computador e limpei o cache do navegador segue a imagem da "
    "tela com a mensagem de erro obrigado pela atenção aguardo retorno cliente pedido "
    "nota fiscal boleto senha acesso usuário bloqueado mensagem caixa postal servidor"
)
WORDS = _WORDS.split()
START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mail:
    """One message and whom it is from."""

    sender: str
    content: bytes


def mixed(count: int, *, seed: int = 1, big: bool = True) -> list[Mail]:
    """The mix, `count` of them; every fiftieth carries megabytes if `big`."""
    return list(_mixed(count, seed, big))


def small(count: int, *, seed: int = 1) -> list[Mail]:
    """Plain messages of about 5 KB, for measuring the door alone."""
    rng = random.Random(seed)
    return [_mail(rng, n, _text(rng, 4_500)) for n in range(count)]


def _mixed(count: int, seed: int, big: bool) -> Iterator[Mail]:
    rng = random.Random(seed)
    for number in range(count):
        kind = _kind(number % 100, big)
        yield kind(rng, number)


def _kind(place: int, big: bool) -> "Callable[[random.Random, int], Mail]":
    if place in (49, 99):
        return _large if big else _html
    if place % 33 == 5:
        return _screenshot
    if place % 10 == 3:
        return _charset
    if place % 10 == 7:
        return _nested
    return _html if place % 10 in (1, 4, 8) else _reply


def _reply(rng: random.Random, number: int) -> Mail:
    history = "\r\n".join(f"> {_sentence(rng)}" for _ in range(20))
    body = (
        f"{_text(rng, 600)}\r\n\r\nEm ter., 3 de nov. de 2026 às 10:15, Suporte "
        f"<suporte@acme.example> escreveu:\r\n\r\n{history}\r\n"
    )
    return _mail(rng, number, body, extra=_references(rng, number))


def _html(rng: random.Random, number: int) -> Mail:
    paragraphs = "".join(
        f'<p class="MsoNormal"><span style="font-size:11pt">{_sentence(rng)}'
        "<o:p></o:p></span></p>\r\n"
        for _ in range(90)
    )
    html = (
        "<html><head><style>p.MsoNormal{margin:0}</style></head><body>"
        f"{paragraphs}</body></html>"
    )
    return _multipart(
        rng,
        number,
        "alternative",
        [
            _part("text/plain; charset=utf-8", _text(rng, 3_000).encode(), "qp"),
            _part("text/html; charset=utf-8", html.encode(), "qp"),
        ],
    )


def _charset(rng: random.Random, number: int) -> Mail:
    charset, encoding = rng.choice(
        [
            ("iso-8859-1", "8bit"),
            ("windows-1252", "qp"),
            ("utf-8", "base64"),
            ("iso-8859-15", "base64"),
        ]
    )
    body = _text(rng, 1_500).encode(charset)
    head, content = _encoded(body, encoding)
    lines = f"Content-Type: text/plain; charset={charset}\r\n{head}"
    return _raw(rng, number, lines, content)


def _nested(rng: random.Random, number: int) -> Mail:
    inner = _multipart(
        rng,
        number + 1_000_000,
        "mixed",
        [
            _part("text/plain; charset=utf-8", _text(rng, 1_000).encode(), "8bit"),
            _part(
                "application/pdf; name*=utf-8''relat%C3%B3rio.pdf",
                b"%PDF-1.4\n" + rng.randbytes(24_000),
                "base64",
            ),
        ],
    ).content
    return _multipart(
        rng,
        number,
        "mixed",
        [
            _part("text/plain; charset=utf-8", _text(rng, 800).encode(), "8bit"),
            b"Content-Type: message/rfc822\r\n\r\n" + inner,
        ],
    )


def _screenshot(rng: random.Random, number: int) -> Mail:
    html = f'<p>{_text(rng, 500)}</p><img src="cid:tela{number}@acme">'
    return _multipart(
        rng,
        number,
        "related",
        [
            _part("text/html; charset=utf-8", html.encode(), "qp"),
            _part(
                f"image/png\r\nContent-ID: <tela{number}@acme>",
                png(rng, 60_000),
                "base64",
            ),
        ],
    )


def _large(rng: random.Random, number: int) -> Mail:
    return _multipart(
        rng,
        number,
        "mixed",
        [
            _part("text/plain; charset=utf-8", _text(rng, 800).encode(), "8bit"),
            _part('image/png; name="tela.png"', png(rng, 300_000), "base64"),
            _part(
                'application/zip; name="logs.zip"',
                b"PK\x03\x04" + rng.randbytes(2_000_000),
                "base64",
            ),
        ],
    )


def big_mail(size: int) -> Mail:
    """One mail of about `size` bytes: a line of text and an archive."""
    rng = random.Random(size)
    archive = b"PK\x03\x04" + rng.randbytes(size * 73 // 100)
    text = _part("text/plain; charset=utf-8", _text(rng, 400).encode(), "8bit")
    name = 'application/zip; name="logs.zip"'
    return _multipart(rng, size, "mixed", [text, _part(name, archive, "base64")])


def png(rng: random.Random, size: int) -> bytes:
    """Bytes that begin like a 1280 × 720 PNG."""
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x05\x00\x00\x00\x02\xd0"
    return head + b"\x08\x02\x00\x00\x00" + rng.randbytes(size)


def _sentence(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(8, 16))) + "."


def _text(rng: random.Random, size: int) -> str:
    lines: list[str] = []
    while sum(map(len, lines)) < size:
        lines.append(_sentence(rng))
    return "\r\n".join(lines)


def _references(rng: random.Random, number: int) -> str:
    ids = " ".join(
        f"<{rng.getrandbits(60):x}.{number}@cliente{number % 997}.example>"
        for _ in range(3)
    )
    return f"References: {ids}\r\n"


def _mail(rng: random.Random, number: int, body: str, extra: str = "") -> Mail:
    lines = "Content-Type: text/plain; charset=utf-8\r\n"
    lines += f"Content-Transfer-Encoding: 8bit\r\n{extra}"
    return _raw(rng, number, lines, body.encode())


def _raw(rng: random.Random, number: int, lines: str, content: bytes) -> Mail:
    sender = f"cliente{number}@empresa{number % 997}.example"
    date = START + timedelta(seconds=number)
    head = (
        f"Received: from mx.empresa{number % 997}.example (mx [192.0.2.7])\r\n"
        f"\tby mx.acme.example with ESMTPS id {rng.getrandbits(40):X};\r\n"
        f"\t{format_datetime(date)}\r\n"
        f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example; s=s1;\r\n"
        f"\tbh={base64.b64encode(rng.randbytes(32)).decode()};\r\n"
        f"\tb={base64.b64encode(rng.randbytes(128)).decode()}\r\n"
        f"From: =?utf-8?q?Jo=C3=A3o_Cliente_{number}?= <{sender}>\r\n"
        f"To: Suporte <suporte@acme.example>\r\n"
        f"Cc: Financeiro <financeiro@empresa{number % 997}.example>\r\n"
        f"Subject: =?utf-8?q?Problema_{number}_n=C3=A3o_abre?=\r\n"
        f"Date: {format_datetime(date)}\r\n"
        f"Message-ID: <{rng.getrandbits(60):x}.{number}@empresa.example>\r\n"
        f"MIME-Version: 1.0\r\n{lines}\r\n"
    )
    return Mail(sender, head.encode() + content)


def _multipart(
    rng: random.Random, number: int, subtype: str, parts: list[bytes]
) -> Mail:
    boundary = f"=_{rng.getrandbits(80):x}"
    content = b"".join(f"--{boundary}\r\n".encode() + p + b"\r\n" for p in parts)
    content += f"--{boundary}--\r\n".encode()
    lines = f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'
    return _raw(rng, number, lines, content)


def _part(content_type: str, body: bytes, encoding: str) -> bytes:
    head, content = _encoded(body, encoding)
    return f"Content-Type: {content_type}\r\n{head}\r\n".encode() + content


def _encoded(body: bytes, encoding: str) -> tuple[str, bytes]:
    if encoding == "base64":
        return "Content-Transfer-Encoding: base64\r\n", base64.encodebytes(
            body
        ).replace(b"\n", b"\r\n")
    if encoding == "qp":
        import quopri

        return "Content-Transfer-Encoding: quoted-printable\r\n", quopri.encodestring(
            body.replace(b"\r\n", b"\n")
        ).replace(b"\n", b"\r\n")
    return "Content-Transfer-Encoding: 8bit\r\n", body
