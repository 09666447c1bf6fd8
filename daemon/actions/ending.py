"""Ending a case and taking it up again."""

from datetime import datetime

from chamado.config.address import Address
from chamado.daemon import correspondence, questions
from chamado.daemon.actions.answering import note
from chamado.daemon.actions.holding import held, move
from chamado.daemon.core.states import Event
from chamado.daemon.core.types import Resolution, Status
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import cases, deadlines
from chamado.daemon.store.engine import Work
from chamado.notifier.types import LetterKind

NO_FILES = Files()
#: Who is not told that a case is resolved: there is nothing to answer or to ask.
SILENT = (Resolution.DUPLICATE, Resolution.SPAM)


def resolve(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    resolution: Resolution,
    text: str,
    files: Files = NO_FILES,
    *,
    now: datetime,
) -> Said:
    """End a case and tell everybody who takes part, except of duplicates and spam."""
    case = held(work, number)
    if case.status in (Status.RESOLVED, Status.CLOSED):
        raise BadData(
            f"#{number} is {case.status.value} already ({case.resolution})",
            f"{case.status.value}_already",
            number=number,
        )
    said = Said()
    if resolution in SILENT:
        if text:
            said = note(work, number, agent, text, files, now=now)
    else:
        said = correspondence.write(
            work,
            desk,
            case,
            agent,
            text,
            files,
            LetterKind.RESOLVED,
            now,
            must=False,
            resolution=resolution.value,
        )
        if text and said.to:
            deadlines.agent_answered(work, number, now, desk.promises)
    facts = {"resolution": resolution.value, "letters": len(said.to)}
    move(work, case, Event.RESOLVE, "resolved", agent.address, now, facts)
    cases.change(work, number, resolved_at=now, resolution=resolution.value)
    questions.schedule(work, desk, number, agent.address, resolution, now)
    solved = resolution not in SILENT
    deadlines.end(work, number, now, desk.promises, solved=solved)
    return said


def reopen(work: Work, desk: Desk, number: int, *, who: str, now: datetime) -> None:
    """Take a case up again that was over, or that waits for its customer."""
    case = held(work, number)
    if case.status is Status.WAITING:
        facts = {"why": "taken up without an answer"}
        move(work, case, Event.TAKE_UP, "status", who, now, facts)
        deadlines.resume(work, number, now, desk.promises)
        return
    facts = {"status": Status.OPEN.value, "was": case.resolution or ""}
    move(work, case, Event.TAKE_UP, "reopened", who, now, facts)
    deadlines.reopen(work, number, now, desk.promises)
