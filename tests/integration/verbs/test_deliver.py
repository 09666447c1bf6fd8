"""What becomes of letters."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from chamado.daemon.deliver import (
    BATCH,
    GIVE_UP,
    LEAST_ATTEMPTS,
    RETRY_MINUTES,
    Deliverer,
    _letter,
)
from chamado.daemon.store import outbox, schema
from chamado.notifier.maildir import MaildirRelay
from chamado.notifier.types import Fate, Outcome
from tests.support.house import House, message


def _queue(home: House, *, at_most_once: bool, key: str = "k") -> None:
    with home.store.write() as work:
        outbox.put(
            work,
            [
                outbox.NewLetter(
                    kind="ack" if at_most_once else "reply",
                    ticket=None,
                    entry_id=None,
                    dedupe_key=key,
                    mail_from="",
                    rcpt_to="ana@example.com",
                    message_id=f"{key}@acme.example",
                    subject="",
                    content=b"x",
                    at_most_once=at_most_once,
                )
            ],
            home.clock(),
        )


@pytest.mark.parametrize(
    ("fate", "at_most_once", "state"),
    [
        (Fate.SENT, True, "sent"),
        (Fate.REFUSED, True, "failed"),
        (Fate.REFUSED, False, "failed"),
        (Fate.TRY_LATER, True, "deferred"),
        (Fate.TRY_LATER, False, "deferred"),
        (Fate.UNKNOWN, True, "unknown"),
        (Fate.UNKNOWN, False, "deferred"),
    ],
)
def test_o13_each_fate_has_its_state(
    home: House, fate: Fate, at_most_once: bool, state: str
) -> None:
    """O-11, O-13: only an agent's words are sent again after a lost reply."""
    _queue(home, at_most_once=at_most_once)
    home.relay.answers = [Outcome(fate=fate, reply="words of the relay")]
    home.deliver()
    (row,) = home.rows(schema.outbox)
    assert (row["state"], row["last_reply"]) == (state, "words of the relay")


def test_o10_a_letter_that_may_come_later_is_tried_ever_more_rarely(
    home: House,
) -> None:
    """O-10: back-off by the table, one and the same Message-ID, and an end."""
    _queue(home, at_most_once=False)
    for minutes in RETRY_MINUTES:
        home.relay.answers = [Outcome(fate=Fate.TRY_LATER, reply="451 later")]
        assert home.deliver() == 1
        assert home.deliver() == 0
        home.clock.move(minutes=minutes, seconds=1)
    assert home.deliver() == 1
    (row,) = home.rows(schema.outbox)
    assert row["state"] == "sent"
    assert len({letter.message_id for letter in home.relay.letters}) == 1


def test_a_letter_is_given_up_after_days(home: House) -> None:
    """It fails when it is old and was tried often; age alone is our own downtime."""
    _queue(home, at_most_once=False)
    home.clock.move(seconds=GIVE_UP / timedelta(seconds=1) + 1)
    for _ in range(LEAST_ATTEMPTS):
        assert home.rows(schema.outbox)[0]["state"] != "failed"
        home.relay.answers = [Outcome(fate=Fate.TRY_LATER, reply="451 later")]
        home.deliver()
        home.clock.move(hours=2)
    assert home.rows(schema.outbox)[0]["state"] == "failed"


def test_a_dead_relay_is_asked_once_for_all(home: House) -> None:
    """Letters behind one that met a dead relay wait with it, not tried."""
    for n in range(5):
        _queue(home, at_most_once=True, key=f"k{n}")
    home.relay.answers = [
        Outcome(fate=Fate.TRY_LATER, reply="connection refused", relay_down=True)
    ]
    home.deliver()
    assert len(home.relay.letters) == 1
    rows = home.rows(schema.outbox)
    assert [r["attempts"] for r in rows] == [1, 0, 0, 0, 0]
    home.clock.move(minutes=2)
    home.deliver()
    assert home.letters() == {"sent": 5}


