"""Does a customer's word wake a case? What may wake one is a row in `states`; here it
is judged whether a message is such a word at all.

What does not wake is filed on the case all the same, with a flag and a reason.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from chamado.daemon.core.states import Event, after
from chamado.daemon.core.thanks import only_thanks
from chamado.daemon.core.types import Proof, Status, ThreadMatch, TicketFacts
from chamado.parsers.types import Classification, Kind, ParsedMessage, Role

THANKS = "only_thanks"
REOPENED_TOO_OFTEN = "reopened_too_often"

_ANSWERING_MACHINES = (Kind.AUTO_REPLY, Kind.OUT_OF_OFFICE)
_OVER = (Status.RESOLVED, Status.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WakePolicy:
    """The settings behind it; `names` are those of the people who are thanked."""

    reopen_within: timedelta = timedelta(days=14)
    reopens_a_day: int = 3
    thanks_reopen: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waking:
    """What a word does to its case: `status` is the new one, None to keep the old.

    `elsewhere`: the case is over for good, the word belongs on a new one. `why` says
    what is out of the ordinary.
    """

    status: Status | None = None
    elsewhere: bool = False
    flags: tuple[str, ...] = ()
    why: str = ""


def waking(
    message: ParsedMessage,
    kind: Classification,
    match: ThreadMatch,
    ticket: TicketFacts,
    policy: WakePolicy,
    now: datetime,
    *,
    heard: bool,
) -> Waking:
    """Judge a word that joins `ticket`; not `heard` is what nobody is woken for.

    That is a word of a stranger for agents' eyes only, or what looks like a loop.
    """
    if ticket.status in _OVER:
        if not policy.thanks_reopen and (said := _thanks(message, kind, policy)):
            why = f'it only says "{said}", which wakes no case ([case] thanks_reopen)'
            return Waking(flags=(THANKS,), why=why)
        if _answers_by_itself(kind, match):
            return Waking(why="a machine answered a letter of ours; nobody is woken")
    if _is_over(ticket, policy, now):
        return Waking(elsewhere=True, why="that case is closed")
    wakes = heard and not kind.no_reopen
    event = Event.CUSTOMER_WORD if wakes else Event.QUIET_WORD
    to = after(ticket.status, event, specialist=ticket.specialty is not None)
    if to is None or to is ticket.status:
        return Waking()
    if ticket.status is Status.RESOLVED and ticket.reopened >= policy.reopens_a_day:
        why = f"the case was reopened {ticket.reopened} times within a day, so it rests"
        return Waking(flags=(REOPENED_TOO_OFTEN,), why=f"{why} ([case] reopens_a_day)")
    return Waking(status=to)


def _thanks(
    message: ParsedMessage, kind: Classification, policy: WakePolicy
) -> str | None:
    brings = any(a.role is not Role.SIGNATURE_IMAGE for a in message.attachments)
    if kind.kind is not Kind.PERSON or brings:
        return None
    sender = message.sender.name if message.sender else ""
    return only_thanks(message.reply, (sender, *policy.names))


def _answers_by_itself(kind: Classification, match: ThreadMatch) -> bool:
    """A robot that was answering us, as opposed to one with news of its own.

    Monitoring threads its alarms like people do; only our own mark in the message
    tells an out-of-office from the alarm that nobody must sleep through.
    """
    marked = match.proof in (Proof.SENDER, Proof.OTHER)
    return kind.no_reopen and kind.kind in _ANSWERING_MACHINES and marked


def _is_over(ticket: TicketFacts, policy: WakePolicy, now: datetime) -> bool:
    if ticket.status is Status.CLOSED or ticket.merged_into:
        return True
    resolved = ticket.status is Status.RESOLVED and ticket.resolved_at
    return bool(resolved and now - resolved > policy.reopen_within)
