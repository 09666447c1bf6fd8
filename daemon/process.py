"""Processing: take from the inbox, understand in a child, decide, write, all at once.

One thread decides and writes; the children parse meanwhile. What was understood within
a moment is written as one batch of statements; if that fails, one by one, so that a bad
message harms only itself. In a flood half of what is in flight is written at a time,
for a batch costs as much as ten of its messages, and the other half keeps the children
busy. A message that kills its child goes down a ladder, whole →
text only → headers only, one strike a rung; three strikes set it aside as `failed`.
"""

import math
import threading
import time
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import groupby

import structlog

from chamado.config.settings import Limits
from chamado.daemon import mailauth, metrics
from chamado.daemon.desk import Desk
from chamado.daemon.filing import Filed, file_batch, keep_files
from chamado.daemon.item import Item, item_of
from chamado.daemon.store import claims, inbox
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing, Blobs
from chamado.daemon.store.claims import InboxRow
from chamado.daemon.store.engine import (
    Conflict,
    Store,
    StoreError,
    is_unwell,
    trouble,
)
from chamado.daemon.store.mailboxes import is_gone
from chamado.parsers.pool import ChildDied, ParserPool
from chamado.parsers.types import (
    Attachment,
    Auth,
    Envelope,
    ParsedMessage,
    Role,
    Understood,
)
from chamado.parsers.wire import Request

log = structlog.get_logger()

POLL_SECONDS = 1.0
#: How long at most an understood message waits for company.
GATHER_SECONDS = 0.1
#: Claims are renewed this often while a message takes long.
RENEW_SECONDS = 30.0
#: Mails that may wait for the DNS at the same time, where a door verifies.
VOUCHING = 16
#: So long mail waits at most that another process of this host died over.
TAKE_BACK_SECONDS = 5.0
RUNGS = 3
PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
RETRY_AFTER = timedelta(seconds=30)


class Poison(Exception):
    """A message that killed its child on every rung, or whose bytes are damaged."""


