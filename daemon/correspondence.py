"""Writing to everybody who takes part in a case: one letter each, one thread each.

A letter's reply address and Message-ID are bound to the one person it goes to, so there
is no common letter to all. What is for agents' eyes only never comes near this module.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from chamado.config.address import Address
from chamado.daemon import letters
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import cases, lives, outbox, views
from chamado.daemon.store.engine import Work
from chamado.daemon.store.views import Standing
from chamado.notifier.addresses import UnusableAddress
from chamado.notifier.types import LetterKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Words that were added; `to` got a letter, `unreachable` cannot get one."""

    entry_id: int | None = None
    to: tuple[str, ...] = ()
    unreachable: tuple[str, ...] = ()


def write(
    work: Work,
    desk: Desk,
    case: Standing,
    agent: Address,
    text: str,
    files: Files,
    kind: LetterKind,
    now: datetime,
    *,
    must: bool = True,
    topics: tuple[str, ...] = (),
    resolution: str = "",
    shown: str = "",
) -> Said:
    """Add public words and queue one letter a participant.

    `must`: refuse when nobody can get one. Without words there is no entry. `shown`
    are the words on the case where the letter says more than the agent wrote.
    """
    entry_id = 0
    if text or shown:
        entry = words(
            case.number,
            agent,
            shown or text,
            files,
            now,
            public=True,
            subject=case.subject,
        )
        if kind is LetterKind.INFO_REQUEST:
            entry = replace(entry, kind=kind.value)
        (entry_id,) = cases.add_entries(work, [entry], now)
    queued, unreachable = _to_each(
        work,
        desk,
        case,
        lambda facts, person, thread: letters.reply(
            desk,
            facts,
            person,
            thread,
            entry_id=entry_id,
            text=text,
            enclosures=files.enclosures,
            now=now,
            kind=kind,
            topics=topics,
            resolution=resolution,
            author=_shown_as(desk, agent),
        ),
    )
    if must and not queued:
        raise BadData(
            f"nobody on #{case.number} has an address that a letter can go to; "
            f"write a note instead",
            "unreachable",
            number=case.number,
        )
    if not entry_id:
        queued = [_apart(letter, now.isoformat()) for letter in queued]
    queue(work, queued, now)
    if queued and entry_id:
        cases.name_entry(work, entry_id, queued[0].message_id)
    return Said(
        entry_id=entry_id or None,
        to=tuple(letter.rcpt_to for letter in queued),
        unreachable=tuple(unreachable),
    )


def _shown_as(desk: Desk, agent: Address) -> Address | None:
    """The agent, where customers shall see who writes; never who is none of ours."""
    if not desk.settings.agents.show_address:
        return None
    return agent if agent.address in desk.policy.agents else None


def tell(
    work: Work,
    desk: Desk,
    case: Standing,
    kind: LetterKind,
    mark: str,
    now: datetime,
    *,
    topics: tuple[str, ...] = (),
    grace_hours: float = 0.0,
) -> int:
    """Queue one automatic letter a participant; return how many go out.

    `mark` tells this notice from others of its kind on the case: there is one each.
    Who looked like a loop gets nothing automatic for a while, so nor this.
    """
    hushed = lives.hushed(work, case.number, now)
    queued, _ = _to_each(
        work,
        desk,
        case,
        lambda facts, person, thread: letters.reply(
            desk,
            facts,
            person,
            thread,
            entry_id=0,
            text="",
            enclosures=(),
            now=now,
            kind=kind,
            topics=topics,
            grace_hours=grace_hours,
        ),
        besides=hushed,
    )
    queue(work, [_apart(letter, mark) for letter in queued], now)
    return len(queued)


def words(
    number: int,
    agent: Address,
    text: str,
    files: Files,
    now: datetime,
    *,
    public: bool,
    subject: str = "",
) -> cases.NewEntry:
    """Make the entry of an agent's words: an answer if public, else a note."""
    return cases.NewEntry(
        ticket=number,
        kind="reply" if public else "note",
        at=now,
        public=public,
        author=agent,
        role="agent",
        subject=subject,
        text=text,
        reply=text,
        attachments=files.kept,
    )


def queue(work: Work, queued: Sequence[outbox.NewLetter], now: datetime) -> None:
    """Put letters into the outbox and remember which case they speak of."""
    outbox.put(work, queued, now)
    cases.index_letters(
        work, [(letter.message_id, letter.ticket or 0) for letter in queued]
    )


def thread_with(work: Work, number: int, address: str) -> letters.Thread:
    """The thread that a letter to one participant continues."""
    return _thread(views.message_ids(work, number), address)


def _to_each(
    work: Work,
    desk: Desk,
    case: Standing,
    compose: Callable[[letters.CaseFacts, Address, letters.Thread], outbox.NewLetter],
    *,
    besides: frozenset[str] = frozenset(),
) -> tuple[list[outbox.NewLetter], list[str]]:
    """Compose a letter for everybody who takes part; and who cannot get one."""
    facts = letters.CaseFacts(
        number=case.number,
        subject=case.subject,
        language=case.language,
        address=case.address,
    )
    ids = views.message_ids(work, case.number)
    composed: list[outbox.NewLetter] = []
    unreachable: list[str] = []
    for person in _people(work, desk, case.number):
        if person.address in besides:
            continue
        try:
            composed.append(compose(facts, person, _thread(ids, person.address)))
        except UnusableAddress:
            unreachable.append(person.address)
    return composed, unreachable


def _apart(letter: outbox.NewLetter, mark: str) -> outbox.NewLetter:
    """Give a letter that has no entry a key by its case and what marks it."""
    whom = sha256(letter.rcpt_to.encode()).hexdigest()[:16]
    key = f"{letter.kind}:{letter.ticket}:{mark}:{whom}"
    return replace(letter, entry_id=None, dedupe_key=key)


def _people(work: Work, desk: Desk, number: int) -> list[Address]:
    """Who takes part and is not ourselves: a letter to us would be mail in circles."""
    rows = views.participants(work, [number])[number]
    own = desk.policy.own
    return [
        Address(name=row["name"], address=row["address"])
        for row in rows
        if row["address"] and row["address"] not in own
    ]


def _thread(
    ids: Sequence[tuple[datetime, str, str | None]], address: str
) -> letters.Thread:
    """Answer the newest message that came in, else our own newest letter to them."""
    seen = [(id_, to) for _, id_, to in ids if to in (None, address)]
    received = [id_ for id_, to in seen if to is None]
    chain = [id_ for id_, _ in seen]
    if not chain:
        return letters.Thread()
    parent = received[-1] if received else chain[-1]
    before = chain[: chain.index(parent)]
    return letters.Thread(message_id=parent, references=tuple(before))
