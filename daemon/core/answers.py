"""May an acknowledgement go out? Every condition must hold; the first that fails is
the reason that `why` shows.

A suppressed acknowledgement is visible in the ledger; the mail itself is always filed.
The caps are what protects a bystander when the border vouches for nobody: an address,
a domain and the whole service get only so many automatic letters (RFC 3834 §2 and §7).
"""

from collections.abc import Callable
from dataclasses import dataclass

from chamado.config.spelling import UnusableAddress, domain_key
from chamado.parsers.types import Auth, Classification, Envelope, ParsedMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many acknowledgements are too many (see `[ack]` in the configuration)."""

    per_address_day: int = 5
    per_domain_hour: int = 50
    per_hour: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBefore:
    """Acknowledgements that already went out or wait to.

    `recently` says that this address got one within the pause; the others count the
    last day for the address and the last hour for its domain and for all.
    """

    recently: bool = False
    address_day: int = 0
    domain_hour: int = 0
    all_hour: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything the question "may we answer?" depends on.

    `require_auth` is what this source demands, `auto` already resolved. `names_us`
    says that one of our addresses stands in To or Cc, or that the envelope recipient
    is a configured alias.
    """

    message: ParsedMessage
    classification: Classification
    envelope: Envelope
    auth: Auth
    require_auth: Auth
    sender: str
    own: frozenset[str]
    names_us: bool
    before: SentBefore
    caps: Caps
    enabled: bool = True
    asked_not_to: bool = False
    cooling_down: bool = False


_RANK = {Auth.NONE: 0, Auth.PARTIAL: 1, Auth.ALIGNED: 2}


def domain_of(address: str) -> str:
    """Return the domain of an address, in its one spelling where it has one."""
    domain = address.rpartition("@")[2]
    try:
        return domain_key(domain)
    except UnusableAddress:
        return domain.lower()


def _replies_elsewhere(asked: Asked) -> bool:
    ours = organisation(domain_of(asked.sender))
    return any(
        organisation(domain_of(a.address)) != ours for a in asked.message.reply_to
    )


#: Second-level labels under which anybody can register (com.br, co.uk, org.mx …). A
#: domain is compared with one label more below these. The full public suffix list
#: changes monthly and would be a dependency for a question whose wrong answer costs
#: one acknowledgement, or at worst sends one within the caps.
_SHARED = frozenset(
    {
        "com",
        "net",
        "org",
        "gov",
        "edu",
        "co",
        "ac",
        "ind",
        "art",
        "eng",
        "adv",
        "med",
        "srv",
        "gob",
        "or",
        "ne",
        "go",
        "mil",
        "leg",
        "jus",
    }
)


def organisation(domain: str) -> str:
    """Return the registrable domain, near enough for comparing two."""
    labels = domain.split(".")
    if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED:
        return ".".join(labels[-3:])
    return ".".join(labels[-2:])


#: In order; each says in the ledger's words why nothing is sent.
CONDITIONS: tuple[tuple[str, Callable[[Asked], bool]], ...] = (
    ("disabled", lambda a: not a.enabled),
    ("asked_not_to", lambda a: a.asked_not_to),
    ("address_unusable", lambda a: not a.sender and a.message.sender is not None),
    ("no_sender_address", lambda a: not a.sender),
    ("machine", lambda a: a.classification.no_ack),
    ("null_sender", lambda a: a.envelope.mail_from in ("", "<>")),
    ("own_address", lambda a: a.sender in a.own),
    ("sender_not_authenticated", lambda a: _RANK[a.auth] < _RANK[a.require_auth]),
    ("reply_to_elsewhere", _replies_elsewhere),
    ("not_addressed_to_us", lambda a: not a.names_us),
    ("cooling_down", lambda a: a.cooling_down),
    ("answered_recently", lambda a: a.before.recently),
    ("address_day_cap", lambda a: a.before.address_day >= a.caps.per_address_day),
    ("domain_hour_cap", lambda a: a.before.domain_hour >= a.caps.per_domain_hour),
    ("hour_cap", lambda a: a.before.all_hour >= a.caps.per_hour),
)


def why_not(asked: Asked) -> str | None:
    """Return the first reason against an acknowledgement, or None to send one."""
    return next((word for word, forbids in CONDITIONS if forbids(asked)), None)
