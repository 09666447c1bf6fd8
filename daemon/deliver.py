"""Delivering: hand letters to the relay and remember what it said.

A letter is durably `sending` before a byte leaves. The batch is small on purpose: a
crash leaves that many acknowledgements in doubt, and those are never sent again.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from chamado.daemon import metrics
from chamado.daemon.store import outbox
from chamado.daemon.store.engine import Store, StoreError, Work, trouble
from chamado.daemon.store.mailboxes import is_gone
from chamado.daemon.store.outbox import OutboxRow, Result
from chamado.notifier.types import Fate, Letter, Outcome, Relay

log = structlog.get_logger()

BATCH = 10
BATCH_SECONDS = 120.0
#: A letter is not given up before it was tried so often, however old it is.
LEAST_ATTEMPTS = 5
POLL_SECONDS = 1.0
#: So long letters are in doubt at most that another process of this host died over.
RECOVER_SECONDS = 10.0
#: Minutes to the next attempt; afterwards the last one, until GIVE_UP.
RETRY_MINUTES = (1, 5, 15, 30, 60)
GIVE_UP = timedelta(days=3)
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


def next_attempt(
    outcome: Outcome, attempts: int, created_at: datetime, now: datetime
) -> datetime | None:
    """When to try again; None when it is settled, for good or ill."""
    old = now - created_at > GIVE_UP and attempts >= LEAST_ATTEMPTS
    if outcome.fate is not Fate.TRY_LATER or old:
        return None
    minutes = RETRY_MINUTES[min(attempts, len(RETRY_MINUTES)) - 1]
    return now + timedelta(minutes=minutes)


def result_of(row: OutboxRow, outcome: Outcome, now: datetime) -> Result:
    """Judge one attempt: what the row's state is from now on."""
    state, again = _state(row, outcome, now)
    return Result(
        id=row.id,
        state=state,
        reply=outcome.reply,
        next_attempt_at=again,
        sent_at=now if state == "sent" else None,
    )


def _state(
    row: OutboxRow, outcome: Outcome, now: datetime
) -> tuple[str, datetime | None]:
    match outcome.fate:
        case Fate.SENT:
            return "sent", None
        case Fate.REFUSED:
            return "failed", None
        case Fate.UNKNOWN if row.at_most_once:
            return "unknown", None
        case Fate.UNKNOWN | Fate.TRY_LATER:
            # An agent's words must arrive: at worst twice, under one Message-ID.
            later = Outcome(fate=Fate.TRY_LATER, reply=outcome.reply)
            again = next_attempt(later, row.attempts, row.created_at, now)
            return ("deferred", again) if again else ("failed", None)