class Processor:
    """The verb `process`: run by one thread, woken by `poke`."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        pool: ParserPool,
        desk: Callable[[], Desk],
        *,
        owner: str,
        host: str,
        limits: Limits,
        on_queued: Callable[[], None] = lambda: None,
        vouch: Callable[[bytes, ParsedMessage, Envelope], Auth] = mailauth.vouch,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._pool = pool
        self._desk = desk
        self._owner = owner
        self._host = host
        self._limits = limits
        self._on_queued = on_queued
        self.vouch = vouch
        self._wake = threading.Event()
        self._flying: dict[Future[Item], InboxRow] = {}
        self._landing = threading.Condition()
        self._landed = 0
        self._wanted = 0
        self._renewed = time.monotonic()
        # One more than there are children: while it stores large files they go on.
        # Mail that waits for the DNS holds no child, and must not hold up other mail.
        verifies = any(listener.verify for listener in desk().settings.listener)
        self._executor = ThreadPoolExecutor(
            limits.parsers + 1 + (VOUCHING if verifies else 0),
            thread_name_prefix="understand",
        )

    def poke(self) -> None:
        """Say that something was accepted."""
        self._wake.set()
        with self._landing:
            self._landing.notify()

    def run(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        """Work until `stop`, then finish what is being understood."""
        pauses = _pauses()
        looked = -math.inf
        while not stop.is_set():
            beat()
            try:
                if time.monotonic() - looked > TAKE_BACK_SECONDS:
                    self._take_back()
                    looked = time.monotonic()
                if not self.turn() and not self._flying:
                    self._wake.wait(POLL_SECONDS)
                pauses = _pauses()
            except StoreError as error:
                looked = -math.inf
                pause = next(pauses)
                log.error("process_waits", error=trouble(error), seconds=pause)
                stop.wait(pause)
        self._land()

    def turn(self) -> list[Filed]:
        """Take up what waits, write what is understood; empty when there is nothing."""
        self._take_up()
        if not self._flying:
            return []
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            self._renew()
        return self._write(self._understood())

    def process_all(self, ids: Sequence[int]) -> None:
        """Work until none of these rows waits, whoever filed it in the end."""
        while True:
            if self.turn():
                continue
            with self._store.read() as work:
                if not inbox.pending(work, ids):
                    return
            self._wake.wait(0.05)

    def close(self) -> None:
        """End the threads; what was not begun is given back."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _take_back(self) -> None:
        """Free at once what nobody works on: claims of processes of this host that have
        ended, and our own that we know nothing of, because a commit failed or seemed
        to.
        """
        with self._store.read() as work:
            owners = claims.owners(work)
        nobody = [
            owner
            for owner in owners
            if owner == self._owner
            or is_gone(owner, owner.rsplit(":", 2)[0], self._host)
        ]
        if nobody:
            flying = [row.id for row in self._flying.values()]
            with self._store.write() as work:
                claims.release_owners(work, nobody, but=flying)

    def _take_up(self) -> None:
        # Before looking: what is accepted while we look wakes us again.
        self._wake.clear()
        if not self._has_room():
            return
        room = self._limits.batch - len(self._flying)
        with self._store.write() as work:
            rows = claims.claim(work, self._owner, room, self._desk().clock())
        for row in rows:
            future = self._executor.submit(self._understand, row)
            self._flying[future] = row
            future.add_done_callback(self._land_one)

    def _has_room(self) -> bool:
        room = self._limits.batch - len(self._flying)
        return room >= min(self._limits.batch, self._limits.parsers * 2)

    def _understood(self) -> list[Future[Item]]:
        """Wait for a message, and a moment longer until half of all have landed."""
        half = (len(self._flying) + 1) // 2
        with self._landing:
            self._landed = sum(future.done() for future in self._flying)
            self._wanted = 1
            self._landing.wait_for(self._one_landed_or_came, POLL_SECONDS)
            if self._landed:
                self._wanted = half
                self._landing.wait_for(lambda: self._landed >= half, GATHER_SECONDS)
        return [future for future in self._flying if future.done()]

    def _one_landed_or_came(self) -> bool:
        """A new message that can be taken up ends the wait for a slow one."""
        return bool(self._landed) or (self._wake.is_set() and self._has_room())

    def _land_one(self, _future: Future[Item]) -> None:
        with self._landing:
            self._landed += 1
            if self._landed >= self._wanted:
                self._landing.notify()

    def _renew(self) -> None:
        ids = [row.id for row in self._flying.values()]
        with self._store.write() as work:
            claims.extend(work, self._owner, ids, self._desk().clock())
        self._renewed = time.monotonic()

    def _write(self, done: Sequence[Future[Item]]) -> list[Filed]:
        items: list[Item] = []
        for future in done:
            row = self._flying.pop(future)
            try:
                items.append(future.result())
            except Poison as poison:
                self._set_aside(row, str(poison))
            except Exception as error:
                if not _is_ours(error):
                    log.exception("not_understood", inbox=row.id)
                self._postpone(row, error)
        items.sort(key=lambda item: item.row.id)
        filed: list[Filed] = []
        left = items
        try:
            for wave in waves(items, self._desk().policy.agents):
                filed += self._file(wave)
                left = [item for item in left if item not in wave]
        except StoreError:
            self._give_back(left)
            raise
        return filed

    def _file(self, items: Sequence[Item]) -> list[Filed]:
        started = time.monotonic()
        try:
            filed = self._filed(items)
        except Exception as error:
            if is_unwell(error):
                raise
            if len(items) > 1:
                return [f for item in items for f in self._file([item])]
            filed = self._file_again(items[0], error)
        if filed:
            metrics.filed(filed, time.monotonic() - started)
        if any(f.ack == "queued" for f in filed):
            self._on_queued()
        return filed

    def _filed(self, items: Sequence[Item]) -> list[Filed]:
        with self._store.write() as work:
            return file_batch(work, items, self._desk())

    def _file_again(self, item: Item, error: Exception) -> list[Filed]:
        """Try a lone message once more: a conflict means somebody else was first."""
        if isinstance(error, Conflict):
            try:
                return self._filed([item])
            except Exception as second:  # noqa: BLE001  (judged below like any other)
                error = second
        log.error("not_filed", inbox=item.row.id, exc_info=error)
        self._postpone(item.row, error)
        return []

    def _postpone(self, row: InboxRow, error: Exception) -> None:
        """Let a row rest that cannot be filed now; set it aside if it is at fault."""
        what = f"{type(error).__name__} while filing"
        if row.attempts >= self._limits.attempts and not _is_ours(error):
            self._set_aside(row, what)
            return
        now = self._desk().clock()
        with self._store.write() as work:
            claims.postpone(work, self._owner, row.id, now + RETRY_AFTER, what)

    def _set_aside(self, row: InboxRow, reason: str) -> None:
        with self._store.write() as work:
            inbox.fail(work, row.id, reason, self._desk().clock(), owner=self._owner)
        metrics.FAILED.inc()
        log.critical(
            "message_failed",
            inbox=row.id,
            reason=reason,
            way_out=f"chamado inbox show {row.id} --raw; chamado inbox retry {row.id}",
        )

    def _give_back(self, items: Sequence[Item]) -> None:
        """Best effort: the claim ends by itself if the database is away."""
        try:
            with self._store.write() as work:
                claims.release(work, self._owner, [item.row.id for item in items])
        except StoreError as error:
            log.warning("claim_not_given_back", error=trouble(error))

    def _land(self) -> None:
        """Stop: what is in a child is finished, what is not begun is given back."""
        idle = [future for future in self._flying if future.cancel()]
        rows = [self._flying.pop(future) for future in idle]
        try:
            with self._store.write() as work:
                claims.release(work, self._owner, [row.id for row in rows])
            while self._flying:
                self._write(self._understood())
        except StoreError as error:
            log.warning("stopped_with_claims", error=trouble(error))

    def _understand(self, row: InboxRow) -> Item:
        """Run in an executor's thread: ask a child, rung by rung, and keep the files.

        They are kept here and not in the batch, so that large ones wait in memory
        neither for company nor for the DNS, nor hold it up.
        """
        understood, rung = self._asked(row)
        if rung or any(d.startswith("limit") for d in understood.message.defects):
            understood = _with_raw(row, understood)
        most = self._limits.raw_in_row_bytes
        understood = keep_files(understood, self._blobs, most)
        understood = self._verified(row, understood)
        return item_of(row, understood, self._desk(), rung=rung)

    def _verified(self, row: InboxRow, understood: Understood) -> Understood:
        """Find out who wrote, where the door is told to: here, since a child has no
        network and filing must not wait for the DNS."""
        if not self._desk().verifies(row.source):
            return understood
        raw = row.raw if row.raw is not None else self._blobs.get(row.sha256)
        auth = self.vouch(raw, understood.message, row.envelope)
        return replace(understood, auth=auth)

    def _asked(self, row: InboxRow) -> tuple[Understood, int]:
        request = self._request(row)
        for rung in range(min(row.strikes, RUNGS), RUNGS):
            try:
                started = time.monotonic()
                understood = self._pool.understand(replace(request, rung=rung))
                metrics.PARSE_SECONDS.observe(time.monotonic() - started)
                return understood, rung
            except ChildDied as death:
                metrics.CHILD_DEATHS.labels(death.reason).inc()
                log.warning("parser_died", inbox=row.id, why=death.reason, rung=rung)
                with self._store.write() as work:
                    inbox.strike(work, row.id, f"parser died: {death.reason}")
        raise Poison("the parser died on it three times")

    def _request(self, row: InboxRow) -> Request:
        raw, path = row.raw or b"", None
        if row.raw is None:
            try:
                path = self._blobs.checked_path(row.sha256)
                raw = b"" if path else self._blobs.get(row.sha256)
            except BlobMissing as error:
                raise Poison("its raw bytes are missing from the blob store") from error
            except BlobDamaged as error:
                raise Poison("its raw bytes in the blob store are damaged") from error
        desk = self._desk()
        return Request(
            envelope=row.envelope,
            own=desk.own,
            trusted=desk.trusted(row.source),
            cpu_seconds=self._limits.parse_cpu_seconds,
            memory_bytes=self._limits.parse_memory_bytes,
            raw_size=row.size,
            raw_path=str(path) if path else None,
            raw=raw,
        )


