"""Does what we rely on still do what we rely on? Asked at start and by `doctor`.

Known-bad values go through our own composing, and what comes out is judged by looking
at the bytes, not by the code that wrote them. The serialiser of the standard library
(CVE-2024-6923, CVE-2025-11468, CVE-2025-1795, CVE-2026-1299) is not asked: no letter
goes through it. The sandbox of Jinja2 and the encoders of binascii are.
"""

import binascii
import dataclasses
import re

from jinja2 import DictLoader, TemplateError

from chamado.config.address import Address
from chamado.notifier.addresses import UnusableAddress, mailbox
from chamado.notifier.conversation import on_the_wire
from chamado.notifier.render import Templates, sample
from chamado.notifier.sandbox import Workshop
from chamado.notifier.types import Enclosure, LetterKind

EVIL = (
    "a\r\nBcc: evil@example.com",
    "a\nBcc: evil@example.com\n\n.\n",
    "a\rBcc: evil@example.com",
    "a\x00\x0b\x0c\x1c\x85\u2028\u2029\ud800Bcc: evil@example.com",
    "=?utf-8?q?a=0D=0ABcc:_evil=40example.com?=",
    '"a" <b@example.com>, evil@example.com (',
    "(" * 300 + "\r\n Bcc: evil@example.com",
)
_ADDRESSES = ("a@b\r\nRCPT TO:<e@x>", "a b@c", "a@b>", "a@b,c@d", "a" * 300 + "@b", "@")
# Each reads an object's inside or runs something: jinja2's CVE-2024-56201, -56326 and
# CVE-2025-27516 are variations of them.
_ESCAPES = (
    "{{ ''.__class__.__mro__ }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ (x|attr('format'))(x) }}",
    "{% set f = x.format %}{{ f(x) }}",
    "{{ x.__init__.__globals__ }}",
    "{{ range(10**9) }}",
    "{{ 'a' * 10**9 }}",
)
_FIELDS = {
    "date",
    "from",
    "to",
    "reply-to",
    "subject",
    "message-id",
    "in-reply-to",
    "references",
    "auto-submitted",
    "x-auto-response-suppress",
    "x-chamado-loop",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "content-language",
    "mime-version",
    "content-type",
}
_LINE = re.compile(rb"[\x20-\x7e\t]{0,998}")


def unsafe_library_behaviour() -> list[str]:
    """Return in words what is unsafe here; empty when all is well."""
    return [*_unsafe_letters(), *_unsafe_addresses(), *_unsafe_templates(), *_dots()]


def _unsafe_letters() -> list[str]:
    templates = Templates()
    found = []
    for kind in LetterKind:
        for evil in EVIL:
            notification = dataclasses.replace(
                sample(kind, "pt-BR"),
                recipient=Address(name=evil, address="ana@example.com"),
                sender=Address(name=evil, address="suporte@example.com"),
                subject=evil,
                instance=evil,
                text=evil,
                in_reply_to=evil,
                references=(evil, "good@example.com"),
                received_files=(evil,),
                enclosures=(Enclosure(name=evil, content_type=evil, content=b"."),),
            )
            wrong = misbuilt(templates.compose(notification).content)
            found += [f"a {kind} letter with {evil[:30]!a}: {wrong}"] if wrong else []
    return found


def misbuilt(content: bytes) -> str:
    """Say what is wrong with a message's bytes, "" for nothing: fields, lines, dots."""
    lines = content.split(b"\r\n")
    if not all(_LINE.fullmatch(line) for line in lines):
        return "a line holds more than printable ASCII, or is too long"
    head = content.partition(b"\r\n\r\n")[0].decode("ascii")
    names = [
        line.partition(":")[0].lower()
        for line in head.split("\r\n")
        if not line.startswith(" ")
    ]
    if len(set(names)) != len(names) or not set(names) <= _FIELDS:
        return f"unexpected header fields: {sorted(set(names) - _FIELDS) or names}"
    if b"." in lines:
        return "a line is a lone dot"
    return ""


def _unsafe_addresses() -> list[str]:
    found = []
    for address in _ADDRESSES:
        try:
            mailbox(address)
        except UnusableAddress:
            continue
        found.append(f"{address[:30]!a} passes for an address")
    return found


def _unsafe_templates() -> list[str]:
    found = []
    for source in _ESCAPES:
        workshop = Workshop(DictLoader({"x.txt": source}))
        try:
            said = workshop.write(workshop.get_template("x.txt"), {"x": "x"})
        except (TemplateError, OverflowError, AttributeError, TypeError):
            continue
        found.append(f"the template sandbox of jinja2 lets {source} say {said[:60]!a}")
    return found


def _dots() -> list[str]:
    sent = on_the_wire(b"a\r.\r\nb\n.\nc\r\n.\r\n")
    quoted = binascii.b2a_qp(b"a\r\n.\r\nb", istext=True)
    wrong = sent.count(b"\r\n.\r\n") != 1 or b"\r\n.\r\n" in quoted
    return ["a text can end the message with a dot"] if wrong else []
