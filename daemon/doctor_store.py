"""What `doctor` asks of the database, the blob store and the two queues."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta

from chamado.config import derive
from chamado.config.load import Loaded
from chamado.daemon import parts
from chamado.daemon.checkup import Check, fail, ok, warn
from chamado.daemon.store import (
    inbox,
    listings,
    mailboxes,
    outbox,
    upgrade,
    whereabouts,
)
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing, is_made
from chamado.daemon.store.engine import Store, StoreError, Undurable, Work, reason

#: A daemon says every 15 seconds that it lives.
SILENT = timedelta(seconds=60)
#: How long a message or a letter that is due may wait before somebody should look.
SLOW, STUCK = timedelta(minutes=1), timedelta(minutes=10)


def there(loaded: Loaded) -> bool:
    """Whether there is a database that can be asked without making one."""
    file = whereabouts.sqlite_file(derive.database_url(loaded.settings))
    return file is None or file.exists()


def database(loaded: Loaded) -> Iterator[Check]:
    """Reached, known schema, durable, sound."""
    url = derive.database_url(loaded.settings)
    shown = whereabouts.shown(url)
    if not there(loaded):
        yield warn("database", f"{shown} is not there yet", "`chamado run` makes it")
        return
    try:
        store = Store(url)
    except ModuleNotFoundError as error:
        yield fail("database", f"{error.name} is missing", "install the extra for it")
        return
    try:
        yield from _asked(store, shown)
    except StoreError as error:
        yield fail(
            "database", f"{shown}: {reason(error)}", "start it, or correct the URL"
        )
    finally:
        store.close()


def _asked(store: Store, shown: str) -> Iterator[Check]:
    if upgrade.is_empty(store):
        yield warn("database", f"{shown} is empty", "`chamado run` fills it")
        return
    yield ok("database", f"{shown} answers")
    try:
        upgrade.check(store)
        yield ok("database.schema", f"revision {upgrade.head()}")
    except upgrade.UnknownSchema as error:
        yield fail("database.schema", str(error), "chamado db upgrade")
    try:
        store.check_durable()
        yield ok("database.durable", "what is committed survives a power cut")
    except Undurable as error:
        yield fail(
            "database.durable", str(error), "turn it on and restart the database"
        )
    damage = store.damage()
    if damage:
        yield fail("database.sound", damage, "chamado restore, from the last backup")
    elif store.is_sqlite:
        yield ok("database.sound", "the file is in order")


def blob_store(loaded: Loaded) -> Iterator[Check]:
    """Bytes go in, come back, and can be removed."""
    url = derive.blobs_url(loaded.settings)
    if not there(loaded) or not is_made(url):
        yield warn("blobs", f"{url} is not there yet", "`chamado run` makes it")
        return
    probe = b"chamado doctor " + secrets.token_bytes(16)
    try:
        blobs = parts.find_blob_store(loaded.settings)
        sha256 = blobs.put(probe)
        try:
            same = blobs.get(sha256) == probe
        finally:
            blobs.delete(sha256)
    except (OSError, ModuleNotFoundError, BlobMissing, BlobDamaged) as error:
        yield fail("blobs", f"{url}: {error}", "make it writable for the service")
        return
    if same and blobs.missing(sha256):
        yield ok("blobs", f"{url} keeps what it is given")
    else:
        yield fail(
            "blobs", f"{url} does not give back what it got", "use another place"
        )


def queues(loaded: Loaded) -> Iterator[Check]:
    """What waits, what failed, and whether a daemon is there to care for it."""
    if not there(loaded):
        return
    store = Store(derive.database_url(loaded.settings))
    try:
        upgrade.check(store)
        now = parts.utc_now()
        with store.read() as work:
            yield from _inbox(work, now)
            yield from _outbox(work, now)
            yield from _daemon(work, now)
    except (StoreError, upgrade.UnknownSchema):
        # The check of the database has said it.
        return
    finally:
        store.close()


def _inbox(work: Work, now: datetime) -> Iterator[Check]:
    failed = inbox.failed(work)
    if failed:
        yield fail(
            "inbox.failed",
            f"{failed} messages could not be understood and are set aside",
            "chamado inbox list --state failed; then inbox retry ID or inbox drop ID",
        )
    count, since = inbox.waiting(work)
    age = now - since if since else timedelta(0)
    said = f"{count} messages wait, the oldest for {_shown(age)}"
    if age > STUCK:
        yield fail("inbox.waiting", said, "start `chamado run`, look at its log")
    elif age > SLOW:
        yield warn("inbox.waiting", said, "see whether it gets less")
    else:
        yield ok("inbox.waiting", said if count else "nothing waits")


def _outbox(work: Work, now: datetime) -> Iterator[Check]:
    depth = outbox.depth(work)
    for state, what, fix in (
        ("failed", "letters failed", "chamado outbox list --state failed"),
        (
            "unknown",
            "letters may or may not have arrived, and are not sent again",
            "chamado outbox list --state unknown; outbox retry ID sends it again",
        ),
        ("deferred", "letters are tried again later", "chamado outbox list"),
    ):
        if depth.get(state):
            yield warn(f"outbox.{state}", f"{depth[state]} {what}", fix)
    stuck = listings.stuck_letters(work, now - STUCK)
    if stuck:
        yield fail(
            "outbox.waiting",
            f"{stuck} letters should have left more than {_shown(STUCK)} ago",
            "start `chamado run`, look at its log and at the relay",
        )
    else:
        yield ok(
            "outbox.waiting", f"{depth.get('queued', 0)} letters wait, none is late"
        )


def _daemon(work: Work, now: datetime) -> Iterator[Check]:
    here = parts.identity().host
    alive = [
        beat
        for beat in listings.heartbeats(work)
        if now - beat["at"] < SILENT
        and not mailboxes.is_gone(beat["instance"], beat["host"], here)
    ]
    for beat in alive:
        jobs = ", ".join(beat["jobs"])
        yield ok("daemon", f"process {beat['pid']} on {beat['host']} runs {jobs}")
    if not alive:
        yield warn("daemon", "none has been heard of for a minute", "chamado run")


def _shown(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return f"{int(age.total_seconds())} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
