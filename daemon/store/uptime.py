"""When the service was up, written by itself: stretches of heartbeats without a gap.

A daemon that is killed writes nothing any more, so the end of a stretch is its last
heartbeat; how long it is until the next one is what `report availability` tells.
"""

from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update

from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import uptime

Stretch = tuple[datetime, datetime]

#: Three heartbeats. A restart loses one or two; a longer silence is downtime.
LONGEST_GAP = timedelta(seconds=45)


def note(work: Work, instance: str, host: str, now: datetime) -> None:
    """Note that a daemon is well: its stretch goes on, or after a gap a new begins."""
    newest = (
        select(func.max(uptime.c.id))
        .where(uptime.c.instance == instance)
        .scalar_subquery()
    )
    goes_on = update(uptime).where(
        uptime.c.id == newest, uptime.c.until >= now - LONGEST_GAP
    )
    if work.execute(goes_on.values(until=now)).rowcount == 0:
        row = {"instance": instance, "host": host, "since": now, "until": now}
        work.execute(insert(uptime).values(row))


def stretches(work: Work, since: datetime | None, until: datetime) -> list[Stretch]:
    """Return the stretches of all daemons that touch this time, the oldest first."""
    wanted = select(uptime.c.since, uptime.c.until).where(uptime.c.since < until)
    if since is not None:
        wanted = wanted.where(uptime.c.until >= since)
    rows = work.execute(wanted.order_by(uptime.c.since, uptime.c.id))
    return [(row.since, row.until) for row in rows]


def first(work: Work) -> datetime | None:
    """Return when the first daemon was well for the first time."""
    found = work.execute(select(func.min(uptime.c.since))).scalar_one()
    return found if isinstance(found, datetime) else None
