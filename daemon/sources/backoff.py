"""How long to wait before the next try; knows nothing of what is tried.

Waits grow from `first` to `most` seconds and are drawn at random below that, so that a
hundred clients that lost the same server do not come back in the same second. A share
of each wait can be made certain, for whoever counts tries (a login that is refused).
"""

import random
from collections.abc import Callable


class Backoff:
    """Waits in seconds, longer after every failure until `reset`."""

    def __init__(
        self,
        *,
        first: float,
        most: float,
        growth: float = 2.0,
        certain: float = 0.0,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Take the bounds in seconds; `certain` is the share that is not drawn."""
        self._first, self._most, self._growth = first, most, growth
        self._certain, self._draw = certain, draw
        self._longest = first

    def next(self) -> float:
        """Return the next wait in seconds, between `certain` of it and all of it."""
        longest = self._longest
        self._longest = min(self._most, longest * self._growth)
        return longest * (self._certain + (1 - self._certain) * self._draw())

    def reset(self) -> None:
        """Begin again with short waits: what was tried worked."""
        self._longest = self._first


def for_connections(first: float = 1.0) -> Backoff:
    """Full jitter up to five minutes: a server that is away or hangs up."""
    return Backoff(first=first, most=300)


def for_logins(first: float = 60.0) -> Backoff:
    """At most five tries in any hour, then one or two: a server that refuses us.

    Servers lock an account that is tried too often, so half of each wait is certain:
    even the luckiest draws give tries at 0 s, 30 s, 3 min, 15 min and 45 min.
    """
    return Backoff(first=first, most=3600, growth=5, certain=0.5)


def for_doors(first: float = 1.0) -> Backoff:
    """Up to half a minute: our own disk or database cannot take mail at the moment."""
    return Backoff(first=first, most=30)
