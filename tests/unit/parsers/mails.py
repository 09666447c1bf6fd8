"""Small messages for the parser tests, built byte by byte.

Never with `email`, which would repair what the tests are about.
"""

from datetime import UTC, datetime
from pathlib import Path

from chamado.parsers.message import parse
from chamado.parsers.types import Envelope, ParsedMessage

CORPUS = Path(__file__).parents[2] / "corpus"
AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


def envelope(mail_from: str | None = "ana@example.com") -> Envelope:
    """Return what the transport said."""
    return Envelope(
        mail_from=mail_from, rcpt_tos=("suporte@acme.example",), received_at=AT
    )


def mail(*headers: str, body: str = "Não consigo acessar.\n") -> bytes:
    """Return a plain message with a From unless the headers bring their own."""
    lines = list(headers)
    if not any(line.lower().startswith("from:") for line in lines):
        lines.insert(0, "From: Ana <ana@example.com>")
    return ("\r\n".join(lines) + "\r\n\r\n" + body.replace("\n", "\r\n")).encode()


def parsed(*headers: str, body: str = "Não consigo acessar.\n") -> ParsedMessage:
    """Parse such a message."""
    return parse(mail(*headers, body=body))


def multipart(kind: str, *parts: str, boundary: str = "b0") -> bytes:
    """Return a message of several parts; each is given with its own header."""
    text = "".join(f"--{boundary}\n{part}\n" for part in parts) + f"--{boundary}--\n"
    return mail(
        "MIME-Version: 1.0",
        f'Content-Type: multipart/{kind}; boundary="{boundary}"',
        body=text,
    )


def corpus(name: str) -> bytes:
    """Return one of the project's own example mails."""
    return (CORPUS / name).read_bytes()
