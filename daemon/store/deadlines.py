"""What is due on cases: starting clocks, stopping them, ending them.

The arithmetic is in `core.promises`; here are the rows. Whoever moves a case calls one
of these in the same transaction, after the status of the case is what it shall be:

    begin              a case is opened                  (`cases.open_tickets` does it)
    customers_spoke    a customer wrote: who waits is due again, and an answer is owed
    agent_answered     a person's public words keep what was promised
    answer_arrived     words that had not arrived did, sent once more
    word_left          the customer's word was split off, and is answered elsewhere
    forget_answer      those words bounced, so they kept nothing
    owed_since         from when on words of its customer may wait for an answer
    pause, resume      a case waits for its customer, and does not any more
    end, reopen        a case is over, and is not any more
    promise_anew       a case has another team or priority

Times are when it happened, not when we came to know it: a mail's arrival, for one. What
has run out is found in `due`. The file is long because a clock has many ways to move,
and they must be seen together to be right together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update

from chamado.daemon.core import promises as clocks
from chamado.daemon.core.promises import ANSWERS, Clock, Ending, Promises, Run, Terms
from chamado.daemon.core.types import Priority, Status
from chamado.daemon.store import undelivered
from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import deadline, ticket

_OVER = (Status.RESOLVED, Status.CLOSED)
_Values = dict[str, Any]
_NOT_DONE: _Values = {"done_at": None, "ending": None, "took": None}
_RUN = ("allowed", "remaining", "counted_from", "due_at", "warn_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A case that was opened."""

    ticket: int
    at: datetime
    team: str
    priority: Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A clock of a case."""

    id: int
    ticket: int
    clock: Clock
    started_at: datetime
    run: Run
    done_at: datetime | None
    ending: Ending | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """A case with all its clocks, held until the transaction ends."""

    number: int
    status: Status
    terms: Terms
    opened_at: datetime
    rows: tuple[_Row, ...]

    @property
    def is_over(self) -> bool:
        """Whether nothing is due any more."""
        return self.status in _OVER

    @property
    def waits(self) -> bool:
        """Whether its clocks stand still."""
        return self.status is Status.WAITING

    def open(self, *wanted: Clock) -> list[_Row]:
        """Its clocks of these kinds that have not ended."""
        return [r for r in self.rows if r.done_at is None and r.clock in wanted]

    def last(self, clock: Clock) -> _Row | None:
        """Its newest clock of a kind."""
        return next((r for r in reversed(self.rows) if r.clock is clock), None)


def begin(work: Work, new: Iterable[Begun], promises: Promises) -> None:
    """Start the clocks of cases that were opened."""
    rows: list[_Values] = []
    for one in new:
        terms = promises.terms(one.team, one.priority)
        for clock in (Clock.FIRST_RESPONSE, Clock.RESOLUTION):
            rows += _started(one.ticket, clock, clocks.start(terms, clock, one.at))
    _add(work, rows)


def customers_spoke(
    work: Work, spoken: Sequence[tuple[int, datetime]], promises: Promises
) -> None:
    """Customers wrote (ticket, arrival): what stood still runs, an answer is owed.

    The next answer counts from the first word that nobody has answered. A case that
    the word has opened again is reopened; on one that stays over nothing is owed.
    """
    first: dict[int, datetime] = {}
    for number, at in spoken:
        first[number] = min(at, first.get(number, at))
    owed: list[_Values] = []
    for case in _hold(work, list(first), promises):
        owed += _wake(work, case, first[case.number])
    _add(work, owed)


def agent_answered(work: Work, number: int, at: datetime, promises: Promises) -> None:
    """A person answered the customer: the first and the next response are given."""
    work.execute(
        update(ticket)
        .where(ticket.c.number == number, ticket.c.first_response_at.is_(None))
        .values(first_response_at=at)
    )
    for case in _hold(work, [number], promises):
        for row in case.open(*ANSWERS):
            if row.started_at <= at:
                _finish(work, case.terms, row, at, Ending.MET)


def answer_arrived(work: Work, number: int, at: datetime, promises: Promises) -> None:
    """An answer that was lost arrived after all, queued anew at that moment: what is
    owed is given. If the case ended meanwhile without any answer, this is its first."""
    first = update(ticket).where(
        ticket.c.number == number, ticket.c.first_response_at.is_(None)
    )
    if work.execute(first.values(first_response_at=at)).rowcount:
        for case in _hold(work, [number], promises):
            row = case.last(Clock.FIRST_RESPONSE)
            if row and row.ending is Ending.ENDED:
                _finish(work, case.terms, row, at, Ending.MET)
    agent_answered(work, number, at, promises)


def forget_answer(work: Work, number: int, at: datetime, promises: Promises) -> bool:
    """The answer of that moment bounced, and so was none: its clock runs on as if it
    had never stopped, until the next answer that arrived.

    It was one all the same if the person who asked got it and only others did not, or
    got other words of that moment. Whether a promise is open again.
    """
    if undelivered.requester_reached(work, number, at):
        return False
    better = undelivered.next_answer(work, number, at)
    work.execute(
        update(ticket)
        .where(ticket.c.number == number, ticket.c.first_response_at == at)
        .values(first_response_at=better)
    )
    open_again = False
    for case in _hold(work, [number], promises):
        unmet = [r for r in case.rows if r.ending is Ending.MET and r.done_at == at]
        for row in (r for r in unmet if r.clock in ANSWERS):
            _unmeet(work, case, row, better)
            open_again = better is None
    return open_again


def owed_since(work: Work, number: int, promises: Promises) -> datetime | None:
    """From which moment on words on a case may wait for an answer; None if none do, or
    if it is its customer's turn.

    Where no next answer is promised no clock tells, and all of them may.
    """
    for case in _hold(work, [number], promises):
        if case.is_over or case.waits:
            return None
        if owed := [row.started_at for row in case.open(*ANSWERS)]:
            return min(owed)
        if not case.terms.seconds(Clock.NEXT_RESPONSE):
            return case.opened_at
    return None


def word_left(
    work: Work, number: int, at: datetime, later: datetime | None, promises: Promises
) -> None:
    """The word that came at this moment belongs to another case now. If it was what the
    next answer is owed for, the next answer is owed for the `later` one, or not."""
    for case in _hold(work, [number], promises):
        for row in case.open(Clock.NEXT_RESPONSE):
            if row.started_at != at:
                continue
            work.execute(delete(deadline).where(deadline.c.id == row.id))
            if later is None:
                continue
            run = clocks.start(case.terms, row.clock, later)
            if run and row.run.due_at is None:
                stood = max(later, row.run.counted_from)
                run = clocks.stop(run, case.terms, stood)
            _add(work, _started(number, row.clock, run))


def pause(work: Work, number: int, now: datetime, promises: Promises) -> None:
    """The customer owes an answer: the clocks stand still, with what they have left."""
    for case in _hold(work, [number], promises):
        for row in case.open(*Clock):
            _put(work, row, clocks.stop(row.run, case.terms, now))


def resume(work: Work, number: int, now: datetime, promises: Promises) -> None:
    """The customer owes nothing any more, without having written."""
    for case in _hold(work, [number], promises):
        for row in case.open(*Clock):
            _put(work, row, clocks.go_on(row.run, case.terms, now))


def end(
    work: Work, number: int, now: datetime, promises: Promises, *, solved: bool = True
) -> None:
    """The case is over: nothing is due any more. `solved` says that its resolution
    keeps the promise of one, which giving up, merging and spam do not."""
    for case in _hold(work, [number], promises):
        for row in case.open(*Clock):
            kept = solved and row.clock is Clock.RESOLUTION
            ending = Ending.MET if kept else Ending.ENDED
            _finish(work, case.terms, row, now, ending)


def reopen(work: Work, number: int, now: datetime, promises: Promises) -> None:
    """A case that was over goes on: the customer is owed a word, and a resolution with
    what was left of its time."""
    customers_spoke(work, [(number, now)], promises)


def promise_anew(work: Work, number: int, now: datetime, promises: Promises) -> None:
    """The case has another team or priority: what is open is due by those terms, as if
    they had held since the clock started; the time that was used stays used."""
    for case in _hold(work, [number], promises):
        if case.is_over:
            continue
        for clock in Clock:
            row = case.last(clock)
            if row and (row.done_at is None or row.ending is Ending.DROPPED):
                _renew(work, case, row, now)
            elif row is None and clock is Clock.RESOLUTION:
                run = clocks.start(case.terms, clock, case.opened_at)
                if run and case.waits:
                    run = clocks.stop(run, case.terms, now)
                _add(work, _started(number, clock, run))


def _hold(work: Work, numbers: Sequence[int], promises: Promises) -> list[_Case]:
    """Read cases with their clocks and keep others from moving them.

    First the cases, the lowest first, as everybody does: who held clocks and waited for
    their case would wait for ever for who holds the case and waits for its clocks. And
    whether a clock may run is up to the case, which so cannot end meanwhile.
    """
    if not numbers:
        return []
    heads = work.execute(
        select(
            ticket.c.number,
            ticket.c.status,
            ticket.c.team,
            ticket.c.priority,
            ticket.c.opened_at,
        )
        .where(ticket.c.number.in_(numbers))
        .order_by(ticket.c.number)
        .with_for_update()
    ).all()
    rows: dict[int, list[_Row]] = {head.number: [] for head in heads}
    for found in work.execute(
        select(deadline)
        .where(deadline.c.ticket.in_(numbers))
        .order_by(deadline.c.ticket, deadline.c.id)
        .with_for_update()
    ):
        rows[found.ticket].append(_row(found._mapping))
    return [
        _Case(
            number=head.number,
            status=Status(head.status),
            terms=promises.terms(head.team, Priority(head.priority)),
            opened_at=head.opened_at,
            rows=tuple(rows[head.number]),
        )
        for head in heads
    ]


def _row(found: Mapping[Any, Any]) -> _Row:
    return _Row(
        id=found["id"],
        ticket=found["ticket"],
        clock=Clock(found["kind"]),
        started_at=found["started_at"],
        run=Run(**{name: found[name] for name in _RUN}),
        done_at=found["done_at"],
        ending=Ending(found["ending"]) if found["ending"] else None,
    )


def _wake(work: Work, case: _Case, at: datetime) -> list[_Values]:
    """Let what stands run again; return the clock that has to be started."""
    if case.is_over:
        return []
    resolution = case.last(Clock.RESOLUTION)
    if resolution and resolution.ending is not Ending.DROPPED:
        _rouse(work, case.terms, resolution, at)
    first = case.last(Clock.FIRST_RESPONSE)
    if first and _unanswered(first):
        _rouse(work, case.terms, first, at)
        return []
    if owed := case.open(Clock.NEXT_RESPONSE):
        _rouse(work, case.terms, owed[0], at)
        return []
    run = clocks.start(case.terms, Clock.NEXT_RESPONSE, at)
    return _started(case.number, Clock.NEXT_RESPONSE, run)


def _unanswered(first: _Row) -> bool:
    """Whether the first answer is still owed; not if it is missed and the case was
    over since, for then the next answer is what the customer waits for."""
    if first.done_at is None:
        return True
    return first.ending is Ending.ENDED and not first.run.is_late(first.done_at)


def _rouse(work: Work, terms: Terms, row: _Row, at: datetime) -> None:
    if row.done_at is None:
        _put(work, row, clocks.go_on(row.run, terms, at))
    else:
        _put(work, row, clocks.wake(row.run, terms, at), **_NOT_DONE)


def _renew(work: Work, case: _Case, row: _Row, now: datetime) -> None:
    run = clocks.promise_anew(row.run, row.clock, case.terms)
    if run is None:
        if row.done_at is None:
            _finish(work, case.terms, row, now, Ending.DROPPED)
        return
    if row.ending is Ending.DROPPED:
        run = clocks.wake(run, case.terms, now)
        if case.waits:
            run = clocks.stop(run, case.terms, now)
    _put(work, row, run, **_NOT_DONE)


def _unmeet(work: Work, case: _Case, row: _Row, better: datetime | None) -> None:
    if better is not None:
        _finish(work, case.terms, row, better, Ending.MET)
    elif case.is_over:
        _put(work, row, row.run, ending=Ending.ENDED.value, took=None)
    else:
        # What the customer wrote since asks for the same answer.
        work.execute(
            delete(deadline).where(
                deadline.c.ticket == case.number,
                deadline.c.kind == Clock.NEXT_RESPONSE.value,
                deadline.c.done_at.is_(None),
            )
        )
        _put(work, row, row.run, **_NOT_DONE)


def _finish(work: Work, terms: Terms, row: _Row, at: datetime, ending: Ending) -> None:
    run = clocks.finish(row.run, terms, at)
    took = run.allowed - run.remaining if ending is Ending.MET else None
    _put(work, row, run, done_at=at, ending=ending.value, took=took)


def _put(work: Work, row: _Row, run: Run, **more: Any) -> None:
    if run == row.run and not more:
        return
    values = {name: getattr(run, name) for name in _RUN} | more
    work.execute(update(deadline).where(deadline.c.id == row.id).values(**values))
    if row.clock is Clock.FIRST_RESPONSE and run.due_at not in (None, row.run.due_at):
        work.execute(
            update(ticket)
            .where(ticket.c.number == row.ticket)
            .values(first_response_due=run.due_at)
        )


def _add(work: Work, rows: Sequence[_Values]) -> None:
    if rows:
        work.execute(insert(deadline), rows)


def _started(number: int, clock: Clock, run: Run | None) -> list[_Values]:
    if run is None:
        return []
    return [
        {
            "ticket": number,
            "kind": clock.value,
            "started_at": run.counted_from,
            **{name: getattr(run, name) for name in _RUN},
        }
    ]
