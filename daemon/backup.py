"""A backup: the database, every blob that it speaks of, and the settings.

The copy of the database is taken first, and rows never speak of blobs that are not
stored yet, so what the copy speaks of is there to be copied after it. The manifest is
written last: a folder without one is no backup. Secrets of the configuration are left
out; the keys that sign our letters are in the database, so keep backups as private.
"""

import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from chamado.config import derive
from chamado.config.keys import KEYS, pattern_of
from chamado.config.lines import flatten, lines
from chamado.config.load import Loaded, dump
from chamado.daemon import parts
from chamado.daemon.refusal import BadData, InTheWay, NotThere
from chamado.daemon.store import copies, ledger, upgrade, whereabouts
from chamado.daemon.store.blobs import BlobDamaged, BlobMissing, Blobs, FileBlobs
from chamado.daemon.store.engine import Store
from chamado.parsers.contract import timestamp

FORMAT = 1
MANIFEST = "manifest.json"
BLOBS = "blobs"
#: In a data folder that is being restored; without the end of it the next try goes on.
MARK = "restoring"
_MASK = '"(left out of the backup)"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup holds; `blobs` are digests and sizes in bytes."""

    created_at: str
    version: str
    revision: str
    database: str
    sha256: str
    size: int
    blobs: tuple[tuple[str, int], ...]


def back_up(
    loaded: Loaded, store: Store, blobs: Blobs, folder: Path, now: datetime
) -> Manifest:
    """Write a backup into `folder`, which must be new or empty.

    Raises `InTheWay` when it is not, `NotThere` when a blob is missing or damaged:
    a backup that lacks something is none. What fails leaves nothing, so that the next
    try finds `folder` as this one did.
    """
    there = folder.exists()
    _make(folder)
    try:
        return _written(loaded, store, blobs, folder, now)
    except BaseException:
        _clear(folder, there=there)
        raise


def _written(
    loaded: Loaded, store: Store, blobs: Blobs, folder: Path, now: datetime
) -> Manifest:
    url = derive.database_url(loaded.settings)
    copy = folder / copies.kind_of(url)
    copies.take(store, url, copy)
    wanted = _wanted(store, copy)
    kept = FileBlobs(folder / BLOBS)
    for sha256, _ in wanted:
        kept.put(_fetched(blobs, sha256))
    _write(folder / "settings.json", _settings(loaded))
    if text := _configuration(loaded):
        _write(folder / "chamado.toml", text)
    manifest = Manifest(
        created_at=timestamp(now) or "",
        version=version("chamado"),
        revision=upgrade.head(),
        database=copy.name,
        sha256=_digest(copy),
        size=copy.stat().st_size,
        blobs=tuple(wanted),
    )
    _write(folder / MANIFEST, _document(manifest))
    _sync(folder)
    return manifest


