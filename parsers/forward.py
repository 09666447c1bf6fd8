"""The message inside a forward: who wrote it, when, about what, in which words.

Found in the header that mail programs copy above what they send on, or in an attached
message. What it says is the forwarder's word: whether anything follows from it is for
others to decide. Answers carry copied headers too, so the subject or the line above
must say that this is a forward.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chamado.config.address import Address
from chamado.parsers.addresses import addr_spec, display_name
from chamado.parsers.hops import read_moment
from chamado.parsers.language import read_language
from chamado.parsers.quotes import (
    Cut,
    header_block,
    header_fields,
    is_rule,
    plain,
    separator,
)
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import Attachment, Forwarded, ParsedMessage, Role
from chamado.parsers.wordlists import every

_MARKS = "|".join(map(re.escape, sorted(every("forward"), key=len, reverse=True)))
#: `Fwd: Fw: ENC: …`, also as `[Fwd: …]`, behind an answer's mark or none.
_PREFIX = re.compile(
    rf"\s{{0,5}}(?:(?:re|res|aw|sv|antw)\s?:\s{{0,5}}){{0,3}}"
    rf"\[?(?:{_MARKS})\s?[:：]\s{{0,5}}",
    re.IGNORECASE,
)
_PHRASES = tuple(every("forwarded"))
_ADDRESS = re.compile(r"[^\s<>@(\[\"':;,]{1,64}@[^\s<>@)\];,\"']{1,255}")
#: A forward's header comes after some words of the forwarder, not after a novel.
_LOOKED_AT = 400
_MOST_LINES = 5_000


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a copied header stands, and where what it heads begins."""

    cut: Cut
    fields: dict[str, str]


def is_forward(subject: str) -> bool:
    """Tell a subject that says that something is sent on."""
    return _PREFIX.match(subject) is not None


def bare_subject(subject: str) -> str:
    """Take the marks of forwarding off a subject."""
    bare = subject
    for _ in range(5):
        bare = _PREFIX.sub("", bare, count=1)
    bare = bare.strip()
    if "[" not in bare and bare != subject:
        # The end of `[Fwd: …]`, whose beginning is gone.
        bare = bare.removesuffix("]")
    return bare


def read_forwarded(
    message: ParsedMessage,
    files: Sequence[Attachment],
    open_nested: Callable[[bytes], ParsedMessage],
) -> Forwarded | None:
    """Return the message inside a forward, None where this is none.

    `open_nested` parses an attached message; one that came alone counts, if the
    subject says so or nothing else does.
    """
    marked = is_forward(message.subject)
    found = _in_text(message.text.split("\n")[:_MOST_LINES], marked=marked)
    if found:
        return replace(found, subject=found.subject or bare_subject(message.subject))
    nested = [one for one in files if one.role is Role.NESTED_MESSAGE]
    if len(nested) != 1 or not (marked or not message.reply.strip()):
        return None
    inner = open_nested(nested[0].content)
    if inner.sender is None or inner.from_count != 1:
        return None
    return Forwarded(
        sender=inner.sender,
        date=inner.date,
        subject=inner.subject or bare_subject(message.subject),
        text=inner.text,
        language=inner.language,
    )


def _in_text(lines: Sequence[str], *, marked: bool) -> Forwarded | None:
    found = _header(lines, marked=marked)
    if found is None:
        return None
    sender = read_sender(found.fields.get("sender", ""))
    if sender is None:
        return None
    rest = list(lines[found.cut.last + 1 :])
    if all(line.lstrip().startswith(">") for line in rest if line.strip()):
        rest = [re.sub(r"^\s*> ?", "", line) for line in rest]
    text = "\n".join(rest).strip("\n")
    text = f"{text}\n" if text else ""
    return Forwarded(
        sender=sender,
        date=read_moment(found.fields.get("sent", "")),
        subject=clean_line(found.fields.get("subject", ""), 998),
        text=text,
        language=read_language((), text),
    )


def _header(lines: Sequence[str], *, marked: bool) -> _Found | None:
    """Find the first copied header: of a forward by its mark or by the line above."""
    said = marked
    for index, line in enumerate(lines[:_LOOKED_AT]):
        if not line.strip() or is_rule(line):
            continue
        if separator(line):
            said = said or any(one in plain(line).lower() for one in _PHRASES)
            continue
        cut = header_block(lines, index) if ":" in line or "：" in line else None
        if cut is None:
            continue
        if said:
            return _Found(cut, header_fields(lines, index))
        # It is an answer's: what is below was not sent on.
        return None
    return None


def read_sender(text: str) -> Address | None:
    """Read `Ana <ana@x>`, `Ana [mailto:ana@x]` or a bare address; None without one."""
    text = clean_line(text, 400).replace("mailto:", "")
    found = _ADDRESS.search(text)
    spec = addr_spec(found[0].strip(".*_")) if found else None
    if found is None or spec is None:
        return None
    name = text[: found.start()].strip(" \t\"'<[(*_")
    return Address(name=display_name(name, spec) if name else "", address=spec)
