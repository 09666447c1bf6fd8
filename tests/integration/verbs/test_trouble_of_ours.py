"""When the machine is in trouble, no message and no letter pays for it."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from chamado.daemon.accept import Unwell, _Waiting, row_of
from chamado.daemon.deliver import Deliverer
from chamado.daemon.process import Processor
from chamado.daemon.sources.source import RawMessage
from chamado.daemon.store import outbox, schema
from chamado.daemon.store.engine import Store, StoreError, Work
from chamado.daemon.store.mailboxes import is_gone
from chamado.notifier.types import Letter, Outcome
from chamado.parsers.pool import ParserPool
from chamado.parsers.types import Envelope
from tests.support.crash import numbered
from tests.support.house import SUPPORT, House, RecordingRelay, message

STOP = threading.Event()


class LostReplies(Store):
    """A database whose answer to the `lose`-th commit from now is lost on the way."""

    lose = 0

    @contextmanager
    def write(self) -> Iterator[Work]:
        """Commit, and say that it failed."""
        with super().write() as work:
            yield work
        self.lose -= 1
        if self.lose == 0:
            raise OperationalError("COMMIT", None, Exception("connection lost"))


@pytest.fixture
def lossy(database_url: str) -> Iterator[LostReplies]:
    """A second way to the database of the test."""
    store = LostReplies(database_url)
    yield store
    store.close()


def _queue(home: House, *keys: str) -> None:
    letters = [
        outbox.NewLetter(
            kind="reply",
            ticket=None,
            entry_id=None,
            dedupe_key=key,
            mail_from="",
            rcpt_to="ana@example.com",
            message_id=f"{key}@acme.example",
            subject="",
            content=b"x",
            at_most_once=False,
        )
        for key in keys
    ]
    with home.store.write() as work:
        outbox.put(work, letters, home.clock())


def _states(home: House) -> list[str]:
    return [row["state"] for row in home.rows(schema.outbox)]


@dataclass
class ThiefRelay(RecordingRelay):
    """Takes the outbox away while a letter is on its way."""

    store: Store | None = None

    def send(self, letter: Letter) -> Outcome:
        """Send the letter, and take the table."""
        assert self.store
        with self.store.write() as work:
            work.execute(text("ALTER TABLE outbox RENAME TO stolen"))
        return super().send(letter)


def test_o12_what_was_sent_is_not_sent_again_because_the_commit_failed(
    home: House,
) -> None:
    """O-12: what the relay said is kept until the database takes it."""
    _queue(home, "a", "b")
    relay = ThiefRelay(store=home.store)
    deliverer = Deliverer(
        home.store, relay, owner="here:1:x", host="here", clock=home.clock
    )
    stop = threading.Event()
    send = relay.send

    def once(letter: Letter) -> Outcome:
        stop.set()
        return send(letter)

    relay.send = once  # type: ignore[method-assign]  # stops after the first letter
    with pytest.raises(StoreError):
        deliverer.turn(stop)
    with home.store.write() as work:
        work.execute(text("ALTER TABLE stolen RENAME TO outbox"))
    assert _states(home) == ["sending", "sending"]
    deliverer.turn(stop)
    assert _states(home)[0] == "sent"
    assert home.deliver() == 1
    assert _states(home) == ["sent", "sent"]
    assert [letter.message_id for letter in relay.letters] == ["a@acme.example"]


def test_f09_letters_claimed_by_a_commit_whose_answer_was_lost_leave_at_once(
    home: House, lossy: LostReplies
) -> None:
    """They do not lie about as being sent until their claim runs out."""
    _queue(home, "a")
    deliverer = Deliverer(
        lossy, home.relay, owner="here:1:x", host="here", clock=home.clock
    )
    lossy.lose = 1
    with pytest.raises(StoreError):
        deliverer.turn(STOP)
    assert _states(home) == ["sending"]
    assert deliverer.turn(STOP) == 1
    assert _states(home) == ["sent"]
    assert home.rows(schema.outbox)[0]["attempts"] == 1


def test_f09_mail_claimed_by_a_commit_whose_answer_was_lost_is_filed_at_once(
    home: House, lossy: LostReplies, pool: ParserPool
) -> None:
    """It does not wait until its claim runs out either."""
    id_ = home.take(message())
    processor = Processor(
        lossy,
        home.blobs,
        pool,
        lambda: home.desk,
        owner="here:1:x",
        host="here",
        limits=home.settings.limits,
    )
    stop = threading.Event()

    def beat() -> None:
        if home.fate(id_)["state"] == "done":
            stop.set()

    lossy.lose = 1
    processor.run(stop, beat)
    processor.close()
    assert home.fate(id_)["outcome"] == "ticket_opened"
    assert home.fate(id_)["attempts"] == 2


def test_a_former_life_with_the_same_number_is_gone() -> None:
    """In a container the daemon is process 1 again and again."""
    former = f"pod:{os.getpid()}:former"
    assert is_gone(former, "pod", "pod")
    assert not is_gone(former, "pod", "another pod")
    assert not is_gone(f"pod:{os.getppid()}:living", "pod", "pod")


@pytest.mark.parametrize("instead", ["nothing", "a file"])
def test_f06_no_message_is_set_aside_because_the_blobs_are_away(
    home: House, tmp_path: Path, instead: str
) -> None:
    """It rests and comes back as often as it must, and is filed when they are back."""
    blobs = tmp_path / "data" / "blobs"
    id_ = home.take(numbered(2))
    blobs.rename(tmp_path / "away")
    if instead == "a file":
        blobs.touch()
    for _ in range(home.settings.limits.attempts + 2):
        while home.processor.turn():
            pass
        assert home.fate(id_)["state"] == "received"
        home.clock.move(seconds=31)
    blobs.unlink(missing_ok=True)
    (tmp_path / "away").rename(blobs)
    home.processor.process_all([id_])
    assert home.fate(id_)["outcome"] == "ticket_opened"


def test_a_mail_the_database_cannot_hold_does_not_refuse_its_neighbours(
    home: House,
) -> None:
    """A NUL in an envelope is an error in PostgreSQL, and of one mail only."""
    waiting = [
        _waiting("a@example.com"),
        _waiting("b\0@example.com"),
        _waiting("c@d.e"),
    ]
    home.door._commit(waiting)
    assert waiting[0].future.result(0).fresh
    assert waiting[2].future.result(0).fresh
    if not home.store.is_sqlite:
        with pytest.raises(Unwell):
            waiting[1].future.result(0)
    assert home.door.unwell() is None


def _waiting(sender: str) -> _Waiting:
    raw = RawMessage(
        content=message(message_id=f"<{sender[0]}@example.com>"),
        envelope=Envelope(
            mail_from=sender,
            rcpt_tos=(SUPPORT,),
            received_at=datetime(2026, 11, 25, tzinfo=UTC),
        ),
        source="smtp:test",
        source_key=f"smtp:{sender[0]}",
    )
    return _Waiting(row_of(raw, in_row=True), Future())
