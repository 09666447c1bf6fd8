"""Turning decisions into rows: one statement a table for a whole batch.

Everything a batch changes, acknowledgements included, is one transaction. If it is not
committed, nothing happened and the messages are still in the inbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, assert_never

import structlog

from chamado.config.address import Address
from chamado.daemon.core.decide import LOOKS_LIKE_LOOP, Case, decide
from chamado.daemon.core.priority import priority_of
from chamado.daemon.core.types import (
    AppendReply,
    Channel,
    Decision,
    Impact,
    LinkDuplicate,
    OpenTicket,
    OutcomeName,
    RecordBounce,
    RecordEcho,
    Severity,
    Status,
)
from chamado.daemon.desk import Desk
from chamado.daemon.gather import Item, gather
from chamado.daemon.letters import CaseFacts, Thread, acknowledgement
from chamado.daemon.store import cases, inbox, outbox
from chamado.daemon.store.blobs import Blobs
from chamado.daemon.store.engine import Work
from chamado.notifier.addresses import UnusableAddress
from chamado.parsers.types import Attachment, Auth, Role

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """The fate of one message, as the ledger and the metrics want to know it."""

    inbox_id: int
    outcome: OutcomeName
    ticket: int | None
    ack: str | None


@dataclass(slots=True)
class _Batch:
    """What a batch has gathered so far; lives for one transaction."""

    now: datetime
    entries: list[tuple[int, cases.NewEntry]] = field(default_factory=list)
    events: list[cases.NewEvent] = field(default_factory=list)
    statuses: list[tuple[int, Status]] = field(default_factory=list)
    letters: list[outbox.NewLetter] = field(default_factory=list)
    links: list[tuple[int, int, str]] = field(default_factory=list)
    done: dict[int, inbox.DoneRow] = field(default_factory=dict)


def keep_files(item: Item, blobs: Blobs, in_row_bytes: int) -> Item:
    """Move large attachments into the blob store, before any transaction begins."""
    message = item.understood.message
    kept: list[Attachment] = []
    for file in message.attachments:
        if file.size > in_row_bytes and file.content:
            blobs.put(file.content)
            file = replace(file, content=b"")
        kept.append(file)
    message = replace(message, attachments=tuple(kept))
    return replace(item, understood=replace(item.understood, message=message))


def file_batch(work: Work, items: Sequence[Item], desk: Desk) -> list[Filed]:
    """Decide and write the fate of messages that do not depend on each other."""
    now = desk.clock()
    gathered = gather(work, items, desk, now)
    gathered = _count_within(gathered)
    policy = desk.policy
    decided = [
        (item, case, decide(case, policy, now))
        for item, case in zip(items, gathered, strict=True)
    ]
    batch = _Batch(now=now)
    numbers = _open_tickets(work, decided, desk, batch)
    for item, case, decision in decided:
        _note(work, item, case, decision, numbers.get(item.row.id), batch)
    _write(work, batch)
    _cool_down(work, decided, desk, now)
    inbox.finish(work, [batch.done[item.row.id] for item in items], now)
    return [
        Filed(
            inbox_id=row.id,
            outcome=OutcomeName(row.outcome),
            ticket=row.ticket,
            ack=row.ack,
        )
        for row in batch.done.values()
    ]


def _count_within(gathered: Sequence[Case]) -> list[Case]:
    """Let the caps see the acknowledgements that this very batch may send."""
    by_domain: dict[str, int] = {}
    counted: list[Case] = []
    for total, case in enumerate(gathered):
        sender = case.message.sender.address if case.message.sender else ""
        domain = sender.rpartition("@")[2]
        before = replace(
            case.before,
            domain_hour=case.before.domain_hour + by_domain.get(domain, 0),
            all_hour=case.before.all_hour + total,
        )
        by_domain[domain] = by_domain.get(domain, 0) + 1
        counted.append(replace(case, before=before))
    return counted


def _open_tickets(
    work: Work,
    decided: Sequence[tuple[Item, Case, Decision]],
    desk: Desk,
    batch: _Batch,
) -> dict[int, int]:
    opening = [
        (item, case, decision)
        for item, case, decision in decided
        if isinstance(decision, OpenTicket)
    ]
    people = [
        (decision.requester, case.auth is Auth.ALIGNED) for _, case, decision in opening
    ]
    ids = cases.ensure_contacts(work, people, batch.now)
    new = [
        cases.NewTicket(
            requester_id=ids[decision.requester.address],
            subject=decision.subject,
            language=decision.language,
            team=decision.team,
            address=decision.address,
            channel=Channel.EMAIL,
            severity=Severity.NORMAL,
            impact=Impact.MEDIUM,
            priority=priority_of(Severity.NORMAL, Impact.MEDIUM),
            opened_at=item.row.envelope.received_at,
            first_response_due=desk.first_response_due(item.row.envelope.received_at),
        )
        for item, _, decision in opening
    ]
    numbers = cases.open_tickets(work, new, batch.now)
    for (item, case, decision), number in zip(opening, numbers, strict=True):
        acked = decision.ack.word
        if decision.ack.suppressed is None:
            acked = _acknowledge(desk, case, decision, number, batch)
        _opened(item, case, decision, number, acked, batch)
    return {
        item.row.id: number
        for (item, _, _), number in zip(opening, numbers, strict=True)
    }


def _acknowledge(
    desk: Desk, case: Case, decision: OpenTicket, number: int, batch: _Batch
) -> str:
    message = case.message
    facts = CaseFacts(
        number=number,
        subject=decision.subject,
        language=decision.language,
        address=decision.address,
    )
    shown = [a for a in message.attachments if a.role is not Role.SIGNATURE_IMAGE]
    try:
        batch.letters.append(
            acknowledgement(
                desk,
                facts,
                decision.requester,
                Thread(message_id=message.message_id, references=message.references),
                verified=case.verified or case.auth is Auth.ALIGNED,
                files=[a.name for a in shown],
                screenshot_came=any(a.content_type.startswith("image/") for a in shown),
                now=batch.now,
            )
        )
    except UnusableAddress as error:
        log.info("ack_address_unusable", ticket=number, why=str(error))
        return "suppressed:address_unusable"
    return "queued"


def _opened(
    item: Item,
    case: Case,
    decision: OpenTicket,
    number: int,
    acked: str,
    batch: _Batch,
) -> None:
    batch.entries.append(
        (item.row.id, _entry(item, case, number, public=True, flags=decision.flags))
    )
    batch.events.append(
        cases.NewEvent(
            ticket=number,
            at=batch.now,
            kind="opened",
            who=decision.requester.address,
            facts={"inbox": item.row.id, "channel": Channel.EMAIL.value},
        )
    )
    batch.links += [(number, r.number, r.kind.value) for r in decision.related]
    _done(
        item,
        batch,
        OutcomeName.TICKET_OPENED,
        number,
        acked,
        decision.why,
        flags=decision.flags,
    )


def _note(
    work: Work,
    item: Item,
    case: Case,
    decision: Decision,
    number: int | None,
    batch: _Batch,
) -> None:
    match decision:
        case OpenTicket():
            pass
        case AppendReply():
            _append(item, case, decision, batch)
        case RecordBounce():
            _bounce(work, item, case, decision, batch)
        case LinkDuplicate():
            why = f"{decision.why} (inbox {decision.of_inbox})"
            _done(item, batch, OutcomeName.DUPLICATE, decision.ticket, None, why)
        case RecordEcho():
            _done(item, batch, OutcomeName.ECHO, decision.ticket, None, decision.why)
        case _:
            assert_never(decision)


def _append(item: Item, case: Case, decision: AppendReply, batch: _Batch) -> None:
    batch.entries.append(
        (
            item.row.id,
            _entry(
                item,
                case,
                decision.ticket,
                public=decision.public,
                flags=decision.flags,
            ),
        )
    )
    batch.events.append(
        cases.NewEvent(
            ticket=decision.ticket,
            at=batch.now,
            kind="replied",
            who=item.sender,
            facts={"inbox": item.row.id},
        )
    )
    if decision.status:
        batch.statuses.append((decision.ticket, decision.status))
        batch.events.append(
            cases.NewEvent(
                ticket=decision.ticket,
                at=batch.now,
                kind="reopened"
                if case.match.ticket and case.match.ticket.status is Status.RESOLVED
                else "status",
                who=item.sender,
                facts={"status": decision.status.value},
            )
        )
    _done(
        item,
        batch,
        OutcomeName.REPLY_APPENDED,
        decision.ticket,
        None,
        decision.why,
        flags=decision.flags,
    )


def _bounce(
    work: Work, item: Item, case: Case, decision: RecordBounce, batch: _Batch
) -> None:
    bounce = case.message.bounce
    recipients = bounce.recipients if bounce else ()
    said = "; ".join(f"{r.address}: {r.status} {r.diagnostic}" for r in recipients)
    entry = replace(
        _entry(item, case, decision.ticket, public=False, flags=()),
        kind="bounce",
        role="system",
    )
    batch.entries.append((item.row.id, entry))
    if decision.failed:
        letter = outbox.by_message_id(work, decision.letter)
        outbox.bounced(work, decision.letter, f"bounced: {said}")
        if letter and letter["kind"] == "reply":
            cases.forget_first_response(work, decision.ticket, letter["created_at"])
    batch.events.append(
        cases.NewEvent(
            ticket=decision.ticket,
            at=batch.now,
            kind="bounced" if decision.failed else "delayed",
            who="",
            facts={"letter": decision.letter, "said": said[:500]},
        )
    )
    _done(item, batch, OutcomeName.BOUNCE_RECORDED, decision.ticket, None, decision.why)


def _entry(
    item: Item, case: Case, number: int, *, public: bool, flags: tuple[str, ...]
) -> cases.NewEntry:
    message = case.message
    return cases.NewEntry(
        ticket=number,
        kind="inbound",
        at=item.row.envelope.received_at,
        public=public,
        author=message.sender or Address(address=""),
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


def _done(
    item: Item,
    batch: _Batch,
    outcome: OutcomeName,
    ticket: int | None,
    ack: str | None,
    why: str,
    *,
    flags: tuple[str, ...] = (),
) -> None:
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


def _write(work: Work, batch: _Batch) -> None:
    ids = cases.add_entries(work, [entry for _, entry in batch.entries], batch.now)
    for (inbox_id, _), entry_id in zip(batch.entries, ids, strict=True):
        batch.done[inbox_id] = replace(batch.done[inbox_id], entry_id=entry_id)
    cases.add_events(work, batch.events)
    cases.set_status(work, batch.statuses)
    cases.relate(work, batch.links, batch.now)
    outbox.put(work, batch.letters, batch.now)
    cases.index_letters(
        work, [(letter.message_id, letter.ticket or 0) for letter in batch.letters]
    )


def _cool_down(
    work: Work,
    decided: Sequence[tuple[Item, Case, Decision]],
    desk: Desk,
    now: datetime,
) -> None:
    loops = [
        item.sender
        for item, case, decision in decided
        if isinstance(decision, OpenTicket | AppendReply)
        and LOOKS_LIKE_LOOP in decision.flags
        and not case.cooling_down
    ]
    if loops:
        until = now + timedelta(seconds=desk.settings.ack.cool_down)
        cases.quiet(work, loops, until)
        log.warning("loop_breaker", senders=len(loops), until=until.isoformat())
