"""Who vouches for the sender: the border's Authentication-Results (RFC 8601).

Anyone can write such a header, so position decides. Each server puts its trace on top
of what it received: only what stands above the Received line of the server that took
the mail from outside was written by us. Further hops inside the house (over LMTP, from
the loopback address, or without a `from`) are passed over. Some borders write their
results directly below their own Received line, where a sender's forgery would stand if
they once wrote none; that place is believed only for those that are known or named
(`below:mx.acme.example`) to write there always, and only its first header.

A border spells its name always alike, so the name is compared as it is written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from authres import (
    AuthenticationResultsHeader,
)

from chamado.config.spelling import UnusableAddress, domain_key, identity
from chamado.parsers.types import Auth, Header, ParsedMessage

MICROSOFT_365 = "microsoft365"
_BELOW = "below:"
# Google removes forged results in its name and always adds its own, below.
_KNOWN_BELOW = frozenset(("mx.google.com",))
_LONGEST = 8_192
_NAME = re.compile(r"\s*([^\s;()=]+(?:\s+\d+)?)\s*(?:;|\()")
_NAMELESS = re.compile(r"\s*(?:spf|dkim|dmarc)\s*=", re.IGNORECASE)
_BY = re.compile(r"(?:^|\s)by\s", re.IGNORECASE)
_LMTP = re.compile(r"\swith\s+(?:utf8)?lmtp", re.IGNORECASE)
_ADDRESS = re.compile(r"[\[(]\s*(?:ipv6:)?([0-9a-f.:]{3,45})\s*[\])]", re.IGNORECASE)
_QUAD = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", re.ASCII)
# Its border is *.mail.protection.outlook.com; these only pass mail on behind it.
_MICROSOFT_HOP = re.compile(
    r"[\w.-]{1,200}\.(?:prod\.outlook|outlook\.office365|prod\.exchangelabs)\.com\s",
    re.IGNORECASE,
)
_LOOPBACK = re.compile(r"127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|::ffff:127\.[\d.]+", re.I)
_PARTIAL_LENGTH = re.compile(r"(?:^|;)\s*l\s*=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Trust:
    """Whose results count, and who writes them below its Received line."""

    names: frozenset[str]
    below: frozenset[str]

    @classmethod
    def of(cls, ids: Sequence[str]) -> "_Trust":
        below = {one.removeprefix(_BELOW) for one in ids if one.startswith(_BELOW)}
        names = below | {MICROSOFT_365 if one == "" else one for one in ids}
        return cls(frozenset(names), frozenset(below | (names & _KNOWN_BELOW)))

    def named(self, value: str) -> tuple[str, str] | None:
        """Return the trusted name and the value as authres reads it, or None."""
        found = _NAME.match(value)
        if found:
            name = " ".join(found[1].split())
            return (name, value) if name in self.names else None
        if MICROSOFT_365 in self.names and _NAMELESS.match(value):
            # Exchange Online leaves its own name out.
            return MICROSOFT_365, f"{MICROSOFT_365}; {value}"
        return None


@dataclass(frozen=True, slots=True)
class _Results:
    """What the border found: results by method, and the domain DMARC looked at."""

    dmarc: tuple[str, ...] = ()
    dmarc_domains: tuple[str, ...] = ()
    passed: bool = False


def _inside(received: str, trust: _Trust) -> bool:
    """Tell a hop inside the house by its Received line (RFC 5321 §4.4)."""
    cut = _BY.search(received)
    if not cut:
        return False
    if MICROSOFT_365 in trust.names and _MICROSOFT_HOP.match(received, cut.end()):
        return True
    source = received[: cut.start()].strip()
    if not source.lower().startswith("from "):
        return not source
    if _LMTP.search(received, cut.end()):
        return True
    peers = _ADDRESS.findall(source)
    peers += _QUAD.findall(source)
    return bool(peers) and all(_LOOPBACK.fullmatch(peer) for peer in peers)


def _border_results(headers: Sequence[Header], trust: _Trust) -> Iterator[str]:
    """Yield the values written by the border, in the form that authres reads."""
    at_border = False
    for header in headers:
        name = header.name.lower()
        if name == "received":
            if at_border:
                return
            at_border = not _inside(header.value, trust)
        elif name == "authentication-results":
            found = trust.named(header.value[:_LONGEST])
            if at_border:
                if found and found[0] in trust.below:
                    yield found[1]
                # Whatever follows the first one may be the sender's.
                return
            if found:
                yield found[1]


def _read(values: Iterator[str]) -> _Results:
    dmarc: list[str] = []
    domains: list[str] = []
    passed = False
    for value in values:
        try:
            header = AuthenticationResultsHeader.parse(
                f"Authentication-Results: {value}"
            )
            results = list(header.results)
        except Exception:  # noqa: BLE001, S112 - what cannot be read vouches for nobody
            continue
        for result in results:
            if result.method == "dmarc":
                dmarc.append(result.result.lower())
                domains += [p.value for p in result.properties if p.name == "from"]
            elif result.method in ("spf", "dkim"):
                passed = passed or result.result.lower() == "pass"
    return _Results(tuple(dmarc), tuple(domains), passed)


def _partly_signed(headers: Sequence[Header]) -> bool:
    """Tell whether a signature covers only the start of the body (RFC 6376 §8.2)."""
    return any(
        header.name.lower() == "dkim-signature" and _PARTIAL_LENGTH.search(header.value)
        for header in headers
    )


def _key(domain: str) -> str:
    try:
        return domain_key(domain)
    except UnusableAddress:
        return ""


def authenticate(message: ParsedMessage, trusted_authserv_ids: Sequence[str]) -> Auth:
    """Return how far a trusted border vouches for the one mailbox in From.

    `aligned`: DMARC passed for its domain. `partial`: SPF or DKIM passed for somebody
    and DMARC says nothing. `none`: anything else, also with no or several senders.
    The ids are those the border writes; `""` or `microsoft365` stands for Exchange
    Online, which writes none, and `below:NAME` for one that writes below its Received.
    """
    if not trusted_authserv_ids or message.from_count != 1 or message.sender is None:
        return Auth.NONE
    domain = identity(message.sender.address).rpartition("@")[2]
    if not domain:
        return Auth.NONE
    trust = _Trust.of(trusted_authserv_ids)
    results = _read(_border_results(message.headers, trust))
    if not results.dmarc and not results.passed:
        return Auth.NONE
    if _partly_signed(message.headers):
        return Auth.NONE
    if any(_key(one.rpartition("@")[2]) != domain for one in results.dmarc_domains):
        return Auth.NONE
    if results.dmarc and all(one == "pass" for one in results.dmarc):
        return Auth.ALIGNED
    if "fail" in results.dmarc or "pass" in results.dmarc:
        return Auth.NONE
    return Auth.PARTIAL if results.passed else Auth.NONE
