"""Bytes of a message to a ParsedMessage; the only door, and it never raises.

Addresses, dates and their defects are read by mail-parser, from a small header block
made of just those fields: on whole messages it loses nameless files, merges attached
messages into the outer one and takes a hundred times longer. The sender's identity is
never taken from it alone: the From fields are read again by our own strict scan, and
where the two differ there is no identity. Parts are our own bounded pass.
"""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import mailparser

from chamado.config.address import Address
from chamado.parsers.addresses import (
    addr_spec,
    bare_mailbox,
    display_name,
    loose_addresses,
    read_addresses,
)
from chamado.parsers.attachments import make, read_files, safe_name
from chamado.parsers.body import Body, lay_out, read_body
from chamado.parsers.bounce import read_bounce, report_type_of
from chamado.parsers.charset import codec_of, undeclared
from chamado.parsers.defaults import LIMITS
from chamado.parsers.fields import Block, read_block
from chamado.parsers.ids import read_ids, read_message_id
from chamado.parsers.language import read_language
from chamado.parsers.mime import Part, leaves, read_tree
from chamado.parsers.params import read_params
from chamado.parsers.reply import split_reply
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import Attachment, Header, ParsedMessage, ParseLimits, Role
from chamado.parsers.words import header_text

# It logs pieces of headers, and whatever a stranger writes stays out of our log.
logging.getLogger("mailparser").propagate = False
logging.getLogger("mailparser").addHandler(logging.NullHandler())

WHOLE, TEXT_ONLY, HEADERS_ONLY = 0, 1, 2

_ADDRESS_FIELDS = ("from", "reply-to", "to", "cc")
_REFERENCE = re.compile(
    r"""\bsrc\s{0,9}=\s{0,9}["']?(?:cid:)?([^"'<>\s]{1,998})""", re.I
)
# One or more of `Name <a@b.c>` or `a@b.c` without quotes, comments, groups or escapes.
_PLAIN_ATOMS = r"[\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^`{|}~-]{1,64}){0,9}"
_PLAIN_MAILBOX = (
    rf"(?:[^\"\\<>@,;:()\[\]]{{0,200}}<{_PLAIN_ATOMS}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,9}}>"
    rf"|{_PLAIN_ATOMS}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,9}})"
)
_PLAIN_LIST = re.compile(
    rf"(?:{_PLAIN_MAILBOX}(?:, ?{_PLAIN_MAILBOX}){{0,99}})?", re.ASCII
)
_PLAIN_SPEC = re.compile(r"[^\s<>,]+@[^\s<>,]+")
_PLAIN_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} (?:19|20)\d{2} \d{2}:\d{2}:\d{2}"
    r" [+-]\d{4}(?: \([A-Z]{1,5}\))?",
    re.ASCII,
)
_MOST_DEFECTS = 20
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def parse(
    raw: bytes, limits: ParseLimits = LIMITS, *, rung: int = WHOLE
) -> ParsedMessage:
    """Read a message. Never raises, whatever the bytes.

    What goes wrong on one rung is noted in `defects` and the next one is tried: the
    whole message, its text without HTML and quote splitting, its headers, and at last
    an empty message. `rung` is where to begin.
    """
    ladder: tuple[Callable[[bytes, ParseLimits], ParsedMessage], ...] = (
        _whole,
        _text_only,
        _headers_only,
    )
    defects: list[str] = []
    for step in ladder[max(0, rung) :]:
        try:
            message = step(raw, limits)
        except Exception as error:  # noqa: BLE001 - no mail may stop the parser
            defects.append(f"{step.__name__.strip('_')}: {type(error).__name__}")
        else:
            return replace(message, defects=(*defects, *message.defects))
    return ParsedMessage(defects=tuple(defects))


def _whole(raw: bytes, limits: ParseLimits) -> ParsedMessage:
    return _with_body(raw, limits, plain_only=False)


def _text_only(raw: bytes, limits: ParseLimits) -> ParsedMessage:
    return _with_body(raw, limits, plain_only=True)


