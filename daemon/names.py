"""Questions to the DNS, for one message: few, and within a short time.

A stranger's mail decides what is asked here, so the number of questions and the time
for all of them are bounded. Nothing asks before a door is told to verify; the library
is imported then.
"""

import time
from collections.abc import Callable

#: Answers to (name, type): TXT joined, A and AAAA as text, MX as "10 host". No such
#: name is an empty list; raises `NoAnswer` where nobody knows now.
Resolve = Callable[[str, str], list[str]]

#: Seconds for one question, and for all questions of one message.
QUESTION_SECONDS = 5.0
MESSAGE_SECONDS = 15.0
#: RFC 7208 §4.6.4 allows ten for SPF, MX with ten more each; keys and policies follow.
MOST_QUESTIONS = 60
_LONGEST_NAME = 253


class NoAnswer(Exception):
    """The DNS does not answer now, or was asked enough: temporary by its nature."""


class Bounded:
    """A resolver that answers again what it was asked, and stops at the bounds."""

    def __init__(
        self, resolve: Resolve, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolve = resolve
        self._clock = clock
        self._until = clock() + MESSAGE_SECONDS
        self._known: dict[tuple[str, str], list[str]] = {}

    def __call__(self, name: str, kind: str) -> list[str]:
        """Answer a question; raises `NoAnswer`."""
        key = (name.rstrip(".").lower(), kind)
        if key in self._known:
            return self._known[key]
        if not key[0] or len(key[0]) > _LONGEST_NAME:
            return []
        if len(self._known) >= MOST_QUESTIONS or self._clock() > self._until:
            raise NoAnswer("enough was asked for this message")
        self._known[key] = self._resolve(*key)
        return self._known[key]


def from_dns(name: str, kind: str) -> list[str]:
    """Ask the resolvers of this machine. Raises `NoAnswer`."""
    import dns.exception
    import dns.resolver

    try:
        found = dns.resolver.resolve(
            name, kind, lifetime=QUESTION_SECONDS, search=False
        )
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, ValueError, UnicodeError) as error:
        raise NoAnswer(type(error).__name__) from error
    if kind == "TXT":
        return [b"".join(one.strings).decode("utf-8", "replace") for one in found]
    return [one.to_text() for one in found]
