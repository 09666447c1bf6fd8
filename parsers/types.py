"""The values that parsing hands out: frozen, plain, without behaviour.

Everything here came from a stranger's mail and went through the sanitiser: no NUL,
no lone surrogates, no control characters but TAB and LF in bodies and none at all in
one-line fields. Times are aware UTC. Message-ids carry no angle brackets. Addresses
are lower-cased in the domain only.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chamado.config.address import Address


class Kind(StrEnum):
    """What wrote a message."""

    PERSON = "person"
    AUTO_REPLY = "auto_reply"
    OUT_OF_OFFICE = "out_of_office"
    BOUNCE = "bounce"
    DELIVERY_NOTICE = "delivery_notice"
    FEEDBACK_REPORT = "feedback_report"
    MAILING_LIST = "mailing_list"
    LOOP = "loop"


class Role(StrEnum):
    """What an attachment is to the reader."""

    ATTACHMENT = "attachment"
    SCREENSHOT = "screenshot"
    INLINE = "inline"
    SIGNATURE_IMAGE = "signature_image"
    NESTED_MESSAGE = "nested_message"


class Auth(StrEnum):
    """How far the border vouches for the sender in From."""

    ALIGNED = "aligned"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What the transport said, as opposed to what the message says (RFC 5321 §2.3.1).

    `mail_from` is "" for the null sender, and None where no transport said anything
    (a message found in a mailbox or a file). `received_at` is when it reached us or,
    by IMAP, the server's INTERNALDATE.
    """

    mail_from: str | None
    rcpt_tos: tuple[str, ...]
    received_at: datetime
    peer: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """One header field in the order of the message; the value unfolded and decoded."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """A small copy of a picture, without anything its camera noted; bytes, pixels."""

    content_type: str
    size: int
    sha256: str
    width: int
    height: int
    content: bytes = field(default=b"", repr=False)


class Flaw(StrEnum):
    """What is wrong with a file as it came."""

    #: Its transfer encoding is broken, so bytes of it are missing or wrong.
    DAMAGED = "damaged"
    EMPTY = "empty"
    #: It holds others, and they cannot be taken out.
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """One part kept as a file, byte-exact after transfer decoding.

    `content_type` is judged by content where the content is known, `size` is in
    bytes, `width` and `height` in pixels. `content` never travels as JSON. `words` is
    what can be read inside a file that was opened.
    """

    name: str
    content_type: str
    size: int
    sha256: str
    role: Role = Role.ATTACHMENT
    content_id: str | None = None
    width: int | None = None
    height: int | None = None
    words: str = ""
    flaw: Flaw | None = None
    thumbnail: Thumbnail | None = None
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class BounceRecipient:
    """One recipient of a delivery report (RFC 3464 §2.3)."""

    address: str
    action: str
    status: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """What a delivery report says, and about which message."""

    recipients: tuple[BounceRecipient, ...] = ()
    original_message_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One server that a shown message passed (RFC 5321 §4.4), as its line says.

    `delay` is in seconds since the server before, None where either is undated, and
    below zero where their clocks disagree.
    """

    by: str = ""
    source: str = ""
    protocol: str = ""
    at: datetime | None = None
    delay: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One result of one check, and the server that says so; nobody vouches for it."""

    by: str
    method: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The way of a message that somebody shows: evidence to look at, nothing more.

    `found_in` is the name of a file, or empty for the text. The hops stand in the
    order of time; `left_out` counts those nearest the sender that did not fit.
    """

    found_in: str = ""
    hops: tuple[Hop, ...] = ()
    left_out: int = 0
    verdicts: tuple[Verdict, ...] = ()
    message_id: str = ""
    sender: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """The message inside a forward, as the forward tells it: claimed, not proven."""

    sender: Address
    date: datetime | None = None
    subject: str = ""
    text: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMessage:
    """Everything read out of one message.

    `text` is the whole text body; `reply`, `signature` and `quoted` are its parts for
    display, and `reply` is `text` when in doubt. `html` is sanitised. `from_count` is
    the number of mailboxes in all From fields: identity needs exactly one. `forwarded`
    and `traces` tell of other messages shown in this one: they name no case and prove
    nobody's identity.
    """

    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    sender: Address | None = None
    from_count: int = 0
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    date: datetime | None = None
    language: str | None = None
    text: str = ""
    html: str | None = None
    reply: str = ""
    signature: str = ""
    quoted: str = ""
    attachments: tuple[Attachment, ...] = ()
    bounce: Bounce | None = None
    defects: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    content_type: str = "text/plain"
    report_type: str = ""
    calendar_method: str = ""
    forwarded: Forwarded | None = None
    traces: tuple[Trace, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One rule that fired, and why, in words for an operator."""

    rule: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What wrote the message, and every rule that fired.

    `no_ack` says that no automatic answer may go out; `no_reopen` that the message
    must not wake a resolved case. They differ: Exchange marks human mail so that it
    wants no automatic answer, yet it is a human's word.
    """

    kind: Kind = Kind.PERSON
    hits: tuple[Hit, ...] = ()
    no_ack: bool = False
    no_reopen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Who we are, for the rules that look for ourselves.

    `addresses` are lower-case addresses customers write to or we send from, `domain`
    the right-hand side of our Message-IDs, `instance` the value of X-Chamado-Loop.
    """

    addresses: frozenset[str] = frozenset()
    domain: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseLimits:
    """The bounds of one parse; bytes, counts and characters (none may be exceeded)."""

    header_block_bytes: int = 262_144
    header_lines: int = 1_000
    header_bytes: int = 65_536
    address_header_bytes: int = 16_384
    subject_chars: int = 998
    addresses: int = 500
    depth: int = 30
    parts: int = 500
    attachments: int = 100
    text_chars: int = 1_048_576
    html_bytes: int = 524_288
    html_depth: int = 200
    quote_bytes: int = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a parser child answers: the message, its kind, and who vouches for it."""

    message: ParsedMessage
    classification: Classification
    auth: Auth = Auth.NONE
