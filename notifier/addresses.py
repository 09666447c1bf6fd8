"""The only addresses a letter may carry, and the warning about those that deceive.

Whatever could end an SMTP command or a header early is no address here. How one is
spelt is not decided here but where identity is: a letter goes to whom the case means.
"""

from chamado.config.spelling import UnusableAddress, mailbox

__all__ = ("UnusableAddress", "look_alike", "mailbox")

_BEYOND = "has letters beyond a to z"


def look_alike(address: str) -> str:
    """Return how an address is spelt that may look like another one, else "".

    A Cyrillic letter in a domain cannot be seen, its A-label can. A local part has no
    such spelling, so there it is said in words.
    """
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        return _BEYOND
    if domain.isascii():
        return ""
    try:
        return mailbox(address)
    except UnusableAddress:
        return _BEYOND
