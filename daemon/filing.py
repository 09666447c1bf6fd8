"""Turning decisions into rows: one statement a table for a whole batch.

Everything a batch changes, acknowledgements included, is one transaction. If it is not
committed, nothing happened and the messages are still in the inbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

import structlog

from chamado.daemon import (
    agents,
    ballots,
    copied,
    logos,
    opening,
    recalled,
    shown,
    woken,
)
from chamado.daemon.batch import Batch, inbound, settle, tell, write
from chamado.daemon.core.decide import LOOKS_LIKE_LOOP, Case, decide
from chamado.daemon.core.types import (
    AgentAction,
    AgentCopy,
    AppendReply,
    Decision,
    LinkDuplicate,
    OpenTicket,
    OutcomeName,
    RecordBounce,
    RecordEcho,
    RecordVote,
    SendBack,
    Status,
    Suppress,
)
from chamado.daemon.desk import Desk
from chamado.daemon.gather import gather
from chamado.daemon.item import Item
from chamado.daemon.store import cases, deadlines, inbox, outbox, surveys
from chamado.daemon.store.blobs import Blobs
from chamado.daemon.store.engine import Work
from chamado.notifier.reasons import worded
from chamado.parsers.types import Attachment, Understood

log = structlog.get_logger()


#: What an answer to an agent's notice may become; an answer that comes a second time
#: by another way was judged the first time.
_AS_AN_AGENT = (AgentAction, SendBack, LinkDuplicate, RecordEcho)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """The fate of one message, as the ledger and the metrics want to know it."""

    inbox_id: int
    outcome: OutcomeName
    ticket: int | None
    ack: str | None
    bad_tokens: int = 0


def keep_files(understood: Understood, blobs: Blobs, in_row_bytes: int) -> Understood:
    """Move large attachments into the blob store, before any transaction begins."""
    message = understood.message
    kept: list[Attachment] = []
    for file in message.attachments:
        if file.size > in_row_bytes and file.content:
            blobs.put(file.content)
            file = replace(file, content=b"")
        kept.append(file)
    message = replace(message, attachments=tuple(kept))
    return replace(understood, message=message)


def file_batch(work: Work, items: Sequence[Item], desk: Desk) -> list[Filed]:
    """Decide and write the fate of messages that do not depend on each other."""
    now = desk.clock()
    items = logos.told_apart(work, items)
    gathered = gather(work, items, desk, now)
    gathered = _count_within(gathered)
    policy = desk.policy
    decided = [
        (item, case, decide(case, policy, now))
        for item, case in zip(items, gathered, strict=True)
    ]
    votes = [(item, d) for item, _, d in decided if isinstance(d, RecordVote)]
    decided = [(item, case, _besides(decision)) for item, case, decision in decided]
    batch = Batch(now=now)
    opening.open_tickets(work, decided, desk, batch)
    for item, case, decision in decided:
        _note(work, desk, item, case, decision, batch)
    for item, vote in votes:
        _vote(work, desk, item, vote, batch)
    write(work, desk, batch)
    _cool_down(work, decided, desk, now)
    inbox.finish(work, [batch.done[item.row.id] for item in items], now)
    forged = {item.row.id: case.match.bad_tokens for item, case, _ in decided}
    if any(forged.values()):
        log.warning("bad_reply_tokens", inbox=[id_ for id_, n in forged.items() if n])
    for item, case, decision in decided:
        if case.match.noticed and not isinstance(decision, _AS_AN_AGENT):
            log.warning("agent_refused", inbox=item.row.id, sender=item.sender)
    return [
        Filed(
            inbox_id=row.id,
            outcome=OutcomeName(row.outcome),
            ticket=row.ticket,
            ack=row.ack,
            bad_tokens=forged[row.id],
        )
        for row in batch.done.values()
    ]


def _count_within(gathered: Sequence[Case]) -> list[Case]:
    """Let the caps see the acknowledgements that this very batch may send."""
    by_domain: dict[str, int] = {}
    counted: list[Case] = []
    for total, case in enumerate(gathered):
        domain = case.writer.rpartition("@")[2]
        before = replace(
            case.before,
            domain_hour=case.before.domain_hour + by_domain.get(domain, 0),
            all_hour=case.before.all_hour + total,
        )
        by_domain[domain] = by_domain.get(domain, 0) + 1
        counted.append(replace(case, before=before))
    return counted


def _note(
    work: Work,
    desk: Desk,
    item: Item,
    case: Case,
    decision: Decision,
    batch: Batch,
) -> None:
    match decision:
        case OpenTicket():
            pass
        case AppendReply():
            _append(work, item, case, decision, batch)
            inside = case.match.ticket.participants if case.match.ticket else ()
            ticket = decision.ticket
            batch.events += copied.events(case, ticket, inside, desk, batch.now)
        case RecordBounce():
            _bounce(work, desk, item, case, decision, batch)
        case LinkDuplicate():
            why = f"{decision.why} (inbox {decision.of_inbox})"
            settle(item, batch, OutcomeName.DUPLICATE, decision.ticket, None, why)
        case RecordEcho():
            settle(item, batch, OutcomeName.ECHO, decision.ticket, None, decision.why)
        case Suppress():
            name, why = OutcomeName.SUPPRESSED, decision.why
            settle(item, batch, name, None, None, why, triage=case.triage)
        case AgentAction():
            _obey(work, desk, item, case, decision, batch)
        case SendBack():
            message_id = case.message.message_id
            wrong = agents.send_back(work, desk, decision, message_id)
            why = f"{decision.why}; not done: {worded(wrong)}"
            settle(item, batch, OutcomeName.AGENT_ACTION, decision.ticket, None, why)
        case AgentCopy():
            _copy(work, desk, item, case, decision, batch)
        case RecordVote():
            name, why = OutcomeName.SURVEY_VOTE, decision.why
            settle(item, batch, name, decision.ticket, None, why)
        case _:
            assert_never(decision)


def _besides(decision: Decision) -> Decision:
    """What is to be filed: of a vote that says more, its words like any others."""
    if isinstance(decision, RecordVote) and decision.words:
        return decision.words
    return decision


def _vote(
    work: Work, desk: Desk, item: Item, decision: RecordVote, batch: Batch
) -> None:
    """Count a vote, whatever else the message became; the ledger calls it a vote."""
    ballots.count(work, desk, decision)
    done = batch.done[item.row.id]
    batch.done[item.row.id] = replace(
        done,
        outcome=OutcomeName.SURVEY_VOTE.value,
        why={**done.why, "decision": decision.why},
    )


def _obey(
    work: Work,
    desk: Desk,
    item: Item,
    case: Case,
    decision: AgentAction,
    batch: Batch,
) -> None:
    message = case.message
    # Of a mail that was not read whole the raw message is with its files: it holds the
    # commands, and the notice with all that is internal.
    files = [a for a in message.attachments if a.sha256 != item.row.sha256]
    obeyed = agents.obey(work, desk, decision, files, message.message_id)
    if obeyed.entry_id:
        cases.tie_entry(work, obeyed.entry_id, item.row.id, item.row.content_digest)
    what = ", ".join(obeyed.done)
    if obeyed.wrong:
        what = f"not done: {worded(obeyed.wrong)}"
    why = f"{decision.why}; {what}"
    settle(
        item,
        batch,
        OutcomeName.AGENT_ACTION,
        decision.ticket,
        None,
        why,
        flags=decision.flags,
    )
    done = batch.done[item.row.id]
    batch.done[item.row.id] = replace(done, entry_id=obeyed.entry_id)


def _copy(
    work: Work,
    desk: Desk,
    item: Item,
    case: Case,
    decision: AgentCopy,
    batch: Batch,
) -> None:
    entry = replace(
        inbound(item, case, decision.ticket, public=True, flags=("sent_by_agent",)),
        kind="reply",
        role="agent",
        author=decision.agent,
    )
    batch.entries.append((item.row.id, entry))
    at = item.row.envelope.received_at
    deadlines.agent_answered(work, decision.ticket, at, desk.promises)
    if case.match.ticket and case.match.ticket.status is Status.NEW:
        batch.statuses.append((decision.ticket, Status.OPEN))
    batch.events.append(
        cases.NewEvent(
            ticket=decision.ticket,
            at=batch.now,
            kind="answered",
            who=decision.agent.address,
            facts={"inbox": item.row.id, "by": "own mail program"},
        )
    )
    settle(item, batch, OutcomeName.AGENT_ACTION, decision.ticket, None, decision.why)


def _append(
    work: Work, item: Item, case: Case, decision: AppendReply, batch: Batch
) -> None:
    batch.entries.append(
        (
            item.row.id,
            recalled.without_ours(
                work,
                inbound(
                    item,
                    case,
                    decision.ticket,
                    public=decision.public,
                    flags=decision.flags,
                ),
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
    batch.events += shown.events(case, decision.ticket, item.row.id, batch.now)
    tell(batch, item, decision.ticket, "replied", decision.flags)
    heard = decision.public and not case.classification.no_reopen
    if heard and LOOKS_LIKE_LOOP not in decision.flags:
        batch.spoken.append((decision.ticket, item.row.envelope.received_at))
    batch.events += woken.history(work, case, decision, batch.now, batch.events)
    if decision.status:
        batch.statuses.append((decision.ticket, decision.status))
    settle(
        item,
        batch,
        OutcomeName.REPLY_APPENDED,
        decision.ticket,
        None,
        decision.why,
        flags=decision.flags,
    )


def _bounce(
    work: Work,
    desk: Desk,
    item: Item,
    case: Case,
    decision: RecordBounce,
    batch: Batch,
) -> None:
    bounce = case.message.bounce
    recipients = bounce.recipients if bounce else ()
    said = "; ".join(f"{r.address}: {r.status} {r.diagnostic}" for r in recipients)
    entry = replace(
        inbound(item, case, decision.ticket, public=False, flags=()),
        kind="bounce",
        role="system",
    )
    batch.entries.append((item.row.id, entry))
    if decision.failed:
        letter = outbox.by_message_id(work, decision.letter)
        outbox.bounced(work, decision.letter, f"bounced: {said}", batch.now)
        surveys.came_back(work, decision.letter)
        if letter and letter["entry_id"]:
            sent_at = letter["created_at"]
            deadlines.forget_answer(work, decision.ticket, sent_at, desk.promises)
        if letter and letter["kind"] in woken.QUESTIONS:
            woken.undelivered(work, decision.ticket, batch.now, desk.promises)
    if decision.failed:
        tell(batch, item, decision.ticket, "bounced", ())
    batch.events.append(
        cases.NewEvent(
            ticket=decision.ticket,
            at=batch.now,
            kind="bounced" if decision.failed else "delayed",
            who="",
            facts={"letter": decision.letter, "said": said[:500]},
        )
    )
    settle(
        item, batch, OutcomeName.BOUNCE_RECORDED, decision.ticket, None, decision.why
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
