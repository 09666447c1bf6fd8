"""The digest of a message without its trace headers.

The same mail by IMAP and by SMTP, or fetched again after a UIDVALIDITY change, differs
in the lines that servers add on the way, and in its line ends. Without these it is the
same message, and two deliveries of it are one entry. A Message-ID alone would not do:
two different mails may carry the same one, and losing the second is losing mail.
"""

import hashlib
import re
from collections.abc import Iterator

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
_CHUNK = 1 << 20
#: Trace headers stand at the top. What is beyond this is hashed as it is: 25 MB of
#: headers taken apart by lines would be a gigabyte of lines.
_HEAD = 1 << 20


def content_digest(content: bytes) -> str:
    """SHA-256 in hex over the headers that are the author's and over the body."""
    found = _END_OF_HEADERS.search(content)
    end = found.start() if found else len(content)
    cut = end if end <= _HEAD else content.rfind(b"\n", 0, _HEAD)
    digest = hashlib.sha256()
    for field in _fields(content[: max(cut, 0)]):
        name = field.partition(b":")[0].strip().lower()
        if name not in TRACE:
            digest.update(field.replace(b"\r\n", b"\n") + b"\n")
    if cut < end:
        for chunk in _unix_lines(memoryview(content)[cut + 1 : end]):
            digest.update(chunk)
        digest.update(b"\n")
    digest.update(b"\n")
    if found:
        for chunk in _unix_lines(memoryview(content)[found.end() :]):
            digest.update(chunk)
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


def _unix_lines(body: memoryview) -> Iterator[bytes]:
    """Yield the body with LF line ends and without blank lines at its end."""
    held = b""
    for start in range(0, len(body), _CHUNK):
        chunk = held + bytes(body[start : start + _CHUNK])
        kept = chunk.rstrip(b"\r\n")
        held = chunk[len(kept) :]
        if len(held) > _CHUNK:
            # Only line ends for a megabyte: they are content, not an ending.
            kept, held = chunk, b""
        yield kept.replace(b"\r\n", b"\n")
        held = held.replace(b"\r\n", b"\n") if not held.endswith(b"\r") else held