def _headers_only(raw: bytes, limits: ParseLimits) -> ParsedMessage:
    raw = _with_newlines(raw[: 2 * limits.header_block_bytes])
    return _head(read_block(raw, 0, limits), limits)


def _with_newlines(raw: bytes) -> bytes:
    """Give a message with the line ends of old Macintoshes line feeds."""
    if b"\n" in raw or b"\r" not in raw:
        return raw
    return raw.replace(b"\r", b"\n")


def _with_body(raw: bytes, limits: ParseLimits, *, plain_only: bool) -> ParsedMessage:
    raw = _with_newlines(raw)
    block = read_block(raw, 0, limits)
    head = _head(block, limits)
    tree = read_tree(raw, block, limits)
    layout = lay_out(tree.root)
    body = read_body(layout, raw, limits, plain_only)
    references = frozenset(_REFERENCE.findall(body.source))
    files, file_defects = read_files(layout.files, raw, references, limits.attachments)
    files += _files_in_text(body)
    if tree.rest is not None:
        rest = raw[tree.rest[0] : tree.rest[1]]
        files.append(make("message.eml", "message/rfc822", rest, role=Role.ATTACHMENT))
    parts = leaves(tree.root)
    split = split_reply(body, plain_only=plain_only, limits=limits)
    defects = (*head.defects, *tree.defects, *body.defects, *file_defects)
    return replace(
        head,
        text=body.text,
        html=body.html,
        reply=split.reply,
        signature=split.signature,
        quoted=split.quoted,
        attachments=tuple(files),
        bounce=read_bounce(head, body.text, parts, raw, limits),
        report_type=head.report_type or report_type_of(parts),
        calendar_method=_calendar_method(parts),
        language=read_language(head.headers, split.reply),
        defects=tuple(dict.fromkeys(defects)),
    )


def _calendar_method(parts: Iterable[Part]) -> str:
    """Return the method of an invitation or of the answer to one (RFC 5546 §1.4)."""
    for part in parts:
        if part.content_type == "text/calendar":
            return clean_line(part.params.get("method", ""), 20).lower()
    return ""


def _files_in_text(body: Body) -> list[Attachment]:
    """Make files of what was uuencoded into the text."""
    return [
        make(safe_name(header_text(name)) or "attachment.bin", "", content)
        for name, content in body.files
    ]


def _head(block: Block, limits: ParseLimits) -> ParsedMessage:
    kind = read_params(block.first("content-type"))
    hint = codec_of(kind.params.get("charset"))
    people = _read_people(block, hint, limits)
    report = kind.params.get("report-type", "").lower()
    return ParsedMessage(
        message_id=read_message_id(block.all("message-id")),
        in_reply_to=read_ids(block.all("in-reply-to")),
        references=read_ids(block.all("references")),
        sender=people.sender,
        from_count=people.from_count,
        reply_to=people.lists["reply-to"],
        to=people.lists["to"],
        cc=people.lists["cc"],
        subject=clean_line(
            header_text(block.first("subject") or b"", hint), limits.subject_chars
        ),
        date=people.date,
        defects=(*block.defects, *people.defects),
        headers=tuple(
            Header(
                name=clean_line(field.name, 200),
                value=clean_line(header_text(field.value, hint)),
            )
            for field in block.fields
        ),
        content_type=kind.value or "text/plain",
        report_type=clean_line(report, 60),
    )


@dataclass(slots=True)
class _People:
    """Who wrote to whom and when."""

    lists: dict[str, tuple[Address, ...]]
    sender: Address | None
    from_count: int
    date: datetime | None
    defects: tuple[str, ...]


