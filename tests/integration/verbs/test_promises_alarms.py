"""Warnings and alarms: once each, in order, through downtime and between daemons."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chamado.config.settings import Sla
from chamado.daemon.alarms import Alarms
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store, Work
from chamado.notifier.types import Fate, Outcome
from chamado.parsers.pool import ParserPool
from tests.support import promises as day
from tests.support.house import NOON, House, house
from tests.support.promises import clock

Told = tuple[int, str, str]
STEPS = ("ticks", "answer", "wait", "reopen", "word")


def listener(heard: list[Told]) -> Callable[[Work, int, str, str], None]:
    """Write down what is told."""
    return lambda work, ticket, kind, what: heard.append((ticket, kind, what))


def history(home: House) -> list[tuple[int, str]]:
    """The alarms that cases remember, in order."""
    return [
        (event["ticket"], event["kind"])
        for event in home.rows(schema.event)
        if event["kind"].startswith("sla_")
    ]


def test_a_warning_and_then_an_alarm_once_each(home: House) -> None:
    """However often the clock ticks: one warning, one alarm, both in the history."""
    heard: list[Told] = []
    alarms = day.alarms(home, listener(heard))
    number = day.opened(home)
    for _ in range(30):
        alarms.turn()
        alarms.turn()
        home.clock.move(hours=1)
    assert heard == [
        (number, "first_response", "warning"),
        (number, "first_response", "breach"),
    ]
    assert history(home) == [(number, "sla_warned"), (number, "sla_breached")]
    marks = clock(home, number)
    assert marks["warned_at"] == NOON + timedelta(hours=23)
    assert marks["breached_at"] == NOON + timedelta(hours=24)


def test_days_of_downtime_raise_each_alarm_once_and_the_oldest_first(
    home: House,
) -> None:
    """Three days late, nobody is warned any more of what is missed already."""
    heard: list[Told] = []
    hours = [5, 2, 9, 1, 7]
    numbers = [day.opened(home, ago=timedelta(hours=h)) for h in hours]
    home.clock.move(days=3)
    alarms = day.alarms(home, listener(heard), batch=2)
    assert alarms.turn() == 5
    assert alarms.turn() == 0
    oldest_first = [n for _, n in sorted(zip(hours, numbers, strict=True))][::-1]
    assert heard == [(n, "first_response", "breach") for n in oldest_first]


def test_what_was_answered_in_time_raises_nothing(home: House) -> None:
    """Neither a warning nor an alarm follows an answer."""
    number = day.opened(home)
    home.clock.move(hours=22)
    day.answered(home, number)
    home.clock.move(days=3)
    assert day.alarms(home).turn() == 0


def test_a_listener_that_fails_silences_neither_alarm_nor_others(home: House) -> None:
    """What it had written is taken back; the history and the other listeners stand."""
    heard: list[Told] = []

    def broken(work: Work, ticket: int, kind: str, what: str) -> None:
        row = {"instance": "x", "host": "x", "since": NOON, "until": NOON}
        work.execute(schema.uptime.insert().values(row))
        raise RuntimeError("no letter today")

    number = day.opened(home)
    home.clock.move(days=2)
    assert day.alarms(home, broken, listener(heard)).turn() == 1
    assert heard == [(number, "first_response", "breach")]
    assert home.rows(schema.uptime) == []
    assert day.alarms(home, listener(heard)).turn() == 0


def test_two_daemons_tell_each_thing_once(home: House, database_url: str) -> None:
    """Both tick at the same moments over the same database."""
    numbers = [day.opened(home, ago=timedelta(minutes=n)) for n in range(20)]
    other = Store(database_url)
    heard: list[Told] = []
    daemons = [
        Alarms(
            store, home.clock, lambda: home.desk.promises, [listener(heard)], batch=3
        )
        for store in (home.store, other)
    ]
    try:
        for _ in range(3):
            home.clock.move(hours=12)
            together = threading.Barrier(2)

            def tick(daemon: Alarms, start: threading.Barrier = together) -> None:
                start.wait(30)
                for _ in range(20):
                    daemon.turn()

            threads = [threading.Thread(target=tick, args=(d,)) for d in daemons]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
    finally:
        other.close()
    breaches = [(n, "first_response", "breach") for n in numbers]
    assert Counter(t for t in heard if t[2] == "breach") == Counter(breaches)
    assert len(history(home)) == len(heard)


@pytest.mark.postgres
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_case_that_an_agent_has_in_hand_is_told_of_later(home: House) -> None:
    """The tick never waits for an agent, so the two can never wait for each other.

    SQLite has one writer at a time: there nobody has anything in hand meanwhile.
    """
    number, free = day.opened(home), day.opened(home)
    home.clock.move(days=2)
    heard: list[Told] = []
    alarms = day.alarms(home, listener(heard))
    with home.store.engine.begin() as agent:
        held = schema.ticket.select().where(schema.ticket.c.number == number)
        agent.execute(held.with_for_update())
        alarms.turn()
        assert [told[0] for told in heard] == [free]
    alarms.turn()
    assert [told[0] for told in heard] == [free, number]


def test_an_answer_that_the_relay_refuses_is_no_answer(home: House) -> None:
    """It is owed again, once, and the case says so; an acknowledgement is none."""
    number = day.opened(home)
    home.clock.move(hours=1)
    day.answered(home, number)
    home.relay.answers = [Outcome(fate=Fate.REFUSED, reply="550 5.1.1 nobody")] * 2
    home.deliver()
    alarms = day.alarms(home)
    alarms.turn()
    alarms.turn()
    assert clock(home, number)["due_at"] == NOON + timedelta(hours=24)
    assert clock(home, number)["done_at"] is None
    lost = [e for e in home.rows(schema.event) if e["kind"] == "answer_lost"]
    assert [event["ticket"] for event in lost] == [number]
    home.clock.move(hours=1)
    day.answered(home, number)
    home.deliver()
    alarms.turn()
    assert clock(home, number)["took"] == 7200


@pytest.fixture
def quick(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house whose promises are hours, for many short lives."""
    with house(store, pool, tmp_path, sla=Sla(first_response=7200.0)) as built:
        yield built


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 90), st.sampled_from(STEPS)),
        max_size=8,
    )
)
def test_no_life_of_a_case_is_told_twice_of_the_same_clock(
    quick: House, steps: list[tuple[int, str]]
) -> None:
    """Whatever happens between the ticks: a clock warns once and alarms once at most,
    and one that stood still or was met in time never alarms."""
    heard: list[Told] = []
    alarms = day.alarms(quick, listener(heard))
    number = day.opened(quick)
    moves = {
        "ticks": lambda: alarms.turn(),
        "answer": lambda: day.answered(quick, number),
        "wait": lambda: day.waits(quick, number),
        "word": lambda: day.wrote(quick, number),
        "reopen": lambda: _taken_up(quick, number),
    }
    for minutes, step in steps:
        quick.clock.move(minutes=minutes)
        moves[step]()
        alarms.turn()
    rows = [
        row
        for kind in ("first_response", "next_response")
        for row in day.clocks(quick, number, kind)
    ]
    for row in rows:
        if row["breached_at"]:
            assert row["due_at"] is not None
            assert row["due_at"] <= row["breached_at"]
        if row["ending"] == "met" and row["took"] <= row["allowed"] - 0.01:
            assert row["breached_at"] is None
    mine = [what for ticket, _, what in heard if ticket == number]
    assert mine.count("breach") == sum(bool(row["breached_at"]) for row in rows)
    assert mine.count("warning") == sum(bool(row["warned_at"]) for row in rows)


def _taken_up(home: House, number: int) -> None:
    if day.ticket(home, number)["status"] == "waiting":
        day.reopened(home, number)
