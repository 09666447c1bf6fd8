"""Looking up, for a batch of understood messages, everything that deciding needs."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chamado.daemon import ballots
from chamado.daemon.core import ballot, thread
from chamado.daemon.core.answers import SentBefore
from chamado.daemon.core.arrival import Arrived, Triage
from chamado.daemon.core.decide import Case, Policy, sender_of
from chamado.daemon.core.loops import SenderHistory, why_loop
from chamado.daemon.core.passing import credited
from chamado.daemon.desk import Desk
from chamado.daemon.store import lookups
from chamado.daemon.store.claims import InboxRow
from chamado.daemon.store.engine import Work
from chamado.parsers.types import Forwarded, Understood

# Everything in ASCII but letters becomes a blank; bytes are quick to translate.
_LETTERS = bytes(c if c > 127 or chr(c).isalpha() else 32 for c in range(256))
#: A text of fewer characters, counting letters and the gaps between words, says
#: nothing about who wrote it when it comes again.
TELLING_CHARS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message on its way through a batch."""

    row: InboxRow
    understood: Understood
    rung: int = 0

    @property
    def sender(self) -> str:
        """The address that identity and answers go by."""
        return sender_of(self.understood.message)

    @property
    def body_hash(self) -> str | None:
        """The same text written again gives the same hash; digits do not count.

        A short text has none: people write "sim, obrigado" three times a day.
        """
        text = self.understood.message.reply[:10_000].lower().encode()
        words = b" ".join(text.translate(_LETTERS).split())
        if len(words) < TELLING_CHARS:
            return None
        return hashlib.sha256(words).hexdigest()


def gather(work: Work, items: Sequence[Item], desk: Desk, now: datetime) -> list[Case]:
    """Build the cases of a batch whose members do not depend on each other."""
    domain = desk.settings.service.domain
    keys = {
        i.row.id: thread.keys_of(i.understood.message, i.row.envelope, domain)
        for i in items
    }
    seen = lookups.messages(work, (m for i in items for m in _ids(i, keys[i.row.id])))
    numbers = {n for k in keys.values() for n in k.tickets}
    numbers |= {found.ticket for found in seen.values()}
    asked = ballots.asked(work, [_answer(i, keys[i.row.id]) for i in items], desk)
    numbers |= {survey.ticket for survey in asked.values()}
    tickets = lookups.tickets(work, numbers, now)
    senders = [i.sender for i in items if i.sender]
    policy = desk.policy
    passed_on = {i.row.id: shown for i in items if (shown := _passed_on(i, policy))}
    credits_ = [shown.sender.address for shown in passed_on.values()]
    contacts = lookups.contacts(work, [*senders, *credits_])
    duplicates = lookups.duplicates(work, (i.row.content_digest for i in items))
    histories = _histories(work, items, contacts, desk)
    pause = timedelta(seconds=desk.settings.ack.per_address_pause)
    most = desk.settings.ack.per_hour + 1
    before = lookups.acknowledged(work, [*senders, *credits_], now, pause, most)
    by_id = {message_id: found.ticket for message_id, found in seen.items()}
    agents = policy.agents

    cases: list[Case] = []
    for item in items:
        message, sender = item.understood.message, item.sender
        support = desk.support(item.row.envelope.rcpt_tos)
        shown = passed_on.get(item.row.id)
        writer = shown.sender.address if shown else sender
        contact = contacts.get(writer)
        survey = asked.get(item.row.id)
        original = message.bounce.original_message_id if message.bounce else None
        reported = seen.get(original or "")
        itself = seen.get(message.message_id or "")
        cases.append(
            Case(
                message=message,
                classification=item.understood.classification,
                envelope=item.row.envelope,
                auth=item.understood.auth,
                match=ballot.match(
                    thread.match(
                        keys[item.row.id],
                        sender,
                        desk.keyring,
                        tickets,
                        by_id,
                        agents,
                    ),
                    survey,
                    sender,
                    tickets.get(survey.ticket) if survey else None,
                ),
                address=support.address,
                team=support.team,
                language=desk.letter_language(
                    contact.language if contact else None,
                    shown.language if shown else message.language,
                ),
                require_auth=desk.require_auth(item.row.source),
                names_us=desk.names_us(message, item.row.envelope.rcpt_tos),
                no_ack=item.row.no_ack,
                verified=bool(contact and contact.verified),
                duplicate_of=_earlier(duplicates.get(item.row.content_digest), item),
                reports_on=(
                    (reported.ticket, original)
                    if reported and reported.sent and original
                    else None
                ),
                echo_of=itself.ticket if itself and itself.sent else None,
                same_id=itself is not None,
                history=histories.get(sender, SenderHistory()),
                before=before.get(writer, SentBefore()),
                cooling_down=bool(
                    contact and contact.quiet_until and contact.quiet_until > now
                ),
                triage=triage(item, desk),
                asked=survey,
            )
        )
    return cases


def _passed_on(item: Item, policy: Policy) -> Forwarded | None:
    understood = item.understood
    return credited(
        understood.message,
        understood.classification,
        understood.auth,
        policy.agents,
        policy.own,
    )


def _answer(item: Item, keys: thread.ThreadKeys) -> ballots.Answer:
    return ballots.Answer(
        inbox_id=item.row.id,
        message=item.understood.message,
        envelope=item.row.envelope,
        own_ids=keys.own_ids,
    )


def triage(item: Item, desk: Desk) -> Triage:
    """Say what the operator's rules make of a message, should it open a case.

    Of what an agent sends on they see the customer: address, subject and words.
    """
    support = desk.support(item.row.envelope.rcpt_tos)
    message, sender = item.understood.message, item.sender
    if shown := _passed_on(item, desk.policy):
        subject = shown.subject or message.subject
        message = replace(message, subject=subject, reply=shown.text)
        sender = shown.sender.address
    arrived = Arrived(
        message=message,
        kind=item.understood.classification.kind,
        sender=sender,
        recipients=(support.address, *item.row.envelope.rcpt_tos),
        size=item.row.size,
    )
    return desk.arrival.triage(arrived, support)


def _ids(item: Item, keys: thread.ThreadKeys) -> list[str]:
    message = item.understood.message
    own = [message.message_id] if message.message_id else []
    bounced = message.bounce.original_message_id if message.bounce else None
    return [*keys.ids, *own, *([bounced] if bounced else [])]


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
