"""One pass over a folder: list, fetch, hand in, and only then act in the mailbox.

The order is the promise. A message is moved, flagged or counted as read after the
future that the door returned has a result, never before; a crash at any point leaves
it in the mailbox, and the ledger says on the next pass whether it is in already.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chamado.daemon.sources.imap_after import After, Keep
from chamado.daemon.sources.imap_plan import Facts, Progress, batches
from chamado.daemon.sources.imap_watch import Pace, Stopped, Watch
from chamado.daemon.sources.imap_words import Broken, Denied
from chamado.daemon.sources.source import (
    Accepted,
    Door,
    MailboxBook,
    MailboxState,
    RawMessage,
)
from chamado.parsers.types import Envelope

Answer = TypeVar("Answer")

# A message that our storage refused is offered again within a minute: once the storage
# is well, a customer should not wait for an hour.
_DOOR_RETRY = 60.0
_DELETED = b"\\Deleted"


class DoorShut(Exception):
    """Our own storage takes no mail at the moment; says why in words."""


class Folder(Protocol):
    """A folder that is open on a server. Raises Denied or Broken, nothing else."""

    @property
    def expunges(self) -> bool:
        """Whether what is done with never stays behind, marked as deleted."""
        ...

    def uids(self, first: int) -> list[int]:
        """List the UIDs from `first` on, in any order, perhaps with lower ones."""
        ...

    def facts(self, uids: Sequence[int]) -> dict[int, Facts]:
        """Return size, date and flags of those that are there."""
        ...

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Return the whole messages of those that are there, without marking them."""
        ...

    def present(self, uids: Sequence[int]) -> set[int]:
        """Return those that are there."""
        ...

    def act(self, after: After, uids: Sequence[int]) -> None:
        """Do what is to be done with messages that are on our stable storage."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What holds for every pass over one folder; `message_bytes` is the size limit."""

    mailbox: str
    source: str
    folder: str
    after: After
    recipients: tuple[str, ...]
    message_bytes: int

    def key(self, uidvalidity: int, uid: int) -> str:
        """Name one message for ever."""
        return f"imap:{self.mailbox}/{self.folder};{uidvalidity};{uid}"


