"""Decides who may come in: so many connections in all, per address, per minute.

An address is a whole IPv4 address or an IPv6 /64, because a customer of a provider owns
all of a /64. It knows no sockets; the time, in seconds of any clock that never goes
back, is an argument.
"""

import ipaddress
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_MINUTE = 60.0
# Callers remembered for the rate; when full, those of past minutes are forgotten.
_REMEMBERED = 10_000


@lru_cache(maxsize=1024)
def _ip(peer: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(peer.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


@lru_cache(maxsize=1024)
def household(peer: str) -> str:
    """Name what is counted as one caller: the IPv4 address or the IPv6 /64."""
    address = _ip(peer)
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


class Gate:
    """The connections of one listener.

    `trusted` are networks free of the limits per address; they still count towards
    `total`. A peer "" came by a Unix socket, which only those reach whom its owner
    let in: it is trusted. `per_minute` 0 sets no limit on new connections.
    """

    def __init__(
        self, *, total: int, per_address: int, per_minute: int, trusted: Iterable[str]
    ) -> None:
        self._total = total
        self._per_address = per_address
        self._per_minute = per_minute
        self._trusted = tuple(
            ipaddress.ip_network(text, strict=False) for text in trusted
        )
        self._inside: Counter[str] = Counter()
        self._recent: dict[str, tuple[float, int]] = {}

    def trusts(self, peer: str) -> bool:
        """Say whether the peer is of a trusted network or came by a Unix socket."""
        return not peer or any(_ip(peer) in network for network in self._trusted)

    def enter(self, peer: str, now: float) -> str | None:
        """Let a peer in (None), or say in words which limit keeps it out."""
        if self._inside.total() >= self._total:
            return "too many connections"
        if not self.trusts(peer):
            caller = household(peer)
            if self._inside[caller] >= self._per_address:
                return "too many connections from one address"
            if self._too_often(caller, now):
                return "too many new connections from one address"
        self._inside[household(peer) if peer else ""] += 1
        return None

    def leave(self, peer: str) -> None:
        """Take note that a peer that was let in is gone."""
        caller = household(peer) if peer else ""
        self._inside[caller] -= 1
        if not self._inside[caller]:
            del self._inside[caller]

    def _too_often(self, caller: str, now: float) -> bool:
        since, count = self._recent.get(caller, (now, 0))
        if now - since >= _MINUTE:
            since, count = now, 0
        if len(self._recent) >= _REMEMBERED:
            self._forget(now)
        self._recent[caller] = (since, count + 1)
        return 0 < self._per_minute <= count

    def _forget(self, now: float) -> None:
        self._recent = {
            caller: seen
            for caller, seen in self._recent.items()
            if now - seen[0] < _MINUTE
        }
        if len(self._recent) >= _REMEMBERED:
            self._recent.clear()
