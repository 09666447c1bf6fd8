"""A daemon that is killed over and over, and the books that show what became of mail.

`Feeder` sends numbered mails, each from another sender, and writes down what it was
promised. `look` reads the whole database as it stands, without touching it. `Ordeal`
kills at one point after the other and demands after each that all that was promised is
stored; the `check_…` functions demand at the end that each mail had exactly one fate.
"""

import contextlib
import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chamado.config.load import load
from chamado.daemon import parts
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from tests.support import strace
from tests.support.daemon import Daemon, wait_until
from tests.support.house import message
from tests.support.strace import Point

Row = dict[str, Any]
Trap = Callable[[Daemon], AbstractContextManager[None]]

#: Every point that can be reached, instead of a well spread choice of them.
EXHAUSTIVE = bool(os.environ.get("CHAMADO_TEST_EXHAUSTIVE"))
#: For tests that take minutes on a busy machine, and an hour when they leave none out.
PATIENT = pytest.mark.timeout(7200 if EXHAUSTIVE else 300)
#: How often a daemon gets work until a kill must have come, and how many seconds each
#: time may take to reach the end of the flow.
ROUNDS, PATIENCE = 20, 0.5
#: Where nothing can be traced: so many kills at random moments within so many seconds.
RANDOM_KILLS, MOMENT = 10, 0.6


def numbered(number: int) -> bytes:
    """Return a mail from a sender of its own; every third one has a large file.

    Two threads that take turns would share out every second one for ever.
    """
    made = message(
        f"Pedido {number}: a tela fica azul.",
        sender=customer(number),
        subject=f"Pedido {number}",
        message_id=f"<n{number}@example.com>",
    )
    return _with_file(made, number) if number % 3 == 2 else made


def customer(number: int) -> str:
    """Return who sends a numbered mail."""
    return f"c{number}@example.com"


def _with_file(plain: bytes, number: int) -> bytes:
    """Put a file of 90 KB beside the text: too large for a row, raw and decoded."""
    head, _, body = plain.partition(b"\r\n\r\n")
    own = (b"content-", b"mime-")
    fields = [f for f in head.split(b"\r\n") if not f.lower().startswith(own)]
    line = hashlib.sha512(b"%d" % number).hexdigest().encode()[:76]
    return b"\r\n".join(
        [
            *fields,
            b"MIME-Version: 1.0",
            b'Content-Type: multipart/mixed; boundary="part"',
            b"",
            b"--part",
            b"Content-Type: text/plain; charset=utf-8",
            b"Content-Transfer-Encoding: 8bit",
            b"",
            body,
            b"--part",
            b'Content-Type: application/octet-stream; name="log.bin"',
            b'Content-Disposition: attachment; filename="log.bin"',
            b"Content-Transfer-Encoding: base64",
            b"",
            *[line] * 1600,
            b"--part--",
            b"",
        ]
    )


def digest(content: bytes) -> str:
    """Name a content as the inbox does."""
    return hashlib.sha256(content).hexdigest()


