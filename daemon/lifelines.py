"""The turns in the life of a case, in words for whoever reads its history."""

from collections.abc import Callable, Sequence
from typing import Any

Facts = dict[str, Any]

#: Topics as they are spoken of.
NAMES = {
    "steps": "steps",
    "logs": "a log",
    "headers": "the header of a mail",
    "screenshot": "a screenshot",
}


def _things(topics: Sequence[str]) -> str:
    return ", ".join(NAMES.get(topic, topic) for topic in topics)


def _status(facts: Facts) -> str:
    why = facts.get("why")
    return f"is {facts.get('status') or facts.get('to', '')} again" + (
        f": {why}" if why else ""
    )


def _asked(facts: Facts) -> str:
    things = _things(facts.get("topics", ()))
    return f"asked the customer for {things or 'more'}"


def _evidence(facts: Facts) -> str:
    came, files = facts.get("came", ()), facts.get("files", ())
    said = f"came: {_things(came)}" if came else "an answer came, with words only"
    if files:
        said += f" ({', '.join(files)})"
    missing = facts.get("missing", ())
    return said + (f"; still missing: {_things(missing)}" if missing else "")


def _escalated(facts: Facts) -> str:
    _, to = facts.get("assignee") or (None, None)
    return f"handed to {to}, specialist for {facts.get('specialty', '')}"


def _handed_back(facts: Facts) -> str:
    _, to = facts.get("assignee") or (None, None)
    return f"handed back to {to or 'the team'} from {facts.get('specialty', '')}"


#: The kinds of events, and in which words they are shown.
LIFE: dict[str, Callable[[Facts], str]] = {
    "status": _status,
    "asked": _asked,
    "waiting": lambda _: "waits for the customer",
    "evidence": _evidence,
    "reminded": lambda facts: f"customer reminded ({facts.get('times', '')})",
    "closed": lambda _: "closed",
    "closed_silent": lambda _: "closed: the customer did not answer",
    "escalated": _escalated,
    "handed_back": _handed_back,
    "merged": lambda facts: f"merged into #{facts.get('into', '')}",
    "took_in": lambda facts: f"took in #{facts.get('number', '')}",
    "split_off": lambda facts: f"a message became #{facts.get('number', '')}",
    "reopen_limit": lambda facts: (
        f"not reopened: {facts.get('reopened', '')} times within a day already"
    ),
}
