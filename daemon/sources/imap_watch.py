"""What the thread of a mailbox looks after while it waits, whatever it waits for.

Every wait of the IMAP source, on a socket or between two tries, goes through `Watch`:
it beats for the watchdog, renews the lease on the mailbox and notices the stop. A wait
that does not is a daemon that cannot be stopped.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from chamado.daemon.sources.source import MailboxBook


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The patience of the IMAP source, in seconds.

    `grace` is what a command under way gets when the service stops. `silence` is how
    long a server may say nothing within a command, `command` how long one command may
    take in all. `awake` is how long we let a connection be before we make the server
    answer: servers hang up after half an hour (RFC 9051 §5.4), common firewalls forget
    after ten minutes, and `awake` plus `silence` is how long a dead connection can look
    alive. `gather` lets a burst of mail become one pass. `door` is how long we still
    beat while our own storage does not answer. `note` is how often a success like the
    one before is written to the book: there may be hundreds of mailboxes. `parting` is
    for saying goodbye. The waits after trouble begin with `retry` and, for a login,
    `login_retry`; they are short again once a connection has been of use for `steady`
    seconds.
    """

    slice: float = 0.25
    grace: float = 1.0
    beat: float = 1.0
    lease_renewal: float = 10.0
    lease_retry: float = 1.0
    connect: float = 15.0
    silence: float = 60.0
    command: float = 1800.0
    awake: float = 240.0
    gather: float = 0.1
    token: float = 30.0
    parting: float = 1.0
    door: float = 30.0
    save: float = 2.0
    note: float = 60.0
    retry: float = 1.0
    login_retry: float = 60.0
    steady: float = 60.0


class Leave(Exception):
    """The mailbox is left as it stands; whoever opens it next goes on from there."""


class Stopped(Leave):
    """The service stops."""


class LeaseLost(Leave):
    """Another instance may read the mailbox now."""


class Watch:
    """The stop, the beat and the lease of one mailbox; used by one thread only."""

    def __init__(
        self,
        *,
        mailbox: str,
        book: MailboxBook,
        stop: threading.Event,
        beat: Callable[[], None],
        pace: Pace,
    ) -> None:
        """Take what to look after; nothing is leased yet."""
        self._mailbox, self._book, self._pace = mailbox, book, pace
        self._stop, self._beat = stop, beat
        self._stop_seen: float | None = None
        self._next_beat = 0.0
        self._next_renewal = 0.0
        self._leased = False

    def take(self) -> bool:
        """Take the lease if it is free; the book's own exceptions come through."""
        self._leased = self._book.lease(self._mailbox)
        self._next_renewal = time.monotonic() + self._pace.lease_renewal
        return self._leased

    def release(self) -> None:
        """Give the lease back if we have it; a book that fails lets it run out."""
        if self._leased:
            self._leased = False
            self._book.release(self._mailbox)

    def check(self) -> None:
        """Raise Stopped as soon as the service stops: called between two steps."""
        if self._stop.is_set():
            raise Stopped
        self.tick()

    def tick(self, *, beating: bool = True) -> None:
        """Look after everything within a wait; cheap, so call it often.

        Raises Stopped only `grace` seconds after the stop, so that a command that is
        under way can end, and LeaseLost when the lease is not ours any more.
        """
        now = time.monotonic()
        if beating and now >= self._next_beat:
            self._beat()
            self._next_beat = now + self._pace.beat
        if self._leased and now >= self._next_renewal:
            self._renew(now)
        if self._stop.is_set():
            self._stop_seen = self._stop_seen or now
            if now - self._stop_seen >= self._pace.grace:
                raise Stopped

    def pause(self, seconds: float) -> None:
        """Wait; raise Stopped at once when the service stops."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            self._stop.wait(min(left, self._pace.beat))
        self.check()

    def _renew(self, now: float) -> None:
        try:
            self._leased = self._book.lease(self._mailbox)
        except Exception as error:
            # Whoever cannot reach the database does not know who has the lease.
            self._leased = False
            raise LeaseLost(type(error).__name__) from error
        if not self._leased:
            raise LeaseLost
        self._next_renewal = now + self._pace.lease_renewal
