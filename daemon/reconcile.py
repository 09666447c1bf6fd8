"""Every message in a mailbox against the ledger: what has no outcome yet?

Opens the folder for reading only and marks nothing. Messages that were taken in and
moved are not there any more; what is still there and not in the ledger was not taken.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chamado.config import derive
from chamado.config.settings import Limits, Mailbox
from chamado.daemon.sources.imap_after import Keep
from chamado.daemon.sources.imap_connection import Connection
from chamado.daemon.sources.imap_sweep import Plan
from chamado.daemon.sources.imap_watch import Pace, Watch
from chamado.daemon.sources.source import MailboxState
from chamado.daemon.store import listings
from chamado.daemon.store.engine import Store

_WAYS = {
    "not accepted": "the daemon takes it at its next pass; see `chamado mailbox list`",
    "too large": "larger than [limits] message_bytes, so it is left there: raise that "
    "and restart, or take the message out of the folder",
    "received": "waits to be understood; is the daemon running?",
    "failed": "chamado inbox retry {id}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """One message on the server that has no outcome."""

    uid: int
    state: str
    inbox_id: int | None

    @property
    def way_out(self) -> str:
        """What an operator can do about it."""
        return _WAYS[self.state].format(id=self.inbox_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found in one mailbox."""

    mailbox: str
    uidvalidity: int
    on_server: int
    gaps: tuple[Gap, ...]


class _Onlooker:
    """The book of somebody who only looks: no lease, no memory."""

    def load(self, mailbox: str) -> MailboxState | None:
        """Nothing is known."""
        return None

    def save(self, mailbox: str, state: MailboxState) -> None:
        """Nothing is remembered."""

    def accepted(self, source_keys: Sequence[str]) -> frozenset[str]:
        """Nothing is taken."""
        return frozenset()

    def report(
        self, mailbox: str, *, connected: bool, error: str = "", read: bool = False
    ) -> None:
        """What an onlooker sees is not the state of the watch."""

    def lease(self, mailbox: str) -> bool:
        """Looking needs no lease."""
        return True

    def release(self, mailbox: str) -> None:
        """There is none."""


def connect(box: Mailbox, message_bytes: int) -> Connection:
    """Open a connection that can only look; raises `MailboxTrouble`."""
    pace = Pace()
    watch = Watch(
        mailbox=box.name,
        book=_Onlooker(),
        stop=threading.Event(),
        beat=lambda: None,
        pace=pace,
    )
    # A mailbox that is kept as it is gets opened by EXAMINE, which changes nothing.
    return Connection(
        box.model_copy(update={"after": "keep"}),
        secret=lambda: derive.password(box) or "",
        watch=watch,
        pace=pace,
        message_bytes=message_bytes,
    )


def compare(box: Mailbox, store: Store, limits: Limits) -> Comparison:
    """Compare one mailbox; raises `MailboxTrouble`."""
    with connect(box, limits.message_bytes) as connection:
        selected = connection.select()
        uids = sorted(set(connection.uids(1)))
        large = set(connection.larger(limits.message_bytes))
    keys = _keys(box, selected.uidvalidity, uids)
    with store.read() as work:
        known = listings.inbox_by_key(work, list(keys))
    gaps = [
        Gap(
            uid=uid,
            state=known[key]["state"] if key in known else _not_in(uid, large),
            inbox_id=known[key]["id"] if key in known else None,
        )
        for key, uid in keys.items()
        if key not in known or known[key]["outcome"] is None
    ]
    return Comparison(
        mailbox=box.name,
        uidvalidity=selected.uidvalidity,
        on_server=len(uids),
        gaps=tuple(gaps),
    )


def too_large(box: Mailbox, store: Store, uidvalidity: int, large: list[int]) -> int:
    """Count those of large messages that were not taken under another limit."""
    with store.read() as work:
        known = listings.inbox_by_key(work, list(_keys(box, uidvalidity, large)))
    return len(large) - len(known)


def _not_in(uid: int, large: set[int]) -> str:
    return "too large" if uid in large else "not accepted"


def _keys(box: Mailbox, uidvalidity: int, uids: Sequence[int]) -> dict[str, int]:
    """Name messages as the ledger does."""
    plan = Plan(
        mailbox=box.name,
        source=f"imap:{box.name}",
        folder=box.folder,
        after=Keep(),
        recipients=(),
        message_bytes=0,
    )
    return {plan.key(uidvalidity, uid): uid for uid in uids}


def document(found: Comparison) -> dict[str, Any]:
    """Return the comparison as `mailbox reconcile --json` prints it."""
    return {
        "mailbox": found.mailbox,
        "uidvalidity": found.uidvalidity,
        "on_server": found.on_server,
        "with_outcome": found.on_server - len(found.gaps),
        "without_outcome": [
            {"uid": gap.uid, "state": gap.state, "inbox_id": gap.inbox_id}
            for gap in found.gaps
        ],
    }
