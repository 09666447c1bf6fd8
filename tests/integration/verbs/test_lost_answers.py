"""An answer that does not arrive is none, until it does."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from chamado.daemon import actions, agents, casefile, lost
from chamado.daemon.core.types import Resolution
from chamado.daemon.enclosed import Files
from chamado.daemon.store import schema
from chamado.notifier.types import Fate, Outcome
from tests.support import promises as day
from tests.support.daemon import wait_until
from tests.support.house import NOON, House

REFUSED = Outcome(fate=Fate.REFUSED, reply="550 5.1.1 no such user")


def _refused(home: House, number: int) -> int:
    """An answer is given and refused, and the tick sees it; return the letter's id."""
    home.deliver()
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    day.alarms(home).turn()
    return int(day.letters(home, number)[-1]["id"])


def _retry(home: House, *ids: int) -> list[int]:
    with home.store.write() as work:
        return lost.retry(work, ids, home.desk.promises, home.clock())


def _said(home: House, number: int) -> Sequence[str]:
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    return [entry["text"] for entry in case["entries"]]


def test_a_refused_answer_that_is_sent_again_keeps_the_promise(home: House) -> None:
    """It counts from when it was queued again, and only once the relay took it."""
    number = day.opened(home)
    home.clock.move(hours=1)
    id_ = _refused(home, number)
    assert day.ticket(home, number)["first_response_at"] is None
    home.clock.move(hours=4)
    assert _retry(home, id_) == [id_]
    assert day.clock(home, number)["done_at"] is None
    home.deliver()
    again = NOON + timedelta(hours=5)
    assert day.ticket(home, number)["first_response_at"] == again
    first = day.clock(home, number)
    assert (first["ending"], first["done_at"], first["took"]) == ("met", again, 18_000)
    assert "the answer that had been refused was delivered" in _said(home, number)


def test_an_answer_that_is_refused_again_is_none_again(home: House) -> None:
    """Each refusal is seen, however soon it was tried again."""
    number = day.opened(home)
    id_ = _refused(home, number)
    home.clock.move(hours=1)
    _retry(home, id_)
    home.relay.answers = [REFUSED]
    home.deliver()
    day.alarms(home).turn()
    assert day.clock(home, number)["done_at"] is None
    home.clock.move(hours=1)
    _retry(home, id_)
    home.deliver()
    assert day.clock(home, number)["took"] == 7_200


def test_a_retry_before_the_tick_saw_the_refusal_changes_nothing(home: House) -> None:
    """What the tick would have done is done first."""
    number = day.opened(home)
    home.deliver()
    day.answered(home, number)
    home.relay.answers = [REFUSED, REFUSED]
    home.deliver()
    home.clock.move(hours=1)
    _retry(home, int(day.letters(home, number)[-1]["id"]))
    assert day.clock(home, number)["done_at"] is None
    home.deliver()
    day.alarms(home).turn()
    assert day.clock(home, number)["done_at"] is None


def test_a_refusal_that_two_see_at_once_is_told_once(home: House) -> None:
    """The daemon's tick and an operator's `outbox retry` may come at the same time."""
    number = day.opened(home)
    home.deliver()
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    promises = home.desk.promises

    def second() -> int:
        with home.store.write() as work:
            return lost.take_back(work, promises, home.clock())

    with ThreadPoolExecutor(1) as pool:
        with home.store.write() as work:
            assert lost.take_back(work, promises, home.clock()) == 1
            other = pool.submit(second)
            if not home.store.is_sqlite:
                wait_until(lambda: _waiting(home))
        assert other.result() == 0
    kinds = [event["kind"] for event in home.rows(schema.event)]
    assert kinds.count("answer_lost") == 1
    assert [n["kind"] for n in home.rows(schema.notice)] == ["not_delivered"]


def _waiting(home: House) -> bool:
    """Whether somebody waits for a row that another transaction holds."""
    with home.store.read() as work:
        held = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(work.execute(held).scalar_one())


def test_an_answer_that_bounced_and_is_sent_again_counts(home: House) -> None:
    """A full mailbox that was emptied; and a second bounce takes it back once more."""
    number = day.opened(home)
    home.deliver()
    letter = day.answered(home, number)
    home.deliver()
    day.bounced(home, letter)
    assert day.clock(home, number)["done_at"] is None
    home.clock.move(hours=2)
    _retry(home, int(day.letters(home, number)[-1]["id"]))
    home.deliver()
    assert day.clock(home, number)["took"] == 7_200
    day.bounced(home, letter)
    assert day.clock(home, number)["done_at"] is None


