"""The only addresses a letter may carry, and how a foreign domain is spelt in ASCII.

An address here is dot-string@domain (RFC 5321 §4.1.2) and nothing else: no quoted local
part, no address literal, no SMTPUTF8. Whatever could end an SMTP command or a header
early is refused by shape, not escaped.
"""

import re
import unicodedata

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", re.ASCII)
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", re.ASCII)
_BEYOND = "has letters beyond a to z"
_DOTS = str.maketrans("。．｡", "...")


class UnusableAddress(ValueError):
    """An address that no letter can go to, named in the message."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"{address[:100]!a} is no address to write to: {why}")


def mailbox(address: str) -> str:
    """Return the address as SMTP and headers spell it, its domain in A-labels.

    Raises UnusableAddress for what is no plain address, and for a local part outside
    ASCII, which needs SMTPUTF8 on every server up to the recipient's (RFC 6531).
    """
    local, at, domain = address.rpartition("@")
    if not at:
        raise UnusableAddress(address, "it has no @")
    if not local.isascii():
        raise UnusableAddress(address, "its local part is not ASCII (needs SMTPUTF8)")
    if not _LOCAL.fullmatch(local):
        raise UnusableAddress(address, "its local part is malformed")
    if not domain.isascii():
        domain = _in_ascii(address, domain)
    labels = domain.split(".")
    if len(domain) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise UnusableAddress(address, "its domain is malformed")
    return f"{local}@{domain}"


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


def _in_ascii(address: str, domain: str) -> str:
    # The idna codec of the standard library is IDNA2003, which turns ß into ss: mail
    # for straße.de would reach the owner of strasse.de. IDNA2008 keeps the letter.
    folded = unicodedata.normalize("NFKC", domain.translate(_DOTS)).lower()
    return ".".join(_label_in_ascii(address, label) for label in folded.split("."))


def _label_in_ascii(address: str, label: str) -> str:
    if label.isascii():
        return label
    allowed = {"Ll", "Lo", "Lm", "Mn", "Mc", "Nd"}
    if any(c != "-" and unicodedata.category(c) not in allowed for c in label):
        raise UnusableAddress(address, "its domain holds what is no letter")
    return "xn--" + label.encode("punycode").decode("ascii")
