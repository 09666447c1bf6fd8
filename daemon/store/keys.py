"""The signing keys. They live in the database, so that every host has the same ones and
a restored backup still finds the cases that old mail belongs to."""

import secrets
from datetime import datetime

from sqlalchemy import insert, select

from chamado.daemon.core.tokens import Keyring
from chamado.daemon.store.engine import Conflict, Store
from chamado.daemon.store.schema import secret_key


def keyring(store: Store, now: datetime) -> Keyring:
    """Return the keys, making the first one when there is none yet."""
    keys = _load(store)
    if not keys:
        try:
            with store.write() as work:
                work.execute(
                    insert(secret_key).values(
                        id=1, secret=secrets.token_hex(32), created_at=now
                    )
                )
        except Conflict:
            # Another instance starting at the same moment made it.
            pass
        keys = _load(store)
    return Keyring(keys)


def _load(store: Store) -> dict[int, bytes]:
    with store.read() as work:
        rows = work.execute(select(secret_key.c.id, secret_key.c.secret))
        return {int(id_): bytes.fromhex(secret) for id_, secret in rows}
