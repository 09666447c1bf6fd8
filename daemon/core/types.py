"""The words of the domain: tickets, evidence, decisions. Values only."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chamado.config.address import Address
from chamado.parsers.types import Forwarded


class Status(StrEnum):
    """Where a case stands."""

    NEW = "new"
    OPEN = "open"
    WAITING = "waiting"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Severity(StrEnum):
    """How badly something is broken."""

    CRITICAL = "critical"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Impact(StrEnum):
    """How much of the customer's business it touches."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Priority(StrEnum):
    """The order of work; p1 first."""

    P1 = "p1"
    P2 = "p2"
    P3 = "p3"
    P4 = "p4"


class Channel(StrEnum):
    """How a case came in."""

    EMAIL = "email"
    PHONE = "phone"
    WHATSAPP = "whatsapp"
    CHAT = "chat"
    WEB = "web"


class Resolution(StrEnum):
    """How a case ends; the last two without a survey."""

    ANSWERED = "answered"
    WORKS_AS_DESIGNED = "works_as_designed"
    FEATURE_REQUEST = "feature_request"
    NOT_REPRODUCIBLE = "not_reproducible"
    THIRD_PARTY = "third_party"
    UNSUPPORTED = "unsupported"
    DUPLICATE = "duplicate"
    SPAM = "spam"


class Relation(StrEnum):
    """What one case is to another."""

    POSSIBLY_RELATED = "possibly_related"
    MERGED_INTO = "merged_into"
    SPLIT_FROM = "split_from"
    REOPENED_FROM = "reopened_from"
    DUPLICATE_OF = "duplicate_of"


class OutcomeName(StrEnum):
    """The one fate of an accepted message."""

    TICKET_OPENED = "ticket_opened"
    REPLY_APPENDED = "reply_appended"
    BOUNCE_RECORDED = "bounce_recorded"
    DUPLICATE = "duplicate"
    ECHO = "echo"
    AGENT_ACTION = "agent_action"
    SUPPRESSED = "suppressed"
    SURVEY_VOTE = "survey_vote"
    DROPPED = "dropped"


class MatchedBy(StrEnum):
    """The evidence that led a message to a case, strongest first."""

    TOKEN = "token"  # noqa: S105  (the name of a kind of evidence, no secret)
    OWN_ID = "own_message_id"
    REFERENCE = "reference"
    SUBJECT = "subject"
    NOTHING = "nothing"


class Proof(StrEnum):
    """What the evidence proves."""

    #: Our MAC, made for the very address the message comes from.
    SENDER = "sender"
    #: Our MAC, made for an agent's answer to a notice, and the address is his.
    AGENT = "agent"
    #: Our MAC, made for another participant: somebody passed our mail on.
    OTHER = "other"
    #: No MAC of ours: a foreign id or a number in the subject, known to anyone.
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFacts:
    """What threading needs to know of a case that a message may belong to.

    `address` is the support address that the case came in by: it stays, whichever
    team works on the case. `assignee` is the agent who owns it, `specialty` that of the
    specialist who has it, `reopened` how often it was reopened within the last day,
    `split_from` the case that it was once a part of.
    """

    number: int
    status: Status
    team: str
    participants: frozenset[str]
    address: str = ""
    resolved_at: datetime | None = None
    merged_into: int | None = None
    assignee: str | None = None
    specialty: str | None = None
    reopened: int = 0
    split_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMatch:
    """The case a message points to, by what evidence, and what that proves.

    `noticed` says that it answers a notice of ours to this very sender, who may have
    been an agent only then.
    """

    ticket: TicketFacts | None = None
    by: MatchedBy = MatchedBy.NOTHING
    proof: Proof = Proof.UNSIGNED
    why: str = "nothing in the message names a case of ours"
    bad_tokens: int = 0
    noticed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A link from one case to another."""

    number: int
    kind: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class AckVerdict:
    """Whether an acknowledgement goes out; `suppressed` says why not."""

    suppressed: str | None = None

    @property
    def word(self) -> str:
        """The ledger's word for it."""
        return f"suppressed:{self.suppressed}" if self.suppressed else "queued"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket:
    """A new case. `forwarded` is what the agent `forwarded_by` sent on, if one did."""

    requester: Address
    subject: str
    language: str
    team: str
    address: str
    related: tuple[Related, ...]
    flags: tuple[str, ...]
    ack: AckVerdict
    why: str
    forwarded: Forwarded | None = None
    forwarded_by: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppendReply:
    """One more entry on a case. `status` is the case's new one, or None to keep it."""

    ticket: int
    public: bool
    status: Status | None
    flags: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBounce:
    """A delivery report about a letter of ours."""

    ticket: int
    letter: str
    failed: bool
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkDuplicate:
    """The same message by another way; `ticket` is where the first one went."""

    of_inbox: int
    ticket: int | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordEcho:
    """Our own letter came back to us."""

    ticket: int
    why: str


class Verb(StrEnum):
    """The commands in an agent's mail."""

    REPLY = "reply"
    NOTE = "note"
    ASSIGN = "assign"
    PRIORITY = "priority"
    RESOLVE = "resolve"
    WAIT = "wait"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command with its argument, checked as far as that goes without a database."""

    verb: Verb
    argument: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Why an agent's mail is not carried out: a code, and names and values with it."""

    code: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a mail asks for. `wrong` says why nothing of it is done; `text` is then the
    whole mail."""

    commands: tuple[Command, ...] = ()
    text: str = ""
    wrong: Wrong | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAction:
    """What an agent wants done by mail; `public` words go to the customer."""

    ticket: int
    agent: Address
    order: Order
    public: bool
    flags: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendBack:
    """Mail that a proven agent meant for us and that no notice of his own entitles.

    Nothing of it is done. `ticket` is the case it is about, None where it names none
    that is his team's; `address` is the support address it reached.
    """

    ticket: int | None
    agent: Address
    address: str
    wrong: Wrong
    text: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCopy:
    """An answer that an agent sent to the customer himself, with us in copy."""

    ticket: int
    agent: Address
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordVote:
    """An answer to a survey: a score from 1 to 5, or None to be asked no more.

    `ticket` is the case it asks about. `words` is what becomes of the mail besides,
    where it says more than a score and thanks.
    """

    survey: int
    ticket: int
    score: int | None
    comment: str
    words: OpenTicket | AppendReply | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress:
    """A rule keeps the message from becoming a case; it is filed, and that is all."""

    rule: str
    why: str


Decision = (
    OpenTicket
    | AppendReply
    | RecordBounce
    | LinkDuplicate
    | RecordEcho
    | AgentAction
    | SendBack
    | AgentCopy
    | Suppress
    | RecordVote
)
