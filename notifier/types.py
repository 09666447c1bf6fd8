"""What the daemon asks the notifier to say, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from chamado.config.address import Address
from chamado.notifier.reasons import Why


class LetterKind(StrEnum):
    """Why we write; also the first word of the Message-ID and the template's folder."""

    ACK = "ack"
    REPLY = "reply"
    NOTICE = "notice"
    DIGEST = "digest"
    CONFIRMED = "confirmed"
    RETURNED = "returned"
    RESOLVED = "resolved"
    INFO_REQUEST = "info_request"
    REMINDER = "reminder"
    CLOSED = "closed"
    SURVEY = "survey"


#: What goes to agents and never to a customer: only there a stranger's words stand.
TO_AGENTS = frozenset(
    {
        LetterKind.NOTICE,
        LetterKind.DIGEST,
        LetterKind.CONFIRMED,
        LetterKind.RETURNED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enclosure:
    """A file that goes out with a letter."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FlawedFile:
    """A file that came and cannot be used as it is: `damaged`, `empty`, `closed`."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One thing that agents are told of, with the customer's new words if any; `facts`
    are names and values."""

    kind: str
    who: str = ""
    text: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseShown:
    """A case as agents see it in a notice; `due_at` is the next promise that runs."""

    number: int
    subject: str
    requester: str
    status: str
    priority: str
    assignee: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """Where a click in a survey leads: `votes` from score 1 to 5, `leave` to opt out.

    `by_mail`: a click opens a mail to send, not a page. `unsubscribe` are the URIs of
    List-Unsubscribe; with `one_click` the first is a page that takes the POST of
    RFC 8058.
    """

    votes: tuple[str, ...]
    leave: str
    by_mail: bool
    unsubscribe: tuple[str, ...] = ()
    one_click: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One thing to say to one customer, before it is worded.

    `number` is 0 where a letter to an agent is about no case. `recipient` gets it,
    `sender` is the support address with the service's name, `author` the agent whose
    own address stands in From instead, if any; bounces go to `sender` all the same.
    `reply_to` is the address that leads an answer back to the case. `message_id`,
    `in_reply_to` and `references` (oldest first) carry no angle brackets. `subject`
    is the case's own subject and is only ever repeated for replies by people; an
    automatic letter has a fixed one. `promised_hours` is the promised first response
    (0: nothing is promised), `promised_by` the moment it ends where that is known.
    `received_files` are display names of what arrived, `flawed_files` what did not
    arrive well, `unread` what could not be taken apart ("files", "message"); `text` is
    an agent's words. `greet_by_name` says that the sender is proven: only then does an
    automatic letter repeat their name, or a file name that is not plainly one.
    `instance` is the value of X-Chamado-Loop. `topics` are what the customer is asked
    for (steps, logs, headers, screenshot), `grace_hours` how long we still wait for it
    (0: for ever), `resolution` is the code of how the case ended. For agents: `cases`
    and what `happened` on them; `done` or `why` not, of what an agent's mail asked for.
    `poll` is for surveys.
    """

    kind: LetterKind
    recipient: Address
    sender: Address
    reply_to: str
    language: str
    number: int
    at: datetime
    message_id: str
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    subject: str = ""
    promised_hours: float = 24.0
    received_files: tuple[str, ...] = ()
    flawed_files: tuple[FlawedFile, ...] = ()
    unread: str = ""
    screenshot_came: bool = False
    greet_by_name: bool = False
    text: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    instance: str = ""
    promised_by: datetime | None = None
    topics: tuple[str, ...] = ()
    resolution: str = ""
    grace_hours: float = 0.0
    cases: tuple[CaseShown, ...] = ()
    happened: tuple[Happened, ...] = ()
    done: tuple[str, ...] = ()
    why: Why | None = None
    poll: Poll | None = None
    author: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A finished message: the very bytes that every attempt sends (CRLF line ends).

    `mail_from` is "" for automatic mail (RFC 3834 §3.3). `at_most_once` says that a
    lost reply after the final dot must not lead to a second attempt. `subject` is for
    the books; to send, the content is enough.
    """

    message_id: str
    mail_from: str
    rcpt_to: str
    content: bytes
    at_most_once: bool
    subject: str = ""


class Fate(StrEnum):
    """What became of one attempt to send."""

    SENT = "sent"
    TRY_LATER = "try_later"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Fate of one attempt, with the relay's words (at most 500 clean characters).

    UNKNOWN: the connection was lost after the final dot and before the reply, so
    the relay may or may not have the letter. `relay_down`: the trouble is with the
    relay and not with this letter, so that the others can as well wait.
    """

    fate: Fate
    reply: str = ""
    relay_down: bool = False


class Relay(Protocol):
    """Somewhere letters go out. Used by one thread; keeps its connection."""

    def send(self, letter: Letter) -> Outcome:
        """Hand one letter over. Never raises for trouble with relay or letter."""
        ...

    def holds(self, letter: Letter) -> bool:
        """Whether it is certain that this very letter was taken before."""
        ...

    def close(self) -> None:
        """End the conversation politely; harmless when there is none."""
        ...
