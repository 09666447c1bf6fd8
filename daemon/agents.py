"""Agents by mail: telling them what happened, and doing what they answer.

A notice is bound to the one agent it goes to, by its reply address and its Message-ID,
with a MAC that no customer's letter has. What an agent's mail asks for is done whole or
not at all; if not, it comes back to him with the reason, and nothing left the house.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.settings import Agent
from chamado.daemon import actions, letters, whose
from chamado.daemon.core.commands import MYSELF
from chamado.daemon.core.tokens import AGENT, make_token
from chamado.daemon.core.types import (
    AgentAction,
    Command,
    Priority,
    Resolution,
    SendBack,
    Verb,
)
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData, Refusal
from chamado.daemon.store import cases, notices, outbox
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing
from chamado.daemon.store.engine import Work, is_unwell
from chamado.daemon.store.notices import CaseLine, OpenNotice
from chamado.notifier.addresses import UnusableAddress
from chamado.notifier.reasons import Why
from chamado.notifier.types import (
    CaseShown,
    Enclosure,
    Happened,
    LetterKind,
    Notification,
)
from chamado.parsers.types import Attachment, Role

log = structlog.get_logger()

NOTICES_A_TICK = 200
#: With more cases than this at once an agent gets one mail that lists them.
CASES_APART = 10
ENCLOSED_BYTES = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Obeyed:
    """What an agent's mail did; `wrong` says why it did nothing."""

    entry_id: int | None = None
    done: tuple[str, ...] = ()
    wrong: Why | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoCase:
    """What a letter about no case stands under."""

    address: str
    number: int = 0
    subject: str = ""


def obey(
    work: Work,
    desk: Desk,
    decision: AgentAction,
    attachments: Sequence[Attachment],
    message_id: str | None,
) -> Obeyed:
    """Do what an agent's mail asks for, and tell him what became of it."""
    order, now = decision.order, desk.clock()
    if order.wrong:
        done = Obeyed(wrong=Why(code=order.wrong.code, facts=order.wrong.facts))
    else:
        try:
            with work.begin_nested():
                done = _do(work, desk, decision, attachments, now)
        except Refusal as refusal:
            done = Obeyed(
                wrong=Why(code=refusal.code, facts=refusal.facts, words=str(refusal))
            )
    _confirm(work, desk, decision, done, message_id, now)
    return done


def _do(
    work: Work,
    desk: Desk,
    decision: AgentAction,
    attachments: Sequence[Attachment],
    now: datetime,
) -> Obeyed:
    number, agent, text = decision.ticket, decision.agent, decision.order.text
    files = _files(desk, attachments) if text else Files()
    done: list[str] = []
    said = Said()
    ends = any(command.verb is Verb.RESOLVE for command in decision.order.commands)
    if text and decision.public and not ends:
        said = actions.reply(work, desk, number, agent, text, files, now=now)
    elif text and not decision.public:
        said = actions.note(work, number, agent, text, files, now=now)
    for command in decision.order.commands:
        if command.verb is Verb.RESOLVE:
            # The words of an answer that ends a case stand in the letter that says so.
            words = (text, files) if decision.public else ("", Files())
            ended = _resolve(work, desk, decision, command, words, now)
            said = ended if decision.public else said
        elif command.verb in _DO:
            _DO[command.verb](work, desk, decision, command, now)
        else:
            continue
        done.append(f"{command.verb.value} {command.argument}".strip())
    if text:
        done.insert(0, "replied" if said.to else "noted")
    if not done:
        raise BadData("the mail holds no words and no command", "empty")
    return Obeyed(entry_id=said.entry_id, done=tuple(done))


def _assign(
    work: Work, desk: Desk, decision: AgentAction, command: Command, now: datetime
) -> None:
    who = command.argument.lower()
    if who in MYSELF:
        who = decision.agent.address
    assignee = actions.agent_of(desk, who).address
    wish = actions.Wish(assignee=assignee)
    by = decision.agent.address
    actions.change(work, desk, decision.ticket, wish, who=by, now=now)


def _priority(
    work: Work, desk: Desk, decision: AgentAction, command: Command, now: datetime
) -> None:
    wish = actions.Wish(priority=Priority(command.argument.lower()))
    who = decision.agent.address
    actions.change(work, desk, decision.ticket, wish, who=who, now=now)


def _resolve(
    work: Work,
    desk: Desk,
    decision: AgentAction,
    command: Command,
    words: tuple[str, Files],
    now: datetime,
) -> Said:
    code, number = Resolution(command.argument.lower()), decision.ticket
    return actions.resolve(work, desk, number, decision.agent, code, *words, now=now)


