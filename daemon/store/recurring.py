"""How often a picture came before from the same people: one statement for a batch.

A logo of a large customer may have come a hundred thousand times. Only its newest
appearances are looked at, by an index that holds the pictures shown in texts alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, Text, literal, select, union_all

from chamado.daemon.store.engine import Work
from chamado.daemon.store.schema import attachment, entry

LOOKED_AT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture by its content, and the domain of those who send it."""

    sha256: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """In how many mails and on how many cases it came before."""

    mails: int
    cases: int


def seen(work: Work, pictures: Iterable[Picture]) -> dict[Picture, Seen]:
    """Count the mails and cases of each picture among its newest appearances."""
    wanted = list(dict.fromkeys(pictures))
    rows = work.execute(
        union_all(*[_newest(sha256) for sha256 in {one.sha256 for one in wanted}])
    )
    mails: dict[Picture, set[int]] = defaultdict(set)
    cases: dict[Picture, set[int]] = defaultdict(set)
    for sha256, address, entry_id, number in rows:
        domain = address.rpartition("@")[2]
        mails[Picture(sha256=sha256, domain=domain)].add(entry_id)
        cases[Picture(sha256=sha256, domain=domain)].add(number)
    return {one: Seen(mails=len(mails[one]), cases=len(cases[one])) for one in wanted}


def _newest(sha256: str) -> Select[Any]:
    newest = (
        select(attachment.c.entry_id)
        .where(attachment.c.sha256 == sha256, attachment.c.content_id.is_not(None))
        .order_by(attachment.c.id.desc())
        .limit(LOOKED_AT)
        .subquery()
    )
    return select(
        literal(sha256, Text),
        entry.c.author_address,
        entry.c.id,
        entry.c.ticket,
    ).join_from(newest, entry, entry.c.id == newest.c.entry_id)
