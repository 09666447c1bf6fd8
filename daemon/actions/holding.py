"""Taking hold of a case, moving it by the table, writing down who did it and why."""

from datetime import datetime
from typing import Any

from chamado.config import derive
from chamado.config.address import Address
from chamado.config.units import mail_address
from chamado.daemon.core.states import Event, after, why_not
from chamado.daemon.core.types import Status
from chamado.daemon.desk import Desk
from chamado.daemon.refusal import BadData, NotPermitted, NotThere
from chamado.daemon.store import cases, views
from chamado.daemon.store.engine import Work
from chamado.daemon.store.views import Standing

_BY_MAIL = (Event.ANSWER, Event.ASK, Event.ESCALATE)


def agent_of(desk: Desk, text: str) -> Address:
    """Return the agent with this address, with the name customers see.

    As long as no agent is configured everybody who may use the database is one.
    """
    try:
        address = mail_address(text.strip())
    except ValueError as error:
        raise BadData(str(error), "no_address", argument=text) from None
    agents = desk.settings.agent
    for agent in agents:
        if agent.address == address:
            return Address(name=agent.name, address=address)
    if address in derive.own_addresses(desk.settings):
        raise NotPermitted(
            f"{address} is an address customers write to, no agent",
            "support_address",
            address=address,
        )
    if agents:
        known = ", ".join(a.address for a in agents)
        raise NotPermitted(
            f"{address} is no agent here; add an [[agent]] with this address to the "
            f"configuration, or use one of: {known}",
            "no_agent",
            address=address,
            known=known,
        )
    return Address(address=address)


def held(work: Work, number: int) -> Standing:
    """Hold a case until the transaction ends; one that was merged is no case."""
    case = views.hold(work, number)
    if case is None:
        raise NotThere(f"there is no ticket #{number}", "no_ticket", number=number)
    if case.merged_into:
        into = case.merged_into
        raise BadData(
            f"#{number} was merged into #{into}; work on that",
            "merged",
            number=number,
            into=into,
        )
    return case


def allowed(case: Standing, event: Event) -> Status:
    """Say where an event leads this case; raises `BadData` when it cannot happen."""
    to = after(case.status, event, specialist=case.specialty is not None)
    if to is None:
        text = why_not(case.number, case.status, event)
        # Only what is over is refused to agents who work by mail; the rest says itself.
        over = case.status in (Status.RESOLVED, Status.CLOSED)
        code = case.status.value if over and event in _BY_MAIL else ""
        raise BadData(text, code, number=case.number)
    return to


def move(
    work: Work,
    case: Standing,
    event: Event,
    kind: str,
    who: str,
    now: datetime,
    facts: dict[str, Any],
) -> Status:
    """Move a case as the table says, with a line of history of this kind."""
    to = allowed(case, event)
    if to is Status.WAITING:
        cases.await_customer(work, case.number, now)
    elif to is not case.status:
        cases.set_status(work, [(case.number, to)])
    said = dict(facts)
    if to is not case.status:
        said |= {"from": case.status.value, "to": to.value}
    remember(work, case.number, kind, who, now, said)
    return to


def remember(
    work: Work, number: int, kind: str, who: str, now: datetime, facts: dict[str, Any]
) -> None:
    """Write a line of history."""
    event = cases.NewEvent(ticket=number, at=now, kind=kind, who=who[:320], facts=facts)
    cases.add_events(work, [event])