def read(folder: Path) -> Manifest:
    """Read the manifest; raises `NotThere` or `BadData`."""
    try:
        found = json.loads((folder / MANIFEST).read_text("utf-8"))
        if found["format"] != FORMAT:
            raise BadData(f"{folder} was written by another version of Chamado")
        return Manifest(
            created_at=str(found["created_at"]),
            version=str(found["version"]),
            revision=str(found["revision"]),
            database=_plain(found["database"]),
            sha256=str(found["sha256"]),
            size=int(found["size"]),
            blobs=tuple((str(b["sha256"]), int(b["size"])) for b in found["blobs"]),
        )
    except OSError as error:
        raise NotThere(
            f"{folder} is no whole backup: {MANIFEST}: {error.strerror}"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise BadData(f"{folder / MANIFEST} cannot be read") from None


def troubles(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield, in words, everything that is not as the manifest says."""
    copy = folder / manifest.database
    if not copy.is_file():
        yield f"{copy.name} is missing"
        return
    if _digest(copy) != manifest.sha256:
        yield f"{copy.name} has other bytes than it was written with"
        return
    if wrong := copies.trouble(copy):
        yield f"{copy.name}: {wrong}"
        return
    known = {sha256 for sha256, _ in manifest.blobs}
    if copy.suffix == ".db":
        with copies.reading(copy) as work:
            lost = {sha256 for sha256, _ in ledger.blob_digests(work)} - known
        yield from (f"blob {sha256} is not in the manifest" for sha256 in sorted(lost))
    if manifest.blobs and not (folder / BLOBS).is_dir():
        yield f"the folder {BLOBS} is missing"
        return
    for sha256, size in manifest.blobs:
        if wrong := _blob_trouble(folder, sha256, size):
            yield wrong


def restore(loaded: Loaded, folder: Path, manifest: Manifest) -> None:
    """Put a backup back; call `troubles` before.

    Raises `InTheWay` when there is a database or anything else that would be mixed
    with it. The database comes last, so what is interrupted is no half database; the
    next try goes on.
    """
    settings = loaded.settings
    url = derive.database_url(settings)
    copies.check_kind(url, folder / manifest.database)
    data = settings.service.data_dir.absolute()
    _empty(url, data)
    parts.data_dir(settings)
    (data / MARK).touch(mode=0o600)
    blobs = parts.open_blob_store(settings)
    source = FileBlobs(folder / BLOBS) if manifest.blobs else None
    for sha256, _ in manifest.blobs if source else ():
        blobs.put(_fetched(source, sha256) if source else b"")
    copies.put_back(url, folder / manifest.database)
    (data / MARK).unlink()
    _sync(data)


def _empty(url: str, data: Path) -> None:
    file = whereabouts.sqlite_file(url)
    if file is not None and file.exists():
        raise InTheWay(f"{file} is there; move it away first, nothing was changed")
    if data.exists() and any(data.iterdir()) and not (data / MARK).exists():
        raise InTheWay(f"{data} is not empty; move it away first, nothing was changed")
    if file is None:
        store = Store(url)
        try:
            empty = upgrade.is_empty(store)
        finally:
            store.close()
        if not empty:
            raise InTheWay(
                f"{whereabouts.shown(url)} is not empty; make a new database first, "
                f"nothing was changed"
            )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as error:
        if error.errno in copies.OF_DISK:
            # Nothing is in the way.
            raise
        raise InTheWay(f"{folder}: {error.strerror}") from None
    if taken:
        raise InTheWay(f"{folder} is not empty; nothing was written")


def _clear(folder: Path, *, there: bool) -> None:
    """Remove what was written into a folder that was empty, or new."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()
        if not there:
            folder.rmdir()


def _wanted(store: Store, copy: Path) -> list[tuple[str, int]]:
    if store.is_sqlite:
        with copies.reading(copy) as work:
            return ledger.blob_digests(work)
    with store.read() as work:
        return ledger.blob_digests(work)


def _fetched(blobs: Blobs, sha256: str) -> bytes:
    try:
        return blobs.get(sha256)
    except (BlobMissing, BlobDamaged) as error:
        what = "missing" if isinstance(error, BlobMissing) else "damaged"
        raise NotThere(
            f"the blob {sha256} is {what}; `chamado doctor --ledger` says whose it is"
        ) from None


def _blob_trouble(folder: Path, sha256: str, size: int) -> str:
    blobs = FileBlobs(folder / BLOBS)
    try:
        path = blobs.checked_path(sha256)
    except BlobMissing:
        return f"blob {sha256} is missing"
    except (BlobDamaged, ValueError):
        return f"blob {sha256} is damaged"
    if path is not None and path.stat().st_size != size:
        return f"blob {sha256} has another size"
    return ""


def _document(manifest: Manifest) -> str:
    found: dict[str, Any] = {
        "format": FORMAT,
        "created_at": manifest.created_at,
        "version": manifest.version,
        "revision": manifest.revision,
        "database": manifest.database,
        "sha256": manifest.sha256,
        "size": manifest.size,
        "blobs": [{"sha256": s, "size": n} for s, n in manifest.blobs],
    }
    return json.dumps(found, indent=1) + "\n"


def _settings(loaded: Loaded) -> str:
    """All settings that hold, secrets masked."""
    values = {key: _json(value) for key, value in flatten(dump(loaded.settings))}
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def _json(value: object) -> object:
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


def _configuration(loaded: Loaded) -> str:
    """Return the file as written but for its secrets; "" if that is in doubt."""
    if loaded.path is None:
        return ""
    text = loaded.path.read_text("utf-8-sig")
    rows = text.split("\n")
    secret = [
        number
        for key, number in lines(text).items()
        if (known := KEYS.get(pattern_of(key))) and known.is_secret
    ]
    for number in secret:
        rows[number - 1] = f"{rows[number - 1].partition('=')[0]}= {_MASK}"
    masked = "\n".join(rows)
    try:
        tomllib.loads(masked)
    except tomllib.TOMLDecodeError:
        # A secret over several lines: only some of it would be masked.
        return ""
    return masked


def _plain(name: str) -> str:
    """A file name out of a manifest; the only two that there are."""
    if name not in ("chamado.db", "chamado.dump"):
        raise ValueError(name)
    return name


def _write(file: Path, text: str) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
