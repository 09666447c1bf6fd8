"""What threading and deciding want to know, one query a kind for a whole batch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Integer, bindparam, func, literal_column, select

from chamado.daemon.core.answers import SentBefore
from chamado.daemon.core.types import Relation, Status, TicketFacts
from chamado.daemon.store.engine import Work
from chamado.daemon.store.lives import reopenings
from chamado.daemon.store.schema import (
    Instant,
    contact,
    entry,
    inbox,
    message_index,
    outbox,
    participant,
    relation,
    ticket,
)

#: Nobody needs to count further than this to see that a cap is reached.
COUNT_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Somebody who wrote before."""

    id: int
    address: str
    name: str
    verified: bool
    language: str | None
    quiet_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A Message-ID that was sent or received on a case."""

    ticket: int
    sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An earlier message of a sender."""

    received_at: datetime
    body_hash: str | None


def contacts(work: Work, addresses: Iterable[str]) -> dict[str, Contact]:
    """Find contacts by address."""
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    rows = work.execute(_CONTACTS, {"wanted": wanted})
    return {row.address: Contact(**row._mapping) for row in rows}


def duplicates(work: Work, digests: Iterable[str]) -> dict[str, tuple[int, int | None]]:
    """Find, by content digest, the first message that was filed: inbox id and case."""
    wanted = sorted(set(digests))
    if not wanted:
        return {}
    rows = work.execute(_DUPLICATES, {"wanted": wanted})
    return {digest: (id_, number) for digest, id_, number in rows}


def messages(work: Work, message_ids: Iterable[str]) -> dict[str, Seen]:
    """Find cases by Message-ID; the first case a Message-ID was seen on counts."""
    wanted = sorted(set(message_ids))
    if not wanted:
        return {}
    rows = work.execute(_MESSAGES, {"wanted": wanted})
    return {
        message_id: Seen(ticket=number, sent=origin == "sent")
        for message_id, number, origin in rows
    }


def tickets(
    work: Work, numbers: Iterable[int], now: datetime
) -> dict[int, TicketFacts]:
    """Find cases by number, with their participants and what they were merged into."""
    found: dict[int, TicketFacts] = {}
    wanted = set(numbers)
    while wanted:
        rows = work.execute(
            select(
                ticket.c.number,
                ticket.c.status,
                ticket.c.team,
                ticket.c.address,
                ticket.c.resolved_at,
                ticket.c.merged_into,
                ticket.c.assignee,
                ticket.c.specialty,
            )
            .where(ticket.c.number.in_(sorted(wanted)))
            # Held, always lowest first: what is decided must still hold when written.
            .order_by(ticket.c.number)
            .with_for_update()
        ).all()
        known = [row.number for row in rows]
        people, parts = _participants(work, known), _split_from(work, known)
        resolved = [r.number for r in rows if r.status == Status.RESOLVED.value]
        reopened = reopenings(work, resolved, now) if resolved else {}
        for row in rows:
            found[row.number] = TicketFacts(
                number=row.number,
                status=Status(row.status),
                team=row.team,
                participants=frozenset(people[row.number]),
                address=row.address,
                resolved_at=row.resolved_at,
                merged_into=row.merged_into,
                assignee=row.assignee,
                specialty=row.specialty,
                reopened=reopened.get(row.number, 0),
                split_from=parts.get(row.number),
            )
        wanted = {row.merged_into for row in rows if row.merged_into} - found.keys()
    return found


def _split_from(work: Work, numbers: Sequence[int]) -> dict[int, int]:
    """Of which case each of these was once a part; most were none."""
    if not numbers:
        return {}
    rows = work.execute(
        select(relation.c.ticket, relation.c.other).where(
            relation.c.ticket.in_(numbers),
            relation.c.kind == Relation.SPLIT_FROM.value,
        )
    )
    return {int(number): int(other) for number, other in rows}


def _participants(work: Work, numbers: Sequence[int]) -> dict[int, set[str]]:
    people: dict[int, set[str]] = defaultdict(set)
    if numbers:
        rows = work.execute(
            select(participant.c.ticket, contact.c.address)
            .join(contact, contact.c.id == participant.c.contact_id)
            # Who has no address is nobody, and no two of them are one person.
            .where(participant.c.ticket.in_(numbers), contact.c.address != "")
        )
        for number, address in rows:
            people[number].add(address)
    return people


def arrivals(
    work: Work, senders: Iterable[str], since: datetime, most: int
) -> dict[str, list[Arrival]]:
    """The newest messages of each sender since then, at most `most` each."""
    wanted = sorted(set(senders))
    if not wanted:
        return {}
    rows = work.execute(_ARRIVALS, {"wanted": wanted, "since": since, "most": most})
    found: dict[str, list[Arrival]] = defaultdict(list)
    for address, received_at, body_hash in rows:
        found[address].append(Arrival(received_at=received_at, body_hash=body_hash))
    return found


