"""Whatever did not arrive is told to those who work on the case, once."""

from datetime import timedelta
from typing import Any

import pytest

from chamado.config.address import Address
from chamado.daemon import agents, casefile, lifecycle, lost, merging
from chamado.daemon.deliver import GIVE_UP
from chamado.daemon.store import outbox, schema
from chamado.notifier.types import Fate, Outcome
from tests.support import promises as day
from tests.support.house import NOON, SENT, House, message

CAIO = Address(name="Caio", address="caio@example.org")
REFUSED = Outcome(fate=Fate.REFUSED, reply="552 5.3.4 too large")
LATER = Outcome(fate=Fate.TRY_LATER, reply="451 4.3.0 later")


def _answered(home: House) -> int:
    """A case whose customer got the first answer three minutes ago."""
    number = day.opened(home)
    day.answered(home, number)
    home.deliver()
    home.clock.move(minutes=3)
    return number


def _refused(home: House, *answers: Outcome) -> None:
    """The relay refuses what waits, and the clock ticks a few times."""
    home.relay.answers = list(answers or (REFUSED,))
    home.deliver()
    _ticks(home)


def _ticks(home: House) -> None:
    for _ in range(3):
        home.clock.move(seconds=15)
        day.alarms(home).turn()


def _events(home: House, *kinds: str) -> list[dict[str, Any]]:
    return [event for event in home.rows(schema.event) if event["kind"] in kinds]


def _told(home: House) -> list[tuple[int, dict[str, Any]]]:
    """What agents are told that did not arrive: (case, facts)."""
    return [
        (row["ticket"], row["facts"])
        for row in home.rows(schema.notice)
        if row["kind"] == "not_delivered"
    ]


def _weeks(home: House) -> None:
    """Twenty days in which nobody writes, and a relay that takes everything."""
    for _ in range(20):
        home.clock.move(days=1)
        lifecycle.tick(home.store, home.desk)
        home.deliver()
        day.alarms(home).turn()


def test_a_second_answer_that_is_refused_is_told_once(home: House) -> None:
    """It kept no promise, yet the agent believes that the customer has read it."""
    number = _answered(home)
    letter = day.answered(home, number)
    _refused(home)
    (event,) = _events(home, "not_delivered", "answer_lost")
    assert (event["ticket"], event["kind"]) == (number, "not_delivered")
    assert event["facts"] == {
        "letter": letter,
        "to": day.ANA.address,
        "said": REFUSED.reply,
    }
    facts = {"to": day.ANA.address, "relay": REFUSED.reply}
    assert _told(home) == [(number, facts)]
    assert day.clock(home, number)["ending"] == "met"
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    said = "a letter to ana@example.com was not delivered: 552 5.3.4 too large"
    assert said in [entry["text"] for entry in case["entries"]]


def test_an_agent_reads_who_did_not_get_it_and_why(home: House) -> None:
    """The notice names the person and gives the relay's words."""
    number = _answered(home)
    day.answered(home, number)
    _refused(home)
    home.clock.move(minutes=2)
    with home.store.write() as work:
        assert agents.tell(work, home.desk, home.clock()) == 1
    content = day.letters(home, number)[-1]["content"]
    assert b"um e-mail nosso n" in content
    assert b"para: ana@example.com" in content
    assert REFUSED.reply.encode() in content


@pytest.mark.parametrize("text", ["Reinicie, por favor.", ""])
def test_a_resolution_that_is_refused_is_told_once(home: House, text: str) -> None:
    """With words or without: the customer does not know that we are done."""
    number = _answered(home)
    day.resolved(home, number, text=text)
    _refused(home)
    assert [told for told, _ in _told(home)] == [number]
    assert len(_events(home, "not_delivered")) == 1
    assert day.ticket(home, number)["status"] == "resolved"


@pytest.mark.parametrize("first", [True, False])
def test_a_question_that_is_refused_waits_for_nobody(
    home: House, *, first: bool
) -> None:
    """Whether it was the first answer or not: the case is open again, and is neither
    reminded of nor given up."""
    number = day.opened(home) if first else _answered(home)
    home.deliver()
    day.asked(home, number)
    _refused(home)
    assert day.ticket(home, number)["status"] == "open"
    assert [told for told, _ in _told(home)] == [number]
    assert len(_events(home, "not_delivered", "answer_lost")) == 1
    assert day.clock(home, number)["ending"] == (None if first else "met")
    _weeks(home)
    assert day.ticket(home, number)["status"] == "open"
    assert not _events(home, "reminded", "closed_silent")
    assert len(_told(home)) == 1


def test_a_reminder_that_is_refused_waits_for_nobody_either(home: House) -> None:
    """Nobody is given up who was not reminded."""
    number = _answered(home)
    day.asked(home, number)
    home.deliver()
    home.clock.move(days=4)
    assert lifecycle.tick(home.store, home.desk).reminded == 1
    _refused(home)
    assert day.ticket(home, number)["status"] == "open"
    assert [told for told, _ in _told(home)] == [number]


def test_a_letter_that_is_given_up_after_days_is_told(home: House) -> None:
    """A relay that always says later, and a daemon that was down for long."""
    number = _answered(home)
    home.clock.move(days=10)
    day.answered(home, number)
    for _ in range(5):
        home.relay.answers = [LATER]
        home.deliver()
        day.alarms(home).turn()
        home.clock.move(hours=2)
    assert not _told(home)
    home.clock.move(seconds=GIVE_UP.total_seconds())
    _refused(home, LATER)
    assert [facts["relay"] for _, facts in _told(home)] == [LATER.reply]


