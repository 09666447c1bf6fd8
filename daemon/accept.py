"""Accepting: one durable row a message, many messages an fsync.

Everything that waits at the door goes into one transaction. A lone message never waits
for company; where company came with the group before, it is waited for a moment, for
the clients that were answered together hand in their next mail together. Large raw
bytes go into the blob store first, so that a row without its bytes cannot exist; a blob
without a row is garbage, not a loss.
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

from chamado.daemon import metrics
from chamado.daemon.digest import content_digest, day_apart
from chamado.daemon.sources.source import Accepted, RawMessage
from chamado.daemon.store import inbox
from chamado.daemon.store.blobs import Blobs
from chamado.daemon.store.engine import Store, is_unwell, trouble

log = structlog.get_logger()

#: A larger group gains nothing and lets its members wait longer.
GROUP = 50
#: The next group may wait for company this share of what a commit takes, in seconds
#: at most so many: on a slow disk that makes one sync of two.
PATIENCE, MOST_PATIENCE = 0.25, 0.005
#: Large raw bytes are written beside the group by a few threads.
BLOB_WRITERS = 8
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
            sha256 = self._blobs.put(raw.content, sha256=raw.sha256)
            known = replace(raw, sha256=sha256)
            self._enqueue(row_of(known, in_row=False), future)
        except Exception as error:  # noqa: BLE001  (whatever it was, the sender must hear it)
            log.error("blob_not_stored", error=type(error).__name__)
            future.set_exception(error)

    def _run(self) -> None:
        company, commit_seconds = 1, 0.0
        ending = False
        while not ending:
            group = [self._queue.get()]
            began = time.monotonic()
            patience = min(commit_seconds * PATIENCE, MOST_PATIENCE)
            self._fill(group, company, began + patience)
            waiting = [w for w in group if w is not None]
            ending = len(waiting) < len(group)
            if waiting:
                began = time.monotonic()
                self._commit(waiting)
                company, commit_seconds = len(waiting), time.monotonic() - began

    def _fill(self, group: list[_Waiting | None], company: int, until: float) -> None:
        """Take in who else waits, and who should come soon if company came before."""
        while len(group) < GROUP and group[-1] is not None:
            patience = until - time.monotonic() if len(group) < company else 0.0
            try:
                group.append(self._queue.get(timeout=max(patience, 0.0)))
            except queue.Empty:
                return

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
            if fresh:
                metrics.ACCEPTED.labels(w.row.source.partition(":")[0]).inc()
        self._on_accepted()

    def _refuse(self, waiting: list[_Waiting], error: Exception) -> None:
        if len(waiting) > 1 and not is_unwell(error):
            # One row that cannot be stored must not refuse its neighbours.
            for w in waiting:
                self._commit([w])
            return
        log.error("not_accepted", count=len(waiting), error=trouble(error))
        if is_unwell(error):
            self._failed_at = time.monotonic()
        unwell = Unwell(type(error).__name__)
        unwell.__cause__ = error
        for w in waiting:
            w.future.set_exception(unwell)


def row_of(raw: RawMessage, *, in_row: bool) -> inbox.NewRow:
    """Make the inbox row of a message; without its bytes if a blob holds them."""
    return inbox.NewRow(
        source=raw.source,
        source_key=raw.source_key,
        envelope=replace(raw.envelope, peer=raw.envelope.peer[:255]),
        no_ack=raw.no_ack,
        size=len(raw.content),
        sha256=raw.sha256 or hashlib.sha256(raw.content).hexdigest(),
        content_digest=content_digest(
            raw.content, day_apart(raw.content, raw.envelope.received_at)
        ),
        raw=raw.content if in_row else None,
    )
