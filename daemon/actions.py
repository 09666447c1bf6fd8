"""What agents do on a case: open, answer, note, change, resolve, reopen.

Each is one transaction with its history and its letters: either the customer gets the
answer that the case shows, or nothing happened. Raises `Refusal` before anything is
written. Files lie in the blob store before the transaction begins (see `enclosed`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.units import mail_address
from chamado.daemon import correspondence, letters
from chamado.daemon.core.priority import priority_of
from chamado.daemon.core.types import (
    Channel,
    Impact,
    Priority,
    Resolution,
    Severity,
    Status,
)
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData, NotPermitted, NotThere
from chamado.daemon.store import cases, lookups, views
from chamado.daemon.store.engine import Work
from chamado.daemon.store.views import Standing
from chamado.notifier.addresses import UnusableAddress
from chamado.notifier.types import LetterKind

#: Who is not told that a case is resolved: there is nothing to answer or to ask.
SILENT = (Resolution.DUPLICATE, Resolution.SPAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCase:
    """A case that somebody brings by phone or chat, or that an agent opens.

    `to` is the support address it belongs to, empty for the first one.
    """

    requester: Address
    subject: str
    text: str
    channel: Channel
    received_at: datetime
    severity: Severity = Severity.NORMAL
    impact: Impact = Impact.MEDIUM
    to: str = ""
    acknowledge: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A case that was opened; `ack` in the words of `ingest`."""

    number: int
    entry_id: int
    ack: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a case shall be from now on; None leaves a property alone."""

    severity: Severity | None = None
    impact: Impact | None = None
    priority: Priority | None = None
    assignee: str | None = None
    team: str | None = None


def agent_of(desk: Desk, text: str) -> Address:
    """Return the agent with this address, with the name customers see.

    As long as no agent is configured everybody who may use the database is one.
    """
    try:
        address = mail_address(text.strip())
    except ValueError as error:
        raise BadData(str(error)) from None
    agents = desk.settings.agent
    for agent in agents:
        if agent.address == address:
            return Address(name=agent.name, address=address)
    if address in derive.own_addresses(desk.settings):
        raise NotPermitted(f"{address} is an address customers write to, no agent")
    if agents:
        raise NotPermitted(
            f"{address} is no agent here; add an [[agent]] with this address to the "
            f"configuration, or use one of: {', '.join(a.address for a in agents)}"
        )
    return Address(address=address)


def open_case(
    work: Work, desk: Desk, new: NewCase, files: Files, *, who: str, now: datetime
) -> Opened:
    """Open a case and acknowledge it by mail; `who` opened it, for the history."""
    if new.received_at > now:
        raise BadData(f"{new.received_at.isoformat()} lies in the future")
    address = new.requester.address
    known = lookups.contacts(work, [address]).get(address)
    support = desk.support((new.to,))
    language = desk.letter_language(known.language if known else None)
    ids = cases.ensure_contacts(work, [(new.requester, False)], now)
    if new.requester.name:
        cases.name_contact(work, ids[address], new.requester.name)
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
                severity=new.severity,
                impact=new.impact,
                priority=priority_of(new.severity, new.impact),
                opened_at=new.received_at,
                first_response_due=desk.first_response_due(new.received_at),
            )
        ],
        now,
    )
    (entry_id,) = cases.add_entries(work, [_told(number, new, files)], now)
    facts = {"channel": new.channel.value}
    _remember(work, number, "opened", who or address, now, facts)
    case = letters.CaseFacts(
        number=number, subject=new.subject, language=language, address=support.address
    )
    ack = _acknowledge(work, desk, case, new, files, now)
    return Opened(number=number, entry_id=entry_id, ack=ack)


def reply(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    text: str,
    files: Files,
    *,
    now: datetime,
) -> Said:
    """Answer everybody who takes part; the first answer keeps the promise.

    `now` is also the time of the letters: when one bounces, filing finds by it whether
    it was the answer that had kept the promise.
    """
    case = _held(work, number)
    _not_closed(case)
    said = correspondence.write(
        work, desk, case, agent, text, files, LetterKind.REPLY, now
    )
    cases.note_first_response(work, number, now)
    if case.status is Status.NEW:
        cases.set_status(work, [(number, Status.OPEN)])
    facts = {"entry": said.entry_id, "letters": len(said.to)}
    _remember(work, number, "answered", agent.address, now, facts)
    return said


def note(
    work: Work, number: int, agent: Address, text: str, files: Files, *, now: datetime
) -> Said:
    """Add words for agents' eyes only; nothing of it ever leaves."""
    _held(work, number)
    entry = correspondence.words(number, agent, text, files, now, public=False)
    (entry_id,) = cases.add_entries(work, [entry], now)
    _remember(work, number, "noted", agent.address, now, {"entry": entry_id})
    return Said(entry_id=entry_id)


