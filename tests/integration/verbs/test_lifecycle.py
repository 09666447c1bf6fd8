"""Cases on which nobody says anything: reminders, polite closing, and rest."""

from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from chamado.config.settings import Case
from chamado.daemon import lifecycle
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.types import Resolution
from chamado.daemon.lifecycle import Done
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.casework import ANA, Desk, words_of
from tests.support.house import House, house


@pytest.fixture
def desk(home: House) -> Desk:
    """People in a house with the usual settings."""
    return Desk(home)


def test_a_silent_customer_is_reminded_and_then_let_go_kindly(desk: Desk) -> None:
    """Asked, reminded after three days, closed seven days later; no step twice."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=2, hours=23)
    assert desk.tick() == Done()
    desk.home.clock.move(hours=2)
    assert desk.tick() == Done(reminded=1, letters=1)
    assert desk.tick() == Done()
    (reminder,) = desk.letters(number, "reminder")
    assert reminder["To"].addresses[0].addr_spec == ANA
    assert reminder["Auto-Submitted"] == "auto-generated"
    assert "o registro (log) do problema" in words_of(reminder)
    assert "7 dias" in words_of(reminder)
    desk.home.clock.move(days=6, hours=23)
    assert desk.tick() == Done()
    desk.home.clock.move(hours=2)
    assert desk.tick() == Done(given_up=1, letters=1)
    assert desk.tick() == Done()
    case = desk.case(number)
    assert (case["status"], case["resolution"]) == ("closed", None)
    assert case["closed_at"] == desk.home.clock()
    assert case["waiting_since"] is None
    (closed,) = desk.letters(number, "closed")
    assert "encerramos o chamado" in words_of(closed)
    assert [f["times"] for f in desk.happened(number, "reminded")] == [1]
    (facts,) = desk.happened(number, "closed_silent")
    assert (facts["from"], facts["to"]) == ("waiting", "closed")
    assert not desk.home.rows(schema.survey)


def test_downtime_swallows_no_step_and_lets_none_follow_at_once(desk: Desk) -> None:
    """After a month of darkness the customer still has a week to answer."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=30)
    assert desk.tick() == Done(reminded=1, letters=1)
    assert desk.tick() == Done()
    desk.home.clock.move(days=6)
    assert desk.tick() == Done()
    desk.home.clock.move(days=2)
    assert desk.tick() == Done(given_up=1, letters=1)


def test_an_answer_ends_the_waiting(desk: Desk) -> None:
    """Who has answered is not reminded; asked again, the counting starts anew."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=4)
    desk.tick()
    assert desk.answers(number, "Segue o que vi.")["outcome"] == "reply_appended"
    case = desk.case(number)
    assert (case["status"], case["waiting_since"], case["reminded"]) == (
        "open",
        None,
        0,
    )
    desk.home.clock.move(days=60)
    assert desk.tick() == Done()
    desk.ask(number, Topic.STEPS)
    desk.home.clock.move(days=4)
    assert desk.tick().reminded == 1
    assert len(desk.letters(number, "reminder")) == 2


def test_a_resolved_case_is_closed_silently_and_for_good(desk: Desk) -> None:
    """Two weeks after the resolution; what comes later opens a linked case."""
    number = desk.opens()
    desk.resolve(number)
    desk.home.clock.move(days=13)
    assert desk.tick() == Done()
    desk.home.clock.move(days=2)
    assert desk.tick() == Done(closed=1)
    assert desk.tick() == Done()
    case = desk.case(number)
    assert (case["status"], case["resolution"]) == ("closed", "answered")
    assert not desk.letters(number, "closed")
    fate = desk.answers(number, "Voltou a falhar.")
    assert fate["outcome"] == "ticket_opened"
    (relation,) = desk.home.rows(schema.relation)
    assert (relation["ticket"], relation["other"], relation["kind"]) == (
        fate["ticket"],
        number,
        "reopened_from",
    )


def test_who_was_closed_silently_is_heard_on_a_new_case(desk: Desk) -> None:
    """The kind word promised it: an answer opens a case linked to the old one."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=4)
    desk.tick()
    desk.home.clock.move(days=8)
    desk.tick()
    fate = desk.answers(number, "Desculpe a demora, segue o log.")
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    assert desk.case(number)["status"] == "closed"


