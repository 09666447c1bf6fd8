"""`doctor --ledger`: accepted = sum of outcomes, and every byte is still there.

The laws are queries in `store.ledger`; the bytes are read one after the other and
hashed, so that what the disk forgot is noticed before somebody needs it.
"""

import hashlib
from collections.abc import Iterable, Iterator

from chamado.daemon.checkup import Check, fail, ok
from chamado.daemon.store import inbox, ledger
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing, Blobs, BlobsAway
from chamado.daemon.store.engine import Store, Work

SHOWN = 10


def prove(store: Store, blobs: Blobs) -> Iterator[Check]:
    """Yield one check a kind of promise; the sum comes first."""
    with store.read() as work:
        ledger.begin(work)
        yield from _sum(work)
        yield from _laws(work)
        yield _bytes("ledger.raw", "raw messages", ledger.raw_bytes(work), blobs)
        yield _bytes("ledger.files", "files", ledger.file_bytes(work), blobs)


def _sum(work: Work) -> Iterator[Check]:
    accepted = ledger.accepted(work)
    fates = inbox.ledger(work)
    counted = {
        outcome or state: count for (state, outcome), count in sorted(fates.items())
    }
    terms = " + ".join(f"{count} {name}" for name, count in counted.items()) or "0"
    if sum(counted.values()) != accepted:
        yield fail(
            "ledger.sum",
            f"{accepted} accepted is not {terms}",
            "restore the last backup and take the mail in again",
        )
        return
    yield ok("ledger.sum", f"{accepted} accepted = {terms}")
    failed = counted.get("failed", 0)
    if failed:
        yield ok("ledger.failed", f"{failed} are failed and keep their raw bytes")


def _laws(work: Work) -> Iterator[Check]:
    broken = 0
    for words, count, ids in ledger.broken_laws(work):
        broken += 1
        more = " …" if count > len(ids) else ""
        yield fail(
            "ledger.fates",
            f"{count} {words}: {', '.join(map(str, ids))}{more}",
            "keep the database as it is and report this; `chamado inbox show ID --raw`"
            " still has the mail",
        )
    if not broken:
        yield ok("ledger.fates", "every message has exactly one fate, on its case once")


def _bytes(name: str, what: str, found: Iterable[ledger.Bytes], blobs: Blobs) -> Check:
    count = 0
    wrong: list[str] = []
    for one in found:
        count += 1
        try:
            trouble = _trouble(one, blobs)
        except BlobsAway as error:
            return fail(name, f"{one.what}: {error}", "bring the blob store back")
        if trouble:
            wrong.append(f"{one.what} {trouble}")
    if not wrong:
        return ok(name, f"{count} {what} are there and unchanged")
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return fail(
        name,
        f"of {count} {what}: {', '.join(wrong[:SHOWN])}{more}",
        "bring the bytes back from a backup, or the messages by `chamado ingest`",
    )


def _trouble(one: ledger.Bytes, blobs: Blobs) -> str:
    if one.content is not None:
        same = hashlib.sha256(one.content).hexdigest() == one.sha256
        return "" if same and len(one.content) == one.size else "has other bytes"
    try:
        path = blobs.checked_path(one.sha256)
        size = path.stat().st_size if path else len(blobs.get(one.sha256))
    except BlobMissing:
        return "is missing from the blob store"
    except BlobDamaged:
        return "is damaged in the blob store"
    return "" if size == one.size else "has another size in the blob store"
