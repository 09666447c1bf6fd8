"""Which messages of a folder are to be read next: plain bookkeeping, no I/O.

A UID means something only together with the UIDVALIDITY of its folder, within which
UIDs ascend and are never used again (RFC 9051 §2.3.1.1). Nothing here counts by
sequence number, by \\Seen or by date: each of them loses mail.
"""

import heapq
import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

_FIRST_RETRY = 30.0
_LAST_RETRY = 3600.0
_ALARMING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a message before its body is fetched; `size` in bytes."""

    uid: int
    size: int
    received_at: datetime
    flags: frozenset[bytes] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A message that waits for a later try, and why, in words for an operator.

    `due` is on the monotonic clock, in seconds.
    """

    why: str
    tries: int
    due: float


def arrival(date: datetime | None, now: datetime) -> datetime:
    """Return when a message arrived, in UTC: its INTERNALDATE, never in the future.

    Whoever appends a message sets its date (RFC 9051 §6.3.12); promises to a customer
    must not begin to run next year.
    """
    try:
        return min(date.astimezone(UTC), now) if date and date.tzinfo else now
    except (ValueError, OverflowError):
        return now


def windows(exists: int, *, width: int = 50_000) -> list[str]:
    """Cut a folder of so many messages into sequence sets, the last messages first.

    One SEARCH reply is one line, and imaplib ends at a million bytes: 50,000 UIDs of
    ten digits fit. From the end to the beginning, because a message that somebody
    expunges meanwhile shifts the later ones down, into a window that is yet to come.
    """
    ends = range(exists, 0, -width)
    return [f"{max(1, end - width + 1)}:{end}" for end in ends]


def batches(
    facts: Iterable[Facts],
    *,
    alone: Collection[int] = (),
    mails: int = 50,
    octets: int = 4_194_304,
) -> Iterator[tuple[Facts, ...]]:
    """Group what is fetched by one command: small ones together, large ones alone."""
    batch: list[Facts] = []
    size = 0
    for fact in facts:
        single = fact.uid in alone
        full = len(batch) >= mails or size + fact.size > octets
        if batch and (full or single):
            yield tuple(batch)
            batch, size = [], 0
        if single:
            yield (fact,)
            continue
        batch.append(fact)
        size += fact.size
    if batch:
        yield tuple(batch)


class Progress:
    """How far one folder is read, within one UIDVALIDITY.

    Everything listed is either finished or still to do, and what failed is to do again
    later: nothing that was listed is ever forgotten.
    """

    def __init__(self, uidvalidity: int) -> None:
        """Begin with a folder of which nothing is known yet."""
        self.uidvalidity = uidvalidity
        self.alone: set[int] = set()
        self._todo: dict[int, None] = {}
        self._aside: dict[int, Aside] = {}
        self.restart(0)

    def restart(self, last_uid: int, *, whole: bool = False) -> None:
        """List again, on a new connection; what was put aside stays aside.

        Everything up to `last_uid` is known to be finished; a folder that messages
        leave when they are is listed `whole`, for what a crash left behind.
        """
        self.last_uid = last_uid
        self.next_uid = 1 if whole else last_uid + 1
        self._todo.clear()
        self._beyond: list[int] = []

    def groups(self, uids: Sequence[int], *, width: int = 250) -> list[list[int]]:
        """Cut what is due into what one command may ask: suspects one by one.

        Commands stay well under the 8,000 octets that every server takes (RFC 7162
        §4).
        """
        groups: list[list[int]] = []
        for uid in uids:
            last = groups[-1] if groups else []
            if not last or len(last) >= width or {uid, last[-1]} & self.alone:
                groups.append(last := [])
            last.append(uid)
        return groups

    def listed(self, uids: Iterable[int]) -> None:
        """Take in what the server listed; older UIDs than asked for are ignored.

        A server answers `UID n:*` with its last message even where that is below n.
        """
        fresh = sorted(uid for uid in uids if uid >= self.next_uid)
        self._todo.update(dict.fromkeys(u for u in fresh if u not in self._aside))
        if fresh:
            self.next_uid = fresh[-1] + 1

    def due(self, now: float) -> list[int]:
        """Return what is to be done, what never failed first."""
        again = [uid for uid, aside in self._aside.items() if aside.due <= now]
        return [*self._todo, *sorted(again)]

    def next_due(self) -> float:
        """Return when something put aside is to be tried again; infinity if never."""
        return min((a.due for a in self._aside.values()), default=math.inf)

    def accepted(self, uids: Iterable[int]) -> None:
        """Note messages that are on stable storage and done with in the mailbox."""
        for uid in uids:
            self.gone(uid)
            if uid > self.last_uid:
                heapq.heappush(self._beyond, uid)

    def gone(self, uid: int) -> None:
        """Note a message that is not in the folder any more."""
        self._todo.pop(uid, None)
        self._aside.pop(uid, None)
        self.alone.discard(uid)

    def failed(
        self, uid: int, why: str, now: float, *, longest: float = _LAST_RETRY
    ) -> None:
        """Put a message aside: for a moment at first, at last for an hour a time."""
        before = self._aside.get(uid)
        tries = before.tries + 1 if before else 1
        wait = 0.0 if tries == 1 else _FIRST_RETRY * 4.0 ** min(tries - 2, 9)
        due = now + min(wait, longest)
        self._put_aside(uid, Aside(why=why, tries=tries, due=due))

    def failing(self, uids: Collection[int]) -> bool:
        """Whether all of these failed before, while others did not."""
        return all(uid in self._aside and self._aside[uid].tries for uid in uids)

    def unfit(self, uid: int, why: str, now: float) -> None:
        """Leave a message in the folder for a person; look again in an hour."""
        due = now + _LAST_RETRY
        self._put_aside(uid, Aside(why=why, tries=_ALARMING, due=due))

    def suspect(self, uids: Sequence[int], why: str, now: float) -> None:
        """Note that asking for these together failed: one by one next time.

        One that was alone has failed.
        """
        self.alone.update(uids)
        if len(uids) == 1:
            self.failed(uids[0], why, now)
            return
        for uid in uids:
            before = self._aside.get(uid)
            tries = before.tries if before else 0
            self._put_aside(uid, Aside(why=why, tries=tries, due=now))

    def advance(self) -> int:
        """Return the last UID up to which everything listed is finished.

        It is always the UID of a message that was accepted, so that the ledger can
        tell whether it belongs to this folder.
        """
        # The dictionary is in the order of listing, which is that of the UIDs.
        first = next(iter(self._todo), math.inf)
        unfinished = min(first, min(self._aside, default=math.inf))
        while self._beyond and self._beyond[0] < unfinished:
            self.last_uid = max(self.last_uid, heapq.heappop(self._beyond))
        return self.last_uid

    def alarm(self) -> str:
        """Say what stays in the mailbox and why; "" when nothing needs a person."""
        stuck = sorted(u for u, a in self._aside.items() if a.tries >= _ALARMING)
        if not stuck:
            return ""
        first = f"UID {stuck[0]}: {self._aside[stuck[0]].why}"
        return f"{len(stuck)} left in the mailbox, {first}"

    def _put_aside(self, uid: int, aside: Aside) -> None:
        self._todo.pop(uid, None)
        self._aside[uid] = aside
