"""What a message becomes. The policy is the table `JOINS`; the rest reads it.

A stranger never joins a case and a bad token never drops a message: both end in a new
case, linked to the one that was named, so that a person can judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from chamado.config.address import Address
from chamado.config.spelling import identity
from chamado.daemon.core import ballot
from chamado.daemon.core.answers import Asked, Caps, SentBefore, why_not
from chamado.daemon.core.arrival import Triage
from chamado.daemon.core.commands import commands_us, read_order
from chamado.daemon.core.loops import LoopLimits, SenderHistory, why_loop
from chamado.daemon.core.passing import FORWARDED
from chamado.daemon.core.types import (
    AckVerdict,
    AgentAction,
    AgentCopy,
    AppendReply,
    Command,
    Decision,
    LinkDuplicate,
    OpenTicket,
    Order,
    Proof,
    RecordBounce,
    RecordEcho,
    Related,
    Relation,
    SendBack,
    Status,
    Suppress,
    ThreadMatch,
    TicketFacts,
    Verb,
    Wrong,
)
from chamado.daemon.core.waking import WakePolicy, waking
from chamado.parsers.types import (
    Auth,
    Bounce,
    Classification,
    Envelope,
    Forwarded,
    Kind,
    ParsedMessage,
)


class Standing(StrEnum):
    """Who the sender is to the case that the evidence names."""

    ALIGNED = "participant, vouched for by the border"
    UNALIGNED = "participant, not vouched for"
    STRANGER = "not a participant"


class Join(StrEnum):
    """What the evidence permits."""

    APPEND = "append"
    APPEND_FLAGGED = "append, flagged"
    APPEND_INTERNAL = "append for agents' eyes only, flagged"
    OPEN = "new case, linked"


#: What an agent's proof permits is decided in `_agent`: it needs more than a row.
_S, _O, _U = Proof.SENDER, Proof.OTHER, Proof.UNSIGNED
_A, _N, _X = Standing.ALIGNED, Standing.UNALIGNED, Standing.STRANGER

JOINS: Mapping[tuple[Proof, Standing], Join] = {
    (_S, _A): Join.APPEND,
    (_S, _N): Join.APPEND_FLAGGED,
    (_S, _X): Join.APPEND_INTERNAL,
    (_O, _A): Join.APPEND_FLAGGED,
    (_O, _N): Join.OPEN,
    (_O, _X): Join.OPEN,
    (_U, _A): Join.APPEND,
    (_U, _N): Join.OPEN,
    (_U, _X): Join.OPEN,
}

UNVERIFIED = "unverified_sender"
PASSED_ON = "answers_mail_to_another_participant"
NOT_PARTICIPANT = "not_a_participant"
LOOKS_LIKE_LOOP = "looks_like_a_loop"
AGENT_MAIL_NOT_OBEYED = "agent_mail_not_obeyed"
SAME_ID = "message_id_seen_before"
BAD_TOKEN = "bad_token"  # noqa: S105  (the name of a flag, no secret)

#: What parsing says of a mail of which something was left out or not told apart.
_NOT_WHOLE = ("limit:", "unsplit:", "whole:")
_NOTE = Command(verb=Verb.NOTE)
_FLAGS = {
    (_S, _N): (UNVERIFIED,),
    (_S, _X): (NOT_PARTICIPANT, UNVERIFIED),
    (_O, _A): (PASSED_ON,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """Somebody who answers customers, and for which teams; none means all."""

    name: str = ""
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings that decisions depend on."""

    own: frozenset[str]
    agents: Mapping[str, AgentFacts] = field(default_factory=dict)
    by_mail: str = "reply"
    caps: Caps = Caps()
    loops: LoopLimits = LoopLimits()
    wake: WakePolicy = WakePolicy()
    ack_enabled: bool = True
    ack_forwarded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One message with everything that was looked up for it.

    `address` and `team` are the support address it reached; `require_auth` is what
    its source demands for an acknowledgement. `duplicate_of` is the inbox id and case
    of the same content seen before, `letter` the case and Message-ID of our letter
    that it reports on or is itself, `same_id` whether its Message-ID was seen.
    `triage` is what the operator's rules say of a case that it opens, `asked` the
    survey that it answers. `forwarded` is what an agent sent on for a customer, judged
    when all else was looked up for that customer, and not again.
    """

    message: ParsedMessage
    classification: Classification
    envelope: Envelope
    auth: Auth
    match: ThreadMatch
    address: str
    team: str
    language: str
    require_auth: Auth
    names_us: bool
    no_ack: bool = False
    verified: bool = False
    duplicate_of: tuple[int, int | None] | None = None
    reports_on: tuple[int, str] | None = None
    echo_of: int | None = None
    same_id: bool = False
    history: SenderHistory = SenderHistory()
    before: SentBefore = SentBefore()
    cooling_down: bool = False
    triage: Triage = Triage()
    asked: ballot.Asked | None = None
    forwarded: Forwarded | None = None

    @property
    def writer(self) -> str:
        """Whose case it would be: the sender's, or whose mail an agent sent on."""
        shown = self.forwarded
        return shown.sender.address if shown else sender_of(self.message)


