"""Reading cases for people: a page of them, or one with everything that was said.

One query a kind for a whole page, never one a case. What comes out are rows in plain
dictionaries; `casefile` gives them the shape that the outside knows.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, Text, and_, cast, exists, or_, select, tuple_

from chamado.config.spelling import UnusableAddress, domain_key, identity
from chamado.daemon.core.types import Relation, Status
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import (
    attachment,
    blob,
    contact,
    entry,
    event,
    outbox,
    participant,
    relation,
    ticket,
)

Row = dict[str, Any]

#: Cases nobody has to work on any more.
OVER = (Status.RESOLVED.value, Status.CLOSED.value)
#: And the others, named one by one: a database finds what is in a list by its index,
#: and what is not in one only by looking at everything.
AT_WORK = tuple(status.value for status in Status if status.value not in OVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which cases to list; what is empty does not filter.

    Without `statuses` the cases that are over are left out. `search` is taken
    literally. `after` is the number of the case that the page before ended with.
    """

    statuses: Sequence[str] = ()
    everything: bool = False
    priority: str | None = None
    assignee: str | None = None
    team: str | None = None
    requester: str | None = None
    search: str | None = None
    after: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A case as an agent's action finds it, held for the length of the transaction."""

    number: int
    subject: str
    status: Status
    severity: str
    impact: str
    priority: str
    priority_by_hand: bool
    assignee: str | None
    team: str
    language: str
    address: str
    opened_at: datetime
    resolution: str | None
    merged_into: int | None
    specialty: str | None
    tags: list[str]
    channel: str
    requester_id: int
    first_response_at: datetime | None
    waiting_since: datetime | None


def tickets(work: Work, filters: Filters, limit: int) -> list[Row]:
    """Return cases in working order: priority, then time of opening."""
    query = _narrowed(_heads(), filters)
    if filters.after is not None:
        place = (ticket.c.priority, ticket.c.opened_at, ticket.c.number)
        last = work.execute(
            select(*place).where(ticket.c.number == filters.after)
        ).one_or_none()
        if last is not None:
            types = [column.type for column in place]
            query = query.where(tuple_(*place) > tuple_(*last, types=types))
    order = (ticket.c.priority, ticket.c.opened_at, ticket.c.number)
    return _rows(work, query.order_by(*order).limit(limit))


def heads(work: Work, numbers: Iterable[int]) -> list[Row]:
    """Return cases by number."""
    return _rows(work, _heads().where(ticket.c.number.in_(sorted(set(numbers)))))


