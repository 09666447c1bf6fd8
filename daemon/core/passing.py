"""An agent sends a customer's mail on to us: whose case is it?

The customer's, if it is proven that the agent sent it. What the forward says of its
original is the agent's word, so the customer stays unverified, and no Message-ID in it
leads anywhere. A customer's forward is the customer's own mail, whatever it shows, and
so is one that only claims to come from an agent.
"""

from collections.abc import Collection
from dataclasses import replace

from chamado.config.spelling import identity
from chamado.parsers.types import Auth, Classification, Forwarded, ParsedMessage

#: The flag of an entry that was credited, and the word for why nobody is acknowledged.
FORWARDED = "forwarded_by_agent"


def credited(
    message: ParsedMessage,
    classification: Classification,
    auth: Auth,
    agents: Collection[str],
    own: Collection[str],
) -> Forwarded | None:
    """Return the mail that an agent sends on, None where this is none.

    `own` are our addresses and the agents': their mail is no customer's. Nor is that
    of an address that no letter can go to.
    """
    shown, sender = message.forwarded, message.sender
    if shown is None or sender is None or auth is not Auth.ALIGNED:
        return None
    if identity(sender.address) not in agents or classification.no_reopen:
        return None
    address = identity(shown.sender.address)
    if not address or address in own:
        return None
    return replace(shown, sender=replace(shown.sender, address=address))
