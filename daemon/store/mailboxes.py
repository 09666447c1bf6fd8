"""What is remembered of mailboxes, and the leases that keep two daemons apart.

A lease is a row with an owner, an end and an epoch that grows with every change of
owner. Another instance takes over when the end has passed; the same host takes over at
once from an owner whose process is gone.
"""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from chamado.daemon.sources.source import MailboxState
from chamado.daemon.store import inbox
from chamado.daemon.store.engine import Conflict, Store, Work
from chamado.daemon.store.schema import heartbeat as beats
from chamado.daemon.store.schema import lease, mailbox_state

LEASE_TERM = timedelta(seconds=30)


class Mailboxes:
    """The book of one process; implements `MailboxBook`."""

    def __init__(
        self, store: Store, owner: str, host: str, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._owner = owner
        self._host = host
        self._clock = clock

    def load(self, mailbox: str) -> MailboxState | None:
        """Return where reading stopped."""
        with self._store.read() as work:
            row = work.execute(
                select(mailbox_state.c.uidvalidity, mailbox_state.c.last_uid).where(
                    mailbox_state.c.mailbox == mailbox
                )
            ).one_or_none()
        if row is None or row.uidvalidity is None:
            return None
        return MailboxState(uidvalidity=row.uidvalidity, last_uid=row.last_uid)

    def save(self, mailbox: str, state: MailboxState) -> None:
        """Remember where reading stopped."""
        self._note(mailbox, uidvalidity=state.uidvalidity, last_uid=state.last_uid)

    def accepted(self, source_keys: Sequence[str]) -> frozenset[str]:
        """Ask the inbox."""
        with self._store.read() as work:
            return inbox.accepted_keys(work, source_keys)

    def report(
        self, mailbox: str, *, connected: bool, error: str = "", read: bool = False
    ) -> None:
        """Note the state of the connection, and that the folder was read."""
        facts: dict[str, Any] = {"connected": connected, "error": error[:500]}
        if connected and (read or not error):
            facts["last_success_at"] = self._clock()
        self._note(mailbox, **facts)

    def lease(self, mailbox: str) -> bool:
        """Take or renew; False while a living other has it."""
        with self._store.write() as work:
            return take_lease(
                work,
                f"mailbox:{mailbox}",
                self._owner,
                self._host,
                self._clock(),
            )

    def release(self, mailbox: str) -> None:
        """End the lease now."""
        with self._store.write() as work:
            work.execute(
                update(lease)
                .where(
                    lease.c.name == f"mailbox:{mailbox}", lease.c.owner == self._owner
                )
                .values(until=self._clock() - timedelta(seconds=1))
            )

    def _note(self, mailbox: str, **facts: Any) -> None:
        facts["changed_at"] = self._clock()
        with self._store.write() as work:
            changed = work.execute(
                update(mailbox_state)
                .where(mailbox_state.c.mailbox == mailbox)
                .values(**facts)
            )
            if changed.rowcount == 0:
                work.execute(insert(mailbox_state).values(mailbox=mailbox, **facts))


def take_lease(work: Work, name: str, owner: str, host: str, now: datetime) -> bool:
    """Take or renew the lease `name`."""
    row = work.execute(
        select(lease).where(lease.c.name == name).with_for_update()
    ).one_or_none()
    if row is None:
        try:
            with work.begin_nested():
                work.execute(
                    insert(lease).values(
                        name=name,
                        owner=owner,
                        host=host,
                        epoch=1,
                        until=now + LEASE_TERM,
                    )
                )
        except Conflict:
            return False
        return True
    mine = row.owner == owner
    if not mine and row.until > now and not is_gone(row.owner, row.host, host):
        return False
    work.execute(
        update(lease)
        .where(lease.c.name == name)
        .values(
            owner=owner,
            host=host,
            epoch=row.epoch if mine else row.epoch + 1,
            until=now + LEASE_TERM,
        )
    )
    return True


def is_gone(owner: str, host: str, our_host: str) -> bool:
    """Whether the owner `HOST:PID:…`, not ourselves, was a process of this host that
    has ended. One with our own number was: in a container every life has the same.
    """
    if host != our_host:
        return False
    pid = owner.rsplit(":", 2)[-2]
    if pid == str(os.getpid()):
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False


def heartbeat(
    work: Work, owner: str, host: str, jobs: Sequence[str], now: datetime
) -> None:
    """Note that a process lives; forget those that have not for a day."""
    values = {"host": host, "pid": os.getpid(), "jobs": list(jobs), "at": now}
    changed = work.execute(
        update(beats).where(beats.c.instance == owner).values(**values)
    )
    if changed.rowcount == 0:
        work.execute(insert(beats).values(instance=owner, **values))
        work.execute(delete(beats).where(beats.c.at < now - timedelta(days=1)))


def listing(work: Work) -> list[dict[str, Any]]:
    """Return the state of every mailbox ever watched."""
    rows = work.execute(select(mailbox_state).order_by(mailbox_state.c.mailbox))
    return [dict(row) for row in rows.mappings()]
