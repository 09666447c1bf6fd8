"""The way of a message that a customer shows, its header pasted or attached: a table.

People send the full header of a mail to ask why it was late or lost. What it says was
copied by hand and can be made up, so it becomes something to look at and nothing else:
it threads nothing and proves nobody. Every value is cut before it is looked into, and
each line is looked at once. Never raises.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from chamado.parsers.charset import undeclared
from chamado.parsers.fields import read_block
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import (
    Attachment,
    Hop,
    ParseLimits,
    Role,
    Trace,
    Verdict,
)
from chamado.parsers.words import header_line

#: Nobody's mail passes more servers; a loop does, and its first fifty show it.
MOST_HOPS = 50
MOST_TRACES = 3
_MOST_VERDICTS = 20
_LOOKED_AT = 262_144
_LONGEST_VALUE = 4_096
_LONGEST_WORD = 120
_LONGEST_LINE = 998
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

Fields = list[tuple[str, str]]

_NAME = re.compile(r"[ \t>*|]{0,8}([A-Za-z][A-Za-z0-9-]{1,60})\*{0,2}[ \t]{0,4}:")
#: Servers write these, nobody types them.
_TRACES = frozenset({"received", "authentication-results"})
#: Fields of the head of a mail; others are believed with a hyphen in their name.
_KNOWN = _TRACES | {
    *("date", "from", "to", "cc", "bcc", "subject", "sender", "references"),
    *("comments", "keywords", "organization", "precedence", "importance", "priority"),
}
#: Everybody copies these with a mail that is answered; they prove no pasted header.
_COMMON = frozenset({"date", "from", "to", "cc", "subject"})
_FEWEST = 3
#: A word, where it stands between the comments of a Received line.
_CLAUSES = {"from": "source", "by": "by", "with": "protocol"}
_NEXT = frozenset({"from", "by", "with", "via", "id", "for"})
_ADDRESS = re.compile(r"[\[(](?:IPv6:)?([0-9a-fA-F.:]{3,45})[\])]")
_METHOD = re.compile(
    r"\b(spf|dkim|dmarc|arc|iprev|compauth|auth)\s{0,3}=\s{0,3}([a-z]{1,20})", re.I
)
_FILES = (".txt", ".eml", ".log", ".hdr", ".headers")


def read_traces(
    text: str, files: Sequence[Attachment], limits: ParseLimits
) -> tuple[Trace, ...]:
    """Return what headers a message shows: those in its text, then those of files."""
    shown = [_trace(fields, "") for fields in pasted(text)]
    for file in files[:MOST_HOPS]:
        shown += _in_file(file, limits)
    return tuple(one for one in shown if one)[:MOST_TRACES]


def _in_file(file: Attachment, limits: ParseLimits) -> list[Trace | None]:
    nested = file.role is Role.NESTED_MESSAGE
    if nested or file.name.lower().endswith(".eml"):
        content = file.content.lstrip(b"\r\n")[: limits.header_block_bytes]
        block = read_block(content, 0, limits)
        fields = [
            (one.name.lower(), header_line(one.value[:_LONGEST_VALUE]))
            for one in block.fields
        ]
        return [_trace(fields, file.name)]
    if file.content_type.startswith("text/") or file.name.lower().endswith(_FILES):
        text = undeclared(file.content[:_LOOKED_AT]).replace("\r\n", "\n")
        return [_trace(fields, file.name) for fields in pasted(text)]
    return []


def pasted(text: str) -> Iterator[Fields]:
    """Yield the headers of mails that were copied into a text.

    A header begins with a field and ends at an empty line that no field follows. Lines
    that lost the blanks in front of them still continue their field.
    """
    if "eceived:" not in text and "esults:" not in text:
        return
    head: Fields = []
    gap = False
    for line in text[:_LOOKED_AT].split("\n"):
        line = line[:_LONGEST_LINE]
        bare = line.strip(" \t>|")
        name = _field_name(line)
        if name:
            head.append((name, line.partition(":")[2].strip(" \t*")))
            gap = False
        elif not bare:
            gap = True
        elif head and not gap:
            last, value = head[-1]
            if len(value) < _LONGEST_VALUE:
                head[-1] = (last, f"{value} {bare}")
        elif head:
            if _counts(head):
                yield head
            head = []
    if _counts(head):
        yield head


def _field_name(line: str) -> str:
    found = _NAME.match(line)
    if not found:
        return ""
    name = found[1].lower()
    return name if name in _KNOWN or "-" in name else ""


def _counts(fields: Fields) -> bool:
    """Tell a header from prose: servers wrote in it, and it has fields enough."""
    names = {"x-" if name.startswith("x-") else name for name, _ in fields}
    return bool(names & _TRACES) and len(names - _COMMON) >= _FEWEST - 1


def _trace(fields: Fields, found_in: str) -> Trace | None:
    lines = [value for name, value in fields if name == "received"]
    verdicts = tuple(_verdicts(fields))[:_MOST_VERDICTS]
    if not lines and not verdicts:
        return None
    first: dict[str, str] = {}
    for name, value in fields:
        first.setdefault(
            name,
            clean_line(header_line(value.encode("utf-8", "replace")), _LONGEST_WORD),
        )
    return Trace(
        found_in=found_in,
        hops=_in_time([read_hop(line) for line in lines[:MOST_HOPS]]),
        left_out=max(0, len(lines) - MOST_HOPS),
        verdicts=verdicts,
        message_id=first.get("message-id", "").strip("<> "),
        sender=first.get("from", ""),
        subject=first.get("subject", ""),
    )


def _in_time(hops: Sequence[Hop]) -> tuple[Hop, ...]:
    """Turn the order of the lines, newest on top, into that of time, with delays."""
    rows: list[Hop] = []
    before: datetime | None = None
    for hop in reversed(hops):
        delay = None
        if hop.at and before:
            delay = int((hop.at - before) / timedelta(seconds=1))
        rows.append(replace(hop, delay=delay))
        before = hop.at
    return tuple(rows)


def read_hop(value: str) -> Hop:
    """Read one Received line; what it does not say is empty."""
    value = value[:_LONGEST_VALUE]
    said, _, moment = value.rpartition(";")
    if not said:
        said, moment = value, ""
    found: dict[str, str] = {}
    clause = ""
    for word in _words(said):
        if word.lower() in _NEXT:
            clause = _CLAUSES.get(word.lower(), "")
            if clause in found:
                clause = ""
        elif clause:
            # Exchange names its protocol in many words; a server has one name.
            known = found.get(clause)
            if known is None:
                found[clause] = word
            elif clause == "protocol":
                found[clause] = f"{known} {word}"
    source = found.get("source", "")
    peer = _ADDRESS.search(said.partition(" by ")[0]) if source else None
    if peer and peer[1] not in source:
        source = f"{source} [{peer[1]}]"
    return Hop(
        by=clean_line(found.get("by", ""), _LONGEST_WORD),
        source=clean_line(source, _LONGEST_WORD),
        protocol=clean_line(found.get("protocol", ""), _LONGEST_WORD),
        at=read_moment(moment),
    )


def _words(said: str) -> Iterable[str]:
    return _without_comments(said).split()


def _without_comments(text: str) -> str:
    """Leave out what stands in parentheses, nested ones too."""
    kept: list[str] = []
    depth = 0
    for piece in re.split(r"([()])", text):
        if piece == "(":
            depth += 1
            kept.append(" ")
        elif piece == ")":
            depth = max(0, depth - 1)
        elif not depth:
            kept.append(piece)
    return "".join(kept)


def read_moment(text: str) -> datetime | None:
    """Read a date as mail writes it (RFC 5322 §3.3) in UTC; None when it is none.

    A date without a zone is unknown: a guess would make a delay of hours.
    """
    text = _without_comments(text[:200]).strip()
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=UTC) if text.endswith("-0000") else None
        moment = moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return moment if _EARLIEST <= moment < _LATEST else None


def _verdicts(fields: Fields) -> Iterator[Verdict]:
    for name, value in fields:
        value = value[:_LONGEST_VALUE]
        if name == "received-spf":
            word = value.split(maxsplit=1)[:1] or [""]
            yield Verdict(by="", method="spf", result=clean_line(word[0].lower(), 20))
        elif name in ("authentication-results", "arc-authentication-results"):
            by = value.partition(";")[0]
            if "=" in by.partition(" ")[0] or name.startswith("arc"):
                by = ""
            for found in _METHOD.finditer(_without_comments(value)):
                yield Verdict(
                    by=clean_line(by, _LONGEST_WORD),
                    method=found[1].lower(),
                    result=found[2].lower(),
                )