def _wait(
    work: Work, desk: Desk, decision: AgentAction, command: Command, now: datetime
) -> None:
    actions.wait(work, desk, decision.ticket, who=decision.agent.address, now=now)


def _escalate(
    work: Work, desk: Desk, decision: AgentAction, command: Command, now: datetime
) -> None:
    actions.escalate(
        work, desk, decision.ticket, decision.agent, command.argument, now=now
    )


_DO: dict[Verb, Callable[[Work, Desk, AgentAction, Command, datetime], None]] = {
    Verb.ASSIGN: _assign,
    Verb.PRIORITY: _priority,
    Verb.WAIT: _wait,
    Verb.ESCALATE: _escalate,
}


def _files(desk: Desk, attachments: Sequence[Attachment]) -> Files:
    """What an agent attached, for the case and for the letter; logos stay behind."""
    kept = tuple(a for a in attachments if a.role is not Role.SIGNATURE_IMAGE)
    return Files(
        kept=kept,
        enclosures=tuple(
            Enclosure(
                name=a.name,
                content_type=a.content_type,
                content=a.content or (desk.fetch(a.sha256) if a.size else b""),
            )
            for a in kept
        ),
    )


def tell(work: Work, desk: Desk, now: datetime) -> int:
    """Queue the mails about what has waited long enough; return how many.

    What nobody is to be told of counts as told.
    """
    gather = timedelta(seconds=desk.settings.agents.gather)
    ripe = notices.ripe(work, now - gather, NOTICES_A_TICK)
    by_case: dict[int, list[OpenNotice]] = defaultdict(list)
    for notice in ripe:
        by_case[notice.ticket].append(notice)
    lines = notices.lines(work, list(by_case))
    wanted: dict[str, list[int]] = defaultdict(list)
    people = {agent.address: agent for agent in desk.settings.agent}
    for number, happened in by_case.items():
        for agent in _concerned(desk, lines[number], happened):
            wanted[agent.address].append(number)
    told = 0
    for address, numbers in wanted.items():
        try:
            # What cannot be told to one must not keep the others from hearing.
            with work.begin_nested():
                cases_told = {n: (lines[n], by_case[n]) for n in numbers}
                told += _tell_one(work, desk, people[address], cases_told, now)
        except UnusableAddress as error:
            log.error("agent_unreachable", why=str(error))
        except Exception as error:
            if is_unwell(error):
                raise
            log.exception("agent_not_told", cases=len(numbers))
    notices.done(work, [notice.id for notice in ripe], now)
    return told


def _tell_one(
    work: Work,
    desk: Desk,
    agent: Agent,
    told: Mapping[int, tuple[CaseLine, Sequence[OpenNotice]]],
    now: datetime,
) -> int:
    if len(told) > CASES_APART:
        letters = [_digest(desk, agent, [line for line, _ in told.values()], now)]
    else:
        letters = [
            _notice(work, desk, agent, line, happened, now)
            for line, happened in told.values()
        ]
    outbox.put(work, letters, now)
    return len(letters)


def on_due(work: Work, ticket: int, promise: str, what: str, now: datetime) -> None:
    """A promise is about to be broken, or is: whoever works on the case shall hear."""
    kind = "deadline_breached" if what == "breach" else "deadline_warning"
    new = notices.NewNotice(ticket=ticket, kind=kind, facts={"deadline": promise})
    notices.put(work, [new], now)


def _concerned(
    desk: Desk, line: CaseLine, happened: Sequence[OpenNotice]
) -> list[Agent]:
    """Who is told: the owner of the case, or while there is none, its team."""
    agents = desk.settings.agent if desk.settings.agents.notify else ()
    owner = [agent for agent in agents if agent.address == line.assignee]
    team = [a for a in agents if not a.teams or line.team in a.teams]
    doers = {notice.by for notice in happened}
    return [a for a in owner or team if doers != {a.address}]


def _notice(
    work: Work,
    desk: Desk,
    agent: Agent,
    line: CaseLine,
    happened: Sequence[OpenNotice],
    now: datetime,
) -> outbox.NewLetter:
    notification = _notification(
        desk,
        LetterKind.NOTICE,
        agent.address,
        agent.name,
        line,
        now,
        cases=(_shown(line),),
        happened=tuple(
            Happened(
                kind=notice.kind,
                who=notice.author or notice.by,
                text=notice.text,
                facts=tuple((k, str(v)) for k, v in notice.facts.items()),
            )
            for notice in happened
        ),
        enclosures=_screenshots(work, desk, happened),
    )
    key = f"notice:{happened[-1].id}"
    return _queueable(desk, notification, key)


