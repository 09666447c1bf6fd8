"""A door and a mailbox book in memory, for the tests of sources.

`Ledger` is what a database would be: shared by every door and book of a test, it keeps
what was accepted, who has which lease, and lets a test wait for what it expects.
"""

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from chamado.daemon.sources.source import Accepted, MailboxState, RawMessage


class StoreError(Exception):
    """What the door raises when a test wants it to fail."""


class Ledger:
    """Everything that was accepted, each source key and each content once."""

    def __init__(self, *, lease_seconds: float = 30.0) -> None:
        self.lease_seconds = lease_seconds
        self.rows: dict[str, RawMessage] = {}
        self.contents: Counter[str] = Counter()
        self.states: dict[str, MailboxState] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.reports: list[tuple[str, bool, str]] = []
        self.successes = 0
        self.arrivals: dict[str, float] = {}
        self.changed = threading.Condition()

    def wait_until(self, met: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait for a condition, here or on a server; fail with what there is."""
        end = time.monotonic() + seconds
        with self.changed:
            while not met():
                if time.monotonic() > end:
                    last = self.reports[-3:]
                    raise AssertionError(f"{len(self.rows)} rows, reports: {last}")
                self.changed.wait(0.05)

    def wait_for_rows(self, count: int, seconds: float = 20.0) -> None:
        """Wait until so many different messages are in."""
        self.wait_until(lambda: len(self.contents) >= count, seconds)

    @property
    def keys(self) -> set[str]:
        """Return every source key that is in."""
        return set(self.rows)


@dataclass
class MemoryDoor:
    """Accepts at once, unless a test says otherwise.

    `refuse` picks messages whose futures fail, `reason` makes the whole door unwell,
    and while `held` is set futures wait for `let_go`.
    """

    ledger: Ledger
    refuse: Callable[[RawMessage], bool] = lambda _: False
    reason: str | None = None
    held: bool = False
    offered: list[str] = field(default_factory=list)
    waiting: list[tuple[RawMessage, "Future[Accepted]"]] = field(default_factory=list)

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        future: Future[Accepted] = Future()
        with self.ledger.changed:
            self.offered.append(raw.source_key)
            if self.held:
                self.waiting.append((raw, future))
                self.ledger.changed.notify_all()
                return future
        self._decide(raw, future)
        return future

    def unwell(self) -> str | None:
        return self.reason

    def let_go(self) -> None:
        """Commit what waits, and everything from now on."""
        with self.ledger.changed:
            self.held = False
            waiting, self.waiting = self.waiting, []
        for raw, future in waiting:
            self._decide(raw, future)

    def _decide(self, raw: RawMessage, future: "Future[Accepted]") -> None:
        if self.refuse(raw):
            future.set_exception(StoreError("a secret of the store"))
            return
        with self.ledger.changed:
            fresh = raw.source_key not in self.ledger.rows
            if fresh:
                digest = hashlib.sha256(raw.content).hexdigest()
                self.ledger.rows[raw.source_key] = raw
                self.ledger.contents[digest] += 1
                self.ledger.arrivals[raw.source_key] = time.monotonic()
            self.ledger.changed.notify_all()
            number = len(self.ledger.rows)
        future.set_result(Accepted(inbox_id=number, fresh=fresh))


@dataclass
class MemoryBook:
    """A mailbox book on a ledger, as the instance called `owner` sees it."""

    ledger: Ledger
    owner: str = "one"
    broken: bool = False

    def load(self, mailbox: str) -> MailboxState | None:
        return self.ledger.states.get(mailbox)

    def save(self, mailbox: str, state: MailboxState) -> None:
        with self.ledger.changed:
            self.ledger.states[mailbox] = state
            self.ledger.changed.notify_all()

    def accepted(self, source_keys: Sequence[str]) -> frozenset[str]:
        with self.ledger.changed:
            return frozenset(k for k in source_keys if k in self.ledger.rows)

    def report(
        self, mailbox: str, *, connected: bool, error: str = "", read: bool = False
    ) -> None:
        with self.ledger.changed:
            self.ledger.successes += read
            self.ledger.reports.append((mailbox, connected, error))
            self.ledger.changed.notify_all()

    def lease(self, mailbox: str) -> bool:
        if self.broken:
            raise StoreError("a secret of the store")
        with self.ledger.changed:
            now = time.monotonic()
            owner, until = self.ledger.leases.get(mailbox, (self.owner, 0.0))
            if owner != self.owner and until > now:
                return False
            until = now + self.ledger.lease_seconds
            self.ledger.leases[mailbox] = (self.owner, until)
            self.ledger.changed.notify_all()
            return True

    def release(self, mailbox: str) -> None:
        with self.ledger.changed:
            if self.ledger.leases.get(mailbox, ("", 0))[0] == self.owner:
                del self.ledger.leases[mailbox]
            self.ledger.changed.notify_all()
