"""The digest of a message without its trace headers.

The same mail by IMAP and by SMTP, or fetched again after a UIDVALIDITY change, differs
in the lines that servers add on the way, and in its line ends. Without these it is the
same message, and two deliveries of it are one entry. A Message-ID alone would not do:
two different mails may carry the same one, and losing the second is losing mail.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime

#: Lines that relays and stores add or change. DKIM-Signature is the author's side.
TRACE = frozenset(
    b"received return-path delivered-to x-original-to envelope-to x-envelope-to "
    b"x-envelope-from authentication-results received-spf x-received x-spam-status "
    b"x-spam-score x-spam-level x-spam-flag x-spam-checker-version x-virus-scanned "
    b"x-virus-status x-uid x-uidl x-keywords status x-status content-length lines "
    b"arc-seal arc-message-signature arc-authentication-results x-gm-message-state "
    b"x-google-smtp-source x-ms-exchange-organization-authas "
    b"x-ms-exchange-organization-authsource x-getmail-retrieved-from-mailbox "
    b"x-sieve".split()
)
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_DATED = re.compile(rb"^(?:date|message-id)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_CHUNK, _TAIL = 1 << 20, 1 << 12
#: Trace headers stand at the top. What is beyond this is hashed as it is: 25 MB of
#: headers taken apart by lines would be a gigabyte of lines.
_HEAD = 1 << 20


def day_apart(content: bytes, at: datetime) -> str:
    """The day (UTC) that tells a mail from the same words of another day, if nothing in
    the mail does; else nothing."""
    found = _END_OF_HEADERS.search(content, 0, _HEAD)
    head = content[: found.start() if found else _HEAD]
    return "" if _DATED.search(head) else at.astimezone(UTC).date().isoformat()


def content_digest(content: bytes, day: str = "") -> str:
    """SHA-256 in hex over the headers that are the author's and over the body, and over
    what `day_apart` says."""
    found = _END_OF_HEADERS.search(content)
    end = found.start() if found else len(content)
    cut = end if end <= _HEAD else content.rfind(b"\n", 0, _HEAD)
    digest = hashlib.sha256()
    for field in _fields(content[: max(cut, 0)]):
        name = field.partition(b":")[0].strip().lower()
        if name not in TRACE:
            digest.update(field.replace(b"\n", b"\r\n") + b"\r\n")
    if cut < end:
        # In the very form of the fields above, for trace headers move the cut.
        for piece in _internet_lines(content, cut + 1, end):
            digest.update(piece)
        digest.update(b"\r\n")
    digest.update(b"\n")
    digest.update(day.encode())
    if found:
        start = found.end()
        for piece in _internet_lines(content, start, _end_of_text(content, start)):
            digest.update(piece)
    return digest.hexdigest()


def _fields(head: bytes) -> Iterator[bytes]:
    field: list[bytes] = []
    for line in head.split(b"\n"):
        line = line.removesuffix(b"\r")
        if field and not line.startswith((b" ", b"\t")):
            yield b"\n".join(field)
            field = []
        field.append(line)
    if field:
        yield b"\n".join(field)


def _end_of_text(content: bytes, start: int) -> int:
    """Find where the blank lines at the end begin."""
    end = len(content)
    while end > start:
        tail = content[max(start, end - _TAIL) : end]
        kept = len(tail.rstrip(b"\r\n"))
        end -= len(tail) - kept
        if kept:
            break
    return end


def _internet_lines(
    content: bytes, start: int, end: int
) -> Iterator[bytes | memoryview]:
    """Yield a body with CRLF line ends, as it is where it has them already.

    Two counts tell that in a tenth of the time that replacing takes. They are fooled
    by a text that mixes as many lone CR as lone LF; that one is then itself.
    """
    body = memoryview(content)
    if content.count(b"\n", start, end) == content.count(b"\r", start, end):
        yield body[start:end]
        return
    while start < end:
        cut = min(start + _CHUNK, end)
        if cut < end and content[cut - 1 : cut + 1] == b"\r\n":
            cut += 1
        chunk = bytes(body[start:cut]).replace(b"\r\n", b"\n")
        yield chunk.replace(b"\n", b"\r\n")
        start = cut
