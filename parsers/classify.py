"""What wrote a message: a person or a machine, and what we may do about it.

`RULES` is the whole policy: read it from the top. Every rule that fires is kept, so
that `why` can say what was seen.
"""

from collections.abc import Callable

from chamado.parsers.defaults import NOBODY
from chamado.parsers.types import (
    Classification,
    Envelope,
    Hit,
    Kind,
    Own,
    ParsedMessage,
)

Rule = Callable[[ParsedMessage, Envelope, Own], Hit | None]


def classify(
    message: ParsedMessage, envelope: Envelope, own: Own = NOBODY
) -> Classification:
    """Apply every rule to a message; pure and total."""
    kind = Kind.PERSON
    if message.bounce is not None:
        kind = Kind.BOUNCE
    return Classification(kind=kind)