def test_an_answer_that_arrives_after_the_end_is_the_first_one(home: House) -> None:
    """The case was over, yet nobody had been answered: now the customer has been."""
    number = day.opened(home)
    id_ = _refused(home, number)
    home.clock.move(hours=1)
    day.resolved(home, number)
    assert day.clock(home, number)["ending"] == "ended"
    home.clock.move(hours=1)
    _retry(home, id_)
    home.deliver()
    first = day.clock(home, number)
    assert (first["ending"], first["took"]) == ("met", 7_200)
    home.clock.move(days=9)
    assert day.alarms(home).turn() == 0


def test_a_better_answer_meanwhile_stays_the_answer(home: House) -> None:
    """What is sent again later does not move what was given before."""
    number = day.opened(home)
    id_ = _refused(home, number)
    home.clock.move(hours=1)
    day.answered(home, number)
    home.deliver()
    home.clock.move(hours=5)
    _retry(home, id_)
    home.deliver()
    assert day.clock(home, number)["took"] == 3_600


def test_o11_a_refused_answer_is_told_to_the_team_once(home: House) -> None:
    """O-11: no retry and no loop; the case says it, and a notice names the reason."""
    number = day.opened(home)
    _refused(home, number)
    for _ in range(3):
        home.clock.move(hours=2)
        home.deliver()
        day.alarms(home).turn()
        with home.store.write() as work:
            agents.tell(work, home.desk, home.clock())
    letters = day.letters(home, number)
    reply = next(row for row in letters if row["kind"] == "reply")
    assert (reply["state"], reply["attempts"]) == ("failed", 1)
    told = [row["content"] for row in letters if row["kind"] == "notice"]
    assert len(told) == 1
    assert b"550 5.1.1 no such user" in told[0]
    assert [said for said in _said(home, number) if "still owed" in said] == [
        "the answer could not be delivered, so it is still owed"
    ]
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    flags = {entry["kind"]: entry["flags"] for entry in case["entries"]}
    assert flags["reply"] == ["not_delivered"]


def test_a_refused_answer_beside_words_that_arrived_is_told_once_and_not_owed(
    home: House,
) -> None:
    """One mail of an agent answers and resolves, and the relay takes the second."""
    number = day.opened(home)
    home.deliver()
    day.answered(home, number)
    day.resolved(home, number, text="Está feito.")
    home.relay.answers = [REFUSED]
    home.deliver()
    for _ in range(3):
        home.clock.move(hours=2)
        day.alarms(home).turn()
    assert day.ticket(home, number)["first_response_at"] == NOON
    assert [n["kind"] for n in home.rows(schema.notice)] == ["not_delivered"]
    assert not [said for said in _said(home, number) if "still owed" in said]


@pytest.mark.parametrize("apart", [True, False])
def test_the_bounce_of_a_resolution_takes_no_other_answer_back(
    home: House, *, apart: bool
) -> None:
    """Whether it was written an hour later or in one mail with the answer."""
    number = day.opened(home)
    home.clock.move(hours=1)
    day.answered(home, number)
    if apart:
        home.clock.move(hours=1)
    with home.store.write() as work:
        actions.resolve(
            work,
            home.desk,
            number,
            day.BIA,
            Resolution.ANSWERED,
            "Está feito.",
            now=home.clock(),
        )
    letter = day.letters(home, number)[-1]
    assert letter["kind"] == "resolved"
    home.deliver()
    home.clock.move(hours=1)
    day.bounced(home, str(letter["message_id"]))
    first = day.clock(home, number)
    assert (first["ending"], first["took"]) == ("met", 3_600)
    answered = day.ticket(home, number)["first_response_at"]
    assert answered == NOON + timedelta(hours=1)


def test_a_bounced_resolution_was_the_answer_of_a_case_without_another(
    home: House,
) -> None:
    """Then nobody was answered, and the figures say so."""
    number = day.opened(home)
    day.resolved(home, number, text="Está feito.")
    letter = day.letters(home, number)[-1]
    home.deliver()
    day.bounced(home, str(letter["message_id"]))
    assert day.ticket(home, number)["first_response_at"] is None
    assert day.clock(home, number)["ending"] == "ended"
    assert len(home.rows(schema.ticket)) == 1


def test_files_are_sent_again_with_the_words(home: House) -> None:
    """A letter that is tried again is the same letter, byte by byte."""
    number = day.opened(home)
    home.deliver()
    with home.store.write() as work:
        actions.reply(
            work, home.desk, number, day.BIA, "Veja.", Files(), now=home.clock()
        )
    home.relay.answers = [REFUSED]
    home.deliver()
    first = home.relay.letters[-1]
    _retry(home, int(day.letters(home, number)[-1]["id"]))
    home.deliver()
    assert home.relay.letters[-1] == first


def test_an_acknowledgement_that_was_refused_is_marked_on_the_case(home: House) -> None:
    """Whoever reads the case sees that the customer does not know its number."""
    number = day.opened(home)
    home.relay.answers = [REFUSED]
    home.deliver()
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    flags = {entry["kind"]: entry["flags"] for entry in case["entries"]}
    assert flags["ack"] == ["not_delivered"]
