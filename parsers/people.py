"""Who wrote to whom and when: the address and date fields, read twice.

Once by our own strict scan, once by a second reader that the caller brings. Where the
two see different senders there is no identity. The second reader is asked only about
values that are not so plain that there is one way to read them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from chamado.config.address import Address
from chamado.parsers.addresses import (
    addr_spec,
    bare_mailbox,
    display_name,
    loose_addresses,
    read_addresses,
)
from chamado.parsers.charset import undeclared
from chamado.parsers.fields import Block
from chamado.parsers.sanitise import clean_line
from chamado.parsers.types import ParseLimits

_FIELDS = ("from", "reply-to", "to", "cc")
_DATE_CHARS = 200
# One or more of `Name <a@b.c>` or `a@b.c` without quotes, comments, groups or escapes.
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]{1,64}"
_SPEC = rf"{_ATOM}(?:\.{_ATOM}){{0,9}}@[\w-]{{1,63}}(?:\.[\w-]{{1,63}}){{0,9}}"
# Atomic, and the blank before a mailbox is its own: were it also the comma's, a list of
# thirty with an odd one at its end could be read in 2^30 ways, and would be.
_MAILBOX = rf"(?>[^\"\\<>@,;:()\[\]]{{0,200}}<{_SPEC}>| ?{_SPEC})"
_PLAIN_LIST = re.compile(rf"(?:{_MAILBOX}(?:,{_MAILBOX}){{0,99}})?", re.ASCII)
_PLAIN_ITEM = re.compile(r"([^<>,]*)<([^<>,]+)>|([^\s<>,]+@[^\s<>,]+)")
_PLAIN_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?\d{1,2} [A-Z][a-z]{2} (?:19|20)\d{2} \d{2}:\d{2}:\d{2}"
    r" [+-]\d{4}(?: \([A-Z]{1,5}\))?",
    re.ASCII,
)
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader sees: (name, address) by field, the date, and what is wrong."""

    lists: dict[str, list[tuple[str, str]]]
    date: datetime | None = None
    defects: list[str] = field(default_factory=list)


Reader = Callable[[dict[str, str]], Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The mailboxes by field name, the sender, how many senders, and the date."""

    lists: dict[str, tuple[Address, ...]]
    sender: Address | None
    from_count: int
    date: datetime | None
    defects: tuple[str, ...]


def _plain(value: str, most: int) -> list[Address] | None:
    """Read a value that can be read in one way only; None for any other."""
    if not _PLAIN_LIST.fullmatch(value):
        return None
    found = []
    for item in _PLAIN_ITEM.finditer(value):
        spec = addr_spec(item[2] or item[3])
        if spec is None:
            return None
        name = display_name(item[1], spec) if item[1] else ""
        found.append(Address(name=name, address=spec))
    return found[:most]


def read_people(
    block: Block, hint: str | None, limits: ParseLimits, second: Reader
) -> People:
    """Read the people of a header block; `hint` is the codec of raw 8-bit values."""
    values = {
        name: clean_line(
            ", ".join(undeclared(value, hint) for value in block.all(name)),
            limits.address_header_bytes,
        )
        for name in _FIELDS
    }
    date = clean_line(undeclared(block.first("date") or b""), _DATE_CHARS)
    plain = {name: _plain(values[name], limits.addresses) for name in _FIELDS}
    odd = {name: values[name] for name, found in plain.items() if found is None}
    if date and not _PLAIN_DATE.fullmatch(date):
        odd["date"] = date
    other = second(odd) if odd else Reading({})
    lists = {
        name: tuple(
            found
            if (found := plain[name]) is not None
            else _merged(values[name], other.lists.get(name, []), limits.addresses)
        )
        for name in _FIELDS[1:]
    }
    senders, count, defects = plain["from"], 0, list(other.defects)
    defects += _cut(values, limits)
    if senders is None:
        senders, count = _odd_senders(values["from"], other, limits, defects)
    else:
        count = len(senders)
    return People(
        lists=lists,
        sender=senders[0] if senders else None,
        from_count=count,
        date=_moment(other.date, date),
        defects=tuple(defects),
    )


def _cut(values: dict[str, str], limits: ParseLimits) -> list[str]:
    """Say which fields were longer than what was read of them."""
    return [
        f"limit: {name} cut at {limits.addresses} addresses"
        for name, value in values.items()
        if len(value) >= limits.address_header_bytes
        or value.count("@") > limits.addresses
    ]


def _odd_senders(
    value: str, other: Reading, limits: ParseLimits, defects: list[str]
) -> tuple[list[Address], int]:
    """Read a From that is not plain; two readings that differ identify nobody."""
    ours = read_addresses(value, limits.addresses)
    theirs = [addr_spec(address) for _, address in other.lists.get("from", [])]
    if len(ours) == 1 and [one.address for one in ours] != theirs:
        defects.append("from: two readings")
        return ours, 0
    return (ours, len(ours)) if ours else (_recovered(value), 0)


def _recovered(value: str) -> list[Address]:
    """Show who a broken From may mean; it identifies nobody."""
    found = [Address(address=one) for one in loose_addresses(value)]
    bare = None if found else bare_mailbox(value)
    if bare:
        name = display_name(value.split("<", 1)[0], bare)
        found = [Address(name=name, address=bare)]
    return found


def _merged(value: str, theirs: list[tuple[str, str]], most: int) -> list[Address]:
    """Return the mailboxes of an odd list: both readings agree, or the fuller one."""
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
    return ours[:most]


def _moment(parsed: datetime | None, value: str) -> datetime | None:
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