def hold(work: Work, number: int) -> Standing | None:
    """Return a case and keep others from changing it until the transaction ends."""
    columns = [ticket.c[name] for name in Standing.__slots__]
    row = work.execute(
        select(*columns).where(ticket.c.number == number).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    return Standing(**{**row._mapping, "status": Status(row.status)})


def hold_all(work: Work, numbers: Iterable[int]) -> frozenset[int]:
    """Keep others from changing these cases until the transaction ends; return which of
    them there are. Always the lowest first: two who hold many never wait in a ring.
    """
    wanted = select(ticket.c.number).where(ticket.c.number.in_(sorted(set(numbers))))
    held = work.execute(wanted.order_by(ticket.c.number).with_for_update())
    return frozenset(held.scalars())


def participants(work: Work, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return who takes part in each case, in the order in which they joined."""
    found: dict[int, list[Row]] = defaultdict(list)
    rows = work.execute(
        select(participant.c.ticket, contact.c.name, contact.c.address)
        .join(contact, contact.c.id == participant.c.contact_id)
        .where(participant.c.ticket.in_(numbers))
        .order_by(participant.c.created_at, contact.c.id)
    )
    for row in rows:
        found[row.ticket].append({"name": row.name, "address": row.address})
    return found


def relations(work: Work, numbers: Sequence[int]) -> dict[int, list[Row]]:
    """Return the links of each case; only "possibly related" is true both ways."""
    found: dict[int, list[Row]] = defaultdict(list)
    both = Relation.POSSIBLY_RELATED.value
    rows = work.execute(
        select(relation.c.ticket, relation.c.other, relation.c.kind)
        .where(
            or_(
                relation.c.ticket.in_(numbers),
                and_(relation.c.other.in_(numbers), relation.c.kind == both),
            )
        )
        .order_by(relation.c.created_at, relation.c.ticket, relation.c.other)
    )
    wanted = set(numbers)
    for number, other, kind in rows:
        if number in wanted:
            found[number].append({"number": other, "kind": kind})
        if kind == both and other in wanted:
            found[other].append({"number": number, "kind": kind})
    return found


def entries(work: Work, number: int) -> list[Row]:
    """Return everything said on a case, oldest first, with its files."""
    rows = work.execute(
        select(entry).where(entry.c.ticket == number).order_by(entry.c.at, entry.c.id)
    )
    found = [dict(row) for row in rows.mappings()]
    files: dict[int, list[Row]] = defaultdict(list)
    for row in work.execute(
        select(attachment)
        .where(attachment.c.entry_id.in_([e["id"] for e in found]))
        .order_by(attachment.c.id)
    ).mappings():
        files[row["entry_id"]].append(dict(row))
    for one in found:
        one["attachments"] = files[one["id"]]
    return found


def letters(work: Work, number: int, kinds: Sequence[str]) -> list[Row]:
    """Return the letters of these kinds on a case that no entry stands for."""
    rows = work.execute(
        select(
            outbox.c.id,
            outbox.c.kind,
            outbox.c.rcpt_to,
            outbox.c.message_id,
            outbox.c.content,
            outbox.c.state,
            outbox.c.created_at,
        )
        .where(
            outbox.c.ticket == number,
            outbox.c.entry_id.is_(None),
            outbox.c.kind.in_(kinds),
        )
        .order_by(outbox.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def undelivered(work: Work, number: int) -> frozenset[int]:
    """Return the entries of a case of which a letter has failed."""
    rows = work.execute(
        select(outbox.c.entry_id).where(
            outbox.c.ticket == number,
            outbox.c.entry_id.is_not(None),
            outbox.c.state == "failed",
        )
    )
    return frozenset(rows.scalars())


def events(work: Work, number: int, kinds: Sequence[str]) -> list[Row]:
    """Return the history of a case, of these kinds only."""
    rows = work.execute(
        select(event.c.id, event.c.at, event.c.kind, event.c.who, event.c.facts)
        .where(event.c.ticket == number, event.c.kind.in_(kinds))
        .order_by(event.c.id)
    )
    return [dict(row) for row in rows.mappings()]


def message_ids(work: Work, number: int) -> list[tuple[datetime, str, str | None]]:
    """Return the Message-IDs of a case as (time, id, recipient), oldest first.

    The recipient is None for what customers wrote; what is for agents' eyes only is
    left out, since its very id would tell of it.
    """
    received = work.execute(
        select(entry.c.at, entry.c.message_id).where(
            entry.c.ticket == number,
            entry.c.kind == "inbound",
            entry.c.public,
            entry.c.message_id.is_not(None),
        )
    )
    sent = work.execute(
        select(outbox.c.created_at, outbox.c.message_id, outbox.c.rcpt_to).where(
            outbox.c.ticket == number
        )
    )
    ids = [(at, str(id_), None) for at, id_ in received]
    return sorted(
        [*ids, *((at, str(id_), str(to)) for at, id_, to in sent)],
        key=lambda one: (one[0], one[1]),
    )


def file(work: Work, id_: int) -> Row | None:
    """Return one attachment; `content` is None where the blob store has it."""
    row = work.execute(
        select(
            attachment.c.id,
            attachment.c.name,
            attachment.c.content_type,
            attachment.c.size,
            attachment.c.sha256,
            entry.c.ticket,
            blob.c.content,
        )
        .join(blob, blob.c.sha256 == attachment.c.sha256)
        .join(entry, entry.c.id == attachment.c.entry_id)
        .where(attachment.c.id == id_)
    ).one_or_none()
    return dict(row._mapping) if row else None


def _heads() -> Select[Any]:
    columns = [c for c in ticket.c if c.name != "requester_id"]
    return select(
        *columns,
        contact.c.name.label("requester_name"),
        contact.c.address.label("requester_address"),
        contact.c.verified.label("requester_verified"),
    ).join(contact, contact.c.id == ticket.c.requester_id)


def _rows(work: Work, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in work.execute(query).mappings()]


def _narrowed(query: Select[Any], filters: Filters) -> Select[Any]:
    if filters.statuses:
        query = query.where(ticket.c.status.in_(filters.statuses))
    elif not filters.everything:
        query = query.where(ticket.c.status.in_(AT_WORK))
    for column, value in (
        (ticket.c.priority, filters.priority),
        (ticket.c.assignee, filters.assignee),
        (ticket.c.team, filters.team),
        (contact.c.address, filters.requester),
    ):
        if value is not None:
            query = query.where(column == value)
    if filters.tag is not None:
        query = query.where(_tagged(filters.tag))
    return query.where(_says(filters.search)) if filters.search else query


def _tagged(tag: str) -> Any:
    """Look for the tag as JSON writes it, in the text of the list: both can do that."""
    return cast(ticket.c.tags, Text).contains(json.dumps(tag), autoescape=True)


def _says(words: str) -> Any:
    """Match the words as they stand: % and _ mean themselves."""
    said = exists().where(
        entry.c.ticket == ticket.c.number,
        entry.c.text.icontains(words, autoescape=True),
    )
    shown = exists().where(
        entry.c.ticket == ticket.c.number,
        attachment.c.entry_id == entry.c.id,
        attachment.c.words.icontains(words, autoescape=True),
    )
    return or_(
        ticket.c.subject.icontains(words, autoescape=True),
        contact.c.name.icontains(words, autoescape=True),
        contact.c.address.icontains(_as_kept(words), autoescape=True),
        said,
        shown,
    )


def _as_kept(words: str) -> str:
    """A foreign domain as addresses are kept, where the words are one or end in one."""
    if words.isascii():
        return words
    try:
        return identity(words) or domain_key(words)
    except UnusableAddress:
        return words