def test_f03_a_crash_while_sending_leaves_acknowledgements_in_doubt(
    home: House,
) -> None:
    """F-03: an automatic letter is unknown and never sent again, a reply is."""
    _queue(home, at_most_once=True, key="ack")
    _queue(home, at_most_once=False, key="reply")
    host = home.deliverer._host
    with home.store.write() as work:
        outbox.claim(work, f"{host}:4194305:dead", 10, home.clock())
    stop = threading.Event()

    def beat() -> None:
        if home.relay.letters:
            stop.set()

    home.deliverer.run(stop, beat)
    states = {r["dedupe_key"]: r["state"] for r in home.rows(schema.outbox)}
    assert states == {"ack": "unknown", "reply": "sent"}
    assert home.relay.closed


@pytest.mark.parametrize("seen", [False, True])
def test_f03_a_letter_that_lies_in_the_maildir_is_in_no_doubt_after_a_crash(
    home: House, tmp_path: Path, *, seen: bool
) -> None:
    """F-03: what is there was sent, also when somebody has read it since; told once."""
    for key, automatic in (("ack", True), ("lost", True), ("reply", False)):
        _queue(home, at_most_once=automatic, key=key)
    box, host = tmp_path / "box", home.deliverer._host
    with home.store.write() as work:
        rows = outbox.claim(work, f"{host}:4194305:dead", 10, home.clock())
    relay = MaildirRelay(box)
    for row in rows:
        if row.message_id != "lost@acme.example":
            relay.send(_letter(row))
    stop = threading.Event()
    told: list[str] = []
    if seen:
        for file in (box / "new").iterdir():
            file.rename(box / "cur" / f"{file.name}:2,S")
    deliverer = Deliverer(
        home.store,
        relay,
        owner=f"{host}:1:x",
        host=host,
        clock=home.clock,
        on_sent=lambda _, letters: told.extend(one.message_id for one in letters),
    )
    turns = iter((False, True))

    def beat() -> None:
        if next(turns, True):
            stop.set()

    deliverer.run(stop, beat)
    states = {r["dedupe_key"]: r["state"] for r in home.rows(schema.outbox)}
    assert states == {"ack": "sent", "lost": "unknown", "reply": "sent"}
    assert sorted(told) == ["ack@acme.example", "reply@acme.example"]
    assert len([*(box / "new").iterdir(), *(box / "cur").iterdir()]) == 2


def test_letters_claimed_ahead_are_given_back_at_a_stop(home: House) -> None:
    """What was claimed with the end of the batch before is queued again, untried."""
    for n in range(15):
        _queue(home, at_most_once=True, key=f"k{n}")
    stop = threading.Event()

    def beat() -> None:
        if len(home.relay.letters) >= BATCH:
            stop.set()

    home.deliverer.run(stop, beat)
    assert home.letters() == {"sent": 10, "queued": 5}
    untried = [r for r in home.rows(schema.outbox) if r["state"] == "queued"]
    assert {r["attempts"] for r in untried} == {0}


def test_a_zombie_cannot_overwrite_what_another_process_settled(home: House) -> None:
    """F-22: who was stopped and lost its letters writes nothing when it wakes."""
    _queue(home, at_most_once=True)
    with home.store.write() as work:
        (row,) = outbox.claim(work, "zombie:1:x", 10, home.clock())
        outbox.recover(work, ["zombie:1:x"], home.clock())
    late = outbox.Result(
        id=row.id, state="sent", reply="", next_attempt_at=None, sent_at=home.clock()
    )
    with home.store.write() as work:
        outbox.settle(work, "zombie:1:x", [late])
    assert home.rows(schema.outbox)[0]["state"] == "unknown"


def test_the_acknowledgement_of_a_case_is_queued_once(home: House) -> None:
    """The dedupe key makes a second one impossible, whoever asks for it."""
    number = home.mail(message())["ticket"]
    from chamado.daemon.store.engine import Conflict

    with pytest.raises(Conflict):
        _queue(home, at_most_once=True, key=f"ack:{number}")
