"""What a mail is: the message, what wrote it, and who vouches for its sender.

The composition of the three readers of this wing; it refuses to know about tickets.
"""

from collections.abc import Sequence

from chamado.parsers.authentication import authenticate
from chamado.parsers.classify import classify
from chamado.parsers.defaults import LIMITS, NOBODY
from chamado.parsers.message import WHOLE, parse
from chamado.parsers.types import Envelope, Own, ParseLimits, Understood


def understand(
    raw: bytes,
    envelope: Envelope,
    own: Own = NOBODY,
    trusted_authserv_ids: Sequence[str] = (),
    limits: ParseLimits = LIMITS,
    *,
    rung: int = WHOLE,
) -> Understood:
    """Read a message and judge it. Never raises on mail.

    `rung` is where the ladder of degradation begins: 0 the whole message, 1 its text
    without HTML and quote splitting, 2 its headers alone.
    """
    message = parse(raw, limits, rung=rung)
    return Understood(
        message=message,
        classification=classify(message, envelope, own),
        auth=authenticate(message, trusted_authserv_ids),
    )
