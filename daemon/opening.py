"""Opening cases: the requesters, the tickets, and the one acknowledgement of each."""

from collections.abc import Sequence

import structlog

from chamado.daemon import copied, passed_on, shown
from chamado.daemon.batch import Batch, inbound, settle, tell
from chamado.daemon.core.decide import Case
from chamado.daemon.core.types import Channel, Decision, OpenTicket, OutcomeName
from chamado.daemon.desk import Desk
from chamado.daemon.item import Item
from chamado.daemon.letters import CaseFacts, Thread, acknowledgement
from chamado.daemon.received import received
from chamado.daemon.store import cases
from chamado.daemon.store.engine import Work
from chamado.notifier.addresses import UnusableAddress
from chamado.parsers.types import Auth

log = structlog.get_logger()


def open_tickets(
    work: Work,
    decided: Sequence[tuple[Item, Case, Decision]],
    desk: Desk,
    batch: Batch,
) -> None:
    """Open the cases of a batch, each with its words, its acknowledgement and its
    first events."""
    opening = [
        (item, case, decision)
        for item, case, decision in decided
        if isinstance(decision, OpenTicket)
    ]
    people = [
        (decision.requester, _vouched_for(case, decision))
        for _, case, decision in opening
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
            severity=case.triage.severity,
            impact=case.triage.impact,
            priority=case.triage.priority,
            opened_at=item.row.envelope.received_at,
            tags=case.triage.tags,
            assignee=case.triage.assignee,
        )
        for item, case, decision in opening
    ]
    numbers = cases.open_tickets(work, new, batch.now, desk.promises)
    for (item, case, decision), number in zip(opening, numbers, strict=True):
        acked = decision.ack.word
        if decision.ack.suppressed is None:
            acked = _acknowledge(desk, item, case, decision, number, batch)
        _opened(item, case, decision, number, acked, batch)
        inside = {decision.requester.address}
        batch.events += copied.events(case, number, inside, desk, batch.now)


def _vouched_for(case: Case, decision: OpenTicket) -> bool:
    """Whether the border vouches for the requester, not for somebody who sent it on."""
    return case.auth is Auth.ALIGNED and decision.forwarded is None


def _acknowledge(
    desk: Desk,
    item: Item,
    case: Case,
    decision: OpenTicket,
    number: int,
    batch: Batch,
) -> str:
    message, came = case.message, received(item)
    facts = CaseFacts(
        number=number,
        subject=decision.subject,
        language=decision.language,
        address=decision.address,
    )
    try:
        batch.letters.append(
            acknowledgement(
                desk,
                facts,
                decision.requester,
                Thread(message_id=message.message_id, references=message.references)
                if decision.forwarded is None
                else Thread(message_id=None, references=()),
                verified=case.verified or _vouched_for(case, decision),
                files=came.whole,
                flawed=came.flawed,
                unread=came.unread,
                screenshot_came=came.screenshot_came,
                due_at=desk.first_response_due(
                    case.envelope.received_at,
                    team=decision.team,
                    priority=case.triage.priority,
                ),
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
    batch: Batch,
) -> None:
    entry = inbound(item, case, number, public=True, flags=decision.flags)
    if decision.forwarded:
        entry = passed_on.entry(item, case, decision, decision.forwarded, number)
    batch.entries.append((item.row.id, entry))
    batch.events.append(
        cases.NewEvent(
            ticket=number,
            at=batch.now,
            kind="opened",
            who=decision.requester.address,
            facts={
                "inbox": item.row.id,
                "channel": Channel.EMAIL.value,
                "triage": list(case.triage.reasons),
            },
        )
    )
    if decision.forwarded_by:
        agent = decision.forwarded_by
        batch.notes.append(passed_on.note(item, case, agent, number))
        batch.events.append(passed_on.event(agent, number, batch.now))
    batch.events += shown.events(case, number, item.row.id, batch.now)
    tell(batch, item, number, "opened", decision.flags)
    batch.links += [(number, r.number, r.kind.value) for r in decision.related]
    settle(
        item,
        batch,
        OutcomeName.TICKET_OPENED,
        number,
        acked,
        decision.why,
        flags=decision.flags,
        triage=case.triage,
    )
