"""The table of a case's life: what may happen where, and that nothing else can."""

from itertools import product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chamado.daemon.core.states import MOVES, TABLE, Event, after, why_not
from chamado.daemon.core.types import Status

OVER = (Status.RESOLVED, Status.CLOSED)


def test_the_table_speaks_of_every_event_and_every_status() -> None:
    """No event is forgotten, and each row has one column a status."""
    assert set(TABLE) == set(Event)
    assert all(len(row) == len(Status) for row in TABLE.values())
    assert {status for status, _ in MOVES} == set(Status)


@pytest.mark.parametrize(
    ("status", "event", "to"),
    [
        (Status.NEW, Event.ANSWER, Status.OPEN),
        (Status.NEW, Event.CUSTOMER_WORD, Status.NEW),
        (Status.OPEN, Event.ASK, Status.WAITING),
        (Status.WAITING, Event.CUSTOMER_WORD, Status.OPEN),
        (Status.WAITING, Event.ANSWER, Status.WAITING),
        (Status.WAITING, Event.GIVE_UP, Status.CLOSED),
        (Status.WAITING, Event.UNDELIVERED, Status.OPEN),
        (Status.OPEN, Event.ESCALATE, Status.ESCALATED),
        (Status.ESCALATED, Event.CUSTOMER_WORD, Status.ESCALATED),
        (Status.ESCALATED, Event.HAND_BACK, Status.OPEN),
        (Status.ESCALATED, Event.RESOLVE, Status.RESOLVED),
        (Status.RESOLVED, Event.CUSTOMER_WORD, Status.OPEN),
        (Status.RESOLVED, Event.QUIET_WORD, Status.RESOLVED),
        (Status.RESOLVED, Event.CLOSE, Status.CLOSED),
        (Status.CLOSED, Event.TAKE_UP, Status.OPEN),
    ],
)
def test_a_case_moves_as_people_expect(
    status: Status, event: Event, to: Status
) -> None:
    """The moves that everybody who works on cases relies on."""
    assert after(status, event) is to


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (Status.CLOSED, Event.CUSTOMER_WORD),
        (Status.CLOSED, Event.ANSWER),
        (Status.RESOLVED, Event.RESOLVE),
        (Status.RESOLVED, Event.ASK),
        (Status.RESOLVED, Event.ESCALATE),
        (Status.OPEN, Event.TAKE_UP),
        (Status.OPEN, Event.GIVE_UP),
        (Status.OPEN, Event.CLOSE),
        (Status.NEW, Event.HAND_BACK),
    ],
)
def test_what_cannot_happen_is_refused_in_words(status: Status, event: Event) -> None:
    """There is no such move, and the words name the case and where it stands."""
    assert after(status, event) is None
    words = why_not(1042, status, event)
    assert words.startswith("#1042 is ")
    assert status.value in words or "no specialist" in words


def test_a_refusal_on_a_case_that_is_over_shows_the_way_out() -> None:
    """Who wants to answer a closed case learns which command opens it."""
    assert "ticket reopen 7" in why_not(7, Status.CLOSED, Event.ANSWER)
    assert "ticket reopen 7" in why_not(7, Status.RESOLVED, Event.ESCALATE)


@pytest.mark.parametrize(
    "event", [Event.CUSTOMER_WORD, Event.TAKE_UP, Event.UNDELIVERED]
)
def test_what_wakes_a_specialists_case_gives_it_back_to_the_specialist(
    event: Event,
) -> None:
    """A specialist who asked for a log gets the log, not the first agent."""
    assert after(Status.WAITING, event, specialist=True) is Status.ESCALATED
    assert after(Status.WAITING, event) is Status.OPEN


def test_nothing_but_giving_up_closing_and_merging_closes() -> None:
    """A case never disappears by a customer's or an agent's word alone."""
    closing = {
        event
        for (status, event), to in MOVES.items()
        if to is Status.CLOSED and status is not Status.CLOSED
    }
    assert closing == {Event.GIVE_UP, Event.CLOSE, Event.MERGE}


def test_a_quiet_word_moves_nothing_anywhere() -> None:
    """What wakes nobody leaves every case where it stands."""
    assert all(after(status, Event.QUIET_WORD) is status for status in Status)


def test_from_every_status_but_closed_a_case_can_be_worked_on() -> None:
    """No dead ends: resolving or reopening is possible everywhere."""
    for status in Status:
        ways = {e for e in Event if (status, e) in MOVES}
        assert ways & {Event.RESOLVE, Event.TAKE_UP}


class Life(RuleBasedStateMachine):
    """A case to which anything happens at any time, as the daemon would take it."""

    def __init__(self) -> None:
        super().__init__()
        self.status = Status.NEW
        self.specialist = False
        self.waits_since: int | None = None
        self.time = 0
        self.resolutions = 0
        self.reopened = 0

    @rule(event=st.sampled_from(Event))
    def happens(self, event: Event) -> None:
        """Apply an event; one that cannot happen changes nothing."""
        self.time += 1
        before = self.status
        to = after(before, event, specialist=self.specialist)
        if event is Event.HAND_BACK and not self.specialist:
            to = None
        if to is None:
            assert why_not(1, before, event)
            return
        assert (before, event) in MOVES
        if event is Event.ESCALATE:
            self.specialist = True
        if event is Event.HAND_BACK or to is Status.OPEN:
            self.specialist = False
        if to is Status.WAITING and (event is Event.ASK or before is not to):
            self.waits_since = self.time
        elif to is not Status.WAITING:
            self.waits_since = None
        self.resolutions += to is Status.RESOLVED and before is not to
        self.reopened += before in OVER and to not in OVER
        self.status = to

    @invariant()
    def only_what_waits_has_a_time_of_waiting(self) -> None:
        """Reminders can only ever reach a case that waits."""
        assert (self.waits_since is None) == (self.status is not Status.WAITING)

    @invariant()
    def an_escalated_case_has_a_specialist(self) -> None:
        """The status never says more than the facts."""
        if self.status is Status.ESCALATED:
            assert self.specialist
        if self.status in (Status.NEW, Status.OPEN):
            assert not self.specialist

    @invariant()
    def a_case_is_resolved_again_only_after_it_was_reopened(self) -> None:
        """So there is at most one question about each resolution."""
        assert self.resolutions <= self.reopened + 1


Life.TestCase.settings = settings(max_examples=200, stateful_step_count=30)
TestLife = Life.TestCase


def test_every_pair_either_moves_or_is_refused_with_words() -> None:
    """The table is total: `after` and `why_not` answer for every pair."""
    for status, event in product(Status, Event):
        assert after(status, event) in (*Status, None)
        assert why_not(1, status, event).startswith("#1 ")