def waves(items: Sequence[Item], agents: Container[str]) -> Iterator[list[Item]]:
    """Split a batch so that no message depends on another one of its wave.

    A reply to a message of the same batch, a second copy, or another mail of the same
    sender or about the same case must see what the first one became. What a proven
    agent writes is done at once while the rest of a wave is still to be written, on a
    case that only the database may know; so it is a wave of its own.
    """
    for alone, run in groupby(items, lambda item: _commands(item, agents)):
        if alone:
            yield from ([item] for item in run)
        else:
            yield from _apart(list(run))


def _apart(rest: Sequence[Item]) -> Iterator[list[Item]]:
    while rest:
        wave: list[Item] = []
        later: list[Item] = []
        taken: set[str] = set()
        for item in rest:
            keys = _dependencies(item)
            (later if taken & keys else wave).append(item)
            taken |= keys
        yield wave
        rest = later


def _commands(item: Item, agents: Container[str]) -> bool:
    """Whether it may be an agent who works by mail; who is not proven never is."""
    return item.sender in agents and item.understood.auth is Auth.ALIGNED


def _dependencies(item: Item) -> set[str]:
    message = item.understood.message
    ids = {*message.references, *message.in_reply_to}
    if message.message_id:
        ids.add(message.message_id)
    if message.bounce and message.bounce.original_message_id:
        ids.add(message.bounce.original_message_id)
    keys = {f"id:{i}" for i in ids} | {f"content:{item.row.content_digest}"}
    keys |= {f"case:{number}" for number in item.keys.tickets}
    return keys | {f"from:{item.sender}"} if item.sender else keys


def _with_raw(row: InboxRow, understood: Understood) -> Understood:
    """Attach the raw message where not all of it could be understood."""
    message = understood.message
    whole = Attachment(
        name="message.eml",
        content_type="message/rfc822",
        size=row.size,
        sha256=row.sha256,
        role=Role.NESTED_MESSAGE,
        content=row.raw or b"",
    )
    message = replace(message, attachments=(*message.attachments, whole))
    return replace(understood, message=message)


def _is_ours(error: BaseException) -> bool:
    """Whether the machine is in trouble and not the message: no message is set aside
    for a full disk, or for a database or a blob store that is away."""
    return isinstance(error, OSError) or is_unwell(error)


def _pauses() -> Iterator[float]:
    yield from PAUSES
    while True:
        yield PAUSES[-1]
