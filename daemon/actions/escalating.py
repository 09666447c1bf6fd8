"""Handing a hard case to a specialist, and back.

Specialist and agent talk by internal notes; the customer sees one voice, and nothing of
this is told to him. The specialist becomes the owner of the case. When it is handed
back, whoever had handed it over owns it again.
"""

from datetime import datetime

from chamado.config.address import Address
from chamado.config.settings import Agent, Settings
from chamado.daemon.actions.answering import note
from chamado.daemon.actions.holding import allowed, held, move
from chamado.daemon.core.states import Event
from chamado.daemon.core.types import Status
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import cases, deadlines, lives, notices
from chamado.daemon.store.engine import Work


def escalate(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    specialty: str,
    text: str = "",
    *,
    now: datetime,
) -> str:
    """Hand a case to the specialist with the fewest of them; return who it is.

    `text` becomes an internal note. Raises `BadData` for a specialty nobody has.
    """
    case = held(work, number)
    allowed(case, Event.ESCALATE)
    name, members = _specialists(desk.settings, specialty)
    load = lives.specialists_load(work, [m.address for m in members])
    chosen = min(members, key=lambda member: load[member.address]).address
    if text:
        note(work, number, agent, text, Files(), now=now)
    facts = {
        "specialty": name,
        "assignee": [case.assignee, chosen],
        "back_to": agent.address,
    }
    waited = case.status is Status.WAITING
    move(work, case, Event.ESCALATE, "escalated", agent.address, now, facts)
    cases.change(work, number, specialty=name, assignee=chosen)
    told = notices.NewNotice(
        ticket=number, kind="escalated", by=agent.address, facts={"specialty": name}
    )
    notices.put(work, [told], now)
    if waited:
        deadlines.resume(work, number, now, desk.promises)
    return chosen


def hand_back(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    text: str = "",
    *,
    now: datetime,
) -> str | None:
    """Give a case back to whoever escalated it; return who that is.

    One who is no agent any more gets none back: the case is then for its team.
    """
    case = held(work, number)
    if case.specialty is None:
        raise BadData(f"#{number} is with no specialist; there is nothing to hand back")
    allowed(case, Event.HAND_BACK)
    if text:
        note(work, number, agent, text, Files(), now=now)
    sent = lives.last_event(work, number, "escalated")
    back_to = str(sent.facts.get("back_to", "")) if sent else ""
    known = {a.address for a in desk.settings.agent}
    owner = back_to if back_to in known else None
    facts = {"specialty": case.specialty, "assignee": [case.assignee, owner]}
    move(work, case, Event.HAND_BACK, "handed_back", agent.address, now, facts)
    cases.change(work, number, specialty=None, assignee=owner)
    if owner:
        told = notices.NewNotice(ticket=number, kind="assigned", by=agent.address)
        notices.put(work, [told], now)
    return owner


def _specialists(settings: Settings, wanted: str) -> tuple[str, list[Agent]]:
    """Find the members of a specialty, however it is capitalised."""
    word = wanted.strip().lower()
    known = sorted(
        {s for agent in settings.agent for s in agent.specialties}, key=str.lower
    )
    members = [
        agent
        for agent in settings.agent
        if word in (specialty.lower() for specialty in agent.specialties)
    ]
    if members:
        return next(s for s in known if s.lower() == word), members
    if not known:
        raise BadData(
            "nobody has a specialty here; add specialties to an [[agent]] in the "
            "configuration",
            "no_specialists",
        )
    names = ", ".join(known)
    raise BadData(
        f"nobody is a specialist for {word!r}; there are: {names}",
        "no_specialty",
        argument=word,
        known=names,
    )
