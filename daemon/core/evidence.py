"""What did the customer send, of what he was asked for?

A screenshot, a log, the full header of a mail, the steps: told apart well enough for an
agent to see at a glance that the case can go on. A guess that misses costs a look into
the mail; nothing is decided by it but the words in the history.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chamado.parsers.types import Attachment, ParsedMessage, Role


class Topic(StrEnum):
    """What customers are asked for."""

    STEPS = "steps"
    LOGS = "logs"
    HEADERS = "headers"
    SCREENSHOT = "screenshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What came, in the order of `Topic`, and the files that brought it."""

    came: tuple[Topic, ...] = ()
    files: tuple[str, ...] = ()

    def missing(self, asked: Sequence[str]) -> tuple[str, ...]:
        """Of what was asked, what did not come."""
        return tuple(topic for topic in asked if topic not in self.came)


#: As much as is looked at: what is in a mail shows within this many characters.
LOOKED_AT = 200_000
_LOGS = (".log", ".har", ".saz", ".pcap", ".pcapng", ".dmp", ".evtx", ".trace")
_PERHAPS_LOGS = (".txt", ".json", ".zip", ".gz", ".7z", ".csv", ".xml", ".out", ".err")
_MAILS = (".eml", ".msg", ".emlx")
#: Fields that only the header of a mail has; three different ones are no accident.
_FIELD = re.compile(
    r"^[ \t>*|]{0,8}(received|return-path|delivered-to|message-id|mime-version"
    r"|dkim-signature|authentication-results|arc-[a-z-]{1,40}|received-spf"
    r"|content-type|x-[a-z0-9-]{1,60}|date|from|to|subject)\*{0,2}[ \t]{0,4}:",
    re.IGNORECASE | re.MULTILINE,
)
#: Everybody copies these with a mail that is answered; they prove nothing.
_COMMON = frozenset({"date", "from", "to", "subject"})
_STEP = re.compile(
    r"^[ \t]{0,8}(?:(?:passo|paso|step)[ \t]{1,2})?"
    r"\d{1,2}[ \t]?[.):ºª°–-]{1,2}[ \t]*\S",
    re.IGNORECASE | re.MULTILINE,
)


def evidence_in(message: ParsedMessage) -> Evidence:
    """Tell what a message brings."""
    shown = [a for a in message.attachments if a.role is not Role.SIGNATURE_IMAGE]
    found: dict[Topic, list[str]] = {topic: [] for topic in Topic}
    came = set()
    for file in shown:
        topic = _topic(file)
        if topic:
            came.add(topic)
            found[topic].append(file.name)
    if _has_header(message.text):
        came.add(Topic.HEADERS)
    if len(_STEP.findall(message.reply[:LOOKED_AT])) >= 2:
        came.add(Topic.STEPS)
    return Evidence(
        came=tuple(topic for topic in Topic if topic in came),
        files=tuple(name for names in found.values() for name in names),
    )


def outstanding(history: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[str, ...]:
    """Return what was asked for and has not come, in the order of `Topic`.

    `history` are the kinds and facts of the events of a case, oldest first. A second
    question takes nothing of the first back; only what comes does.
    """
    wanted: set[str] = set()
    for kind, facts in history:
        if kind == "asked":
            wanted.update(facts.get("topics", ()))
        elif kind == "evidence":
            wanted.difference_update(facts.get("came", ()))
    return tuple(topic.value for topic in Topic if topic in wanted)


def _topic(file: Attachment) -> Topic | None:
    name = file.name.lower()
    if file.content_type.startswith(("image/", "video/")):
        return Topic.SCREENSHOT
    if file.role is Role.NESTED_MESSAGE or name.endswith(_MAILS):
        return Topic.HEADERS
    if name.endswith(_LOGS):
        return Topic.LOGS
    if name.endswith(_PERHAPS_LOGS) or file.content_type.startswith("text/"):
        text = file.content[:LOOKED_AT].decode("utf-8", "replace")
        return Topic.HEADERS if _has_header(text) else Topic.LOGS
    return None


def _has_header(text: str) -> bool:
    return len(set(_names(text[:LOOKED_AT])) - _COMMON) >= 3


def _names(text: str) -> Iterator[str]:
    for found in _FIELD.finditer(text):
        name = found[1].lower()
        # Twenty fields of one spam filter are one voice.
        yield "x-" if name.startswith("x-") else name
