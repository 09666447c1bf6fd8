"""Asking the customer for more; until he answers the clock stands still."""

from collections.abc import Sequence
from datetime import datetime

from chamado.config.address import Address
from chamado.daemon import correspondence
from chamado.daemon.actions.holding import allowed, held, move
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.states import Event
from chamado.daemon.correspondence import Said
from chamado.daemon.desk import Desk
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import deadlines
from chamado.daemon.store.engine import Work
from chamado.notifier.types import LetterKind

#: What the case shows of a letter with pages of instructions (`outbox show` has them).
SHOWN = {
    Topic.STEPS: "the steps that lead to it",
    Topic.LOGS: "a log or a HAR file",
    Topic.HEADERS: "the full header of the mail",
    Topic.SCREENSHOT: "a screenshot",
}


def request_info(
    work: Work,
    desk: Desk,
    number: int,
    agent: Address,
    topics: Sequence[Topic],
    text: str,
    *,
    now: datetime,
) -> Said:
    """Ask everybody who takes part for what is missing, and tell them how to get it.

    It is an answer by a person, so it keeps the promise of one. Topics are asked in the
    order of `Topic`, each once; without a topic there must be words.
    """
    case = held(work, number)
    allowed(case, Event.ASK)
    asked = tuple(topic for topic in Topic if topic in topics)
    if not (asked or text):
        raise BadData("say what to ask for: a topic, or words of your own")
    said = correspondence.write(
        work,
        desk,
        case,
        agent,
        text,
        Files(),
        LetterKind.INFO_REQUEST,
        now,
        topics=tuple(topic.value for topic in asked),
        shown=_shown(asked, text),
    )
    deadlines.agent_answered(work, number, now, desk.promises)
    facts = {"topics": [topic.value for topic in asked], "entry": said.entry_id}
    move(work, case, Event.ASK, "asked", agent.address, now, facts)
    deadlines.pause(work, number, now, desk.promises)
    return said


def wait(work: Work, desk: Desk, number: int, *, who: str, now: datetime) -> None:
    """The customer is to do something, and knows it; nobody writes to him."""
    case = held(work, number)
    move(work, case, Event.ASK, "waiting", who, now, {})
    deadlines.pause(work, number, now, desk.promises)


def _shown(asked: Sequence[Topic], text: str) -> str:
    things = ", ".join(SHOWN[topic] for topic in asked)
    return "\n\n".join(filter(None, (text, things and f"[asked for: {things}]")))