def test_the_answer_of_a_robot_to_a_reminder_changes_nothing(desk: Desk) -> None:
    """L-21: an out-of-office neither wakes the waiting case nor stops the counting."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=4)
    desk.tick()
    fate = desk.answers(number, "Estou de férias.", Auto_Submitted="auto-replied")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert desk.case(number)["status"] == "waiting"
    desk.home.clock.move(days=8)
    assert desk.tick().given_up == 1
    fate = desk.answers(number, "Ainda de férias.", Auto_Submitted="auto-replied")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert desk.case(number)["status"] == "closed"


def test_who_looked_like_a_loop_is_not_written_to(desk: Desk) -> None:
    """The breaker holds for reminders too; the step is taken without the letter."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=4)
    with desk.home.store.write() as work:
        until = desk.home.clock() + timedelta(hours=1)
        work.execute(schema.contact.update().values(quiet_until=until))
    assert desk.tick() == Done(reminded=1, letters=0)
    assert desk.happened(number, "reminded") == [{"times": 1, "letters": 0}]


def test_two_daemons_take_each_step_once(desk: Desk) -> None:
    """Whoever is first; both ask the same database at the same moment."""
    numbers = [
        desk.opens(sender=f"c{n}@example.com", subject=f"caso {n}") for n in range(6)
    ]
    for number in numbers[:3]:
        desk.ask(number, Topic.LOGS)
    for number in numbers[3:]:
        desk.resolve(number)
    desk.home.clock.move(days=15)
    start, found = Barrier(2), list[Done]()

    def daemon() -> None:
        start.wait()
        found.append(lifecycle.tick(desk.home.store, desk.home.desk))

    threads = [Thread(target=daemon) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(done.reminded for done in found) == 3
    assert sum(done.closed for done in found) == 3
    assert sum(len(desk.letters(number, "reminder")) for number in numbers) == 3
    assert [len(desk.happened(n, "reminded")) for n in numbers[:3]] == [1, 1, 1]
    assert [len(desk.happened(n, "closed")) for n in numbers[3:]] == [1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "after_days", "done"),
    [
        (Case(remind_after=0), 8, Done(given_up=1, letters=1)),
        (Case(reminders=0), 8, Done(given_up=1, letters=1)),
        (Case(reminders=0), 6, Done()),
        (Case(give_up_after=0), 4, Done(reminded=1, letters=1)),
        (Case(remind_after=0, give_up_after=0), 4000, Done()),
    ],
)
def test_each_step_can_be_turned_off(
    store: Store,
    pool: ParserPool,
    tmp_path: Path,
    settings: Case,
    after_days: int,
    done: Done,
) -> None:
    """0 means never, and never is not "at once"."""
    with house(store, pool, tmp_path, case=settings) as home:
        desk = Desk(home)
        number = desk.opens()
        desk.ask(number, Topic.LOGS)
        home.clock.move(days=after_days)
        assert desk.tick() == done


def test_closing_can_be_turned_off(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """With close_after = 0 a resolved case stays resolved."""
    with house(store, pool, tmp_path, case=Case(close_after=0)) as home:
        desk = Desk(home)
        desk.resolve(desk.opens())
        home.clock.move(days=4000)
        assert desk.tick() == Done()


def test_several_reminders_count_from_each_other(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """Two reminders three days apart, then a week; each says what time is left."""
    with house(store, pool, tmp_path, case=Case(reminders=2)) as home:
        desk = Desk(home)
        number = desk.opens()
        desk.ask(number, Topic.LOGS)
        home.clock.move(days=3)
        assert desk.tick().reminded == 1
        home.clock.move(days=3)
        assert desk.tick().reminded == 1
        home.clock.move(days=6)
        assert desk.tick() == Done()
        home.clock.move(days=1)
        assert desk.tick().given_up == 1
        first, second = desk.letters(number, "reminder")
        assert "10 dias" in words_of(first)
        assert "7 dias" in words_of(second)


@pytest.mark.parametrize("code", [Resolution.SPAM, Resolution.DUPLICATE])
def test_what_was_resolved_silently_is_closed_too(desk: Desk, code: Resolution) -> None:
    """Spam does not stay on the desk for ever."""
    number = desk.opens()
    desk.resolve(number, code)
    desk.home.clock.move(days=15)
    assert desk.tick() == Done(closed=1)
