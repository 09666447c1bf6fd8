"""What every source of mail is, and the door it hands mail to.

A source accepts nothing by itself: it says "accepted" to the outside (250, MOVE, a
flag) only after the future that the door returned has a result. A source never loses a
message because the door refused it: it answers 4xx or leaves the mail where it is.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from chamado.parsers.types import Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """A message as a source hands it over; never modified again.

    `source` names where it came from (`smtp:NAME`, `lmtp:NAME`, `imap:MAILBOX`,
    `file`), `source_key` is the reason why accepting it twice is harmless:
    `imap:MAILBOX/FOLDER;UIDVALIDITY;UID`, `smtp:SHA256:RCPT-SET`, `file:SHA256`.
    `no_ack` is the wish of who handed it over (`ingest --no-ack`), `sha256` the digest
    of the content in hex where the source knows it already.
    """

    content: bytes
    envelope: Envelope
    source: str
    source_key: str
    no_ack: bool = False
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A message is on stable storage. `fresh` is false when it already was."""

    inbox_id: int
    fresh: bool


class Door(Protocol):
    """Where sources hand mail in. Safe to call from any thread."""

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        """Store durably; the future resolves after the commit.

        The future fails with any exception when the message could not be stored: the
        source then answers 451 or leaves the mail where it is.
        """
        ...

    def unwell(self) -> str | None:
        """Say in words why no mail can be taken now (disk, database); None if fine."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxState:
    """How far a mailbox was read: UIDs are 32-bit, void when UIDVALIDITY changes."""

    uidvalidity: int
    last_uid: int


class MailboxBook(Protocol):
    """What the IMAP source remembers between runs, kept in the database."""

    def load(self, mailbox: str) -> MailboxState | None:
        """Return where reading stopped, or None for a mailbox never read."""
        ...

    def save(self, mailbox: str, state: MailboxState) -> None:
        """Remember where reading stopped; only ever after the commits it covers."""
        ...

    def accepted(self, source_keys: Sequence[str]) -> frozenset[str]:
        """Of these source keys, those that are in the inbox already."""
        ...

    def report(
        self, mailbox: str, *, connected: bool, error: str = "", read: bool = False
    ) -> None:
        """Note the connection's state for `mailbox list` and the metrics.

        `read` says that the folder was read to its end just now, though `error` may
        name messages that were left in it.
        """
        ...

    def lease(self, mailbox: str) -> bool:
        """Take or renew this process's lease on the mailbox; False: another has it."""
        ...

    def release(self, mailbox: str) -> None:
        """Give the lease back, so that another instance starts at once."""
        ...


class Source(Protocol):
    """Something mail comes from, run in a thread of its own by the supervisor."""

    name: str

    def run(self, door: Door, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Take mail until `stop` is set, then finish what was begun and return.

        Trouble with the network or the server is the source's own business: it backs
        off and tries again. `beat` is called at least every 20 s while it makes
        progress; the watchdog looks at it.
        """
        ...
