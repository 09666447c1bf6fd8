"""The clocks of a case through its life: what starts, stops, meets and ends them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chamado.config.address import Address
from chamado.config.settings import Agent, Promise, Sla
from chamado.daemon import actions
from chamado.daemon.core.types import Priority, Resolution
from chamado.daemon.store import cases, deadlines, schema
from chamado.daemon.store.engine import Conflict, Store
from chamado.parsers.pool import ParserPool
from tests.support import promises as day
from tests.support.house import NOON, House, house, message
from tests.support.promises import clock, clocks

HOUR = 3600.0
Houses = Callable[..., AbstractContextManager[House]]


def after(**by: float) -> Any:
    """So long after the start of the test."""
    return NOON + timedelta(**by)


@pytest.fixture
def houses(store: Store, pool: ParserPool, tmp_path: Path) -> Houses:
    """Build a house with other promises than usual."""

    @contextmanager
    def build(*exceptions: Promise, **sla: Any) -> Iterator[House]:
        settings = {"sla": Sla(**sla), "promise": exceptions}
        with house(store, pool, tmp_path, **settings) as built:
            yield built

    return build


def test_a_clock_starts_when_the_mail_arrived(home: House) -> None:
    """A backlog of three hours does not move the promise by a second."""
    number = home.mail(message(), at=after(hours=-3))["ticket"]
    first = clock(home, number)
    assert first["started_at"] == after(hours=-3)
    assert first["due_at"] == after(hours=21)
    assert first["warn_at"] == after(hours=20)
    assert day.ticket(home, number)["first_response_due"] == first["due_at"]


def test_the_first_answer_meets_the_first_promise(home: House) -> None:
    """It took so many seconds; a second answer changes nothing of it."""
    number = day.opened(home)
    home.clock.move(hours=2)
    day.answered(home, number)
    home.clock.move(hours=1)
    day.answered(home, number)
    first = clock(home, number)
    assert (first["ending"], first["took"]) == ("met", 2 * HOUR)
    assert first["done_at"] == after(hours=2)
    assert day.ticket(home, number)["first_response_at"] == after(hours=2)


def test_a_customers_word_after_the_answer_is_owed_the_next(home: House) -> None:
    """Counted from the first word that nobody answered, not from the last."""
    number = day.opened(home)
    day.wrote(home, number)
    assert clocks(home, number, "next_response") == []
    home.clock.move(hours=1)
    day.answered(home, number)
    home.clock.move(hours=1)
    day.wrote(home, number)
    home.clock.move(hours=1)
    day.wrote(home, number)
    assert clock(home, number, "next_response")["due_at"] == after(hours=26)
    day.answered(home, number)
    met = clock(home, number, "next_response")
    assert (met["ending"], met["took"]) == ("met", HOUR)
    home.clock.move(hours=1)
    day.wrote(home, number)
    assert len(clocks(home, number, "next_response")) == 2


def test_a_word_counts_from_its_arrival(home: House) -> None:
    """Mail that waited to be processed is owed an answer since it came."""
    number = day.opened(home)
    day.answered(home, number)
    home.clock.move(hours=5)
    day.wrote(home, number, at=after(hours=2))
    assert clock(home, number, "next_response")["due_at"] == after(hours=26)


def test_an_answer_that_was_given_before_the_word_does_not_meet_it(
    houses: Houses,
) -> None:
    """An agent's own mail that arrived late is no answer to what came after it."""
    with houses() as home:
        number = day.opened(home)
        day.answered(home, number)
        home.clock.move(hours=2)
        day.wrote(home, number)
        with home.store.write() as work:
            deadlines.agent_answered(work, number, after(hours=1), home.desk.promises)
        assert clock(home, number, "next_response")["done_at"] is None


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "auto-replied"}, {}])
def test_machines_are_owed_no_answer(home: House, headers: dict[str, str]) -> None:
    """An out-of-office on an open case starts nothing; a person's words do."""
    number = day.opened(home)
    day.answered(home, number)
    day.wrote(home, number, **headers)
    assert len(clocks(home, number, "next_response")) == (0 if headers else 1)


def test_waiting_for_the_customer_stops_the_clock(houses: Houses) -> None:
    """Four hours used, two days of silence: the reply finds the twenty left."""
    with houses(resolution=72 * HOUR) as home:
        number = day.opened(home)
        home.clock.move(hours=4)
        day.waits(home, number)
        stopped = clock(home, number)
        assert (stopped["due_at"], stopped["remaining"]) == (None, 20 * HOUR)
        home.clock.move(days=2)
        assert day.alarms(home).turn() == 0
        day.wrote(home, number)
        assert clock(home, number)["due_at"] == after(days=2, hours=24)
        assert clock(home, number, "resolution")["due_at"] == after(days=5)
        assert day.ticket(home, number)["first_response_due"] == after(days=2, hours=24)


