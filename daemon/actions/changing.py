"""Changing what a case is: severity, impact, priority, owner, team, tags."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chamado.daemon.actions.holding import held, remember
from chamado.daemon.core.arrival import tags_of
from chamado.daemon.core.priority import priority_of
from chamado.daemon.core.types import Impact, Priority, Severity
from chamado.daemon.desk import Desk
from chamado.daemon.store import cases, deadlines, notices
from chamado.daemon.store.engine import Work
from chamado.daemon.store.views import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a case shall be from now on; None leaves a property alone.

    `tag` and `untag` are tags to add and to take away.
    """

    severity: Severity | None = None
    impact: Impact | None = None
    priority: Priority | None = None
    assignee: str | None = None
    team: str | None = None
    tag: tuple[str, ...] = ()
    untag: tuple[str, ...] = ()


def change(
    work: Work, desk: Desk, number: int, wish: Wish, *, who: str, now: datetime
) -> dict[str, tuple[str | None, str | None]]:
    """Change properties; return those that are new, as (before, after).

    Priority follows severity and impact until somebody sets it by hand.
    """
    case = held(work, number)
    wanted = _wanted(desk, case, wish)
    changed = {
        name: (getattr(case, name), value)
        for name, value in wanted.items()
        if getattr(case, name) != value
    }
    tags = _tags(case, wish)
    by_hand = case.priority_by_hand or wish.priority is not None
    if changed or by_hand != case.priority_by_hand:
        values = {name: after for name, (_, after) in changed.items()}
        cases.change(work, number, **values, priority_by_hand=by_hand)
    if tags != case.tags:
        cases.change(work, number, tags=tags)
        changed["tags"] = (", ".join(case.tags) or None, ", ".join(tags) or None)
    if changed:
        facts: dict[str, Any] = {name: list(pair) for name, pair in changed.items()}
        remember(work, number, "changed", who, now, facts)
    if wish.assignee and "assignee" in changed:
        notices.put(
            work, [notices.NewNotice(ticket=number, kind="assigned", by=who)], now
        )
    if changed.keys() & {"priority", "team"}:
        deadlines.promise_anew(work, number, now, desk.promises)
    return changed


def _tags(case: Standing, wish: Wish) -> list[str]:
    gone = tags_of(wish.untag)
    kept = [tag for tag in case.tags if tag not in gone]
    return kept + [tag for tag in tags_of(wish.tag) if tag not in kept]


def _wanted(desk: Desk, case: Standing, wish: Wish) -> dict[str, str | None]:
    severity = wish.severity or Severity(case.severity)
    impact = wish.impact or Impact(case.impact)
    wanted: dict[str, str | None] = {
        "severity": severity.value,
        "impact": impact.value,
        "priority": priority_of(severity, impact, desk.arrival.matrix).value,
    }
    if wish.priority is not None:
        wanted["priority"] = wish.priority.value
    elif case.priority_by_hand or (wish.severity is None and wish.impact is None):
        wanted["priority"] = case.priority
    if wish.assignee is not None:
        wanted["assignee"] = wish.assignee or None
    if wish.team is not None:
        wanted["team"] = wish.team
    return wanted