def test_a_letter_that_was_refused_while_nobody_looked_is_told(home: House) -> None:
    """However long the clock stood still."""
    number = _answered(home)
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    home.clock.move(days=30)
    _ticks(home)
    assert [told for told, _ in _told(home)] == [number]


def test_one_of_two_people_who_got_nothing_is_named(home: House) -> None:
    """The customer has his answer, and agents know who has not."""
    number, other = day.opened(home), day.opened(home, by=CAIO)
    with home.store.write() as work:
        merging.merge(
            work,
            home.desk,
            other,
            number,
            who=day.BIA.address,
            confirm=True,
            now=home.clock(),
        )
    home.deliver()
    day.answered(home, number)
    to = [row["rcpt_to"] for row in day.letters(home, number)][-2:]
    _refused(home, *(REFUSED if one == CAIO.address else SENT for one in to))
    assert [facts["to"] for _, facts in _told(home)] == [CAIO.address]
    assert day.clock(home, number)["ending"] == "met"


def test_what_goes_unasked_is_not_told_of(home: House) -> None:
    """A refused acknowledgement, survey or notice: who cannot be reached with an answer
    is told of then, and a mail about mail that failed would fail as well."""
    assert home.mail(message())["ack"] == "queued"
    home.clock.move(minutes=2)
    with home.store.write() as work:
        agents.tell(work, home.desk, home.clock())
    _refused(home, REFUSED, REFUSED)
    assert home.letters() == {"failed": 2}
    assert not _told(home)
    assert not _events(home, "not_delivered", "answer_lost")


def test_a_bounce_is_told_as_a_bounce_alone(home: House) -> None:
    """What the filing of the report did is not done again by the clock."""
    number = _answered(home)
    letter = day.answered(home, number)
    home.deliver()
    day.bounced(home, letter)
    _ticks(home)
    assert not _told(home)
    assert len(_events(home, "bounced")) == 1


def test_what_is_sent_again_and_refused_again_is_told_again(home: House) -> None:
    """At the same moment too; an operator who mended the wrong thing must hear it."""
    number = _answered(home)
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    day.alarms(home).turn()
    (letter,) = [row["id"] for row in home.rows(schema.outbox) if row["lost_at"]]
    with home.store.write() as work:
        promises = home.desk.promises
        assert lost.retry(work, [letter], promises, home.clock()) == [letter]
    home.relay.answers = [REFUSED]
    home.deliver()
    _ticks(home)
    assert len(_told(home)) == 2


def test_what_an_operator_drops_is_told_too(home: House) -> None:
    """Whoever asked the customer may be another one."""
    number = _answered(home)
    day.asked(home, number)
    with home.store.write() as work:
        outbox.drop(work, [day.letters(home, number)[-1]["id"]], "wrong person")
    _ticks(home)
    assert [facts["relay"] for _, facts in _told(home)] == ["dropped: wrong person"]
    assert day.ticket(home, number)["status"] == "open"


@pytest.mark.parametrize("before", [True, False])
def test_a_merge_neither_hides_nor_repeats_what_did_not_arrive(
    home: House, *, before: bool
) -> None:
    """The letter goes with what was said, and is told of once, where it is then."""
    number = _answered(home)
    day.answered(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    if before:
        _ticks(home)
    into = day.opened(home)
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
    _ticks(home)
    assert [told for told, _ in _told(home)] == [into]


def _crash_while_telling(home: House) -> None:
    with home.store.write() as work:
        assert lost.take_back(work, home.desk.promises, home.clock()) == 1
        raise KeyboardInterrupt


def test_a_crash_while_it_is_told_tells_it_once(home: House) -> None:
    """Nothing of it is written, or all."""
    number = _answered(home)
    day.asked(home, number)
    home.relay.answers = [REFUSED]
    home.deliver()
    with pytest.raises(KeyboardInterrupt):
        _crash_while_telling(home)
    assert day.ticket(home, number)["status"] == "waiting"
    _ticks(home)
    assert day.ticket(home, number)["status"] == "open"
    assert len(_told(home)) == 1


def test_a_relay_that_refuses_all_is_told_whole(home: House) -> None:
    """More letters than one transaction takes, and each case hears of its own."""
    numbers = [day.opened(home) for _ in range(3)]
    home.deliver()
    each = lost.BATCH // 3 + 1
    for _ in range(each):
        for number in numbers:
            day.answered(home, number)
        home.clock.move(seconds=1)
    _refused(home, *[REFUSED] * (3 * each))
    told = [number for number, _ in _told(home)]
    assert sorted(told) == sorted(numbers * each)
    assert [day.clock(home, number)["done_at"] for number in numbers] == [None] * 3


def test_an_answer_that_was_lost_and_given_anew_is_owed_no_more(home: House) -> None:
    """Told it is, but the history does not say that we owe it."""
    number = day.opened(home)
    day.answered(home, number)
    home.clock.move(hours=1)
    day.answered(home, number)
    home.relay.answers = [SENT] * len(home.letters())
    (first,) = [
        row["id"]
        for row in day.letters(home, number)
        if row["created_at"] == NOON and row["kind"] == "reply"
    ]
    with home.store.write() as work:
        outbox.drop(work, [first], "too late")
    home.deliver()
    _ticks(home)
    assert day.clock(home, number)["done_at"] == NOON + timedelta(hours=1)
    assert not _events(home, "answer_lost")
    assert len(_told(home)) == 1