def test_a_question_is_an_answer_and_stops_the_rest(houses: Houses) -> None:
    """Asking for more keeps the first promise; the resolution waits."""
    with houses(resolution=72 * HOUR) as home:
        number = day.opened(home)
        home.clock.move(hours=1)
        day.asked(home, number)
        assert clock(home, number)["ending"] == "met"
        assert clock(home, number, "resolution")["remaining"] == 71 * HOUR
        home.clock.move(days=1)
        day.wrote(home, number)
        due = clock(home, number, "resolution")["due_at"]
        assert due == after(days=1, hours=72)
        assert clock(home, number, "next_response")["due_at"] == after(days=2, hours=1)


def test_a_robots_reply_does_not_wake_a_waiting_clock(home: House) -> None:
    """The customer's out-of-office is not what was asked for."""
    number = day.opened(home)
    day.waits(home, number)
    day.wrote(home, number, Auto_Submitted="auto-replied")
    assert clock(home, number)["due_at"] is None


def test_taking_a_waiting_case_up_lets_the_clock_run(home: House) -> None:
    """Nobody is waited for any more."""
    number = day.opened(home)
    day.waits(home, number)
    home.clock.move(days=3)
    day.reopened(home, number)
    assert clock(home, number)["due_at"] == after(days=4)
    assert clocks(home, number, "next_response") == []


def test_priority_and_team_change_what_is_promised(houses: Houses) -> None:
    """From the start of the clock; what the new team does not promise is dropped."""
    urgent = Promise(priority="p1", first_response=2 * HOUR, resolution=8 * HOUR)
    sales = Promise(team="sales", first_response=48 * HOUR)
    with houses(urgent, sales) as home:
        number = day.opened(home)
        assert clocks(home, number, "resolution") == []
        home.clock.move(hours=1)
        day.raised(home, number, Priority.P1)
        assert clock(home, number)["due_at"] == after(hours=2)
        assert day.ticket(home, number)["first_response_due"] == after(hours=2)
        assert clock(home, number, "resolution")["due_at"] == after(hours=8)
        day.raised(home, number, Priority.P3, "sales")
        assert clock(home, number)["due_at"] == after(hours=48)
        assert clock(home, number, "resolution")["ending"] == "dropped"
        home.clock.move(hours=2)
        day.raised(home, number, Priority.P1)
        again = clock(home, number, "resolution")
        assert (again["ending"], again["due_at"]) == (None, after(hours=10))


def test_a_resolution_ends_everything(houses: Houses) -> None:
    """It keeps its own promise, and leaves none to be broken."""
    with houses(resolution=72 * HOUR) as home:
        number = day.opened(home)
        home.clock.move(hours=5)
        day.resolved(home, number, text="Está feito.")
        assert clock(home, number)["ending"] == "met"
        ended = clock(home, number, "resolution")
        assert (ended["ending"], ended["took"]) == ("met", 5 * HOUR)
        home.clock.move(days=30)
        assert day.alarms(home).turn() == 0


@pytest.mark.parametrize("code", [Resolution.SPAM, Resolution.DUPLICATE])
def test_spam_and_duplicates_keep_no_promise(houses: Houses, code: Resolution) -> None:
    """They are over, but nobody was answered and nothing was solved."""
    with houses(resolution=72 * HOUR) as home:
        number = day.opened(home)
        day.resolved(home, number, code)
        endings = {
            clock(home, number, k)["ending"] for k in ("first_response", "resolution")
        }
        assert endings == {"ended"}


def test_a_customer_who_reopens_is_owed_a_word_and_the_rest_of_the_time(
    houses: Houses,
) -> None:
    """The next response starts anew; the resolution has what was left of its time."""
    with houses(resolution=72 * HOUR) as home:
        number = day.opened(home)
        home.clock.move(hours=12)
        day.resolved(home, number, text="Está feito.")
        home.clock.move(days=5)
        day.wrote(home, number, text="Voltou a ficar azul, e agora também no celular.")
        assert day.ticket(home, number)["status"] == "open"
        assert clock(home, number, "next_response")["due_at"] == after(days=6, hours=12)
        resolution = clock(home, number, "resolution")
        assert resolution["ending"] is None
        assert resolution["due_at"] == after(days=5, hours=72)


def test_a_case_that_was_never_answered_goes_on_with_its_first_promise(
    home: House,
) -> None:
    """Resolved by mistake after four hours, reopened by an agent: 20 hours are left."""
    number = day.opened(home)
    home.clock.move(hours=4)
    day.resolved(home, number, Resolution.SPAM)
    home.clock.move(days=1)
    day.reopened(home, number)
    assert clock(home, number)["due_at"] == after(days=1, hours=24)
    assert clocks(home, number, "next_response") == []


