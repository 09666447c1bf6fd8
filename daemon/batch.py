"""What a batch has gathered so far, and the one place where it is written.

Deciding is a message's own affair; writing is the batch's: one statement a table, in an
order in which every row finds what it points to.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chamado.config.address import Address
from chamado.daemon.core.arrival import Triage
from chamado.daemon.core.decide import LOOKS_LIKE_LOOP, Case, sender_of
from chamado.daemon.core.types import OutcomeName, Status
from chamado.daemon.desk import Desk
from chamado.daemon.item import Item
from chamado.daemon.store import cases, deadlines, inbox, notices, outbox
from chamado.daemon.store.engine import Work
from chamado.parsers.types import ParsedMessage


@dataclass(slots=True)
class Batch:
    """What a batch has gathered so far; lives for one transaction."""

    now: datetime
    entries: list[tuple[int, cases.NewEntry]] = field(default_factory=list)
    notes: list[cases.NewEntry] = field(default_factory=list)
    events: list[cases.NewEvent] = field(default_factory=list)
    statuses: list[tuple[int, Status]] = field(default_factory=list)
    spoken: list[tuple[int, datetime]] = field(default_factory=list)
    letters: list[outbox.NewLetter] = field(default_factory=list)
    links: list[tuple[int, int, str]] = field(default_factory=list)
    news: list[tuple[int, notices.NewNotice]] = field(default_factory=list)
    done: dict[int, inbox.DoneRow] = field(default_factory=dict)


def inbound(
    item: Item, case: Case, number: int, *, public: bool, flags: tuple[str, ...]
) -> cases.NewEntry:
    """Return a message as an entry of a case."""
    message = case.message
    return cases.NewEntry(
        ticket=number,
        kind="inbound",
        at=item.row.envelope.received_at,
        public=public,
        author=_author(message),
        role="customer",
        subject=message.subject,
        text=message.text,
        reply=message.reply,
        signature=message.signature,
        quoted=message.quoted,
        html=message.html,
        message_id=message.message_id,
        auth=case.auth.value,
        flags=flags,
        inbox_id=item.row.id,
        content_digest=item.row.content_digest,
        attachments=message.attachments,
    )


def _author(message: ParsedMessage) -> Address:
    """Whoever wrote: by the key, or in the mail's own words where there is none."""
    if message.sender is None:
        return Address(address="")
    address = sender_of(message) or message.sender.address
    return replace(message.sender, address=address)


def settle(
    item: Item,
    batch: Batch,
    outcome: OutcomeName,
    ticket: int | None,
    ack: str | None,
    why: str,
    *,
    flags: tuple[str, ...] = (),
    triage: Triage | None = None,
) -> None:
    """Note what became of a message, with the reasons that `why` tells."""
    message, kind = item.understood.message, item.understood.classification
    reasons: dict[str, Any] = {
        "decision": why,
        "hits": [{"rule": h.rule, "why": h.why} for h in kind.hits],
        "no_ack": kind.no_ack,
        "no_reopen": kind.no_reopen,
        "defects": list(message.defects[:50]),
        "flags": list(flags),
        "rung": item.rung,
    }
    if triage:
        reasons["triage"] = list(triage.reasons)
    batch.done[item.row.id] = inbox.DoneRow(
        id=item.row.id,
        outcome=outcome.value,
        message_id=message.message_id,
        from_address=item.sender or None,
        subject=message.subject,
        kind=kind.kind.value,
        auth=item.understood.auth.value,
        body_hash=item.body_hash,
        ticket=ticket,
        entry_id=None,
        ack=ack,
        why=reasons,
    )


def tell(
    batch: Batch, item: Item, ticket: int, kind: str, flags: tuple[str, ...]
) -> None:
    """Let agents hear of it; what a loop brings is an alarm, not news."""
    if LOOKS_LIKE_LOOP in flags:
        return
    new = notices.NewNotice(ticket=ticket, kind=kind, by=item.sender)
    batch.news.append((item.row.id, new))


def write(work: Work, desk: Desk, batch: Batch) -> None:
    """Write all of it but the fates of the messages, which come last."""
    ids = cases.add_entries(work, [entry for _, entry in batch.entries], batch.now)
    for (inbox_id, _), entry_id in zip(batch.entries, ids, strict=True):
        batch.done[inbox_id] = replace(batch.done[inbox_id], entry_id=entry_id)
    cases.add_entries(work, batch.notes, batch.now)
    if desk.settings.agents.notify and desk.settings.agent:
        entry_ids = {id_: row.entry_id for id_, row in batch.done.items()}
        told = [replace(n, entry_id=entry_ids[id_]) for id_, n in batch.news]
        notices.put(work, told, batch.now)
    cases.add_events(work, batch.events)
    cases.set_status(work, batch.statuses)
    deadlines.customers_spoke(work, batch.spoken, desk.promises)
    cases.relate(work, batch.links, batch.now)
    outbox.put(work, batch.letters, batch.now)
    cases.index_letters(
        work, [(letter.message_id, letter.ticket or 0) for letter in batch.letters]
    )