def change(
    work: Work, number: int, wish: Wish, *, who: str, now: datetime
) -> dict[str, tuple[str | None, str | None]]:
    """Change properties; return those that are new, as (before, after).

    Priority follows severity and impact until somebody sets it by hand.
    """
    case = _held(work, number)
    wanted = _wanted(case, wish)
    changed = {
        name: (getattr(case, name), value)
        for name, value in wanted.items()
        if getattr(case, name) != value
    }
    by_hand = case.priority_by_hand or wish.priority is not None
    if changed or by_hand != case.priority_by_hand:
        values = {name: after for name, (_, after) in changed.items()}
        cases.change(work, number, **values, priority_by_hand=by_hand)
    if changed:
        facts: dict[str, Any] = {name: list(pair) for name, pair in changed.items()}
        _remember(work, number, "changed", who, now, facts)
    return changed


def resolve(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    resolution: Resolution,
    text: str,
    *,
    now: datetime,
) -> Said:
    """End a case and tell everybody who takes part, except of duplicates and spam."""
    case = _held(work, number)
    if case.status in (Status.RESOLVED, Status.CLOSED):
        raise BadData(f"#{number} is {case.status.value} already ({case.resolution})")
    said = Said()
    if resolution in SILENT:
        if text:
            said = note(work, number, agent, text, Files(), now=now)
    else:
        kind = LetterKind.RESOLVED
        said = correspondence.write(
            work, desk, case, agent, text, Files(), kind, now, must=False
        )
        if text and said.to:
            cases.note_first_response(work, number, now)
    cases.end_deadlines(work, number, now)
    cases.change(
        work,
        number,
        status=Status.RESOLVED.value,
        resolved_at=now,
        resolution=resolution.value,
    )
    facts = {"resolution": resolution.value, "letters": len(said.to)}
    _remember(work, number, "resolved", agent.address, now, facts)
    return said


def reopen(work: Work, number: int, *, who: str, now: datetime) -> None:
    """Take a case that was over up again; an unkept promise counts again."""
    case = _held(work, number)
    if case.status not in (Status.RESOLVED, Status.CLOSED):
        raise BadData(f"#{number} is {case.status.value}; there is nothing to reopen")
    cases.set_status(work, [(number, Status.OPEN)])
    cases.resume_deadlines(work, number, now)
    facts = {"status": Status.OPEN.value, "was": case.resolution}
    _remember(work, number, "reopened", who, now, facts)


def _held(work: Work, number: int) -> Standing:
    case = views.hold(work, number)
    if case is None:
        raise NotThere(f"there is no ticket #{number}")
    if case.merged_into:
        raise BadData(f"#{number} was merged into #{case.merged_into}; work on that")
    return case


def _not_closed(case: Standing) -> None:
    if case.status is Status.CLOSED:
        raise BadData(
            f"#{case.number} is closed; `chamado ticket reopen {case.number}` first"
        )


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
            now=now,
        )
    except UnusableAddress:
        return "suppressed:address_unusable"
    correspondence.queue(work, [letter], now)
    return "queued"


def _wanted(case: Standing, wish: Wish) -> dict[str, str | None]:
    severity = wish.severity or Severity(case.severity)
    impact = wish.impact or Impact(case.impact)
    wanted: dict[str, str | None] = {
        "severity": severity.value,
        "impact": impact.value,
        "priority": priority_of(severity, impact).value,
    }
    if wish.priority is not None:
        wanted["priority"] = wish.priority.value
    elif case.priority_by_hand or (wish.severity is None and wish.impact is None):
        wanted["priority"] = case.priority
    if wish.assignee is not None:
        wanted["assignee"] = wish.assignee or None
    if wish.team is not None:
        wanted["team"] = wish.team
    return wanted


def _remember(
    work: Work, number: int, kind: str, who: str, now: datetime, facts: dict[str, Any]
) -> None:
    event = cases.NewEvent(ticket=number, at=now, kind=kind, who=who[:320], facts=facts)
    cases.add_events(work, [event])
