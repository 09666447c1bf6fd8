"""Writing to everybody who takes part in a case: one letter each, one thread each.

A letter's reply address and Message-ID are bound to the one person it goes to, so there
is no common letter to all. What is for agents' eyes only never comes near this module.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from chamado.config.address import Address
from chamado.daemon import letters
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import cases, outbox, views
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
) -> Said:
    """Add public words and queue one letter a participant.

    `must`: refuse when nobody can get one. Without words there is no entry.
    """
    entry_id = 0
    if text:
        entry = words(
            case.number, agent, text, files, now, public=True, subject=case.subject
        )
        (entry_id,) = cases.add_entries(work, [entry], now)
    facts = letters.CaseFacts(
        number=case.number,
        subject=case.subject,
        language=case.language,
        address=case.address,
    )
    ids = views.message_ids(work, case.number)
    queued: list[outbox.NewLetter] = []
    unreachable: list[str] = []
    for person in _people(work, desk, case.number):
        try:
            queued.append(
                letters.reply(
                    desk,
                    facts,
                    person,
                    _thread(ids, person.address),
                    entry_id=entry_id,
                    text=text,
                    enclosures=files.enclosures,
                    now=now,
                    kind=kind,
                )
            )
        except UnusableAddress:
            unreachable.append(person.address)
    if must and not queued:
        raise BadData(
            f"nobody on #{case.number} has an address that a letter can go to; "
            f"write a note instead"
        )
    if not text:
        queued = [_apart(letter, now) for letter in queued]
    queue(work, queued, now)
    if queued and entry_id:
        cases.name_entry(work, entry_id, queued[0].message_id)
    return Said(
        entry_id=entry_id or None,
        to=tuple(letter.rcpt_to for letter in queued),
        unreachable=tuple(unreachable),
    )


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


def _apart(letter: outbox.NewLetter, now: datetime) -> outbox.NewLetter:
    """Give a letter that has no entry a key by its case and time."""
    whom = sha256(letter.rcpt_to.encode()).hexdigest()[:16]
    key = f"{letter.kind}:{letter.ticket}:{now.isoformat()}:{whom}"
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