def _digest(
    desk: Desk, agent: Agent, lines: Sequence[CaseLine], now: datetime
) -> outbox.NewLetter:
    notification = _notification(
        desk,
        LetterKind.DIGEST,
        agent.address,
        agent.name,
        lines[0],
        now,
        cases=tuple(_shown(line) for line in lines),
    )
    key = f"digest:{lines[-1].number}:{now.isoformat()}"
    return _queueable(desk, notification, key)


def send_back(
    work: Work, desk: Desk, decision: SendBack, message_id: str | None
) -> Why:
    """Bring a mail back that its agent was not entitled to; return the reason."""
    now, agent, number = desk.clock(), decision.agent, decision.ticket
    line: CaseLine | NoCase = NoCase(address=decision.address)
    if number:
        line = notices.lines(work, [number])[number]
    why = Why(code=decision.wrong.code, facts=decision.wrong.facts)
    notification = _notification(
        desk,
        LetterKind.RETURNED,
        agent.address,
        agent.name,
        line,
        now,
        why=why,
        text=decision.text,
        in_reply_to=message_id,
    )
    key = f"{notification.kind.value}:{line.number}:{notification.message_id}"
    outbox.put(work, [_queueable(desk, notification, key)], now)
    return why


def _confirm(
    work: Work,
    desk: Desk,
    decision: AgentAction,
    done: Obeyed,
    message_id: str | None,
    now: datetime,
) -> None:
    if decision.flags:
        # A machine wrote it for the agent, and machines are not answered.
        return
    line = notices.lines(work, [decision.ticket])[decision.ticket]
    agent = decision.agent
    kind = LetterKind.RETURNED if done.wrong else LetterKind.CONFIRMED
    notification = _notification(
        desk,
        kind,
        agent.address,
        agent.name,
        line,
        now,
        cases=(_shown(line),),
        done=done.done,
        why=done.wrong,
        text=decision.order.text,
        in_reply_to=message_id,
    )
    key = f"{kind.value}:{decision.ticket}:{notification.message_id}"
    outbox.put(work, [_queueable(desk, notification, key)], now)


def _shown(line: CaseLine) -> CaseShown:
    return CaseShown(
        number=line.number,
        subject=line.subject,
        requester=whose.shown(line.requester.name, line.requester.address),
        status=line.status,
        priority=line.priority,
        assignee=line.assignee or "",
        due_at=line.due_at,
    )


def _notification(
    desk: Desk,
    kind: LetterKind,
    address: str,
    name: str,
    line: CaseLine | NoCase,
    now: datetime,
    *,
    cases: tuple[CaseShown, ...] = (),
    happened: tuple[Happened, ...] = (),
    enclosures: tuple[Enclosure, ...] = (),
    done: tuple[str, ...] = (),
    why: Why | None = None,
    text: str = "",
    in_reply_to: str | None = None,
) -> Notification:
    settings = desk.settings
    sender = derive.relay_from(settings)
    reply_to = line.address
    if line.number and desk.support((line.address,)).subaddress:
        token = make_token(desk.keyring, line.number, address, AGENT)
        reply_to = letters.with_token(line.address, token)
    return Notification(
        kind=kind,
        recipient=Address(name=name, address=address),
        sender=Address(name=sender.name, address=line.address),
        reply_to=reply_to,
        language=settings.service.language,
        number=line.number,
        at=now,
        message_id=letters.fresh_id(desk, kind, line.number, address),
        in_reply_to=in_reply_to,
        subject=line.subject,
        greet_by_name=True,
        cases=cases,
        happened=happened,
        enclosures=enclosures,
        done=done,
        why=why,
        text=text,
        instance=desk.instance,
    )


def _queueable(desk: Desk, notification: Notification, key: str) -> outbox.NewLetter:
    to = sha256(notification.recipient.address.encode()).hexdigest()[:16]
    return letters.queueable(desk, notification, f"{key}:{to}")


def _screenshots(
    work: Work, desk: Desk, happened: Iterable[OpenNotice]
) -> tuple[Enclosure, ...]:
    """The pictures of the words that a notice is about, up to a bound."""
    room = ENCLOSED_BYTES
    found: list[Enclosure] = []
    ids = [notice.entry_id for notice in happened if notice.entry_id]
    for picture in cases.pictures(work, ids):
        if picture.size > room:
            continue
        room -= picture.size
        try:
            content = picture.content or desk.fetch(picture.sha256)
        except (BlobMissing, BlobDamaged, OSError) as error:
            # The notice is worth more than its picture; `doctor` tells of the blob.
            log.error("picture_not_readable", error=type(error).__name__)
            continue
        found.append(
            Enclosure(
                name=picture.name, content_type=picture.content_type, content=content
            )
        )
    return tuple(found)