def _read_people(block: Block, hint: str | None, limits: ParseLimits) -> _People:
    values = {
        name: clean_line(
            ", ".join(undeclared(value, hint) for value in block.all(name)),
            limits.address_header_bytes,
        )
        for name in _ADDRESS_FIELDS
    }
    values["date"] = clean_line(undeclared(block.first("date") or b""), 200)
    parsed, date, defects = _second_reading(values)
    lists = {
        name: _mailboxes(values[name], parsed[name], limits.addresses)
        for name in _ADDRESS_FIELDS[1:]
    }
    senders = read_addresses(values["from"], limits.addresses)
    count = len(senders)
    if count == 1 and [a.address for a in senders] != [
        addr_spec(address) for _, address in parsed["from"]
    ]:
        # Two readers see two addresses: then nobody may vouch for either.
        count = 0
        defects.append("from: two readings")
    if not senders:
        senders = _recovered_sender(values["from"])
    return _People(
        lists,
        senders[0] if senders else None,
        count,
        _date(date, values["date"]),
        tuple(defects),
    )


def _recovered_sender(value: str) -> list[Address]:
    """Show who a broken From may mean; it identifies nobody."""
    found = [Address(address=one) for one in loose_addresses(value)]
    bare = None if found else bare_mailbox(value)
    if bare:
        name = display_name(value.split("<", 1)[0], bare)
        found = [Address(name=name, address=bare)]
    return found


_Mailboxes = list[tuple[str, str]]


def _second_reading(
    values: dict[str, str],
) -> tuple[dict[str, _Mailboxes], datetime | None, list[str]]:
    """Read the address and date fields as mail-parser does.

    It is asked about whatever is not so plain that there is one way to read it.
    """
    plain = {
        name: [("", found) for found in _PLAIN_SPEC.findall(values[name])]
        for name in _ADDRESS_FIELDS
        if _PLAIN_LIST.fullmatch(values[name])
    }
    odd = {name: value for name, value in values.items() if name not in plain}
    if _PLAIN_DATE.fullmatch(odd.get("date", "")):
        odd.pop("date")
    if not any(odd.values()):
        return {n: plain.get(n, []) for n in _ADDRESS_FIELDS}, None, []
    parsed, date, defects = _by_mail_parser(odd)
    return {**parsed, **plain}, date, defects


def _by_mail_parser(
    values: dict[str, str],
) -> tuple[dict[str, _Mailboxes], datetime | None, list[str]]:
    """Let mail-parser read address and date fields, and nothing else."""
    block = "".join(f"{name}: {value}\n" for name, value in values.items() if value)
    lists: dict[str, _Mailboxes] = {n: [] for n in _ADDRESS_FIELDS}
    try:
        parser = mailparser.parse_from_string(block + "\n")
        lists = {
            "from": list(parser.from_ or []),
            "reply-to": list(parser.reply_to or []),
            "to": list(parser.to or []),
            "cc": list(parser.cc or []),
        }
        defects = [
            f"{defect['header']}: {defect['reason']}"
            for found in (parser.address_header_defects, parser.date_header_defects)
            for defect in found[:_MOST_DEFECTS]
        ]
        date = parser.date
    except Exception as error:  # noqa: BLE001 - our own scan takes over
        return lists, None, [f"mail-parser: {type(error).__name__}"]
    return lists, date if isinstance(date, datetime) else None, defects


def _mailboxes(
    value: str, theirs: Iterable[tuple[str, str]], most: int
) -> tuple[Address, ...]:
    """Return the mailboxes of a list: both readings agree, or the fuller one."""
    ours = read_addresses(value, most)
    other = [
        Address(name=display_name(name, spec), address=spec)
        for name, text in theirs
        if (spec := addr_spec(text)) is not None
    ]
    if len(other) > len(ours):
        ours = other
    if not ours:
        ours = [Address(address=spec) for spec in loose_addresses(value)]
    return tuple(ours[:most])


def _date(parsed: datetime | None, value: str) -> datetime | None:
    """Return the Date field in UTC, None where it is unreadable or out of reason."""
    if parsed is None and value:
        try:
            parsed = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    if parsed is None:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    try:
        moment = parsed.astimezone(UTC)
    except OverflowError:
        return None
    return moment if _EARLIEST <= moment < _LATEST else None
