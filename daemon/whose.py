"""Naming somebody to an agent, so that nobody can pass for somebody else.

A name is whatever its owner writes: one that holds an address stands behind the true
one. A letter of another alphabet cannot be seen, so its spelling is told.
"""

import re

from chamado.config.spelling import readable
from chamado.notifier.addresses import look_alike

#: What makes a name read as an address.
_POSING = re.compile(r"[@<>\N{FULLWIDTH COMMERCIAL AT}\N{SMALL COMMERCIAL AT}]")


def shown(name: str, address: str) -> str:
    """Say `Ana <ana@example.com>`, and a warning where that could deceive."""
    address = readable(address) or "nobody"
    if name and _POSING.search(name):
        who = f"{address} (calls itself “{name}”)"
    else:
        who = f"{name} <{address}>" if name else address
    spelt = look_alike(address)
    return f"{who} (careful: {spelt})" if spelt else who
