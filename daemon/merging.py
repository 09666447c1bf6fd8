"""Two cases that are one, and one that is two.

Merging moves what was said on a case, with its letters and the ids that lead answers to
it, onto another and leaves a signpost; whoever answers the old number is led on. Words
that nobody has answered are owed an answer there as if they had come there. Merging
never mixes two customers' histories unless somebody says that this is meant, since from
then on everybody gets the letters. Splitting moves one message of a customer to a case
of its own, and answers to that message go there.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from chamado.config.spelling import identity
from chamado.daemon.actions.holding import allowed, held, remember
from chamado.daemon.core.states import Event, after
from chamado.daemon.core.types import (
    Channel,
    Impact,
    Priority,
    Relation,
    Severity,
    Status,
)
from chamado.daemon.desk import Desk
from chamado.daemon.refusal import BadData, NotPermitted, NotThere
from chamado.daemon.store import cases, deadlines, moving, undelivered, views
from chamado.daemon.store.engine import Work
from chamado.daemon.store.views import Standing

OVER = (Status.RESOLVED, Status.CLOSED)


def merge(
    work: Work,
    desk: Desk,
    number: int,
    into: int,
    *,
    who: str,
    confirm: bool,
    now: datetime,
) -> int:
    """Merge a case into another; return how many entries moved.

    `confirm` says that people who take part in only one of them may share what is
    written from now on.
    """
    if number == into:
        raise BadData(f"#{number} cannot be merged into itself")
    # Both are held, always the lower number first: two merges never wait for each
    # other in a ring.
    case, target = _both(work, number, into)
    if target.status in OVER and case.status not in OVER:
        raise BadData(
            f"#{into} is {target.status.value}, #{number} is not; "
            f"`chamado ticket reopen {into}` first"
        )
    if not confirm:
        _same_people(work, case, target)
    to = allowed(case, Event.MERGE)
    words = _words(work, desk, number)
    moved = moving.move_all(work, number, into)
    cases.add_participants(
        work, [(into, contact) for contact in moving.people(work, number)], now
    )
    cases.set_status(work, [(number, to)])
    cases.change(work, number, closed_at=now, merged_into=into)
    deadlines.end(work, number, now, desk.promises, solved=False)
    cases.relate(work, [(number, into, Relation.MERGED_INTO.value)], now)
    facts = {"into": into, "from": case.status.value, "to": to.value}
    remember(work, number, "merged", who, now, facts)
    remember(work, into, "took_in", who, now, {"number": number, "entries": moved})
    _hear(work, desk, target, words, number, who=who, now=now)
    return moved


def split(
    work: Work, desk: Desk, number: int, entry_id: int, *, who: str, now: datetime
) -> int:
    """Give one message of a customer a case of its own; return its number.

    Its clock starts when the message arrived. Nobody is written to: the customer
    learns of the new number with the first answer.
    """
    case = held(work, number)
    entry = moving.entry(work, number, entry_id)
    if entry is None:
        raise NotThere(f"#{number} has no entry {entry_id}; see `ticket show {number}`")
    if entry.kind != "inbound" or not entry.public:
        raise BadData(f"entry {entry_id} is no message of a customer")
    if moving.inbound(work, number) < 2:
        raise BadData(f"entry {entry_id} is all there is on #{number}")
    author = replace(entry.author, address=identity(entry.author.address))
    ids = cases.ensure_contacts(work, [(author, False)], now)
    (new,) = cases.open_tickets(
        work,
        [
            cases.NewTicket(
                requester_id=ids[author.address],
                subject=entry.subject or case.subject,
                language=case.language,
                team=case.team,
                address=case.address,
                channel=Channel(case.channel),
                severity=Severity(case.severity),
                impact=Impact(case.impact),
                priority=Priority(case.priority),
                opened_at=entry.at,
                tags=tuple(case.tags),
                assignee=case.assignee,
            )
        ],
        now,
        desk.promises,
    )
    moving.move_one(work, entry_id, new)
    later = moving.next_word(work, number, entry.at)
    deadlines.word_left(work, number, entry.at, later, desk.promises)
    cases.relate(work, [(new, number, Relation.SPLIT_FROM.value)], now)
    remember(work, number, "split_off", who, now, {"number": new, "entry": entry_id})
    facts = {"channel": case.channel, "split_from": number}
    remember(work, new, "opened", who, now, facts)
    return new


def _words(work: Work, desk: Desk, number: int) -> list[datetime]:
    """When what may still wait for an answer on a case was written, in its order."""
    since = deadlines.owed_since(work, number, desk.promises)
    return [since, *moving.words(work, number, since)] if since else []


def _hear(
    work: Work,
    desk: Desk,
    case: Standing,
    words: Sequence[datetime],
    came_on: int,
    *,
    who: str,
    now: datetime,
) -> None:
    """Let the first of these words that nobody has answered do what it had done if it
    had come on this case."""
    unanswered = (
        word
        for word in words
        if undelivered.next_answer(work, case.number, word) is None
    )
    if not (word := next(unanswered, None)):
        return
    to = after(case.status, Event.CUSTOMER_WORD, specialist=case.specialty is not None)
    if to is not None and to is not case.status:
        cases.set_status(work, [(case.number, to)])
        facts = {
            "status": to.value,
            "from": case.status.value,
            "to": to.value,
            "why": f"#{came_on}, merged into it, was not answered",
        }
        remember(work, case.number, "status", who, now, facts)
    deadlines.customers_spoke(work, [(case.number, word)], desk.promises)


def _both(work: Work, number: int, into: int) -> tuple[Standing, Standing]:
    first, second = sorted((number, into))
    found = {first: held(work, first), second: held(work, second)}
    return found[number], found[into]


def _same_people(work: Work, case: Standing, target: Standing) -> None:
    people = views.participants(work, [case.number, target.number])
    here, there = (
        {person["address"] for person in people[n.number]} for n in (case, target)
    )
    if here != there:
        apart = ", ".join(sorted(here ^ there))
        raise NotPermitted(
            f"not the same people take part in #{case.number} and #{target.number} "
            f"({apart} in one only); all of them would get every letter from now on. "
            f"If that is meant, say --confirm"
        )