class Feeder:
    """Sends numbered mails and keeps a record that no crash of the daemon touches.

    `codes` counts the answers to them, 0 for a connection that broke.
    """

    def __init__(self) -> None:
        self.sent: dict[int, bytes] = {}
        self.acked: set[int] = set()
        self.codes: Counter[int] = Counter()
        self._lock = threading.Lock()

    def new(self) -> int:
        """Make the next mail; it is not sent yet."""
        with self._lock:
            number = len(self.sent) + 1
            self.sent[number] = numbered(number)
        return number

    def offer(self, daemon: Daemon, number: int) -> bool:
        """Send a mail; note and return whether the daemon took it."""
        code = daemon.answer(self.sent[number], mail_from=customer(number))
        self.codes[code] += 1
        if code == 250:
            self.acked.add(number)
        return code == 250

    def feed(self, daemon: Daemon) -> bool:
        """Send a new mail."""
        return self.offer(daemon, self.new())

    def again(self, daemon: Daemon) -> None:
        """Send what was not taken once more, as any mail server does."""
        for number in sorted(self.sent.keys() - self.acked):
            assert self.offer(daemon, number), f"mail {number} is refused for good"

    def keep_feeding(self, daemon: Daemon, over: threading.Event) -> None:
        """Send until told otherwise, as fast as it goes, and again what was refused."""
        refused: list[int] = []
        while not over.is_set():
            number = refused.pop() if len(refused) > 3 else self.new()
            if not self.offer(daemon, number):
                refused.append(number)
                over.wait(0.1)

    def promised(self) -> set[str]:
        """Return the digests of what the daemon said it has."""
        return {digest(self.sent[number]) for number in self.acked}


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that is stored, as it stood at one moment."""

    inbox: list[Row]
    entry: list[Row]
    ticket: list[Row]
    outbox: list[Row]
    attachment: list[Row]
    blob: list[Row]
    contact: list[Row]

    def stored(self) -> set[str]:
        """Return the digests of what was accepted."""
        return {row["sha256"] for row in self.inbox}

    def idle(self) -> bool:
        """Say that nothing waits, neither in the inbox nor for a customer."""
        return all(row["state"] != "received" for row in self.inbox) and all(
            row["state"] not in ("queued", "sending")
            for row in self.outbox
            if row["kind"] in ("ack", "reply")
        )


def look(url: str, *, at_rest: bool = False) -> Books:
    """Read the books; `at_rest` means that no daemon runs, and leaves no trace.

    Whoever opens a SQLite file last brings its log home on closing, and the daemon
    should find the files as the kill left them.
    """
    if at_rest and url.startswith("sqlite"):
        with _copied(Path(url.removeprefix("sqlite:///"))) as copy:
            return _read(f"sqlite:///{copy}")
    return _read(url)


@contextmanager
def _copied(file: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("", "-wal"):
            part = file.with_name(file.name + suffix)
            if part.exists():
                shutil.copy(part, folder)
        copy = Path(folder) / file.name
        connection = sqlite3.connect(copy)
        found = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        assert found == [("ok",)], found
        yield copy


def _read(url: str) -> Books:
    store = Store(url)
    try:
        with store.read() as work:
            tables = {
                name: work.execute(select(schema.metadata.tables[name])).mappings()
                for name in Books.__slots__
            }
            return Books(**{n: [dict(r) for r in rows] for n, rows in tables.items()})
    finally:
        store.close()


def check_fates(books: Books, sent: dict[int, bytes]) -> None:
    """Demand one fate each: one row, one entry, one ticket, one letter queued."""
    numbers = {digest(content): number for number, content in sent.items()}
    rows = Counter(numbers.get(row["sha256"], -1) for row in books.inbox)
    lost = sorted(sent.keys() - rows.keys())
    assert rows == Counter(sent.keys()), f"lost {lost}, rows {rows.most_common(3)}"
    fates = Counter((row["state"], row["outcome"]) for row in books.inbox)
    assert fates == {("done", "ticket_opened"): len(sent)}, fates
    assert not any(row["strikes"] for row in books.inbox), "innocent mail was struck"
    entries = Counter(r["message_id"] for r in books.entry if r["kind"] == "inbound")
    assert entries == Counter(f"n{number}@example.com" for number in sent)
    people = {row["id"]: row["address"] for row in books.contact}
    tickets = Counter(people[row["requester_id"]] for row in books.ticket)
    assert tickets == Counter(map(customer, sent))
    acks = Counter(r["rcpt_to"] for r in books.outbox if r["kind"] == "ack")
    assert acks == Counter(map(customer, sent))


def check_bytes(books: Books, config: Path) -> None:
    """Demand that every byte a row speaks of is there and is what its digest says."""
    blobs = parts.open_blob_store(load(config, {}).settings)
    for row in books.inbox:
        raw = row["raw"] if row["raw"] is not None else blobs.get(row["sha256"])
        assert digest(raw) == row["sha256"]
    for row in books.blob:
        kept = row["content"]
        content = blobs.get(row["sha256"]) if kept is None else kept
        assert digest(content) == row["sha256"]
    known = {row["sha256"] for row in books.blob}
    assert all(row["sha256"] in known for row in books.attachment)


def letter_id(letter: bytes) -> str:
    """Return the Message-ID of a letter that arrived, without its brackets."""
    found: str = message_from_bytes(letter)["Message-ID"]
    return found.strip("<> ")


def letters_in(folder: Path) -> "Counter[str]":
    """Count by Message-ID what lies in the outgoing maildir below a data folder."""
    files = (folder / "outgoing" / "new").glob("*")
    return Counter(letter_id(file.read_bytes()) for file in files)


def check_acks(books: Books, arrived: "Counter[str]") -> None:
    """Demand at most one acknowledgement each; `arrived` counts Message-IDs.

    What is noted as sent did arrive, and what is in doubt is noted as that.
    """
    acks = {r["message_id"]: r["state"] for r in books.outbox if r["kind"] == "ack"}
    assert set(acks.values()) <= {"sent", "unknown"}, Counter(acks.values())
    assert {id_ for id_, state in acks.items() if state == "sent"} <= arrived.keys()
    twice = [id_ for id_ in acks if arrived[id_] > 1]
    assert not twice, f"{len(twice)} acknowledgements left twice"


@contextmanager
def feeding(daemon: Daemon, feeder: Feeder, senders: int = 2) -> Iterator[None]:
    """Have mail sent to a daemon by several senders while the `with` lasts."""
    over = threading.Event()
    threads = [
        threading.Thread(target=feeder.keep_feeding, args=(daemon, over))
        for _ in range(senders)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


@dataclass(kw_only=True)
class Ordeal:
    """Kills a daemon at one point after the other.

    `work` gives the daemon something to do, over and over until the kill comes;
    `promised` returns the digests of what the outside was promised so far; `resume`
    does after each restart what the outside does then, and returns when the daemon has
    nothing left to do. `kills` are the points that were reached.
    """

    url: str
    start: Callable[[], Daemon]
    work: Callable[[Daemon], object]
    resume: Callable[[Daemon], object]
    promised: Callable[[], set[str]]
    kills: list[str] = field(default_factory=list)

    def run(self, threads: Sequence[str], *, each: int = 1) -> None:
        """Kill at `each` of every kind of step of these threads, or at all of them.

        A thread is meant by the beginning of its name.
        """
        for name, trap in self._traps(threads, each):
            self._suffer(name, trap)
        print(f"{len(self.kills)} kills: {', '.join(self.kills)}")  # noqa: T201 — the report

    def finish(self) -> Books:
        """Start once more, let it finish, stop it politely; return the books."""
        with self.start() as daemon:
            self._recover(daemon)
            assert daemon.stop() == 0
        return look(self.url, at_rest=True)

    def admit(self) -> None:
        """Show as skipped what was only killed at random moments, all going well."""
        if why := strace.why_not():
            pytest.skip(f"{why}; {len(self.kills)} kills at random moments went well")

    def _traps(self, threads: Sequence[str], each: int) -> Iterator[tuple[str, Trap]]:
        if strace.why_not():
            for seed in range(RANDOM_KILLS):
                yield f"random moment {seed}", lambda d, s=seed: _at_random(d, s)
            return
        for point in spread(self._steps(threads), None if EXHAUSTIVE else each):
            yield str(point), lambda d, p=point: strace.killing(d.process.pid, p)

    def _steps(self, threads: Sequence[str]) -> "Counter[tuple[str, str]]":
        """Count the steps of one round of work."""
        counts: Counter[tuple[str, str]] = Counter()
        with self.start() as daemon:
            self.work(daemon)
            self._recover(daemon)
            with strace.counting(daemon.process.pid, counts):
                self.work(daemon)
                self._recover(daemon)
        meant = tuple(threads)
        return Counter({k: n for k, n in counts.items() if k[0].startswith(meant)})

    def _recover(self, daemon: Daemon) -> None:
        self.resume(daemon)
        wait_until(lambda: look(self.url).idle())

    def _suffer(self, name: str, trap: Trap) -> None:
        """Start, recover, set the trap, work until it snaps, look at what is left."""
        with self.start() as daemon:
            self._recover(daemon)
            with trap(daemon):
                for _ in range(ROUNDS):
                    self.work(daemon)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        daemon.process.wait(PATIENCE)
                        break
                else:
                    raise AssertionError(f"{name} was never reached")
        self.kills.append(name)
        lost = self.promised() - look(self.url, at_rest=True).stored()
        assert not lost, f"{name}: {len(lost)} mails are lost that were accepted"


@contextmanager
def _at_random(daemon: Daemon, seed: int) -> Iterator[None]:
    timer = threading.Timer(random.Random(seed).uniform(0, MOMENT), daemon.kill)
    timer.start()
    try:
        yield
    finally:
        timer.join()


def spread(counts: "Counter[tuple[str, str]]", each: int | None) -> list[Point]:
    """Choose points: all of them (None), or `each` of every kind, well spread."""
    points: list[Point] = []
    place = 0.0
    for (thread, call), count in sorted(counts.items()):
        if each is None or each >= count:
            points += [Point(thread, call, nth + 1) for nth in range(count)]
            continue
        for slot in range(each):
            # The golden section comes near every place of an interval in turn.
            place = (place + 0.618034) % 1
            points.append(Point(thread, call, int((slot + place) * count / each) + 1))
    return points
