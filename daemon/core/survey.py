"""The question after a resolution: may it be asked, and which votes are believed?

`why_not` is asked at the moment of sending, not of resolving: a case wakes, a customer
opts out, an address bounces in between. The first condition that fails is the reason
that the case shows. Nothing here sends, stores or knows the time.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chamado.daemon.core.tokens import Keyring
from chamado.daemon.core.types import Status

SCORES = (1, 2, 3, 4, 5)
TOKEN_BYTES = 16
#: 128 bits in base32: 26 characters, two less than an address token has, so that the
#: two cannot be taken for each other.
TOKEN = re.compile(r"[a-z2-7]{26}")
COMMENT_CHARS = 2000
#: Where it stands in a letter: in a path, an address, a subject behind a %20.
_IN_LINKS = re.compile(r"(?:(?<=%20)|(?<![A-Za-z0-9]))[a-z2-7]{26}(?![A-Za-z0-9])")
#: A program that follows every link votes everything at once; no person does.
HURRY = timedelta(seconds=5)
HURRIED_SCORES = 3
#: How often an answer may be changed before the page stops listening.
CHANGES = 100
NONCE_LIVES = timedelta(days=1)
_NONCE = re.compile(r"(\d{1,3})\.(\d{1,12})\.([a-z2-7]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One change of mind, from the page (`web`) or by mail."""

    at: datetime
    score: int
    comment: str = ""
    via: str = "web"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found when a survey was due.

    `newest` says that no later resolution took the place of the one that is asked
    about, `woken` that the case was taken up again since then (and perhaps closed
    because the customer fell silent), `machine` that nobody reads the address,
    `undelivered` that the newest letter to it failed, `asked_recently` that this
    contact got a question within the cool-down, `quiet` that the loop breaker holds.
    """

    enabled: bool
    status: Status
    newest: bool
    merged: bool
    woken: bool
    address: str
    own: frozenset[str]
    machine: bool
    undelivered: bool
    opted_out: bool
    asked_recently: bool
    quiet: bool


_OVER = (Status.RESOLVED, Status.CLOSED)
#: In order; each says in the words of `ticket show` why nobody is asked.
CONDITIONS: tuple[tuple[str, Callable[[Checked], bool]], ...] = (
    ("disabled", lambda c: not c.enabled),
    ("merged", lambda c: c.merged),
    ("resolved_again", lambda c: not c.newest),
    ("reopened", lambda c: c.woken or c.status not in _OVER),
    ("no_address", lambda c: "@" not in c.address),
    ("own_address", lambda c: c.address in c.own),
    ("machine_address", lambda c: c.machine),
    ("opted_out", lambda c: c.opted_out),
    ("bounced", lambda c: c.undelivered),
    ("quiet", lambda c: c.quiet),
    ("asked_recently", lambda c: c.asked_recently),
)


def why_not(checked: Checked) -> str | None:
    """Return the first reason against asking, or None to ask."""
    return next((word for word, forbids in CONDITIONS if forbids(checked)), None)


def token_text(random: bytes) -> str:
    """Write 128 random bits as they stand in links and reply addresses."""
    return base64.b32encode(random).decode().rstrip("=").lower()


def token_hash(token: str) -> str:
    """What is stored of a token. Finding a row by it tells nothing by its duration:
    whoever could steer the hash towards a stored one could as well invert it."""
    return hashlib.sha256(token.lower().encode("utf-8", "replace")).hexdigest()


def tokens_in(texts: Sequence[str]) -> tuple[str, ...]:
    """Find what has the form of a token: whole words of sub-addresses and subjects."""
    found = (word for text in texts for word in re.split(r"[^a-z2-7]+", text.lower()))
    return tuple(dict.fromkeys(word for word in found if TOKEN.fullmatch(word)))


def masked(text: str) -> str:
    """Return a letter's text without the tokens in it."""
    return _IN_LINKS.sub("…", text)


def make_nonce(keyring: Keyring, hashed: str, now: datetime) -> str:
    """Make what a form carries to prove that it was fetched for this survey."""
    seconds = int(now.timestamp())
    key = keyring.newest
    return f"{key}.{seconds}.{_mac(keyring, key, hashed, seconds)}"


def nonce_is_good(keyring: Keyring, hashed: str, nonce: str, now: datetime) -> bool:
    """Whether the form was made by us, for this survey, within a day."""
    found = _NONCE.fullmatch(nonce)
    if not found or int(found[1]) not in keyring.keys:
        return False
    mac = _mac(keyring, int(found[1]), hashed, int(found[2]))
    if not hmac.compare_digest(mac, found[3]):
        return False
    made = datetime.fromtimestamp(int(found[2]), UTC)
    return timedelta(minutes=-5) <= now - made <= NONCE_LIVES


def standing(votes: Sequence[Vote]) -> Vote | None:
    """Return the answer that votes, oldest first, amount to; None when none counts.

    It is the newest one outside of bursts. A burst is one of the page alone: programs
    that follow links write no mail.
    """
    of_page = [vote for vote in votes if vote.via == "web"]
    doubted: set[int] = set()
    for n, last in enumerate(of_page):
        burst = [one for one in of_page[:n] if last.at - one.at <= HURRY]
        if in_a_hurry([(one.at, one.score) for one in burst], last.score, last.at):
            doubted.update(map(id, (*burst, last)))
    return next((vote for vote in reversed(votes) if id(vote) not in doubted), None)


def in_a_hurry(
    before: Sequence[tuple[datetime, int]], score: int, now: datetime
) -> bool:
    """Whether this score and those just before it look like a program's.

    A person who changes their mind gives two scores in five seconds at the most. From
    the third on none of them is believed, and the page asks again.
    """
    just_now = {one for at, one in before if now - at <= HURRY}
    return len(just_now | {score}) >= HURRIED_SCORES


def _mac(keyring: Keyring, key: int, hashed: str, seconds: int) -> str:
    raw = keyring.mac(key, "survey-page", hashed, seconds)
    return base64.b32encode(raw).decode().lower()
