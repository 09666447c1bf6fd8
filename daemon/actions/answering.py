"""An agent's words: to the customer, or for agents' eyes only."""

from datetime import datetime

from chamado.config.address import Address
from chamado.daemon import correspondence
from chamado.daemon.actions.holding import allowed, held, move, remember
from chamado.daemon.core.states import Event
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.store import cases, deadlines
from chamado.daemon.store.engine import Work
from chamado.notifier.types import LetterKind


def reply(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    text: str,
    files: Files,
    *,
    now: datetime,
) -> Said:
    """Answer everybody who takes part; the first answer keeps the promise.

    `now` is also the time of the letters: when one bounces, filing finds by it whether
    it was the answer that had kept the promise.
    """
    case = held(work, number)
    allowed(case, Event.ANSWER)
    said = correspondence.write(
        work, desk, case, agent, text, files, LetterKind.REPLY, now
    )
    deadlines.agent_answered(work, number, now, desk.promises)
    facts = {"entry": said.entry_id, "letters": len(said.to)}
    move(work, case, Event.ANSWER, "answered", agent.address, now, facts)
    return said


def note(
    work: Work, number: int, agent: Address, text: str, files: Files, *, now: datetime
) -> Said:
    """Add words for agents' eyes only; nothing of it ever leaves."""
    held(work, number)
    entry = correspondence.words(number, agent, text, files, now, public=False)
    (entry_id,) = cases.add_entries(work, [entry], now)
    remember(work, number, "noted", agent.address, now, {"entry": entry_id})
    return Said(entry_id=entry_id)
