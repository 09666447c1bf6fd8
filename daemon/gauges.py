"""What waits and how long, read off the database for Prometheus."""

from datetime import datetime, timedelta

from chamado.daemon import metrics
from chamado.daemon.store import inbox, mailboxes, outbox
from chamado.daemon.store.engine import Store


def refresh(store: Store, now: datetime) -> None:
    """Look everything up once, and show it."""
    with store.read() as work:
        waiting, since = inbox.waiting(work)
        failed = inbox.failed(work)
        letters = outbox.unsent(work)
        due = outbox.next_due(work)
        boxes = mailboxes.listing(work)
    metrics.DATABASE_UP.set(1)
    metrics.INBOX_WAITING.set(waiting)
    metrics.INBOX_FAILED.set(failed)
    metrics.INBOX_AGE.set(_age(since, now))
    metrics.OUTBOX_AGE.set(_age(due, now))
    for state in ("queued", "sending", "deferred", "failed", "unknown"):
        metrics.OUTBOX.labels(state).set(letters.get(state, 0))
    for box in boxes:
        metrics.MAILBOX_CONNECTED.labels(box["mailbox"]).set(box["connected"])
        metrics.MAILBOX_TROUBLE.labels(box["mailbox"]).set(bool(box["error"]))
        if box["last_success_at"]:
            metrics.MAILBOX_SUCCESS.labels(box["mailbox"]).set(
                box["last_success_at"].timestamp()
            )


def _age(since: datetime | None, now: datetime) -> float:
    return max((now - since) / timedelta(seconds=1), 0.0) if since else 0.0