def decide(case: Case, policy: Policy, now: datetime) -> Decision:
    """Choose the one fate of a message."""
    message = case.message
    if case.duplicate_of:
        inbox_id, ticket = case.duplicate_of
        return LinkDuplicate(
            of_inbox=inbox_id, ticket=ticket, why="the same content came before"
        )
    if case.echo_of:
        return RecordEcho(ticket=case.echo_of, why="this is a letter that we sent")
    if case.reports_on and message.bounce:
        return _bounce(case.classification, message.bounce, case.reports_on)
    acting = _agent(case, policy)
    if acting:
        return acting
    passed_on = _passed_on(case, policy)
    if passed_on:
        return passed_on
    if case.match.proof is Proof.AGENT:
        # Whatever it knows, it is not proven to be the agent: to us a stranger.
        case = replace(case, match=replace(case.match, proof=Proof.UNSIGNED))
    if case.triage.suppress and not _answers_us(case):
        return Suppress(
            rule=case.triage.suppress,
            why=f"the rule {case.triage.suppress} keeps such mail from becoming a case",
        )
    loop = why_loop(case.history, message.subject, policy.loops)
    sent_back = None if loop else _sent_back(case, policy)
    if sent_back:
        return sent_back
    if loop and case.history.last_ticket and not case.match.ticket:
        # Whoever forges the address of a customer and writes seven mails must not get
        # into that customer's case by this door: then it is for agents' eyes only.
        proven = case.auth is Auth.ALIGNED
        return AppendReply(
            ticket=case.history.last_ticket,
            public=proven,
            status=None,
            flags=(LOOKS_LIKE_LOOP,) if proven else (LOOKS_LIKE_LOOP, UNVERIFIED),
            why=f"filed into the sender's newest case: {loop}",
        )
    usual = (
        _join(case, policy, case.match.ticket, now, loop)
        if case.match.ticket
        else _open(case, policy, (), loop)
    )
    kind, suspect = case.classification, loop is not None
    return ballot.fate(case.asked, message, kind, usual, now, suspect=suspect)


def sender_of(message: ParsedMessage) -> str:
    """The one address identity and answers go by, in its one spelling.

    Empty if From names none, or one that no letter can go to.
    """
    return identity(message.sender.address) if message.sender else ""


def standing(case: Case, ticket: TicketFacts) -> Standing:
    """Place the sender: From alone counts, and only exactly one."""
    sender = sender_of(case.message)
    if not sender or sender not in ticket.participants:
        return Standing.STRANGER
    return Standing.ALIGNED if case.auth is Auth.ALIGNED else Standing.UNALIGNED


def _bounce(
    classification: Classification, bounce: Bounce, letter: tuple[int, str]
) -> RecordBounce:
    failed = any(r.action.lower() == "failed" for r in bounce.recipients)
    return RecordBounce(
        ticket=letter[0],
        letter=letter[1],
        failed=failed or classification.kind is Kind.BOUNCE,
        why="a delivery report that names a letter of ours",
    )


