"""Whoever works on a case holds the case before its clocks and its letters.

On PostgreSQL two who did it in different orders would wait for each other until one is
thrown out. SQLite has one writer at a time, so there it is true by itself.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import text

from chamado.daemon import actions, lost
from chamado.daemon.core.types import Resolution
from chamado.daemon.store import deadlines, outbox, schema, views
from chamado.daemon.store.engine import Work
from chamado.notifier.types import Fate, Outcome
from tests.support import promises as day
from tests.support.daemon import wait_until
from tests.support.house import House

REFUSED = Outcome(fate=Fate.REFUSED, reply="550 5.1.1 no such user")


def _meanwhile(
    home: House,
    first: Callable[[Work], object],
    other: Callable[[], object],
    then: Callable[[Work], object],
) -> None:
    """One does `first` and, once the `other` waits for it, `then`; both must end."""
    with ThreadPoolExecutor(1) as pool:
        with home.store.write() as work:
            first(work)
            waiting = pool.submit(other)
            if not home.store.is_sqlite:
                wait_until(lambda: _waits(home, waiting))
            then(work)
        waiting.result(30)


def _waits(home: House, other: Future[object]) -> bool:
    """Whether somebody waits for what another transaction holds, or has ended."""
    with home.store.read() as work:
        held = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return other.done() or bool(work.execute(held).scalar_one())


def _take_back(home: House) -> int:
    with home.store.write() as work:
        return lost.take_back(work, home.desk.promises, home.clock())


def _lost(home: House, number: int) -> None:
    """An answer to a customer's second word is refused."""
    day.answered(home, number)
    home.deliver()
    home.clock.move(minutes=5)
    _spoke(home, number)
    home.clock.move(minutes=5)
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    home.clock.move(minutes=5)


def _spoke(home: House, *numbers: int) -> None:
    with home.store.write() as work:
        spoken = [(number, home.clock()) for number in numbers]
        deadlines.customers_spoke(work, spoken, home.desk.promises)


def _events(home: House) -> list[str]:
    return [event["kind"] for event in home.rows(schema.event)]


def test_a_refusal_and_a_word_of_the_customer_wait_in_one_order(home: House) -> None:
    """Filing holds the case and moves its clocks; the tick takes an answer back."""
    number = day.opened(home)
    home.deliver()
    _lost(home, number)
    word = [(number, home.clock())]
    _meanwhile(
        home,
        lambda work: views.hold(work, number),
        lambda: _take_back(home),
        lambda work: deadlines.customers_spoke(work, word, home.desk.promises),
    )
    assert _events(home).count("answer_lost") == 1
    (owed,) = day.clocks(home, number, "next_response")
    assert owed["done_at"] is None


def test_many_refusals_and_many_words_wait_in_one_order(home: House) -> None:
    """The lowest case first, whichever letter was written first."""
    numbers = [day.opened(home) for _ in range(3)]
    home.deliver()
    for number in reversed(numbers):
        _lost(home, number)
    words = [(number, home.clock()) for number in reversed(numbers)]
    _meanwhile(
        home,
        lambda work: views.hold(work, numbers[0]),
        lambda: _take_back(home),
        lambda work: deadlines.customers_spoke(work, words, home.desk.promises),
    )
    assert _events(home).count("answer_lost") == 3


def test_a_clock_does_not_start_again_on_a_case_that_is_ending(home: House) -> None:
    """Who takes an answer back waits for the agent, and finds the case resolved."""
    number = day.opened(home)
    home.deliver()
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    _meanwhile(
        home,
        lambda work: actions.resolve(
            work,
            home.desk,
            number,
            day.BIA,
            Resolution.SPAM,
            "",
            now=home.clock(),
        ),
        lambda: _take_back(home),
        lambda _: None,
    )
    first = day.clock(home, number)
    assert (first["done_at"], first["ending"]) == (home.clock(), "ended")


def test_a_letter_that_arrives_and_its_bounce_wait_in_one_order(home: House) -> None:
    """Filing holds the case and fails the letter; the deliverer notes that it left, and
    what came back keeps nothing."""
    number = day.opened(home)
    home.deliver()
    _lost(home, number)
    _take_back(home)
    letter: dict[str, Any] = day.letters(home, number)[-1]
    home.clock.move(minutes=5)
    with home.store.write() as work:
        again = lost.retry(work, [letter["id"]], home.desk.promises, home.clock())
    assert again == [letter["id"]]
    _meanwhile(
        home,
        lambda work: views.hold(work, number),
        home.deliver,
        lambda work: outbox.bounced(
            work, letter["message_id"], "bounced: full", home.clock()
        ),
    )
    assert home.letters()["failed"] == 1
    assert "answer_arrived" not in _events(home)
    (owed,) = day.clocks(home, number, "next_response")
    assert owed["done_at"] is None


def test_words_on_a_case_that_is_held_wait_for_it(home: House) -> None:
    """Whether the case may have clocks is not read before it stands still."""
    number = day.opened(home)
    home.deliver()
    day.answered(home, number)
    _meanwhile(
        home,
        lambda work: actions.resolve(
            work,
            home.desk,
            number,
            day.BIA,
            Resolution.ANSWERED,
            "Feito.",
            now=home.clock(),
        ),
        lambda: _spoke(home, number),
        lambda _: None,
    )
    assert not day.clocks(home, number, "next_response")