def newest_tickets(work: Work, contact_ids: Iterable[int]) -> dict[int, int]:
    """The newest case of each contact."""
    rows = work.execute(
        select(ticket.c.requester_id, func.max(ticket.c.number))
        .where(
            ticket.c.requester_id.in_(sorted(set(contact_ids))),
            ticket.c.merged_into.is_(None),
        )
        .group_by(ticket.c.requester_id)
    )
    return {int(id_): int(number) for id_, number in rows}


def last_agent_words(work: Work, contact_ids: Iterable[int]) -> dict[int, datetime]:
    """When an agent last did something on a case of each contact."""
    rows = work.execute(
        select(ticket.c.requester_id, func.max(entry.c.at))
        .join(entry, entry.c.ticket == ticket.c.number)
        .where(
            ticket.c.requester_id.in_(sorted(set(contact_ids))),
            entry.c.author_role == "agent",
        )
        .group_by(ticket.c.requester_id)
    )
    return {int(id_): at for id_, at in rows if at}


def acknowledged(
    work: Work, addresses: Iterable[str], now: datetime, pause: timedelta, most: int
) -> dict[str, SentBefore]:
    """Count the acknowledgements that the caps are about, for each address.

    `most` is the cap on all of them: nobody needs to count further.
    """
    wanted = sorted(set(addresses))
    if not wanted:
        return {}
    hour, day = now - timedelta(hours=1), now - timedelta(days=1)
    since = now - max(pause, timedelta(days=1))
    by_address = {
        address: (int(sent), newest)
        for address, sent, newest in work.execute(
            _ACKS_BY_ADDRESS, {"wanted": wanted, "since": since}
        )
    }
    of = {address: address.rpartition("@")[2].lower() for address in wanted}
    by_domain = {
        domain: int(sent)
        for domain, sent in work.execute(
            _ACKS_BY_DOMAIN, {"wanted": sorted(set(of.values())), "since": hour}
        )
    }
    limit = min(most, COUNT_LIMIT)
    everywhere = int(work.execute(_ACKS, {"since": hour, "most": limit}).scalar_one())
    found: dict[str, SentBefore] = {}
    for address in wanted:
        sent, newest = by_address.get(address, (0, None))
        found[address] = SentBefore(
            recently=newest is not None and newest > now - pause,
            address_day=sent if newest and newest > day else 0,
            domain_hour=by_domain.get(of[address], 0),
            all_hour=everywhere,
        )
    return found


# Statements that every batch needs are made once: making one and working out its key
# in SQLAlchemy's cache takes as long as running it.
_WANTED: BindParameter[Any] = bindparam("wanted", expanding=True)
_SINCE = bindparam("since", type_=Instant)
_MOST = bindparam("most", type_=Integer)

_CONTACTS = select(
    contact.c.id,
    contact.c.address,
    contact.c.name,
    contact.c.verified,
    contact.c.language,
    contact.c.quiet_until,
).where(contact.c.address.in_(_WANTED))

_DUPLICATES = (
    select(inbox.c.content_digest, inbox.c.id, inbox.c.ticket)
    .where(
        inbox.c.content_digest.in_(_WANTED),
        inbox.c.state == "done",
        inbox.c.outcome != "dropped",
    )
    .order_by(inbox.c.id.desc())
)

_MESSAGES = (
    select(message_index.c.message_id, message_index.c.ticket, message_index.c.origin)
    .where(message_index.c.message_id.in_(_WANTED))
    .order_by(message_index.c.id.desc())
)

_RANKED = (
    select(
        inbox.c.from_address,
        inbox.c.received_at,
        inbox.c.body_hash,
        func.row_number()
        .over(partition_by=inbox.c.from_address, order_by=inbox.c.received_at.desc())
        .label("rank"),
    )
    .where(inbox.c.from_address.in_(_WANTED), inbox.c.received_at > _SINCE)
    .subquery()
)
_ARRIVALS = select(
    _RANKED.c.from_address, _RANKED.c.received_at, _RANKED.c.body_hash
).where(_RANKED.c.rank <= _MOST)

# Word by word the condition of the indexes, or SQLite does not use them.
_ACK = outbox.c.kind == literal_column("'ack'")
_ACKS_BY_ADDRESS = (
    select(outbox.c.rcpt_to, func.count(), func.max(outbox.c.created_at))
    .where(outbox.c.rcpt_to.in_(_WANTED), _ACK, outbox.c.created_at > _SINCE)
    .group_by(outbox.c.rcpt_to)
)
_ACKS_BY_DOMAIN = (
    select(outbox.c.rcpt_domain, func.count())
    .where(outbox.c.rcpt_domain.in_(_WANTED), _ACK, outbox.c.created_at > _SINCE)
    .group_by(outbox.c.rcpt_domain)
)
_ACKS = select(func.count()).select_from(
    select(outbox.c.id)
    .where(_ACK, outbox.c.created_at > _SINCE)
    .limit(_MOST)
    .subquery()
)