class Deliverer:
    """The verb `deliver`: run by one thread, woken by `poke`.

    `on_sent` hears of letters that the relay took, in the transaction that notes it.
    """

    def __init__(
        self,
        store: Store,
        relay: Relay,
        *,
        owner: str,
        host: str,
        clock: Callable[[], datetime],
        on_sent: Callable[[Work, Sequence[OutboxRow]], None] = lambda *_: None,
    ) -> None:
        self._store = store
        self._on_sent = on_sent
        self._relay = relay
        self._owner = owner
        self._host = host
        self._clock = clock
        self._wake = threading.Event()
        self._recovered_at = -RECOVER_SECONDS
        self._claimed: list[OutboxRow] = []
        # What the relay said and the database does not know yet.
        self._results: list[Result] = []
        self._sent: list[OutboxRow] = []
        self._again_at: datetime | None = None
        self._unsettled = False

    def poke(self) -> None:
        """Say that something was queued."""
        self._wake.set()

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Send until `stop`; the letter that is being sent is finished."""
        pauses = _pauses()
        while not stop.is_set():
            beat()
            try:
                if time.monotonic() - self._recovered_at > RECOVER_SECONDS:
                    self._recover()
                if not self.turn(stop, beat):
                    self._wake.wait(POLL_SECONDS)
                    self._wake.clear()
                pauses = _pauses()
            except StoreError as error:
                pause = next(pauses)
                log.error("deliver_waits", error=trouble(error), seconds=pause)
                stop.wait(pause)
        self._end()

    def turn(
        self, stop: threading.Event, beat: Callable[[], None] = lambda: None
    ) -> int:
        """Send one batch of what is due; return how many were tried.

        What became of a batch and the claim of the next one are one commit. A relay
        that is slow gets fewer letters a batch: the claim must not end before it.
        """
        begun = time.monotonic()
        if self._unsettled:
            self._settle(all_tried=False, more=False)
        # From here on rows may be ours even if the commit that claims them seems to
        # fail.
        self._unsettled = True
        rows = self._claimed or self._claim()
        self._claimed = []
        for row in rows:
            if stop.is_set() or self._again_at:
                break
            if time.monotonic() - begun > BATCH_SECONDS:
                break
            beat()
            self._try(row)
        tried = len(self._results)
        if rows:
            more = tried == BATCH and not stop.is_set()
            self._claimed = self._settle(all_tried=tried == len(rows), more=more)
        self._unsettled = False
        return tried

    def _claim(self) -> list[OutboxRow]:
        with self._store.write() as work:
            return outbox.claim(work, self._owner, BATCH, self._clock())

    def _try(self, row: OutboxRow) -> None:
        try:
            outcome = self._relay.send(_letter(row))
        except Exception:
            # The edge of a letter: nobody knows how far this one came.
            log.exception("relay_failed", outbox=row.id)
            outcome = Outcome(fate=Fate.UNKNOWN, reply="an error of ours, see the log")
        result = result_of(row, outcome, self._clock())
        self._results.append(result)
        if result.state == "sent":
            self._sent.append(row)
        self._note(row, outcome, result)
        if outcome.relay_down:
            # Letters behind one that met a dead relay wait as long as that one.
            self._again_at = result.next_attempt_at

    def _settle(self, *, all_tried: bool, more: bool) -> list[OutboxRow]:
        """Write what became of the letters that are ours, and claim `more`.

        It is harmless when written twice, and is repeated until the database takes it:
        what was sent is not sent again for a commit that failed.
        """
        claimed: list[OutboxRow] = []
        with self._store.write() as work:
            # Cases are held before letters: so does filing when one of them bounces.
            if self._sent:
                self._on_sent(work, self._sent)
            outbox.settle(work, self._owner, self._results)
            if not all_tried:
                outbox.unsend(work, self._owner, self._again_at or self._clock())
            if more:
                claimed = outbox.claim(work, self._owner, BATCH, self._clock())
        self._results, self._sent, self._again_at = [], [], None
        return claimed

    def _end(self) -> None:
        self._relay.close()
        if not (self._claimed or self._unsettled):
            return
        try:
            self._settle(all_tried=False, more=False)
        except StoreError as error:
            log.warning("letters_not_given_back", error=trouble(error))

    def _recover(self) -> None:
        self._recovered_at = time.monotonic()
        with self._store.write() as work:
            gone = [
                owner
                for owner in outbox.senders(work)
                if owner != self._owner
                and is_gone(owner, owner.rsplit(":", 2)[0], self._host)
            ]
            self._prove(work, gone)
            unknown, again = outbox.recover(work, gone, self._clock())
        if unknown or again:
            log.warning("letters_in_doubt", unknown=unknown, queued_again=again)

    def _prove(self, work: Work, gone: Sequence[str]) -> None:
        """Settle what the relay can show to have got from processes that are gone."""
        here = {
            owner: [
                row
                for row in outbox.left_by(work, owner)
                if self._relay.holds(_letter(row))
            ]
            for owner in gone
        }
        if sent := [row for rows in here.values() for row in rows]:
            self._on_sent(work, sent)
        found = Outcome(fate=Fate.SENT, reply="found there after a crash")
        now = self._clock()
        for owner, rows in here.items():
            outbox.settle(work, owner, [result_of(row, found, now) for row in rows])

    def _note(self, row: OutboxRow, outcome: Outcome, result: Result) -> None:
        metrics.SENT.labels(row.kind, result.state).inc()
        facts = {"outbox": row.id, "kind": row.kind, "ticket": row.ticket}
        if result.state == "sent":
            log.info("letter_sent", **facts)
        else:
            log.warning(
                "letter_not_sent", state=result.state, reply=outcome.reply, **facts
            )


def _letter(row: OutboxRow) -> Letter:
    return Letter(
        message_id=row.message_id,
        mail_from=row.mail_from,
        rcpt_to=row.rcpt_to,
        content=row.content,
        at_most_once=row.at_most_once,
    )


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]
