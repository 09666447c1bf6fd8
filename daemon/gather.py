"""Looking up, for a batch of understood messages, everything that deciding needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chamado.daemon import ballots
from chamado.daemon.core import ballot, thread
from chamado.daemon.core.answers import SentBefore
from chamado.daemon.core.ballot import Asked
from chamado.daemon.core.decide import Case
from chamado.daemon.core.loops import SenderHistory, why_loop
from chamado.daemon.core.types import ThreadMatch, TicketFacts
from chamado.daemon.desk import Desk
from chamado.daemon.item import Item
from chamado.daemon.store import lookups
from chamado.daemon.store.engine import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the database knows of a batch, by what it was asked for: Message-IDs,
    numbers of cases, addresses, inbox ids, digests."""

    seen: Mapping[str, lookups.Seen]
    tickets: Mapping[int, TicketFacts]
    contacts: Mapping[str, lookups.Contact]
    asked: Mapping[int, Asked]
    duplicates: Mapping[str, tuple[int, int | None]]
    histories: Mapping[str, SenderHistory]
    before: Mapping[str, SentBefore]


def gather(work: Work, items: Sequence[Item], desk: Desk, now: datetime) -> list[Case]:
    """Build the cases of a batch whose members do not depend on each other."""
    found = _look_up(work, items, desk, now)
    by_id = {message_id: seen.ticket for message_id, seen in found.seen.items()}
    return [_case(item, found, by_id, desk, now) for item in items]


def _look_up(work: Work, items: Sequence[Item], desk: Desk, now: datetime) -> _Found:
    """Ask once a kind of question."""
    seen = lookups.messages(work, (m for i in items for m in i.ids))
    asked = ballots.asked(work, [_answer(i) for i in items], desk)
    numbers = {n for i in items for n in i.keys.tickets}
    numbers |= {message.ticket for message in seen.values()}
    numbers |= {survey.ticket for survey in asked.values()}
    people = [i.sender for i in items if i.sender]
    people += [i.forwarded.sender.address for i in items if i.forwarded]
    contacts = lookups.contacts(work, people)
    pause = timedelta(seconds=desk.settings.ack.per_address_pause)
    most = desk.settings.ack.per_hour + 1
    return _Found(
        seen=seen,
        tickets=lookups.tickets(work, numbers, now),
        contacts=contacts,
        asked=asked,
        duplicates=lookups.duplicates(work, (i.row.content_digest for i in items)),
        histories=_histories(work, items, contacts, desk),
        before=lookups.acknowledged(work, people, now, pause, most),
    )


def _case(
    item: Item, found: _Found, by_id: Mapping[str, int], desk: Desk, now: datetime
) -> Case:
    message, row, shown = item.understood.message, item.row, item.forwarded
    support = desk.support(row.envelope.rcpt_tos)
    writer = shown.sender.address if shown else item.sender
    contact = found.contacts.get(writer)
    original = message.bounce.original_message_id if message.bounce else None
    reported = found.seen.get(original or "")
    itself = found.seen.get(message.message_id or "")
    return Case(
        message=message,
        classification=item.understood.classification,
        envelope=row.envelope,
        auth=item.understood.auth,
        match=_match(item, found, by_id, desk),
        address=support.address,
        team=support.team,
        language=desk.letter_language(
            contact.language if contact else None,
            shown.language if shown else message.language,
        ),
        require_auth=desk.require_auth(row.source),
        names_us=desk.names_us(message, row.envelope.rcpt_tos),
        no_ack=row.no_ack,
        verified=bool(contact and contact.verified),
        duplicate_of=_earlier(found.duplicates.get(row.content_digest), item),
        reports_on=(
            (reported.ticket, original)
            if reported and reported.sent and original
            else None
        ),
        echo_of=itself.ticket if itself and itself.sent else None,
        same_id=itself is not None,
        history=found.histories.get(item.sender, SenderHistory()),
        before=found.before.get(writer, SentBefore()),
        cooling_down=bool(
            contact and contact.quiet_until and contact.quiet_until > now
        ),
        triage=item.triage,
        asked=found.asked.get(row.id),
        forwarded=shown,
    )


def _match(
    item: Item, found: _Found, by_id: Mapping[str, int], desk: Desk
) -> ThreadMatch:
    """Weigh what leads to a case, the question of a survey above all."""
    sender, tickets = item.sender, found.tickets
    agents = desk.policy.agents
    match = thread.match(item.keys, sender, desk.keyring, tickets, by_id, agents)
    survey = found.asked.get(item.row.id)
    about = tickets.get(survey.ticket) if survey else None
    return ballot.match(match, survey, sender, about)


def _answer(item: Item) -> ballots.Answer:
    return ballots.Answer(
        inbox_id=item.row.id,
        message=item.understood.message,
        envelope=item.row.envelope,
        own_ids=item.keys.own_ids,
    )


def _earlier(
    found: tuple[int, int | None] | None, item: Item
) -> tuple[int, int | None] | None:
    return found if found and found[0] != item.row.id else None


def _histories(
    work: Work,
    items: Sequence[Item],
    contacts: Mapping[str, lookups.Contact],
    desk: Desk,
) -> dict[str, SenderHistory]:
    limits = desk.policy.loops
    day = timedelta(days=1)
    oldest = min(i.row.envelope.received_at for i in items) - day
    most = max(limits.burst, limits.day, limits.same_body) + 1
    arrivals = lookups.arrivals(
        work, (i.sender for i in items if i.sender), oldest, most
    )
    found: dict[str, SenderHistory] = {}
    for item in items:
        if item.sender not in arrivals:
            continue
        history = _history(item, arrivals[item.sender], None)
        subject = item.understood.message.subject
        contact = contacts.get(item.sender)
        if contact and why_loop(history, subject, limits):
            # Only a suspect is worth two more questions: an agent's word between
            # makes a busy conversation, and a loop needs a case to be filed into.
            words = lookups.last_agent_words(work, [contact.id]).get(contact.id)
            history = _history(item, arrivals[item.sender], words)
            newest = lookups.newest_tickets(work, [contact.id]).get(contact.id)
            history = replace(history, last_ticket=newest)
        found[item.sender] = history
    return found


def _history(
    item: Item, arrivals: Sequence[lookups.Arrival], since: datetime | None
) -> SenderHistory:
    now = item.row.envelope.received_at
    day = [
        a
        for a in arrivals
        if now - timedelta(days=1) < a.received_at <= now
        and (since is None or a.received_at > since)
    ]
    return SenderHistory(
        last_ten_minutes=sum(a.received_at > now - timedelta(minutes=10) for a in day),
        last_day=len(day),
        same_body=sum(
            a.body_hash is not None and a.body_hash == item.body_hash for a in day
        ),
    )
