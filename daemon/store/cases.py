"""Writing cases: many rows a statement, for a batch as for one.

Callers pass what happened as frozen values; the same functions serve mail, the command
line and the clock, so there is one way a case can change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from chamado.config.address import Address
from chamado.daemon.core.promises import Promises
from chamado.daemon.core.types import Channel, Impact, Priority, Severity, Status
from chamado.daemon.store import deadlines, ids, lookups
from chamado.daemon.store.engine import Work
from chamado.daemon.store.ignoring import insert_ignoring
from chamado.daemon.store.schema import (
    attachment,
    blob,
    contact,
    entry,
    event,
    message_index,
    participant,
    relation,
    ticket,
)
from chamado.parsers.attachments import make, redrawn_name
from chamado.parsers.types import Attachment, Role

#: Pictures that every mail program shows.
SHOWN_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A case about to be opened."""

    requester_id: int
    subject: str
    language: str
    team: str
    address: str
    channel: Channel
    severity: Severity
    impact: Impact
    priority: Priority
    opened_at: datetime
    tags: tuple[str, ...] = ()
    assignee: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """Something that was said or happened on a case."""

    ticket: int
    kind: str
    at: datetime
    public: bool
    author: Address
    role: str
    subject: str = ""
    text: str = ""
    reply: str = ""
    signature: str = ""
    quoted: str = ""
    html: str | None = None
    message_id: str | None = None
    auth: str = "none"
    flags: tuple[str, ...] = ()
    inbox_id: int | None = None
    content_digest: str | None = None
    attachments: tuple[Attachment, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A line of a case's history."""

    ticket: int
    at: datetime
    kind: str
    who: str
    facts: dict[str, Any] = field(default_factory=dict)


def ensure_contacts(
    work: Work, people: Iterable[tuple[Address, bool]], now: datetime
) -> dict[str, int]:
    """Return contact ids by address, adding who is new.

    The flag says that the border vouched for the address: only then is the name in
    the mail taken over and the contact marked as verified.
    """
    wanted: dict[str, tuple[Address, bool]] = {}
    for person, verified in people:
        earlier = wanted.get(person.address)
        if earlier is None or (verified and not earlier[1]):
            wanted[person.address] = (person, verified)
    if not wanted:
        return {}
    found = lookups.contacts(work, wanted)
    known = {address: person.id for address, person in found.items()}
    for address, before in found.items():
        person, verified = wanted[address]
        if verified and (
            not before.verified or (person.name and person.name != before.name)
        ):
            work.execute(
                update(contact)
                .where(contact.c.id == before.id)
                .values(verified=True, name=person.name or before.name)
            )
    new = [address for address in wanted if address not in known]
    if new:
        known |= _add_contacts(work, [wanted[address] for address in new], now)
    return known


def _add_contacts(
    work: Work, people: Sequence[tuple[Address, bool]], now: datetime
) -> dict[str, int]:
    statement = insert_ignoring(work, contact, "address")
    added = work.execute(
        statement.returning(contact.c.address, contact.c.id),
        [
            {
                "address": person.address,
                "name": person.name,
                "verified": verified,
                "created_at": now,
            }
            for person, verified in people
        ],
    )
    known = {address: int(id_) for address, id_ in added}
    # Somebody else may have added one at the same moment.
    missing = [p.address for p, _ in people if p.address not in known]
    others = lookups.contacts(work, missing)
    return known | {address: other.id for address, other in others.items()}


def open_tickets(
    work: Work, new: Sequence[NewTicket], now: datetime, promises: Promises
) -> list[int]:
    """Open cases with requester and deadlines; return their numbers in order."""
    if not new:
        return []
    numbers = ids.take(work, ticket.c.number, len(new))
    work.execute(
        _TICKETS,
        [
            {"number": number, **_ticket_values(t, promises)}
            for number, t in zip(numbers, new, strict=True)
        ],
    )
    work.execute(
        _PARTICIPANTS,
        [
            {"ticket": number, "contact_id": t.requester_id, "created_at": now}
            for number, t in zip(numbers, new, strict=True)
        ],
    )
    begun = [
        deadlines.Begun(ticket=number, at=t.opened_at, team=t.team, priority=t.priority)
        for number, t in zip(numbers, new, strict=True)
    ]
    deadlines.begin(work, begun, promises)
    return numbers


def relate(work: Work, links: Iterable[tuple[int, int, str]], now: datetime) -> None:
    """Link cases (ticket, other, kind); a link that is there already stays."""
    rows = [
        {"ticket": number, "other": other, "kind": kind, "created_at": now}
        for number, other, kind in links
        if number != other
    ]
    if rows:
        work.execute(insert_ignoring(work, relation, "ticket", "other", "kind"), rows)


def add_entries(work: Work, new: Sequence[NewEntry], now: datetime) -> list[int]:
    """Add entries with their attachments; return their ids in order."""
    if not new:
        return []
    taken = ids.take(work, entry.c.id, len(new))
    work.execute(
        _ENTRIES,
        [{"id": id_, **_entry_values(e)} for id_, e in zip(taken, new, strict=True)],
    )
    files = [(id_, a) for id_, e in zip(taken, new, strict=True) for a in e.attachments]
    if files:
        _keep_files(work, files, now)
    received = [
        {
            "message_id": e.message_id[:998],
            "ticket": e.ticket,
            "origin": "received",
            "entry_id": id_,
        }
        for id_, e in zip(taken, new, strict=True)
        if e.message_id and e.inbox_id
    ]
    if received:
        work.execute(_RECEIVED, received)
    return taken


def index_letters(work: Work, letters: Iterable[tuple[str, int]]) -> None:
    """Remember the Message-IDs of letters of ours and the case they speak of."""
    rows = [
        {"message_id": message_id, "ticket": number, "origin": "sent"}
        for message_id, number in letters
    ]
    if rows:
        work.execute(_SENT, rows)


def add_events(work: Work, new: Sequence[NewEvent]) -> None:
    """Write history."""
    if new:
        work.execute(
            _EVENTS,
            [
                {
                    "ticket": e.ticket,
                    "at": e.at,
                    "kind": e.kind,
                    "who": e.who,
                    "facts": e.facts,
                }
                for e in new
            ],
        )


def set_status(work: Work, changes: Sequence[tuple[int, Status]]) -> None:
    """Move cases: what wakes is no longer resolved, nobody waits on what moves, and
    what is simply open is with no specialist."""
    for number, status in changes:
        values: dict[str, Any] = {"status": status.value, **_NOT_WAITING}
        if status not in (Status.RESOLVED, Status.CLOSED):
            values |= {"resolved_at": None, "resolution": None, "closed_at": None}
        if status is Status.OPEN:
            values["specialty"] = None
        work.execute(update(ticket).where(ticket.c.number == number).values(**values))


_NOT_WAITING = {"waiting_since": None, "reminded": 0, "reminded_at": None}


def await_customer(work: Work, number: int, now: datetime) -> None:
    """From now on the customer owes an answer; reminders count from here."""
    values = {**_NOT_WAITING, "waiting_since": now}
    change(work, number, status=Status.WAITING.value, **values)


def change(work: Work, number: int, **values: Any) -> None:
    """Change columns of one case."""
    work.execute(update(ticket).where(ticket.c.number == number).values(**values))


def name_entry(work: Work, entry_id: int, message_id: str) -> None:
    """Note under which Message-ID an entry left: that of its first letter."""
    work.execute(
        update(entry).where(entry.c.id == entry_id).values(message_id=message_id)
    )


def name_contact(work: Work, contact_id: int, name: str) -> None:
    """Note the name of somebody whose name nobody has told so far."""
    work.execute(
        update(contact)
        .where(contact.c.id == contact_id, contact.c.name == "")
        .values(name=name)
    )


def pictures(work: Work, entry_ids: Sequence[int]) -> list[Attachment]:
    """The screenshots and pictures of these entries, small ones with their bytes.

    Where a thumbnail was made, that is the picture: it shows what is there to see and
    neither where it was taken nor by whom.
    """
    small = blob.alias("small")
    rows = work.execute(
        select(attachment, blob.c.content, small.c.content.label("small"))
        .join(blob, blob.c.sha256 == attachment.c.sha256)
        .outerjoin(small, small.c.sha256 == attachment.c.thumbnail)
        .where(
            attachment.c.entry_id.in_(list(entry_ids)),
            attachment.c.content_type.in_(SHOWN_TYPES),
            attachment.c.role != Role.SIGNATURE_IMAGE.value,
        )
        .order_by(attachment.c.id)
    )
    return [_picture(row) for row in rows]


def _picture(row: Row[Any]) -> Attachment:
    if row.small:
        return make(redrawn_name(row.name, row.small), "", row.small)
    return Attachment(
        name=row.name,
        content_type=row.content_type,
        size=row.size,
        sha256=row.sha256,
        role=Role(row.role),
        content=row.content or b"",
    )


def tie_entry(work: Work, entry_id: int, inbox_id: int, digest: str) -> None:
    """Note which message an entry was made of that an action has written."""
    work.execute(
        update(entry)
        .where(entry.c.id == entry_id)
        .values(inbox_id=inbox_id, content_digest=digest)
    )


def quiet(work: Work, addresses: Sequence[str], until: datetime) -> None:
    """Send nothing automatic to these addresses until then."""
    if addresses:
        work.execute(
            update(contact)
            .where(contact.c.address.in_(list(addresses)))
            .values(quiet_until=until)
        )


def add_participants(
    work: Work, pairs: Iterable[tuple[int, int]], now: datetime
) -> None:
    """Let contacts take part in cases (ticket, contact id)."""
    rows = [
        {"ticket": number, "contact_id": contact_id, "created_at": now}
        for number, contact_id in pairs
    ]
    if rows:
        work.execute(insert_ignoring(work, participant, "ticket", "contact_id"), rows)


def _keep_files(
    work: Work, files: Sequence[tuple[int, Attachment]], now: datetime
) -> None:
    blobs = {
        a.sha256: {
            "sha256": a.sha256,
            "size": a.size,
            "content": a.content or None,
            "created_at": now,
        }
        for _, a in files
    }
    for _, a in files:
        if a.thumbnail:
            blobs[a.thumbnail.sha256] = {
                "sha256": a.thumbnail.sha256,
                "size": a.thumbnail.size,
                "content": a.thumbnail.content,
                "created_at": now,
            }
    work.execute(insert_ignoring(work, blob, "sha256"), list(blobs.values()))
    work.execute(
        insert(attachment),
        [
            {
                "entry_id": entry_id,
                "name": a.name,
                "content_type": a.content_type,
                "size": a.size,
                "sha256": a.sha256,
                "role": a.role.value,
                "content_id": a.content_id,
                "width": a.width,
                "height": a.height,
                "thumbnail": a.thumbnail.sha256 if a.thumbnail else None,
                "words": a.words or None,
            }
            for entry_id, a in files
        ],
    )


def _ticket_values(new: NewTicket, promises: Promises) -> dict[str, Any]:
    return {
        "subject": new.subject,
        "status": Status.NEW.value,
        "priority": new.priority.value,
        "severity": new.severity.value,
        "impact": new.impact.value,
        "priority_by_hand": False,
        "channel": new.channel.value,
        "language": new.language,
        "team": new.team,
        "address": new.address,
        "requester_id": new.requester_id,
        "tags": list(new.tags),
        "assignee": new.assignee,
        "opened_at": new.opened_at,
        "first_response_due": promises.first_response_due(
            new.opened_at, new.team, new.priority
        ),
    }


def _entry_values(new: NewEntry) -> dict[str, Any]:
    return {
        "ticket": new.ticket,
        "kind": new.kind,
        "at": new.at,
        "public": new.public,
        "author_name": new.author.name,
        "author_address": new.author.address,
        "author_role": new.role,
        "subject": new.subject,
        "text": new.text,
        "reply": new.reply,
        "signature": new.signature,
        "quoted": new.quoted,
        "html": new.html,
        "message_id": new.message_id,
        "auth": new.auth,
        "flags": list(new.flags),
        "inbox_id": new.inbox_id,
        "content_digest": new.content_digest,
    }


# Made once: see `lookups`.
_TICKETS, _ENTRIES, _EVENTS = insert(ticket), insert(entry), insert(event)
_PARTICIPANTS = insert(participant)
_RECEIVED, _SENT = insert(message_index), insert(message_index)
