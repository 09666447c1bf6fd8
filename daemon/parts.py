"""The parts that the daemon and the command line are put together from."""

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from chamado.config import derive
from chamado.config.settings import Limits, Settings
from chamado.daemon.desk import Desk
from chamado.daemon.refusal import NotThere
from chamado.daemon.store import keys, upgrade, whereabouts
from chamado.daemon.store.blobs import Blobs, open_blobs
from chamado.daemon.store.engine import Store
from chamado.notifier.render import Templates
from chamado.parsers.pool import ParserPool

_NAMESPACES = Path("/proc/self/ns/pid")


def utc_now() -> datetime:
    """The wall clock, aware and UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """This process among others: `owner` is HOST:PID:RANDOM."""

    host: str
    owner: str


def identity() -> Identity:
    """Name this process for claims and leases."""
    # Two containers may share a name and not their processes: a PID only means
    # something together with the namespace that it counts in.
    space = _NAMESPACES.stat().st_ino if _NAMESPACES.exists() else 0
    host = f"{socket.gethostname()[:30]}-{space}"
    return Identity(host=host, owner=f"{host}:{os.getpid()}:{secrets.token_hex(4)}")


def data_dir(settings: Settings) -> Path:
    """Return the data folder, made if need be, closed to others."""
    folder = settings.service.data_dir.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def open_store(settings: Settings) -> Store:
    """Open the database with the schema this version knows.

    An empty database gets the schema; any other one must have it already. Raises
    `UnknownSchema`, or what the database says when it cannot be reached.
    """
    data_dir(settings)
    store = Store(derive.database_url(settings))
    try:
        if upgrade.is_empty(store):
            upgrade.upgrade(store)
        upgrade.check(store)
    except BaseException:
        store.close()
        raise
    return store


def find_store(settings: Settings) -> Store:
    """Open the database that is there; nothing is ever made.

    In a wrong folder an empty database would say that there is no case and that all is
    well. Raises `NotThere` where there is none or an empty one, else as `open_store`.
    """
    url = derive.database_url(settings)
    file = whereabouts.sqlite_file(url)
    if file is not None and not file.exists():
        raise _no_database(url)
    store = Store(url)
    try:
        if upgrade.is_empty(store):
            raise _no_database(url)
        upgrade.check(store)
    except BaseException:
        store.close()
        raise
    return store


def _no_database(url: str) -> NotThere:
    file = whereabouts.sqlite_file(url)
    where = file.absolute() if file else whereabouts.shown(url)
    return NotThere(
        f"there is no database at {where} yet; "
        f"`chamado run` or `chamado db upgrade` makes it"
    )


def open_blob_store(settings: Settings) -> Blobs:
    """Open the blob store that the settings name; its folders are made if need be."""
    data_dir(settings)
    return open_blobs(derive.blobs_url(settings))


def find_blob_store(settings: Settings) -> Blobs:
    """Open the blob store as it is, to look only: nothing is made."""
    return open_blobs(derive.blobs_url(settings), make=False)


def open_desk(
    settings: Settings, store: Store, clock: Callable[[], datetime] = utc_now
) -> Desk:
    """Gather what filing and answering need."""
    keyring = keys.keyring(store, clock())
    templates = Templates(
        override=settings.service.templates,
        language=settings.service.language,
        timezone=settings.service.timezone,
    )
    # Stable for the installation, and nothing can be learnt from it about the key.
    instance = sha256(b"instance" + keyring.keys[1]).hexdigest()[:16]
    return Desk(
        settings=settings,
        keyring=keyring,
        instance=instance,
        compose=templates.compose,
        clock=clock,
        fetch=lambda sha256: find_blob_store(settings).get(sha256),
    )


def open_pool(limits: Limits) -> ParserPool:
    """Start the parser children."""
    return ParserPool(
        limits.parsers,
        wall_seconds=limits.parse_wall_seconds,
        cpu_seconds=limits.parse_cpu_seconds,
        memory_bytes=limits.parse_memory_bytes,
        bytes_at_once=limits.parse_bytes_at_once,
    )