class Sweep:
    """Passes over one folder on one connection; used by one thread."""

    def __init__(
        self,
        *,
        plan: Plan,
        folder: Folder,
        progress: Progress,
        door: Door,
        book: MailboxBook,
        watch: Watch,
        pace: Pace,
    ) -> None:
        """Take the parts; nothing is read yet."""
        self._plan, self._folder, self.progress = plan, folder, progress
        self._door, self._book, self._watch, self._pace = door, book, watch, pace
        self._flight: dict[Future[Accepted], int] = {}
        self._saved: MailboxState | None = None
        self._next_save = 0.0

    @property
    def uidvalidity(self) -> int:
        """Within which the UIDs of these passes mean something."""
        return self.progress.uidvalidity

    def run(self) -> int:
        """Take in everything that is due; return how many messages were accepted.

        Raises DoorShut when our storage takes none, Denied or Broken from the folder;
        whatever is not finished is done by a later pass.
        """
        try:
            taken = self._settle()
            self.progress.listed(self._folder.uids(self.progress.next_uid))
            for uids in self.progress.groups(self.progress.due(_now())):
                taken += self._group(uids)
            taken += self._settle()
        except Stopped:
            self._settle()
            self._save()
            raise
        self._save()
        return taken

    def _group(self, uids: list[int]) -> int:
        self._watch.check()
        keys = {self._key(uid): uid for uid in uids}
        known = {keys[key] for key in self._book.accepted(list(keys))}
        wanted = [u for u in uids if u not in known or not self._folder.expunges]
        facts = self._asked(self._folder.facts, wanted)
        hidden = {u for u in known & facts.keys() if _DELETED in facts[u].flags}
        self.progress.accepted(sorted(hidden))
        self._finish([u for u in uids if u in known and u not in hidden])
        fresh = [facts[u] for u in uids if u in facts and u not in known]
        fitting = [f for f in fresh if self._fits(f.uid, f.size)]
        alone = self.progress.alone
        return sum(self._batch(batch) for batch in batches(fitting, alone=alone))

    def _batch(self, batch: tuple[Facts, ...]) -> int:
        """Fetch while the batch before is being committed, then hand this one in."""
        self._watch.check()
        if reason := self._door.unwell():
            raise DoorShut(reason)
        large = len(batch) == 1
        taken = self._settle() if large else 0
        bodies = self._asked(self._folder.bodies, [fact.uid for fact in batch])
        taken += self._settle()
        for fact in batch:
            if fact.uid in bodies:
                self._hand_in(fact, bodies.pop(fact.uid))
        return taken

    def _hand_in(self, fact: Facts, content: bytes) -> None:
        if not self._fits(fact.uid, len(content)):
            return
        if fact.size and not content:
            self.progress.failed(fact.uid, "the server sent no bytes", _now())
            return
        envelope = Envelope(
            mail_from=None,
            rcpt_tos=self._plan.recipients,
            received_at=fact.received_at,
        )
        raw = RawMessage(
            content=content,
            envelope=envelope,
            source=self._plan.source,
            source_key=self._key(fact.uid),
        )
        try:
            future = self._door.accept(raw)
        except Exception as error:  # noqa: BLE001  # a door that fails has refused
            future = Future()
            future.set_exception(error)
        self._flight[future] = fact.uid

    def _settle(self) -> int:
        """Wait for what was handed in; act in the mailbox on what is committed."""
        flight, self._flight = self._flight, {}
        self._await(list(flight))
        failures = {uid: why for f, uid in flight.items() if (why := _failure(f))}
        done = [uid for uid in flight.values() if uid not in failures]
        self._finish(done)
        shut = not done and not self.progress.failing(failures)
        for uid, why in failures.items():
            why = f"cannot be stored ({why})"
            self.progress.failed(uid, why, _now(), longest=_DOOR_RETRY)
        if failures and shut:
            # Nothing at all goes in, so it is hardly the fault of these messages.
            raise DoorShut(f"mail cannot be stored ({next(iter(failures.values()))})")
        self._save(at_most_now_and_then=True)
        return len(done)

    def _await(self, futures: list[Future[Accepted]]) -> None:
        patience = _now() + self._pace.door
        pending = set(futures)
        while pending:
            _, pending = wait(pending, timeout=self._pace.slice)
            if pending:
                self._watch.tick(beating=_now() < patience)

    def _finish(self, uids: list[int]) -> None:
        """Act on messages that are in; what cannot be done is done again later."""
        if not uids:
            return
        try:
            if not isinstance(self._plan.after, Keep):
                self._folder.act(self._plan.after, uids)
        except Denied as error:
            # Some servers say NO where there is nothing left to act on.
            left = self._folder.present(uids)
            self.progress.accepted([uid for uid in uids if uid not in left])
            self.progress.suspect(sorted(left), f"taken in, but: {error}", _now())
        else:
            self.progress.accepted(uids)

    def _asked(
        self, ask: Callable[[Sequence[int]], dict[int, Answer]], uids: list[int]
    ) -> dict[int, Answer]:
        """Ask for messages; take note of those for which no answer comes."""
        if not uids:
            return {}
        try:
            answers = ask(uids)
        except Denied as error:
            self.progress.suspect(uids, str(error), _now())
            return {}
        except Broken as error:
            self.progress.suspect(uids, str(error), _now())
            raise
        missing = [uid for uid in uids if uid not in answers]
        present = self._folder.present(missing) if missing else set()
        for uid in missing:
            if uid in present:
                self.progress.failed(uid, "the server does not send it", _now())
            else:
                self.progress.gone(uid)
        return answers

    def _fits(self, uid: int, size: int) -> bool:
        limit = self._plan.message_bytes
        if size <= limit:
            return True
        why = f"{size} bytes are more than limits.message_bytes ({limit})"
        self.progress.unfit(uid, why, _now())
        return False

    def _key(self, uid: int) -> str:
        return self._plan.key(self.progress.uidvalidity, uid)

    def _save(self, *, at_most_now_and_then: bool = False) -> None:
        """Remember how far we are: a new state costs a commit of its own."""
        if at_most_now_and_then and _now() < self._next_save:
            return
        uid = self.progress.advance()
        state = MailboxState(uidvalidity=self.progress.uidvalidity, last_uid=uid)
        if state != self._saved:
            self._book.save(self._plan.mailbox, state)
            self._saved = state
        self._next_save = _now() + self._pace.save


def _now() -> float:
    return time.monotonic()


def _failure(future: Future[Accepted]) -> str:
    """Name what went wrong by its type: its words may hold what no log should."""
    if future.cancelled():
        return "given up"
    error = future.exception()
    return type(error).__name__ if error else ""
