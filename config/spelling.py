"""The one spelling of a mail address, by which everybody is told from everybody else.

A domain has many: upper case, full-width letters, composed accents or not, letters or
A-labels. Mail to all of them reaches one mailbox, so one person is kept under one key:
lower case, the domain in A-labels. What no letter can go to has no spelling at all, and
is refused by shape instead of being escaped: no quoted local part, no address literal,
no SMTPUTF8.
"""

import re
import unicodedata

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}", re.ASCII)
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)
_LONGEST = 253
_DOTS = str.maketrans("。．｡", "...")
_LETTERS = frozenset(("Ll", "Lo", "Lm", "Mn", "Mc", "Nd"))


class UnusableAddress(ValueError):
    """An address that no letter can go to, named in the message."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(f"{address[:100]!a} is no address to write to: {why}")


def mailbox(address: str) -> str:
    """Return dot-string@domain (RFC 5321 §4.1.2), the domain as `domain_key` has it.

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
    return f"{local}@{_in_ascii(address, domain)}"


def canonical(address: str) -> str:
    """Return the key of an address, all in lower case. Raises UnusableAddress.

    RFC 5321 §2.4 lets a host tell Ana from ana; none does, and people and their
    programs write both.
    """
    return mailbox(address).lower()


def identity(address: str) -> str:
    """Return the key of an address; of one that no letter can go to, nobody's: ""."""
    try:
        return canonical(address)
    except UnusableAddress:
        return ""


def domain_key(domain: str) -> str:
    """Return a domain in lower case and A-labels. Raises UnusableAddress."""
    return _in_ascii(domain, domain)


def readable(address: str) -> str:
    """Return a key with its A-labels as letters, where they mean the same address.

    For people to read. Who looks a key up, or writes to it, keeps the key.
    """
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    shown = f"{local}{at}{'.'.join(map(_in_letters, domain.split('.')))}"
    return shown if identity(shown) == address else address


def _in_ascii(address: str, domain: str) -> str:
    domain = domain.lower() if domain.isascii() else _encoded(address, domain)
    if len(domain) > _LONGEST or not all(map(_LABEL.fullmatch, domain.split("."))):
        raise UnusableAddress(address, "its domain is malformed")
    return domain


def _encoded(address: str, domain: str) -> str:
    # The idna codec of the standard library is IDNA2003, which turns ß into ss: mail
    # for straße.de would reach the owner of strasse.de. IDNA2008 keeps the letter.
    folded = unicodedata.normalize("NFKC", domain.translate(_DOTS))
    # Letter by letter, since a sigma at the end of a word is lowered to another one.
    folded = unicodedata.normalize("NFKC", "".join(c.lower() for c in folded))
    if len(folded) > _LONGEST:
        raise UnusableAddress(address, "its domain is malformed")
    return ".".join(_label_in_ascii(address, label) for label in folded.split("."))


def _label_in_ascii(address: str, label: str) -> str:
    if label.isascii():
        return label
    if any(c != "-" and unicodedata.category(c) not in _LETTERS for c in label):
        raise UnusableAddress(address, "its domain holds what is no letter")
    return "xn--" + label.encode("punycode").decode("ascii")


def _in_letters(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, OverflowError):
        return label
