"""Bytes of a message to a ParsedMessage; the only door, and it never raises.

Addresses and dates that are not plain are read by mail-parser too, from a small header
block made of just those fields: on whole messages it loses nameless files, merges
attached messages into the outer one and takes many times longer. The sender's identity
is never taken from it alone. Parts are our own bounded pass over the bytes.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

import mailparser

from chamado.parsers.attachments import make, read_files, references, safe_name
from chamado.parsers.body import Body, lay_out, read_body
from chamado.parsers.bounce import read_bounce, report_type_of
from chamado.parsers.charset import codec_of
from chamado.parsers.defaults import LIMITS
from chamado.parsers.fields import Block, read_block
from chamado.parsers.forward import read_forwarded
from chamado.parsers.hops import read_traces
from chamado.parsers.ids import read_ids, read_message_id
from chamado.parsers.language import read_language
from chamado.parsers.mime import Part, leaves, read_tree
from chamado.parsers.opened import open_files, readable
from chamado.parsers.params import read_params
from chamado.parsers.people import Reading, read_people
from chamado.parsers.pictures import with_thumbnails
from chamado.parsers.reply import split_reply
from chamado.parsers.sanitise import clean_line
from chamado.parsers.signed import hidden, read_seal
from chamado.parsers.types import Attachment, Header, ParsedMessage, ParseLimits, Role
from chamado.parsers.words import header_line, header_text

# It logs pieces of headers, and whatever a stranger writes stays out of our log.
logging.getLogger("mailparser").propagate = False
logging.getLogger("mailparser").addHandler(logging.NullHandler())

WHOLE, TEXT_ONLY, HEADERS_ONLY = 0, 1, 2
TOO_LONG = "unsplit: the text is too long to tell its new words from the history"

_MOST_DEFECTS = 20


def parse(
    raw: bytes, limits: ParseLimits = LIMITS, *, rung: int = WHOLE
) -> ParsedMessage:
    """Read a message. Never raises, whatever the bytes.

    What goes wrong on one rung is noted in `defects` and the next one is tried: the
    whole message, its text without HTML and quote splitting, its headers, and at last
    an empty message. `rung` is where to begin, because it went wrong before it.
    """
    ladder: tuple[Callable[[bytes, ParseLimits], ParsedMessage], ...] = (
        _whole,
        _text_only,
        _headers_only,
    )
    rung = max(0, rung)
    defects = [f"{_name(step)}: not tried again" for step in ladder[:rung]]
    for step in ladder[rung:]:
        try:
            message = step(raw, limits)
        except Exception as error:  # noqa: BLE001 - no mail may stop the parser
            defects.append(f"{_name(step)}: {type(error).__name__}")
        else:
            if not defects:
                return message
            return replace(message, defects=(*defects, *message.defects))
    return ParsedMessage(defects=tuple(defects))


def _name(step: Callable[[bytes, ParseLimits], ParsedMessage]) -> str:
    return step.__name__.strip("_")


def _whole(raw: bytes, limits: ParseLimits) -> ParsedMessage:
    return _shown(_with_body(raw, limits, plain_only=False), limits)


def _shown(message: ParsedMessage, limits: ParseLimits) -> ParsedMessage:
    """Add what a message shows of other messages."""
    if message.bounce is not None or message.report_type:
        return message
    files = message.attachments
    return replace(
        message,
        traces=read_traces(message.text, files, limits),
        forwarded=read_forwarded(message, files, lambda raw: _text_only(raw, limits)),
    )


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
    seal = read_seal(tree.root, raw)
    sealed: list[Attachment] = []
    if seal.inner:
        sealed, _ = read_files([tree.root], raw, frozenset(), 1)
        raw = _with_newlines(seal.inner)
        tree = read_tree(raw, read_block(raw, 0, limits), limits)
    layout = lay_out(tree.root)
    body = read_body(layout, raw, limits, plain_only)
    shown = references(body.source) if layout.files else frozenset()
    files, file_defects = read_files(layout.files, raw, shown, limits.attachments)
    files += [*_files_in_text(body), *sealed]
    if not plain_only:
        files, more = open_files(files, body, limits)
        files = list(with_thumbnails(files))
        file_defects += more
    if tree.rest is not None:
        rest = raw[tree.rest[0] : tree.rest[1]]
        files.append(make("message.eml", "message/rfc822", rest, role=Role.ATTACHMENT))
    parts = leaves(tree.root)
    split = split_reply(body, plain_only=plain_only, limits=limits)
    defects = (
        *head.defects,
        *tree.defects,
        *body.defects,
        *file_defects,
        *seal.notes,
        *((TOO_LONG,) if split.too_long else ()),
    )
    # What we say ourselves where nothing can be read is in nobody's language.
    instead = "" if body.text.strip() else readable(files) or hidden(seal)
    return replace(
        head,
        text=instead or body.text,
        html=body.html,
        reply=instead or split.reply,
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
    people = read_people(block, hint, limits, _by_mail_parser)
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
                value=header_line(field.value, hint),
            )
            for field in block.fields
        ),
        content_type=kind.value or "text/plain",
        report_type=clean_line(report, 60),
    )


def _by_mail_parser(values: dict[str, str]) -> Reading:
    """Let mail-parser read address and date fields, and nothing else."""
    block = "".join(f"{name}: {value}\n" for name, value in values.items() if value)
    try:
        parser = mailparser.parse_from_string(block + "\n")
        defects = [
            f"{defect['header']}: {defect['reason']}"
            for found in (parser.address_header_defects, parser.date_header_defects)
            for defect in found[:_MOST_DEFECTS]
        ]
        date = parser.date
        lists = {
            "from": list(parser.from_ or []),
            "reply-to": list(parser.reply_to or []),
            "to": list(parser.to or []),
            "cc": list(parser.cc or []),
        }
    except Exception as error:  # noqa: BLE001 - our own scan takes over
        return Reading({}, None, [f"mail-parser: {type(error).__name__}"])
    return Reading(lists, date if isinstance(date, datetime) else None, defects)