def _agent(case: Case, policy: Policy) -> Decision | None:
    """What an agent's mail does, if it is proven to be an agent's.

    Needed are the agent's address, still configured and for this team or this very
    case, an aligned identity, and our MAC; checked here, when the mail is processed. A
    robot that speaks for an agent, such as an out-of-office, is noted and goes no
    further.
    """
    sender, ticket = sender_of(case.message), case.match.ticket
    agent = policy.agents.get(sender)
    if agent is None or ticket is None or case.auth is not Auth.ALIGNED:
        return None
    if not _works_on(agent, sender, ticket):
        return None
    who = Address(name=agent.name, address=sender)
    if case.match.proof is not Proof.AGENT:
        return _copy(case, ticket, who)
    if case.classification.no_reopen or policy.by_mail == "off":
        return AgentAction(
            ticket=ticket.number,
            agent=who,
            order=Order(commands=(_NOTE,), text=case.message.reply),
            public=False,
            flags=(AGENT_MAIL_NOT_OBEYED,),
            why=f"{case.match.why}; only noted: by a machine, or agents.by_mail is off",
        )
    order = read_order(case.message.reply)
    verbs = {command.verb for command in order.commands}
    public = Verb.NOTE not in verbs and (
        Verb.REPLY in verbs or policy.by_mail == "reply"
    )
    if public and any(d.startswith(_NOT_WHOLE) for d in case.message.defects):
        # What was not told apart from the notice below it would go to the customer.
        order = Order(wrong=Wrong(code="not_whole"))
    return AgentAction(
        ticket=ticket.number,
        agent=who,
        order=order,
        public=public,
        flags=(),
        why=case.match.why,
    )


def _works_on(agent: AgentFacts, address: str, ticket: TicketFacts) -> bool:
    """Whether an agent is of the team of a case or owns it.

    Specialists get cases of teams that are not theirs, and so does whoever is assigned
    one by a colleague; they are told of them, and what they answer must count.
    """
    in_team = not agent.teams or ticket.team in agent.teams
    return in_team or ticket.assignee == address


def _sent_back(case: Case, policy: Policy) -> SendBack | None:
    """What a proven agent meant for us, and no notice of his own entitles him to.

    It would become a case with the agent as its customer, who waits for an order to be
    carried out that nobody saw. The letter that brings it back is a notice to him about
    a case of his team, and says nothing of any other.
    """
    sender = sender_of(case.message)
    agent = policy.agents.get(sender)
    if agent is None or case.auth is not Auth.ALIGNED or case.classification.no_reopen:
        return None
    # What was made for somebody else entitles nobody, and is filed like a stranger's.
    if case.match.bad_tokens or not commands_us(case.message.reply):
        return None
    ticket, code = case.match.ticket, "no_notice"
    if ticket is None:
        code = "no_case"
    elif not _works_on(agent, sender, ticket):
        ticket, code = None, "not_your_team"
    if policy.by_mail == "off":
        code = "mail_off"
    return SendBack(
        ticket=ticket.number if ticket else None,
        agent=Address(name=agent.name, address=sender),
        address=case.address,
        wrong=Wrong(code=code),
        text=case.message.reply.strip(),
        why="an agent's mail that answers no notice made for this agent",
    )


def _copy(case: Case, ticket: TicketFacts, who: Address) -> AgentCopy | None:
    """An agent's own answer with us in copy: it went to somebody on the case."""
    to = {identity(a.address) for a in (*case.message.to, *case.message.cc)}
    # An agent may be a customer of his own case, and get a copy of what he writes.
    others = to - {who.address, ""}
    if case.classification.no_reopen or not others & ticket.participants:
        return None
    return AgentCopy(
        ticket=ticket.number,
        agent=who,
        why=f"{case.match.why}; an agent wrote to the customer with us in copy",
    )


