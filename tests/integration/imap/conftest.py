"""Servers to read from, and sources that read from them until the test ends."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chamado.config.settings import Mailbox
from chamado.daemon.sources.imap import ImapSource
from chamado.daemon.sources.imap_watch import Pace
from tests.support import dovecot as real
from tests.support.doors import Ledger, MemoryBook, MemoryDoor
from tests.support.dovecot import Dovecot

BRISK = Pace(
    slice=0.05,
    grace=0.5,
    lease_renewal=0.2,
    lease_retry=0.05,
    connect=5,
    silence=5,
    gather=0.01,
    retry=0.05,
    login_retry=0.05,
    save=0.1,
    steady=0.5,
)


class Watching:
    """An IMAP source at work in a thread of its own."""

    def __init__(self, source: ImapSource, door: MemoryDoor) -> None:
        self.stop, self.beats = threading.Event(), 0
        self._failure: BaseException | None = None
        self._source, self._door = source, door
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._source.run(self._door, self.stop, self._beat)
        except BaseException as failure:
            self._failure = failure
            raise

    def _beat(self) -> None:
        self.beats += 1

    def end(self, seconds: float = 5.0) -> None:
        """Stop it; it must end in time and without an exception."""
        self.stop.set()
        self.thread.join(seconds)
        assert not self.thread.is_alive()
        assert self._failure is None


Start = Callable[..., Watching]


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty ledger."""
    return Ledger()


@pytest.fixture
def door(ledger: Ledger) -> MemoryDoor:
    """Return a door that accepts at once."""
    return MemoryDoor(ledger)


@pytest.fixture
def start(ledger: Ledger, door: MemoryDoor) -> Iterator[Start]:
    """Start sources; each is stopped at the end, and must stop in time."""
    started: list[Watching] = []

    def begin(
        *,
        password: Callable[[], str] = lambda: "secret",
        book: MemoryBook | None = None,
        pace: Pace = BRISK,
        message_bytes: int = 1_000_000,
        through: MemoryDoor | None = None,
        **settings: Any,
    ) -> Watching:
        given = {"name": "support", "host": "127.0.0.1", "user": "support"}
        given |= {"tls": "none", "poll_seconds": 60, **settings}
        source = ImapSource(
            settings=Mailbox(**given),
            secret=password,
            book=book or MemoryBook(ledger),
            message_bytes=message_bytes,
            recipients=("suporte@acme.example",),
            pace=pace,
        )
        started.append(Watching(source, through or door))
        return started[-1]

    yield begin
    for watching in started:
        watching.end()


@pytest.fixture
def make_dovecot() -> Iterator[Callable[..., Dovecot]]:
    """Start Dovecots with configurations of their own."""
    if not real.installed():
        pytest.skip("Dovecot is not installed; `make servers` tells how")
    servers: list[Dovecot] = []

    def make(extra: str = "") -> Dovecot:
        servers.append(Dovecot(extra=extra))
        servers[-1].start()
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def dovecot(make_dovecot: Callable[..., Dovecot]) -> Dovecot:
    """Start an ordinary Dovecot."""
    return make_dovecot()
