"""A mail address as people see it; on the floor because both wings speak of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox: RFC 5322 display name (may be empty) and addr-spec."""

    name: str = ""
    address: str