def test_a_case_that_was_never_answered_and_late_is_owed_the_next_answer(
    home: House,
) -> None:
    """The first promise is missed for good; who reopens has the customer wait anew."""
    number = day.opened(home)
    home.clock.move(hours=25)
    day.resolved(home, number, Resolution.SPAM)
    home.clock.move(hours=1)
    day.reopened(home, number)
    first = clock(home, number)
    assert (first["ending"], first["due_at"]) == ("ended", after(hours=24))
    assert clock(home, number, "next_response")["due_at"] == after(hours=50)


def test_thanks_on_a_resolved_case_are_owed_nothing(home: House) -> None:
    """The case stays over, so nothing is due."""
    number = day.opened(home)
    day.resolved(home, number, text="Está feito.")
    day.wrote(home, number, text="Obrigada!")
    assert clocks(home, number, "next_response") == []


def test_an_answer_that_bounced_is_no_answer(home: House) -> None:
    """The clock runs on as if it had never stopped."""
    number = day.opened(home)
    home.clock.move(hours=2)
    letter = day.answered(home, number)
    home.clock.move(hours=1)
    day.bounced(home, letter)
    first = clock(home, number)
    assert (first["done_at"], first["took"]) == (None, None)
    assert first["due_at"] == after(hours=24)
    assert day.ticket(home, number)["first_response_at"] is None
    home.clock.move(hours=3)
    day.answered(home, number)
    assert clock(home, number)["took"] == 6 * HOUR
    assert day.ticket(home, number)["first_response_at"] == after(hours=6)


def test_a_later_answer_that_arrived_counts_when_the_first_comes_back(
    home: House,
) -> None:
    """A bounce takes its time; what the customer got meanwhile is the answer."""
    number = day.opened(home)
    home.clock.move(hours=1)
    lost = day.answered(home, number)
    home.clock.move(hours=1)
    day.answered(home, number)
    home.clock.move(hours=1)
    day.bounced(home, lost)
    assert clock(home, number)["took"] == 2 * HOUR
    assert day.ticket(home, number)["first_response_at"] == after(hours=2)


def test_a_copy_that_bounced_is_an_answer_all_the_same(home: House) -> None:
    """Who asked has it; a colleague who has left does not take it back."""
    rui = Address(name="Rui", address="rui@example.com")
    number = day.opened(home)
    with home.store.write() as work:
        ids = cases.ensure_contacts(work, [(rui, False)], home.clock())
        pair = (number, ids[rui.address])
        cases.add_participants(work, [pair], home.clock() + timedelta(seconds=1))
    day.answered(home, number)
    (copy,) = [x for x in day.letters(home, number) if x["rcpt_to"] == rui.address]
    day.bounced(home, copy["message_id"], rui.address)
    assert clock(home, number)["ending"] == "met"


def test_a_word_after_a_lost_answer_asks_for_the_same_answer(home: House) -> None:
    """Two clocks for one silence would miss one promise twice."""
    number = day.opened(home)
    home.clock.move(hours=1)
    lost = day.answered(home, number)
    home.clock.move(hours=1)
    day.wrote(home, number)
    day.bounced(home, lost)
    assert clocks(home, number, "next_response") == []
    assert clock(home, number)["due_at"] == after(hours=24)


def test_a_bounce_on_a_case_that_is_over_raises_no_alarm(home: House) -> None:
    """Nobody was answered, as the figures say, but nothing is due."""
    number = day.opened(home)
    letter = day.answered(home, number)
    home.clock.move(hours=1)
    day.resolved(home, number)
    day.bounced(home, letter)
    first = clock(home, number)
    assert (first["ending"], first["took"]) == ("ended", None)
    home.clock.move(days=9)
    assert day.alarms(home).turn() == 0


def test_an_escalation_does_not_stop_the_clock(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """The customer waits for us, whoever of us it is."""
    experts = (
        Agent(address="bia@acme.example", name="Bia"),
        Agent(address="gil@acme.example", specialties=("database",)),
    )
    with house(store, pool, tmp_path, agent=experts) as home:
        number = day.opened(home)
        with home.store.write() as work:
            actions.escalate(
                work, home.desk, number, day.BIA, "database", now=home.clock()
            )
        assert clock(home, number)["due_at"] == after(hours=24)


def test_a_holiday_is_no_working_day(houses: Houses) -> None:
    """Friday afternoon before Carnival: nine hours end on Wednesday after it."""
    office = {
        "hours": "mon-fri 09:00-18:00",
        "holidays": "BR",
        "first_response": 9 * HOUR,
    }
    with houses(**office) as home:
        home.clock.now = NOON.replace(year=2026, month=2, day=13, hour=18)
        number = day.opened(home)
        due = clock(home, number)["due_at"]
        assert due == NOON.replace(year=2026, month=2, day=18, hour=18)


def test_every_clock_of_the_schema_has_one_open_row_at_most(home: House) -> None:
    """The unique index holds against code that forgets to look."""
    number = day.opened(home)
    first = clock(home, number)
    twin = {name: value for name, value in first.items() if name != "id"}
    with pytest.raises(Conflict), home.store.write() as work:
        work.execute(schema.deadline.insert().values(**twin))
