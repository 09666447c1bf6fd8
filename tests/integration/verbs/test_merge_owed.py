"""What a customer wrote is owed an answer wherever it is merged to."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from chamado.config.settings import Sla
from chamado.daemon import lifecycle, merging
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support import promises as day
from tests.support.house import NOON, House, house, message


@pytest.fixture
def quiet(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house that promises no second answer."""
    with house(store, pool, tmp_path, sla=Sla(next_response=0)) as built:
        yield built


def _merge(home: House, number: int, into: int) -> None:
    with home.store.write() as work:
        merging.merge(
            work,
            home.desk,
            number,
            into,
            who=day.BIA.address,
            confirm=False,
            now=home.clock(),
        )


def _fresh(home: House) -> int:
    """The customer writes a mail of his own about what he was asked."""
    fate = home.mail(message("A tela que vocês pediram é a 17."))
    assert fate["outcome"] == "ticket_opened"
    number: int = fate["ticket"]
    return number


def _asked(home: House) -> int:
    """A case that waits for its customer since five minutes past."""
    number = day.opened(home)
    home.clock.move(minutes=5)
    day.asked(home, number)
    home.deliver()
    return number


def _owed(home: House, number: int) -> list[datetime]:
    """Since when the next answers are owed."""
    clocks = day.clocks(home, number, "next_response")
    return [clock["started_at"] for clock in clocks if clock["done_at"] is None]


def test_an_answer_by_a_fresh_mail_ends_the_waiting(home: House) -> None:
    """Who wrote is neither reminded nor given up, and is owed an answer since then."""
    number = _asked(home)
    home.clock.move(hours=2)
    wrote = home.clock()
    fresh = _fresh(home)
    home.clock.move(hours=1)
    _merge(home, fresh, number)
    assert day.ticket(home, number)["status"] == "open"
    assert _owed(home, number) == [wrote]
    (moved,) = [e for e in home.rows(schema.event) if e["kind"] == "status"]
    assert (moved["ticket"], moved["who"]) == (number, day.BIA.address)
    assert moved["facts"] == {
        "status": "open",
        "from": "waiting",
        "to": "open",
        "why": f"#{fresh}, merged into it, was not answered",
    }
    for _ in range(20):
        home.clock.move(days=1)
        lifecycle.tick(home.store, home.desk)
    assert day.ticket(home, number)["status"] == "open"
    kinds = {letter["kind"] for letter in day.letters(home, number)}
    assert not kinds & {"reminder", "closed"}


def test_what_waits_for_a_specialist_s_question_goes_back_to_him(home: House) -> None:
    """As with any word of the customer."""
    number = _asked(home)
    with home.store.write() as work:
        work.execute(schema.ticket.update().values(specialty="database"))
    home.clock.move(hours=1)
    _merge(home, _fresh(home), number)
    case = day.ticket(home, number)
    assert (case["status"], case["specialty"]) == ("escalated", "database")


def test_an_unanswered_case_in_an_answered_one_is_owed_an_answer(home: House) -> None:
    """The promise that ended with the one goes on with the other."""
    number = day.opened(home)
    day.answered(home, number)
    home.deliver()
    home.clock.move(hours=1)
    _merge(home, _fresh(home), number)
    assert _owed(home, number) == [NOON + timedelta(hours=1)]
    assert day.ticket(home, number)["status"] == "open"


def test_a_case_that_nobody_has_answered_owes_one_answer(home: House) -> None:
    """Two unanswered cases of one customer are one first answer, as it was promised."""
    number = day.opened(home)
    due = day.clock(home, number)["due_at"]
    home.clock.move(hours=1)
    _merge(home, _fresh(home), number)
    assert _owed(home, number) == []
    assert day.clock(home, number)["due_at"] == due
    assert day.ticket(home, number)["status"] == "new"


def test_what_was_answered_since_is_owed_no_more(home: House) -> None:
    """He wrote twice, was asked once, and has the word."""
    number = day.opened(home)
    home.clock.move(minutes=1)
    twin = _fresh(home)
    home.clock.move(minutes=5)
    day.asked(home, number)
    home.deliver()
    _merge(home, twin, number)
    assert day.ticket(home, number)["status"] == "waiting"
    assert _owed(home, number) == []


def test_the_first_word_that_was_not_answered_counts(home: House) -> None:
    """Of two on the one case the answer on the other came between them."""
    number = day.opened(home)
    home.clock.move(hours=1)
    twin = _fresh(home)
    home.deliver()
    home.clock.move(minutes=5)
    day.asked(home, number)
    home.deliver()
    home.clock.move(minutes=5)
    day.wrote(home, twin, text="E a tela é a 17.")
    wrote = home.clock()
    home.clock.move(minutes=5)
    _merge(home, twin, number)
    assert day.ticket(home, number)["status"] == "open"
    assert _owed(home, number) == [wrote]


@pytest.mark.parametrize("how", ["answered", "resolved", "waits"])
def test_a_case_that_owes_nothing_brings_nothing(home: House, how: str) -> None:
    """It was answered, is over, or waits for its customer itself."""
    number = _asked(home)
    home.clock.move(hours=1)
    other = _fresh(home)
    home.clock.move(minutes=5)
    {"answered": day.answered, "resolved": day.resolved, "waits": day.waits}[how](
        home, other
    )
    home.deliver()
    home.clock.move(minutes=5)
    _merge(home, other, number)
    assert day.ticket(home, number)["status"] == "waiting"
    assert _owed(home, number) == []


def test_a_case_that_was_taken_up_brings_what_it_owes(home: House) -> None:
    """Nobody wrote on it since, and yet its customer is owed a word."""
    number = _asked(home)
    other = day.opened(home)
    day.resolved(home, other, text="Feito.")
    home.deliver()
    home.clock.move(hours=1)
    day.reopened(home, other)
    since = home.clock()
    home.clock.move(hours=1)
    _merge(home, other, number)
    assert day.ticket(home, number)["status"] == "open"
    assert _owed(home, number) == [since]


def test_words_are_heard_where_no_next_answer_is_promised(quiet: House) -> None:
    """Then no clock tells that he wrote, and he did all the same."""
    number = _asked(quiet)
    quiet.clock.move(hours=1)
    other = _fresh(quiet)
    quiet.clock.move(minutes=5)
    day.answered(quiet, other)
    quiet.deliver()
    quiet.clock.move(minutes=5)
    day.wrote(quiet, other, text="A tela é a 17.")
    _merge(quiet, other, number)
    assert day.ticket(quiet, number)["status"] == "open"
    assert _owed(quiet, number) == []
