"""Which case does a message belong to? Evidence in the order of its strength.

`keys_of` says what to look up, the shell looks it up, `match` weighs what was found.
What the match permits depends on who sends and is decided in `decide`.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial

from chamado.daemon.core.tokens import (
    AGENT,
    IdClaim,
    Keyring,
    TokenClaim,
    id_is_for,
    read_message_id,
    read_token,
    token_is_for,
)
from chamado.daemon.core.types import MatchedBy, Proof, ThreadMatch, TicketFacts
from chamado.parsers.types import Envelope, ParsedMessage

MAX_IDS = 50
MAX_ID_CHARS = 255
#: The kinds of letters that go to agents, as their Message-IDs name them.
NOTICES = ("notice", "confirmed", "returned")
#: The tag that our subjects carry. Nothing in it can repeat, so it is linear.
TAG = re.compile(r"\[#(\d{1,15})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadKeys:
    """What to look up for one message, strongest evidence first.

    `ids` are the foreign Message-IDs it names, newest first; `numbers` the tags in its
    subject; `parent` is the Message-ID it directly answers.
    """

    tokens: tuple[TokenClaim, ...] = ()
    own_ids: tuple[IdClaim, ...] = ()
    ids: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()
    parent: str = ""

    @property
    def tickets(self) -> frozenset[int]:
        """The ticket numbers named outright; those behind `ids` are not known here."""
        return frozenset(
            [c.ticket for c in self.tokens]
            + [c.ticket for c in self.own_ids]
            + list(self.numbers)
        )


def keys_of(message: ParsedMessage, envelope: Envelope, domain: str) -> ThreadKeys:
    """Collect what a message says about the case it belongs to."""
    recipients = [*envelope.rcpt_tos, *(a.address for a in (*message.to, *message.cc))]
    tokens = dict.fromkeys(
        claim for r in recipients[:MAX_IDS] if (claim := read_token(subaddress(r)))
    )
    named = dict.fromkeys((*message.in_reply_to, *reversed(message.references)))
    ids = [i for i in named if len(i) <= MAX_ID_CHARS][:MAX_IDS]
    own = {i: read_message_id(i, domain) for i in ids}
    return ThreadKeys(
        tokens=tuple(tokens),
        # A letter that is about no case (0) leads to none, and is no forgery either.
        own_ids=tuple(c for c in own.values() if c and c.ticket),
        ids=tuple(i for i, c in own.items() if not c),
        numbers=tuple(dict.fromkeys(int(n) for n in TAG.findall(message.subject)))[:3],
        parent=message.in_reply_to[0] if message.in_reply_to else "",
    )


def subaddress(address: str) -> str:
    """Return what stands between the first + and the @ (RFC 5233), or nothing."""
    return address.rpartition("@")[0].partition("+")[2]


def match(
    keys: ThreadKeys,
    sender: str,
    keyring: Keyring,
    tickets: Mapping[int, TicketFacts],
    tickets_by_id: Mapping[str, int],
    agents: Collection[str] = (),
) -> ThreadMatch:
    """Weigh the evidence; the first kind that names an existing case decides.

    An answer to a message that was split off goes where that message went. `tickets`
    are the cases that were found, merged ones included with their targets;
    `tickets_by_id` leads from a Message-ID we have seen to its case; `agents` are the
    addresses of those who get notices and may answer them.
    """
    noticed = _noticed(keys, sender, keyring, tickets)
    own = noticed if sender in agents else None
    found = _weigh(keys, sender, keyring, tickets, tickets_by_id, own)
    found = replace(found, noticed=noticed is not None)
    part = tickets.get(tickets_by_id.get(keys.parent, 0))
    if found.ticket is None or part is None or sender not in part.participants:
        return found
    if part.merged_into or part.split_from != found.ticket.number:
        return found
    why = f"{found.why}; it answers a message that was split off from that case"
    return replace(found, ticket=part, why=why)


def _weigh(
    keys: ThreadKeys,
    sender: str,
    keyring: Keyring,
    tickets: Mapping[int, TicketFacts],
    tickets_by_id: Mapping[str, int],
    noticed: TicketFacts | None,
) -> ThreadMatch:
    bad = 0
    if noticed:
        why = "it answers our notice to this agent"
        return _matched((noticed, Proof.AGENT), tickets, MatchedBy.TOKEN, why, bad)
    for claim in keys.tokens:
        found = _signed(claim, tickets, sender, partial(token_is_for, keyring, claim))
        if found:
            return _matched(
                found, tickets, MatchedBy.TOKEN, "the address it was sent to", bad
            )
        bad += 1
    for own in keys.own_ids:
        found = _signed(own, tickets, sender, partial(id_is_for, keyring, own))
        if found:
            what = f"it answers our {own.kind}"
            return _matched(found, tickets, MatchedBy.OWN_ID, what, bad)
        bad += 1
    for message_id in keys.ids:
        if (ticket := tickets.get(tickets_by_id.get(message_id, 0))) is not None:
            return _matched(
                (ticket, Proof.UNSIGNED),
                tickets,
                MatchedBy.REFERENCE,
                "it names a message of that case",
                bad,
            )
    for number in keys.numbers:
        if (ticket := tickets.get(number)) is not None:
            return _matched(
                (ticket, Proof.UNSIGNED),
                tickets,
                MatchedBy.SUBJECT,
                f"its subject says [#{number}]",
                bad,
            )
    return ThreadMatch(bad_tokens=bad)


def _noticed(
    keys: ThreadKeys,
    sender: str,
    keyring: Keyring,
    tickets: Mapping[int, TicketFacts],
) -> TicketFacts | None:
    """Find the case whose notice, made for this very agent, a mail answers."""
    for claim in keys.tokens:
        if token_is_for(keyring, claim, sender, AGENT):
            return tickets.get(claim.ticket)
    for own in keys.own_ids:
        if own.kind in NOTICES and id_is_for(keyring, own, sender):
            return tickets.get(own.ticket)
    return None


def _signed(
    claim: TokenClaim | IdClaim,
    tickets: Mapping[int, TicketFacts],
    sender: str,
    is_for: Callable[[str], bool],
) -> tuple[TicketFacts, Proof] | None:
    ticket = tickets.get(claim.ticket)
    if ticket is None:
        return None
    if is_for(sender):
        return ticket, Proof.SENDER
    if any(is_for(address) for address in sorted(ticket.participants - {sender})):
        return ticket, Proof.OTHER
    return None


def _matched(
    found: tuple[TicketFacts, Proof],
    tickets: Mapping[int, TicketFacts],
    by: MatchedBy,
    why: str,
    bad: int,
) -> ThreadMatch:
    ticket, proof = found
    return ThreadMatch(
        ticket=_living(ticket, tickets),
        by=by,
        proof=proof,
        why=f"{why} (evidence: {by.value}, proof: {proof.value})",
        bad_tokens=bad,
    )


def _living(ticket: TicketFacts, tickets: Mapping[int, TicketFacts]) -> TicketFacts:
    """Follow what a case was merged into."""
    seen: set[int] = set()
    while ticket.merged_into and ticket.number not in seen:
        seen.add(ticket.number)
        target = tickets.get(ticket.merged_into)
        if target is None:
            break
        ticket = target
    return ticket
