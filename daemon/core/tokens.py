"""The marks that prove a mail answers ours: address tokens and signed Message-IDs.

Both carry a ticket number and a MAC over the number and the address they were made
for, so that a number that someone guessed, or a mark that someone passed on, proves
nothing about the sender. HMAC-SHA256 cut to 80 bits (RFC 2104 §5); an attacker has one
guess a mail. Keys are numbered, so that a new one can be added while old mail still
finds its case.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAC_BYTES = 10
_TOKEN_BYTES = 1 + 6 + MAC_BYTES
_TOKEN = re.compile(r"[a-z2-7]{28}")
_OWN_ID = re.compile(
    r"(?P<kind>[a-z_]{1,16})\.(?P<ticket>\d{1,15})\.(?P<random>[a-z2-7]{8,32})"
    r"\.(?P<key>\d{1,3})(?P<mac>[a-z2-7]{16})@(?P<domain>[^@\s<>]{1,253})"
)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Signing keys by number (1…255); the highest number signs."""

    keys: Mapping[int, bytes]

    @property
    def newest(self) -> int:
        """The key that signs what is made now."""
        return max(self.keys)

    def mac(self, key: int, *parts: str | int) -> bytes:
        """MAC over the parts; NUL between them, which none can contain."""
        text = "\0".join(str(part) for part in parts).encode()
        # Not by `hmac.digest`, which lets another thread in for two microseconds and
        # may then wait a millisecond for its turn.
        return hmac.new(self.keys[key], text, hashlib.sha256).digest()[:MAC_BYTES]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaim:
    """A well-formed address token: it claims a ticket, its MAC is not checked yet."""

    ticket: int
    key: int
    mac: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdClaim:
    """A Message-ID in the form of ours: not checked yet."""

    message_id: str
    kind: str
    ticket: int
    random: str
    key: int
    mac: bytes


#: What a token is for: a customer's answer, or an agent's.
CUSTOMER, AGENT = "reply", "agent"


def make_token(
    keyring: Keyring, ticket: int, address: str, purpose: str = CUSTOMER
) -> str:
    """Make the sub-address that leads `address` back to `ticket` (28 characters)."""
    key = keyring.newest
    mac = keyring.mac(key, purpose, ticket, address)
    return _base32(bytes([key]) + ticket.to_bytes(6, "big") + mac)


def read_token(text: str) -> TokenClaim | None:
    """Read a sub-address as a token; None when it has not the form of one."""
    if not _TOKEN.fullmatch(text := text.lower()):
        return None
    raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    if len(raw) != _TOKEN_BYTES:
        return None
    return TokenClaim(ticket=int.from_bytes(raw[1:7], "big"), key=raw[0], mac=raw[7:])


def token_is_for(
    keyring: Keyring, claim: TokenClaim, address: str, purpose: str = CUSTOMER
) -> bool:
    """Whether the token was made for this address and purpose, in constant time."""
    return claim.key in keyring.keys and hmac.compare_digest(
        keyring.mac(claim.key, purpose, claim.ticket, address), claim.mac
    )


def make_message_id(
    keyring: Keyring, kind: str, ticket: int, random: bytes, address: str, domain: str
) -> str:
    """Make `KIND.TICKET.RANDOM.MAC@DOMAIN` for a letter to `address`."""
    key = keyring.newest
    word = _base32(random)
    mac = _base32(keyring.mac(key, "id", kind, ticket, word, address))
    return f"{kind}.{ticket}.{word}.{key}{mac}@{domain}"


def read_message_id(message_id: str, domain: str) -> IdClaim | None:
    """Read a Message-ID as one of ours; None when it has not the form."""
    found = _OWN_ID.fullmatch(message_id.lower())
    if not found or found["domain"] != domain.lower():
        return None
    try:
        mac = base64.b32decode(found["mac"].upper())
    except binascii.Error:
        return None
    return IdClaim(
        message_id=message_id,
        kind=found["kind"],
        ticket=int(found["ticket"]),
        random=found["random"],
        key=int(found["key"]),
        mac=mac,
    )


def id_is_for(keyring: Keyring, claim: IdClaim, address: str) -> bool:
    """Whether the Message-ID was made for a letter to this address."""
    return claim.key in keyring.keys and hmac.compare_digest(
        keyring.mac(claim.key, "id", claim.kind, claim.ticket, claim.random, address),
        claim.mac,
    )


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()
