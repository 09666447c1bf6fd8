"""Opening a case that came by phone or chat, or that an agent opens."""

from dataclasses import dataclass, replace
from datetime import datetime

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.spelling import UnusableAddress, canonical
from chamado.daemon import correspondence, letters
from chamado.daemon.actions.holding import remember
from chamado.daemon.core.priority import priority_of
from chamado.daemon.core.types import Channel, Impact, Severity
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import cases, lookups
from chamado.daemon.store.engine import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case that somebody brings by phone or chat, or that an agent opens.

    `to` is the support address it belongs to, empty for the first one. Without a
    severity or an impact it has those of that address; no rule judges what a person
    took down.
    """

    requester: Address
    subject: str
    text: str
    channel: Channel
    received_at: datetime
    severity: Severity | None = None
    impact: Impact | None = None
    to: str = ""
    acknowledge: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A case that was opened; `ack` in the words of `ingest`."""

    number: int
    entry_id: int
    ack: str


def open_case(
    work: Work, desk: Desk, new: NewCase, files: Files, *, who: str, now: datetime
) -> Opened:
    """Open a case and acknowledge it by mail; `who` opened it, for the history."""
    if new.received_at > now:
        raise BadData(f"{new.received_at.isoformat()} lies in the future")
    if new.to and not derive.known_recipient(desk.settings)(new.to):
        ours = ", ".join(a.address for a in desk.settings.address)
        raise BadData(f"{new.to} is no support address of ours; there are: {ours}")
    address = new.requester.address
    try:
        # Who phoned need not have one.
        address = canonical(address) if address else ""
    except UnusableAddress as error:
        raise BadData(str(error)) from None
    new = replace(new, requester=replace(new.requester, address=address))
    known = lookups.contacts(work, [address]).get(address)
    support = desk.support((new.to,))
    severity = new.severity or Severity(support.severity)
    impact = new.impact or Impact(support.impact)
    language = desk.letter_language(known.language if known else None)
    ids = cases.ensure_contacts(work, [(new.requester, False)], now)
    if address and new.requester.name:
        cases.name_contact(work, ids[address], new.requester.name)
    priority = priority_of(severity, impact, desk.arrival.matrix)
    due_at = desk.first_response_due(
        new.received_at, team=support.team, priority=priority
    )
    (number,) = cases.open_tickets(
        work,
        [
            cases.NewTicket(
                requester_id=ids[address],
                subject=new.subject,
                language=language,
                team=support.team,
                address=support.address,
                channel=new.channel,
                severity=severity,
                impact=impact,
                priority=priority,
                opened_at=new.received_at,
            )
        ],
        now,
        desk.promises,
    )
    (entry_id,) = cases.add_entries(work, [_told(number, new, files)], now)
    facts = {"channel": new.channel.value}
    remember(work, number, "opened", who or address, now, facts)
    case = letters.CaseFacts(
        number=number, subject=new.subject, language=language, address=support.address
    )
    ack = _acknowledge(work, desk, case, new, files, due_at, now)
    return Opened(number=number, entry_id=entry_id, ack=ack)


def _told(number: int, new: NewCase, files: Files) -> cases.NewEntry:
    return cases.NewEntry(
        ticket=number,
        kind="inbound",
        at=new.received_at,
        public=True,
        author=new.requester,
        role="customer",
        subject=new.subject,
        text=new.text,
        reply=new.text,
        attachments=files.kept,
    )


def _acknowledge(
    work: Work,
    desk: Desk,
    case: letters.CaseFacts,
    new: NewCase,
    files: Files,
    due_at: datetime,
    now: datetime,
) -> str:
    """Queue the acknowledgement; an agent vouches for the address, so no more is
    asked than that it is not our own."""
    if not new.acknowledge:
        return "suppressed:asked_not_to"
    if not desk.settings.ack.enabled:
        return "suppressed:disabled"
    if new.requester.address in desk.policy.own:
        return "suppressed:own_address"
    try:
        letter = letters.acknowledgement(
            desk,
            case,
            new.requester,
            letters.Thread(),
            verified=True,
            files=[file.name for file in files.kept],
            screenshot_came=any(
                file.content_type.startswith("image/") for file in files.kept
            ),
            due_at=due_at,
            now=now,
        )
    except UnusableAddress:
        return "suppressed:address_unusable"
    correspondence.queue(work, [letter], now)
    return "queued"
