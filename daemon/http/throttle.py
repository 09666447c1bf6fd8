"""How many requests a peer may make: a bucket each that fills steadily.

A peer is what the connection says, never what a header says (X-Forwarded-For is
anybody's text). Behind a proxy all visitors share the proxy's bucket, so it is wide
enough for them all, and limits for each visitor are the proxy's business.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

PEERS = 4096


class Throttle:
    """Lets `burst` requests of a peer through at once, `a_second` in the long run.

    Used by one event loop. Remembers the peers seen last, so that a flood from many
    addresses takes no more memory than one from few.
    """

    def __init__(
        self,
        *,
        burst: int = 120,
        a_second: float = 10.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._burst = burst
        self._a_second = a_second
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def admits(self, peer: str) -> bool:
        """Whether this request of a peer may be answered; it counts if so."""
        peer, now = network(peer), self._clock()
        left, since = self._left.pop(peer, (float(self._burst), now))
        left = min(left + (now - since) * self._a_second, self._burst)
        admitted = left >= 1.0
        self._left[peer] = (left - 1.0 if admitted else left, now)
        if len(self._left) > PEERS:
            self._left.popitem(last=False)
        return admitted


def network(peer: str) -> str:
    """What counts as one peer: an IPv4 address, or the /64 that one customer holds."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