def _passed_on(case: Case, policy: Policy) -> OpenTicket | None:
    """What an agent sends on of a customer's: a case of that customer."""
    message, shown = case.message, case.forwarded
    if shown is None:
        return None
    sender, ticket = sender_of(message), case.match.ticket
    # He was one when the mail was understood; the settings may be others by now.
    agent = policy.agents.get(sender, AgentFacts())
    related: tuple[Related, ...] = ()
    if ticket:
        related = (Related(number=ticket.number, kind=Relation.POSSIBLY_RELATED),)
    opened = _open(case, policy, related, None)
    ack = AckVerdict(suppressed=FORWARDED)
    if policy.ack_forwarded:
        ack = AckVerdict(suppressed=why_not(_asked(case, policy, shown.sender.address)))
    return replace(
        opened,
        requester=shown.sender,
        subject=shown.subject or message.subject,
        flags=tuple(dict.fromkeys((FORWARDED, UNVERIFIED, *opened.flags))),
        ack=ack,
        why=f"{sender} sent on what {shown.sender.address} wrote",
        forwarded=shown,
        forwarded_by=Address(name=agent.name, address=sender),
    )


def _answers_us(case: Case) -> bool:
    """Whether it answers, with our own mark made for its sender, a case that lives.

    We began to talk with this person; a block list made later, or for others, must not
    swallow the answer. When the case is closed the list counts again.
    """
    ticket = case.match.ticket
    if ticket is None or case.match.proof is not Proof.SENDER:
        return False
    return ticket.status is not Status.CLOSED


def _join(
    case: Case, policy: Policy, ticket: TicketFacts, now: datetime, loop: str | None
) -> Decision:
    who = standing(case, ticket)
    join = JOINS[case.match.proof, who]
    why = f"{case.match.why}; sender is {who.value}"
    # A case that was handed to other hands still answers at its own address.
    if ticket.team != case.team and ticket.address != case.address:
        join, why = Join.OPEN, f"{why}; but that case belongs to another team"
    if join is Join.OPEN:
        link = Related(number=ticket.number, kind=Relation.POSSIBLY_RELATED)
        return _open(case, policy, (link,), loop, why)
    public = join is not Join.APPEND_INTERNAL
    woken = waking(
        case.message,
        case.classification,
        case.match,
        ticket,
        policy.wake,
        now,
        heard=public and not loop,
    )
    why = "; ".join(filter(None, (why, woken.why)))
    if woken.elsewhere:
        link = Related(number=ticket.number, kind=Relation.REOPENED_FROM)
        return _open(case, policy, (link,), loop, why)
    flags = (*_FLAGS.get((case.match.proof, who), ()), *woken.flags)
    if loop:
        flags = (*flags, LOOKS_LIKE_LOOP)
    if case.same_id:
        flags = (*flags, SAME_ID)
    return AppendReply(
        ticket=ticket.number,
        public=public,
        status=woken.status,
        flags=flags,
        why=why,
    )


def _open(
    case: Case,
    policy: Policy,
    related: tuple[Related, ...],
    loop: str | None,
    why: str = "",
) -> OpenTicket:
    flags: tuple[str, ...] = () if case.auth is Auth.ALIGNED else (UNVERIFIED,)
    if loop:
        flags = (*flags, LOOKS_LIKE_LOOP)
    if case.match.bad_tokens:
        flags = (*flags, BAD_TOKEN)
    if case.same_id:
        flags = (*flags, SAME_ID)
    sender, written = sender_of(case.message), case.message.sender
    asked = _asked(case, policy, sender, looping=loop is not None)
    why = why or case.match.why
    if written and not sender:
        why = f"{why}; no letter can go to {written.address}, so it has no sender"
    return OpenTicket(
        requester=Address(name=written.name if written else "", address=sender),
        subject=case.message.subject,
        language=case.language,
        team=case.triage.team or case.team,
        address=case.address,
        related=related,
        flags=flags,
        ack=AckVerdict(suppressed=why_not(asked)),
        why=why,
    )


def _asked(case: Case, policy: Policy, sender: str, *, looping: bool = False) -> Asked:
    return Asked(
        message=case.message,
        classification=case.classification,
        envelope=case.envelope,
        auth=case.auth,
        require_auth=case.require_auth,
        sender=sender,
        own=policy.own,
        names_us=case.names_us,
        before=case.before,
        caps=policy.caps,
        enabled=policy.ack_enabled,
        asked_not_to=case.no_ack,
        cooling_down=case.cooling_down or looping,
    )
