"""Accepting: one durable row a message, many messages an fsync.

Everything that waits at the door goes into one transaction; a lone message never waits
for company. Large raw bytes go into the blob store first, so that a row without its
bytes cannot exist; a blob without a row is garbage, not a loss.
"""

import hashlib
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from chamado.daemon.digest import content_digest
from chamado.daemon.sources.source import Accepted, RawMessage
from chamado.daemon.store import inbox
from chamado.daemon.store.blobs import Blobs
from chamado.daemon.store.engine import Store, is_unwell

log = structlog.get_logger()

#: A larger group gains nothing and lets its members wait longer.
GROUP = 50
#: Large raw bytes are written beside the group by a few threads.
BLOB_WRITERS = 4
#: After a failed commit senders are put off at once for so long; then one may try.
TROUBLE_SECONDS = 2.0


class Unwell(Exception):
    """No mail can be taken now; it is safe to try again later."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: inbox.NewRow
    future: "Future[Accepted]"


class Acceptor:
    """The door. Implements `Door`; one per process."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        *,
        data_dir: Path,
        raw_in_row_bytes: int,
        disk_reserve_bytes: int,
        clock: Callable[[], datetime],
        on_accepted: Callable[[], None],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._data_dir = data_dir
        self._raw_in_row = raw_in_row_bytes
        self._reserve = disk_reserve_bytes
        self._clock = clock
        self._on_accepted = on_accepted
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._failed_at = -TROUBLE_SECONDS
        self._writers = ThreadPoolExecutor(BLOB_WRITERS, thread_name_prefix="blob")
        self._thread = threading.Thread(target=self._run, name="accept")
        self._thread.start()

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        """Store durably; the future resolves after the commit."""
        if len(raw.content) > self._raw_in_row:
            future: Future[Accepted] = Future()
            self._writers.submit(self._keep_large, raw, future)
            return future
        return self._enqueue(row_of(raw, in_row=True), Future())

    def unwell(self) -> str | None:
        """Say why nothing can be taken: disk below its reserve, database in trouble."""
        free = os.statvfs(self._data_dir)
        if free.f_bavail * free.f_frsize < self._reserve:
            return "the disk is nearly full"
        if free.f_files and free.f_favail < 100:
            return "the disk has no inodes left"
        if time.monotonic() - self._failed_at < TROUBLE_SECONDS:
            return "the database does not take anything"
        return None

    def close(self) -> None:
        """Finish what was handed in, then end."""
        self._writers.shutdown(wait=True)
        self._queue.put(None)
        self._thread.join()

    def _enqueue(
        self, row: inbox.NewRow, future: "Future[Accepted]"
    ) -> "Future[Accepted]":
        self._queue.put(_Waiting(row, future))
        return future

    def _keep_large(self, raw: RawMessage, future: "Future[Accepted]") -> None:
        try:
            self._blobs.put(raw.content)
            self._enqueue(row_of(raw, in_row=False), future)
        except Exception as error:  # noqa: BLE001  (whatever it was, the sender must hear it)
            log.error("blob_not_stored", error=type(error).__name__)
            future.set_exception(error)

    def _run(self) -> None:
        ending = False
        while not ending:
            group = [self._queue.get()]
            while len(group) < GROUP:
                try:
                    group.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            waiting = [w for w in group if w is not None]
            ending = len(waiting) < len(group)
            if waiting:
                self._commit(waiting)

    def _commit(self, waiting: list[_Waiting]) -> None:
        try:
            with self._store.write() as work:
                known = inbox.accept(work, [w.row for w in waiting], self._clock())
        except Exception as error:  # noqa: BLE001  (the loop's edge: each sender hears it)
            self._refuse(waiting, error)
            return
        for w in waiting:
            id_, fresh = known[w.row.source_key]
            w.future.set_result(Accepted(inbox_id=id_, fresh=fresh))
        self._on_accepted()

    def _refuse(self, waiting: list[_Waiting], error: Exception) -> None:
        if len(waiting) > 1 and not is_unwell(error):
            # One row that cannot be stored must not refuse its neighbours.
            for w in waiting:
                self._commit([w])
            return
        log.error("not_accepted", count=len(waiting), error=type(error).__name__)
        if is_unwell(error):
            self._failed_at = time.monotonic()
        for w in waiting:
            w.future.set_exception(Unwell(type(error).__name__))


def row_of(raw: RawMessage, *, in_row: bool) -> inbox.NewRow:
    """Make the inbox row of a message; without its bytes if a blob holds them."""
    return inbox.NewRow(
        source=raw.source,
        source_key=raw.source_key,
        envelope=replace(raw.envelope, peer=raw.envelope.peer[:255]),
        no_ack=raw.no_ack,
        size=len(raw.content),
        sha256=hashlib.sha256(raw.content).hexdigest(),
        content_digest=content_digest(raw.content),
        raw=raw.content if in_row else None,
    )
