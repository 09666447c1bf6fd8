"""A mail address as people see it; on the floor because both wings speak of it."""

import re
from dataclasses import dataclass

from chamado.config.units import mail_address

_SHOWN = re.compile(r'("?)(?P<name>[^"<>]*)\1\s*<(?P<address>[^<>\s]+)>')


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox: RFC 5322 display name (may be empty) and addr-spec."""

    name: str = ""
    address: str


def shown_address(text: str) -> Address:
    """Read `Name <user@host>` or a bare address out of the configuration.

    For our own settings, never for mail. Raises ValueError for anything else.
    """
    found = _SHOWN.fullmatch(text.strip())
    if not found:
        return Address(address=mail_address(text.strip()))
    return Address(name=found["name"].strip(), address=mail_address(found["address"]))
